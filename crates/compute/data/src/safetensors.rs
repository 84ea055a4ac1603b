//! `.safetensors`: named tensors in one file, as trained models are passed on.
//!
//! The crate `safetensors` reads the header: it compares names, shapes and places with each other and with the bytes that are
//! there before anything is allocated for a tensor. What it reads is data alone: there is nothing in such a file to run.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::{Dtype, TensorView, View};
use safetensors::{SafeTensors, serialize};

use crate::{DataError, Staged};

/// Bytes that a file may have: as many as the largest array.
const MAX_FILE: u64 = 1 << 34;
/// Bytes that its header may have: some hundred for each tensor. It takes several times as many in memory.
const MAX_HEADER: u64 = 1 << 24;
/// Elements that a tensor may have.
const MAX_ELEMENTS: usize = 1 << 31;
/// Axes that a tensor may have.
const MAX_RANK: usize = 64;
/// Characters of what is said of a damaged file.
const MAX_REASON: usize = 200;
/// Under which key the description stands.
const DESCRIPTION: &str = "tacita";

/// The numbers that a file is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 32 bits, as models mostly have; the nearest numbers.
    F32,
    /// 64 bits: what is read is what was written.
    F64,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors {
    /// The tensors by name, all numbers finite.
    pub tensors: BTreeMap<String, ArrayD<f64>>,
    /// What the file says of itself; under `tacita` the description that was written.
    pub metadata: BTreeMap<String, String>,
}

/// Reads a file of f32 and f64 tensors.
///
/// # Errors
/// [`DataError::Read`], [`DataError::Corrupt`], and for a tensor, which they name, [`DataError::ElementType`] and
/// [`DataError::NotFinite`].
pub fn read_safetensors(path: &Path) -> Result<Tensors, DataError> {
    let fail = |error| DataError::Read { path: path.into(), error };
    let mut bytes = vec![];
    File::open(path).map_err(fail)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    read_safetensors_bytes(path, &bytes)
}

/// Reads as [`read_safetensors`] does from the file's bytes; `path` is how messages call it.
///
/// # Errors
/// Those of [`read_safetensors`].
pub fn read_safetensors_bytes(path: &Path, bytes: &[u8]) -> Result<Tensors, DataError> {
    let file = path.display().to_string();
    let corrupt = |source_name: &str, reason: String| {
        // it may quote the file
        let reason = reason.replace(char::is_control, " ").chars().take(MAX_REASON).collect();
        DataError::Corrupt { source_name: source_name.to_string(), reason }
    };
    if bytes.len() as u64 > MAX_FILE {
        return Err(corrupt(&file, format!("more than {MAX_FILE} bytes")));
    }
    let header = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    if header > MAX_HEADER {
        return Err(corrupt(&file, format!("a header of {header} bytes")));
    }
    let damaged = |error: safetensors::SafeTensorError| corrupt(&file, error.to_string());
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    let content = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let mut read = Tensors::default();
    if let Some(metadata) = header.metadata() {
        read.metadata = metadata.clone().into_iter().collect();
    }
    // in order, so that of several faults always the same is told
    let mut names = content.names();
    names.sort_unstable();
    for name in names {
        let tensor = content.tensor(name).map_err(damaged)?;
        let source_name = format!("{file}: tensor {:?}", name.chars().take(MAX_REASON).collect::<String>());
        let array =
            array(&source_name, &tensor)?.ok_or_else(|| corrupt(&source_name, "too large".to_string()))?;
        read.tensors.insert(name.to_string(), array);
    }
    Ok(read)
}

/// A tensor's numbers; `None` if they are too many.
fn array(source_name: &str, tensor: &TensorView<'_>) -> Result<Option<ArrayD<f64>>, DataError> {
    let values: Vec<f64> = match tensor.dtype() {
        Dtype::F32 => {
            let numbers = tensor.data().as_chunks::<4>().0.iter();
            numbers.map(|bytes| f32::from_le_bytes(*bytes).into()).collect()
        }
        Dtype::F64 => {
            tensor.data().as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
        }
        other => {
            let (source_name, found) = (source_name.to_string(), other.to_string());
            return Err(DataError::ElementType { source_name, found, expected: "F32 or F64" });
        }
    };
    // bounded even where an axis is 0, as ndarray requires
    let bound = tensor.shape().iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)));
    if bound.is_none_or(|bound| bound > MAX_ELEMENTS) || tensor.shape().len() > MAX_RANK {
        return Ok(None);
    }
    let Ok(array) = ArrayD::from_shape_vec(IxDyn(tensor.shape()), values) else { return Ok(None) };
    match array.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some((index, &value)) => {
            let index = ndarray::Dimension::slice(&index).to_vec();
            Err(DataError::NotFinite { source_name: source_name.to_string(), index, value })
        }
        None => Ok(Some(array)),
    }
}

/// Writes tensors by name, and what they are in a sentence, whole or not at all. The same tensors are the same bytes.
///
/// # Errors
/// [`DataError::Write`], which includes a number that is not finite, or that f32 cannot hold; a file that was there is
/// unchanged then.
pub fn write_safetensors(
    path: &Path,
    tensors: &BTreeMap<String, ArrayD<f64>>,
    width: Width,
    description: &str,
) -> Result<(), DataError> {
    stage_safetensors(path, tensors, width, description)?.commit()
}

/// As [`write_safetensors`], up to the renaming.
///
/// # Errors
/// [`DataError::Write`].
pub fn stage_safetensors(
    path: &Path,
    tensors: &BTreeMap<String, ArrayD<f64>>,
    width: Width,
    description: &str,
) -> Result<Staged, DataError> {
    Staged::write(path, |file| {
        for (name, array) in tensors {
            if let Some(value) = array.iter().find(|value| !width.holds(**value)) {
                let reason =
                    format!("tensor {name:?} has {value}, which is no finite number of {}", width.dtype());
                return Err(std::io::Error::other(reason));
            }
        }
        let metadata = HashMap::from([(DESCRIPTION.to_string(), description.to_string())]);
        let named = tensors.iter().map(|(name, array)| (name, Written { array, width }));
        let bytes = serialize(named, Some(metadata)).map_err(std::io::Error::other)?;
        file.write_all(&bytes)
    })
}

impl Width {
    fn dtype(self) -> Dtype {
        match self {
            Width::F32 => Dtype::F32,
            Width::F64 => Dtype::F64,
        }
    }

    fn holds(self, value: f64) -> bool {
        match self {
            Width::F32 => (value as f32).is_finite(),
            Width::F64 => value.is_finite(),
        }
    }
}

/// A tensor that is written, in C order.
struct Written<'a> {
    array: &'a ArrayD<f64>,
    width: Width,
}

impl View for Written<'_> {
    fn dtype(&self) -> Dtype {
        self.width.dtype()
    }

    fn shape(&self) -> &[usize] {
        self.array.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.width {
            Width::F32 => self.array.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect(),
            Width::F64 => self.array.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        self.array.len() * if self.width == Width::F32 { 4 } else { 8 }
    }
}
