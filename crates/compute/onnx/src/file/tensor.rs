//! The numbers of a tensor: from its typed list, its raw bytes, or a file beside the model.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use ndarray::{ArrayD, IxDyn};
use tacita_graph::{DType, Value};

use super::messages::{Entry, Tensor};
use crate::error::{Fault, corrupt, refuse};

/// The element types, by their number in a file, and their size in bytes; 0 of those that cannot be read.
const ELEMENTS: [(&str, usize); 27] = [
    ("undefined", 0),
    ("float32", 4),
    ("uint8", 1),
    ("int8", 1),
    ("uint16", 2),
    ("int16", 2),
    ("int32", 4),
    ("int64", 8),
    ("string", 0),
    ("bool", 1),
    ("float16", 2),
    ("float64", 8),
    ("uint32", 4),
    ("uint64", 8),
    ("complex64", 8),
    ("complex128", 16),
    ("bfloat16", 2),
    ("float8e4m3fn", 0),
    ("float8e4m3fnuz", 0),
    ("float8e5m2", 0),
    ("float8e5m2fnuz", 0),
    ("uint4", 0),
    ("int4", 0),
    ("float4e2m1", 0),
    ("float8e8m0", 0),
    ("uint2", 0),
    ("int2", 0),
];
pub(crate) const FLOAT32: u64 = 1;
const INT32: u64 = 6;
pub(crate) const INT64: u64 = 7;
pub(crate) const BOOL: u64 = 9;
const FLOAT16: u64 = 10;
pub(crate) const FLOAT64: u64 = 11;
const BFLOAT16: u64 = 16;

/// The name of an element type.
pub(crate) fn named(element: u64) -> &'static str {
    usize::try_from(element).ok().and_then(|index| ELEMENTS.get(index)).map_or("unknown", |e| e.0)
}

/// What numbers of this type are in a graph, where they can be.
pub(crate) fn dtype(element: u64) -> Option<DType> {
    match element {
        BOOL => Some(DType::Bit),
        _ if is_integer(element) => Some(DType::Int),
        _ if is_float(element) => Some(DType::Fixed),
        _ => None,
    }
}

/// The usual type of a kind's numbers.
pub(crate) fn element(dtype: DType) -> u64 {
    match dtype {
        DType::Fixed => FLOAT32,
        DType::Int => INT64,
        DType::Bit => BOOL,
    }
}

/// Whether numbers of this type are real.
pub(crate) fn is_float(element: u64) -> bool {
    [FLOAT32, FLOAT16, FLOAT64, BFLOAT16].contains(&element)
}

/// Whether numbers of this type can be sizes, axes or flags.
pub(crate) fn is_integer(element: u64) -> bool {
    [INT32, INT64, BOOL].contains(&element)
}

/// Why a type that is neither is refused.
pub(crate) fn unsupported(element: u64) -> String {
    let name = named(element);
    match element {
        2 | 3 | 17.. => {
            format!("{name} type: quantized models are not supported, export the float model")
        }
        _ => format!("type {name} is not supported"),
    }
}

/// The key that stands, in a template, for numbers that are their owner's alone.
const PRIVATE: &str = "private";

impl Tensor {
    /// Name, shape and type without the numbers.
    pub(crate) fn without_numbers(&self) -> Tensor {
        let private = Entry { key: PRIVATE.to_string(), value: String::new() };
        Tensor {
            name: self.name.clone(),
            dims: self.dims.clone(),
            element: self.element,
            is_external: true,
            external: vec![private],
            ..Tensor::default()
        }
    }

    /// Whether the numbers are their owner's alone, and not here.
    pub(crate) fn has_no_numbers(&self) -> bool {
        self.is_external && self.external.iter().any(|entry| entry.key == PRIVATE)
    }

    /// The same tensor with its numbers in it, wherever they were.
    pub(crate) fn with_numbers(&self, folder: Option<&Path>) -> Result<Tensor, Fault> {
        let raw = match self.is_external {
            true => self.raw(folder)?.map(Cow::into_owned),
            false => self.raw.clone(),
        };
        Ok(Tensor { raw, is_external: false, external: Vec::new(), ..self.clone() })
    }

    /// The shape.
    pub(crate) fn shape(&self) -> Result<Vec<usize>, Fault> {
        let sizes: Option<Vec<usize>> = self.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        sizes.map_or_else(|| corrupt(format!("tensor {:?} has the shape {:?}", self.name, self.dims)), Ok)
    }

