//! Writing arrays, whole or not at all.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ndarray::ArrayViewD;
use tempfile::NamedTempFile;

use crate::DataError;
use crate::header::Header;

/// Writes an array as `.npy`, f32 little-endian in C order.
///
/// # Errors
/// [`DataError::Write`], which includes a value whose magnitude f32 cannot hold; a file that was there is unchanged then.
pub fn write_f32(path: &Path, array: ArrayViewD<'_, f64>) -> Result<(), DataError> {
    stage_f32(path, array)?.commit()
}

/// As [`write_f32`], up to the renaming.
///
/// # Errors
/// [`DataError::Write`].
pub fn stage_f32(path: &Path, array: ArrayViewD<'_, f64>) -> Result<Staged, DataError> {
    stage_array(path, "<f4", &array, |value| {
        let narrow = *value as f32;
        if narrow.is_infinite() && value.is_finite() {
            return Err(std::io::Error::other(format!("{value} is beyond the range of f32")));
        }
        Ok(narrow.to_le_bytes())
    })
}

/// Writes an array as `.npy`, i64 little-endian in C order.
///
/// # Errors
/// [`DataError::Write`]; a file that was there is unchanged then.
pub fn write_i64(path: &Path, array: ArrayViewD<'_, i64>) -> Result<(), DataError> {
    stage_i64(path, array)?.commit()
}

/// As [`write_i64`], up to the renaming.
///
/// # Errors
/// [`DataError::Write`].
pub fn stage_i64(path: &Path, array: ArrayViewD<'_, i64>) -> Result<Staged, DataError> {
    stage_array(path, "<i8", &array, |value| Ok(value.to_le_bytes()))
}

fn stage_array<T, const N: usize>(
    path: &Path,
    descr: &str,
    array: &ArrayViewD<'_, T>,
    bytes: impl Fn(&T) -> std::io::Result<[u8; N]>,
) -> Result<Staged, DataError> {
    Staged::write(path, |file| {
        file.write_all(&Header::encode(descr, array.shape()))?;
        array.iter().try_for_each(|value| file.write_all(&bytes(value)?))
    })
}

/// A file that is written, durable, and not yet visible under its name. Dropped, it is gone.
#[derive(Debug)]
pub struct Staged {
    file: NamedTempFile,
    path: PathBuf,
}

impl Staged {
    /// Writes a temporary file in the folder of `path`, with what `write` puts into it.
    ///
    /// # Errors
    /// [`DataError::Write`] with what `write` returned or what the system says; nothing is left then.
    pub fn write(
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<Staged, DataError> {
        let steps = || {
            let file = temporary(path)?;
            // past tempfile, which would put its own path into the message
            let mut buffer = BufWriter::new(file.as_file());
            write(&mut buffer)?;
            buffer.flush()?;
            drop(buffer);
            file.as_file().sync_all()?;
            Ok(Staged { file, path: path.into() })
        };
        steps().map_err(|error| DataError::Write { path: path.into(), error })
    }

    /// Renames it: whoever opens the path finds what was there before or all of the new file.
    ///
    /// # Errors
    /// [`DataError::Write`]; the temporary file is gone then.
    pub fn commit(self) -> Result<(), DataError> {
        let Staged { file, path } = self;
        file.persist(&path).map(drop).map_err(|error| DataError::Write { path, error: error.error })
    }

    /// Gives it its name unless something has it already.
    ///
    /// # Errors
    /// [`DataError::Write`], of kind `AlreadyExists` if something has; the temporary file is gone then.
    pub fn commit_new(self) -> Result<(), DataError> {
        let Staged { file, path } = self;
        file.persist_noclobber(&path).map(drop).map_err(|error| DataError::Write { path, error: error.error })
    }
}

/// Writes a file through a temporary one in the same folder, renamed when complete: whoever opens `path` finds what
/// was there before or all that `write` wrote, and a failure leaves neither a partial nor a temporary file.
///
/// # Errors
/// [`DataError::Write`] with what `write` returned or what the system says.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), DataError> {
    Staged::write(path, write)?.commit()
}

/// Tells before a long computation whether `path` can be written at its end: the folder exists and takes a new file,
/// and `path` is not a folder itself. Leaves nothing behind.
///
/// # Errors
/// [`DataError::Write`].
pub fn check_writable(path: &Path) -> Result<(), DataError> {
    temporary(path).map(drop).map_err(|error| DataError::Write { path: path.into(), error })
}

fn temporary(path: &Path) -> std::io::Result<NamedTempFile> {
    if path.is_dir() || path.file_name().is_none() {
        return Err(std::io::ErrorKind::IsADirectory.into());
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tacita-").suffix(".tmp");
    #[cfg(unix)]
    {
        // As any new file: what the user's umask leaves of it, not a temporary file's 0600.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    // Without tempfile's own path in the message, which means nothing to the user.
    builder.tempfile_in(folder).map_err(|error| error.kind().into())
}
