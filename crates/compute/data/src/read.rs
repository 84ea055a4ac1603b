//! Reading arrays.

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use crate::element::{Element, INTEGERS, NUMBERS, Value};
use crate::header::Header;
use crate::{DataError, Source, npz};

/// Integers up to here are exact in f64.
const EXACT: i128 = 1 << 53;
/// Elements that an array may have: 16 GiB of f64.
const MAX_ELEMENTS: usize = 1 << 31;

/// Reads an array of any number type as f64, in C order whatever the order in the file.
///
/// # Errors
/// As [`DataError`] lists; an integer above 2^53, which f64 cannot hold exactly, is [`DataError::TooLarge`].
pub fn read(source: &Source) -> Result<ArrayD<f64>, DataError> {
    floats(&File::open(source)?)
}

/// Reads as [`read`] does from the file's bytes, such as those that a program carries in itself; `source` says which
/// kind of file they are and how messages call it.
///
/// # Errors
/// Those of [`read`].
pub fn read_bytes(source: &Source, bytes: &[u8]) -> Result<ArrayD<f64>, DataError> {
    floats(&File::within(source, bytes.to_vec())?)
}

fn floats(file: &File) -> Result<ArrayD<f64>, DataError> {
    let array = file.parse(NUMBERS)?;
    let mut values = Vec::with_capacity(array.len);
    for value in array.element.values(array.data) {
        values.push(match value {
            Value::Float(float) => float,
            Value::Integer(integer) if integer.abs() <= EXACT => integer as f64,
            Value::Integer(value) => {
                let index = array.header.index(values.len());
                return Err(DataError::TooLarge {
                    source_name: file.name.clone(),
                    index,
                    value,
                    limit: "2^53",
                });
            }
        });
    }
    let shape = IxDyn(&array.header.shape).set_f(array.header.fortran_order);
    let values = ArrayD::from_shape_vec(shape, values).map_err(|error| file.corrupt(error.to_string()))?;
    Ok(if array.header.fortran_order { values.as_standard_layout().into_owned() } else { values })
}

/// Reads as [`read`] does and refuses the first NaN or infinity, named by its index.
///
/// # Errors
/// [`DataError::NotFinite`], and those of [`read`].
pub fn read_finite(source: &Source) -> Result<ArrayD<f64>, DataError> {
    let array = read(source)?;
    if array.iter().all(|value| value.is_finite()) {
        return Ok(array); // indices are slow to count: only once something is wrong
    }
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some((index, &value)) => Err(DataError::NotFinite {
            source_name: source.to_string(),
            index: ndarray::Dimension::slice(&index).to_vec(),
            value,
        }),
        None => Ok(array),
    }
}

/// Reads labels: one integer per row, shape (n) or (n, 1).
///
/// # Errors
/// [`DataError::ElementType`] for floats, [`DataError::LabelShape`], [`DataError::TooLarge`] above 2^63 − 1, and
/// those of [`read`].
pub fn read_labels(source: &Source) -> Result<Vec<i64>, DataError> {
    integers(&File::open(source)?)
}

/// Reads as [`read_labels`] does from the file's bytes, as [`read_bytes`] does.
///
/// # Errors
/// Those of [`read_labels`].
pub fn read_labels_bytes(source: &Source, bytes: &[u8]) -> Result<Vec<i64>, DataError> {
    integers(&File::within(source, bytes.to_vec())?)
}

fn integers(file: &File) -> Result<Vec<i64>, DataError> {
    let array = file.parse(INTEGERS)?;
    if !matches!(array.header.shape[..], [_] | [_, 1]) {
        return Err(DataError::LabelShape { source_name: file.name.clone(), shape: array.header.shape });
    }
    let mut labels = Vec::with_capacity(array.len);
    for value in array.element.values(array.data) {
        let Value::Integer(value) = value else { return Err(file.element_type(&array.header, INTEGERS)) };
        labels.push(i64::try_from(value).map_err(|_| DataError::TooLarge {
            source_name: file.name.clone(),
            index: array.header.index(labels.len()),
            value,
            limit: "2^63 - 1",
        })?);
    }
    Ok(labels)
}

/// A `.npy` file's bytes, and what to call it.
struct File {
    name: String,
    bytes: Vec<u8>,
}

/// A `.npy` file taken apart: `data` holds exactly `len` elements.
struct Parsed<'a> {
    header: Header,
    element: Element,
    len: usize,
    data: &'a [u8],
}

impl File {
    fn open(source: &Source) -> Result<File, DataError> {
        let path = source.path();
        let bytes = std::fs::read(path).map_err(|error| DataError::Read { path: path.into(), error })?;
        File::within(source, bytes)
    }

    /// The `.npy` file in the bytes of the file that `source` names.
    fn within(source: &Source, bytes: Vec<u8>) -> Result<File, DataError> {
        let bytes = match source {
            Source::Npy(_) => bytes,
            Source::Npz(path, name) => npz::entry(path, name.as_deref(), &bytes)?,
        };
        Ok(File { name: source.to_string(), bytes })
    }

    fn parse(&self, expected: &'static str) -> Result<Parsed<'_>, DataError> {
        let (header, data) = Header::parse(&self.bytes).map_err(|reason| self.corrupt(reason))?;
        let element = Element::parse(&header.descr)
            .filter(|element| expected == NUMBERS || element.is_integer())
            .ok_or_else(|| self.element_type(&header, expected))?;
        let len = header.len().ok_or_else(|| self.corrupt(format!("a shape of {:?}", header.shape)))?;
        let (promised, found) = (len as u64 * element.size() as u64, data.len() as u64);
        if found < promised {
            let source_name = self.name.clone();
            return Err(DataError::Truncated { source_name, expected: promised, found });
        }
        if found > promised {
            return Err(self.corrupt(format!("{} bytes follow the array", found - promised)));
        }
        Ok(Parsed { header, element, len, data })
    }

    fn corrupt(&self, reason: String) -> DataError {
        DataError::Corrupt { source_name: self.name.clone(), reason }
    }

    fn element_type(&self, header: &Header, expected: &'static str) -> DataError {
        let found = match header.descr.as_str() {
            "|O" => "object (pickled Python, which could run code)".to_string(),
            other => other.replace(char::is_control, " "),
        };
        DataError::ElementType { source_name: self.name.clone(), found, expected }
    }
}

impl Header {
    /// Number of elements, if within the limit.
    fn len(&self) -> Option<usize> {
        // The product of the other axes is bounded even if one is zero: ndarray needs it to be.
        let bound = self.shape.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim.max(1)))?;
        if bound > MAX_ELEMENTS { None } else { Some(self.shape.iter().product()) }
    }

    /// The index along each axis of the element at `position` in the file.
    fn index(&self, mut position: usize) -> Vec<usize> {
        let mut index = vec![0; self.shape.len()];
        let axes: Vec<usize> = match self.fortran_order {
            true => (0..index.len()).collect(),
            false => (0..index.len()).rev().collect(),
        };
        for axis in axes {
            index[axis] = position % self.shape[axis];
            position /= self.shape[axis];
        }
        index
    }
}