    /// The number of elements.
    pub(crate) fn len(&self) -> Result<usize, Fault> {
        // Bounded even where an axis is 0, as ndarray requires.
        let bound = self.shape()?.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim.max(1)));
        match bound {
            Some(bound) if bound <= 1 << 40 => Ok(self.shape()?.iter().product()),
            _ => corrupt(format!("tensor {:?} has the shape {:?}", self.name, self.dims)),
        }
    }

    /// The elements of a float tensor, all finite, in the type that has them exactly: float32 for narrower ones. `folder` is
    /// where the model's file is.
    pub(crate) fn weights(&self, folder: Option<&Path>) -> Result<Value, Fault> {
        if self.element == FLOAT64 {
            return self.floats(folder).map(Value::from);
        }
        let value = match self.raw(folder)? {
            Some(raw) if self.element == FLOAT32 => {
                self.array(chunks(&raw).map(f32::from_le_bytes).collect())?
            }
            None if self.element == FLOAT32 => self.array(self.floats.clone())?,
            // halves are numbers of float32, too
            _ => self.reals(folder)?.mapv(|value| value as f32),
        };
        match value.iter().all(|value| value.is_finite()) {
            true => Ok(value.into()),
            false => self.floats(folder).map(Value::from),
        }
    }

    /// The elements of a float tensor as f64. `folder` is where the model's file is.
    fn reals(&self, folder: Option<&Path>) -> Result<ArrayD<f64>, Fault> {
        let half = |bits: i64| f16_to_f64(bits as u16);
        let values: Vec<f64> = match self.raw(folder)? {
            Some(raw) => match self.element {
                FLOAT32 => chunks(&raw).map(|bytes| f32::from_le_bytes(bytes).into()).collect(),
                FLOAT64 => chunks(&raw).map(f64::from_le_bytes).collect(),
                FLOAT16 => chunks(&raw).map(|bytes| f16_to_f64(u16::from_le_bytes(bytes))).collect(),
                BFLOAT16 => chunks(&raw).map(|bytes| bf16_to_f64(u16::from_le_bytes(bytes))).collect(),
                other => return refuse(format!("tensor {:?}: {}", self.name, unsupported(other))),
            },
            None => match self.element {
                FLOAT32 => self.floats.iter().map(|&value| value.into()).collect(),
                FLOAT64 => self.doubles.clone(),
                FLOAT16 => self.ints.iter().copied().map(half).collect(),
                BFLOAT16 => self.ints.iter().map(|&bits| bf16_to_f64(bits as u16)).collect(),
                other => return refuse(format!("tensor {:?}: {}", self.name, unsupported(other))),
            },
        };
        self.array(values)
    }

    /// The elements of a float tensor, all finite, as f64. `folder` is where the model's file is.
    pub(crate) fn floats(&self, folder: Option<&Path>) -> Result<ArrayD<f64>, Fault> {
        let array = self.reals(folder)?;
        // indices are slow to count: only once something is wrong
        if !array.iter().all(|value| value.is_finite())
            && let Some((index, value)) = array.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            let index = ndarray::Dimension::slice(&index).to_vec();
            return refuse(format!("weight {:?} is {value} at index {index:?}", self.name));
        }
        Ok(array)
    }

    /// The elements of a tensor of any supported type as f64, finite or not.
    pub(crate) fn numbers(&self, folder: Option<&Path>) -> Result<ArrayD<f64>, Fault> {
        match is_integer(self.element) {
            true => Ok(self.integers(folder)?.mapv(|value| value as f64)),
            false => self.reals(folder),
        }
    }

    /// The same numbers as those of another kind: bits say which are not 0, and integers are rounded towards 0.
    pub(crate) fn converted(&self, to: DType, folder: Option<&Path>) -> Result<Tensor, Fault> {
        if self.has_no_numbers() {
            let element = if to == DType::Fixed { FLOAT64 } else { element(to) };
            return Ok(Tensor { element, ..self.without_numbers() });
        }
        let (name, dims) = (self.name.clone(), self.dims.clone());
        let mut tensor = Tensor { name, dims, element: element(to), ..Tensor::default() };
        match to {
            DType::Fixed => {
                tensor.element = FLOAT64;
                tensor.doubles = self.numbers(folder)?.into_iter().collect();
            }
            DType::Int => tensor.ints = self.numbers(folder)?.into_iter().map(|x| x as i64).collect(),
            DType::Bit => {
                tensor.ints = self.numbers(folder)?.into_iter().map(|x| i64::from(x != 0.0)).collect();
            }
        }
        Ok(tensor)
    }

    /// The elements of a tensor of integers or flags.
    pub(crate) fn integers(&self, folder: Option<&Path>) -> Result<ArrayD<i64>, Fault> {
        let values: Vec<i64> = match self.raw(folder)? {
            Some(raw) => match self.element {
                INT32 => chunks(&raw).map(|bytes| i32::from_le_bytes(bytes).into()).collect(),
                INT64 => chunks(&raw).map(i64::from_le_bytes).collect(),
                BOOL => raw.iter().map(|&byte| i64::from(byte != 0)).collect(),
                other => return refuse(format!("tensor {:?}: {}", self.name, unsupported(other))),
            },
            None if is_integer(self.element) => self.ints.clone(),
            None => return refuse(format!("tensor {:?}: {}", self.name, unsupported(self.element))),
        };
        self.array(values)
    }

    fn array<T>(&self, values: Vec<T>) -> Result<ArrayD<T>, Fault> {
        let (name, found) = (&self.name, values.len());
        if self.len()? != found {
            return corrupt(format!("tensor {name:?} of shape {:?} has {found} elements", self.dims));
        }
        ArrayD::from_shape_vec(IxDyn(&self.shape()?), values)
            .or_else(|error| corrupt(format!("tensor {name:?}: {error}")))
    }

    /// The little-endian bytes, of the right length; `None` if the numbers are in a typed list.
    fn raw(&self, folder: Option<&Path>) -> Result<Option<Cow<'_, [u8]>>, Fault> {
        let size =
            usize::try_from(self.element).ok().and_then(|index| ELEMENTS.get(index)).map_or(0, |e| e.1);
        if size == 0 {
            return refuse(format!("tensor {:?}: {}", self.name, unsupported(self.element)));
        }
        let length = self.len()? * size;
        if self.is_external {
            return Ok(Some(Cow::Owned(self.external(folder, length)?)));
        }
        match &self.raw {
            Some(raw) if raw.len() != length => corrupt(format!(
                "tensor {:?} of shape {:?} and type {} needs {length} bytes and has {}",
                self.name,
                self.dims,
                named(self.element),
                raw.len()
            )),
            raw => Ok(raw.as_deref().map(Cow::Borrowed)),
        }
    }

    /// `length` bytes out of a file that lies beside the model, or in a folder beside it.
    fn external(&self, folder: Option<&Path>, length: usize) -> Result<Vec<u8>, Fault> {
        let name = &self.name;
        if self.has_no_numbers() {
            return refuse(format!("the numbers of tensor {name:?} are its owner's and not in the template"));
        }
        let entry = |key: &str| self.external.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let location = match entry("location") {
            Some(location) => Path::new(location),
            None => return corrupt(format!("tensor {name:?} is in another file that is not named")),
        };
        if !location.components().all(|part| matches!(part, Component::Normal(_))) {
            return refuse(format!("tensor {name:?} is in {location:?}, which is not beside the model"));
        }
        let Some(folder) = folder else {
            return refuse(format!(
                "tensor {name:?} is in the file {location:?}; import the model from its file"
            ));
        };
        let number = |key: &str, default: u64| match entry(key).map(|value| value.parse::<u64>()) {
            None => Ok(default),
            Some(Ok(value)) => Ok(value),
            Some(Err(_)) => corrupt(format!("tensor {name:?}: its {key} in {location:?} is not a number")),
        };
        let (offset, claimed) = (number("offset", 0)?, number("length", length as u64)?);
        if claimed != length as u64 {
            return corrupt(format!(
                "tensor {name:?} needs {length} bytes and has {claimed} in {location:?}"
            ));
        }

        let path = folder.join(location);
        let missing = |error: std::io::Error| {
            let path = path.display();
            Fault::Refused(format!("tensor {name:?} is in {path}, which cannot be read: {error}"))
        };
        let mut file = std::fs::File::open(&path).map_err(missing)?;
        let there = file.metadata().map_err(missing)?.len();
        if offset.checked_add(claimed).is_none_or(|end| end > there) {
            return corrupt(format!(
                "{} is truncated: tensor {name:?} is at bytes {offset} to {}, the file has {there}",
                path.display(),
                offset.saturating_add(claimed)
            ));
        }
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(offset)).map_err(missing)?;
        file.read_exact(&mut bytes).map_err(missing)?;
        Ok(bytes)
    }
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// The number that an IEEE half has: 1 sign bit, 5 of exponent with bias 15, 10 of fraction.
fn f16_to_f64(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

/// The number that the upper half of an f32 has.
fn bf16_to_f64(bits: u16) -> f64 {
    f32::from_bits(u32::from(bits) << 16).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0001, 2f64.powi(-24)),
            (0x0400, 2f64.powi(-14)),
            (0x3555, 0.333251953125),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f64(bits), value);
        }
        assert!(f16_to_f64(0x7c01).is_nan());
        assert_eq!(bf16_to_f64(0xbf80), -1.0);
    }

    #[test]
    fn shapes_must_match_data() {
        let tensor = |dims: &[i64], raw: &[u8]| Tensor {
            name: "w".to_string(),
            dims: dims.to_vec(),
            element: FLOAT32,
            raw: Some(raw.to_vec()),
            ..Tensor::default()
        };
        assert_eq!(
            tensor(&[2], &[0, 0, 128, 63, 0, 0, 0, 64]).floats(None).unwrap().as_slice(),
            Some(&[1.0, 2.0][..])
        );
        for (dims, raw) in
            [(&[3][..], &[0; 8][..]), (&[-1], &[0; 4]), (&[1 << 40, 1 << 40], &[]), (&[0, 1 << 62], &[])]
        {
            assert!(matches!(tensor(dims, raw).floats(None), Err(Fault::Corrupt(_))), "{dims:?}");
        }
        let nan = tensor(&[1, 2], &[0, 0, 0, 0, 0, 0, 192, 127]).floats(None);
        assert_eq!(nan, refuse("weight \"w\" is NaN at index [0, 1]"));
    }
}
