//! `.npz`: a zip archive of `.npy` files.

use std::io::{Cursor, Read};
use std::path::Path;

use zip::ZipArchive;
use zip::result::ZipError;

use crate::DataError;

/// The largest array taken out of an archive, in bytes.
const MAX_ENTRY: u64 = 1 << 36;

/// The bytes of the `.npy` file called `name` (or of the only one) within the archive `bytes`.
pub(crate) fn entry(path: &Path, name: Option<&str>, bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    let corrupt = |reason: String| DataError::Corrupt { source_name: path.display().to_string(), reason };
    let damaged = |error: ZipError| corrupt(error.to_string());
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;

    let mut available = Vec::new();
    for file in archive.file_names() {
        let file = file.map_err(damaged)?;
        available.push(file.strip_suffix(".npy").unwrap_or(&file).to_string());
    }
    let found = match name {
        Some(name) => available.iter().position(|candidate| candidate == name),
        None => (available.len() == 1).then_some(0),
    };
    let Some(index) = found else {
        return Err(DataError::NoArray { path: path.into(), name: name.map(str::to_string), available });
    };

    let mut file = archive.by_index(index).map_err(damaged)?;
    let size = file.size();
    if size > MAX_ENTRY {
        return Err(corrupt(format!("{:?} claims {size} bytes", file.name())));
    }
    // The buffer grows with what is really there, never with what the directory claims.
    let mut data = Vec::new();
    file.by_ref().take(size + 1).read_to_end(&mut data).map_err(|error| corrupt(error.to_string()))?;
    Ok(data)
}
