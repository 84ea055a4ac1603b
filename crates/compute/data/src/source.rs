//! Where an array is: `FILE.npy`, or `FILE.npz:NAME` for one of several in an archive.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::DataError;

/// An array in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A `.npy` file, which holds one array.
    Npy(PathBuf),
    /// An array of a `.npz` archive; the only one if no name is given.
    Npz(PathBuf, Option<String>),
}

impl Source {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Source::Npy(path) | Source::Npz(path, _) => path,
        }
    }
}

impl FromStr for Source {
    type Err = DataError;

    /// Reads `FILE.npy`, `FILE.npz` or `FILE.npz:NAME`.
    fn from_str(text: &str) -> Result<Source, DataError> {
        if let Some(end) = text.rfind(".npz:") {
            let (file, name) = (&text[..end + 4], &text[end + 5..]);
            return Ok(Source::Npz(file.into(), Some(name.to_string())));
        }
        match Path::new(text).extension().and_then(|extension| extension.to_str()) {
            Some("npz") => Ok(Source::Npz(text.into(), None)),
            Some("npy") => Ok(Source::Npy(text.into())),
            _ => Err(DataError::Extension { source_name: text.to_string() }),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Npy(path) | Source::Npz(path, None) => write!(f, "{}", path.display()),
            Source::Npz(path, Some(name)) => write!(f, "{}:{name}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_prints() {
        for text in ["x.npy", "a b/x.npz", "x.npz:images", "C:\\x.npz:a:b", "d.npz:e/x.npz:y"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        let expected = Source::Npz("C:\\x.npz".into(), Some("y".to_string()));
        assert_eq!("C:\\x.npz:y".parse::<Source>().unwrap(), expected);
        for text in ["", "x", "x.csv", "npy", "x.npy:y"] {
            assert!(matches!(text.parse::<Source>(), Err(DataError::Extension { .. })), "{text}");
        }
    }
}
