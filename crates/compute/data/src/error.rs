//! What can be wrong with a file.

use std::path::PathBuf;

use crate::{ColumnPlace, RowPlace, TableFault};

/// Why an array could not be read or written. Every message is one line that names the file.
///
/// `source_name` is the source as the user writes it, such as `x.npy` or `x.npz:images`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file is missing or cannot be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The path ends neither in `.npy` nor in `.npz`.
    #[error("{source_name}: expected FILE.npy or FILE.npz:NAME")]
    Extension {
        /// The source as given.
        source_name: String,
    },
    /// The archive has no array of that name, or none was named and it holds several.
    #[error("{}: {}; it holds {}", path.display(), no_array(name.as_deref()), list(available))]
    NoArray {
        /// The archive.
        path: PathBuf,
        /// The name asked for, if any.
        name: Option<String>,
        /// The names there are.
        available: Vec<String>,
    },
    /// The file ends before the array does.
    #[error("{source_name}: truncated: the header promises {expected} bytes of data, {found} are there")]
    Truncated {
        /// The source.
        source_name: String,
        /// Bytes of data that the header promises.
        expected: u64,
        /// Bytes of data that follow the header.
        found: u64,
    },
    /// The file is not what its name says, or is damaged.
    #[error("{source_name}: not a valid file: {reason}")]
    Corrupt {
        /// The source.
        source_name: String,
        /// What is wrong.
        reason: String,
    },
    /// The elements have a type that cannot be used here.
    #[error("{source_name}: elements have type {found}, expected {expected}")]
    ElementType {
        /// The source.
        source_name: String,
        /// The type in numpy's notation, such as `<c16`.
        found: String,
        /// The types that can be read.
        expected: &'static str,
    },
    /// An element is NaN or infinite where only finite numbers are allowed.
    #[error("{source_name}: element {index:?} is {value}")]
    NotFinite {
        /// The source.
        source_name: String,
        /// Its index, one number per axis.
        index: Vec<usize>,
        /// NaN, inf or -inf.
        value: f64,
    },
    /// An integer is too large to be held exactly.
    #[error("{source_name}: element {index:?} is {value}, beyond {limit}")]
    TooLarge {
        /// The source.
        source_name: String,
        /// Its index, one number per axis.
        index: Vec<usize>,
        /// The element.
        value: i128,
        /// The largest magnitude allowed.
        limit: &'static str,
    },
    /// Labels are not one integer per row.
    #[error("{source_name}: labels must have shape (n) or (n, 1), not {shape:?}")]
    LabelShape {
        /// The source.
        source_name: String,
        /// The shape in the file.
        shape: Vec<usize>,
    },
    /// A table has a fault, or not what was asked of it.
    #[error("{source_name}{}: {fault}", at(*row, column.as_ref()))]
    Table {
        /// The file.
        source_name: String,
        /// The row, if it is at one.
        row: Option<RowPlace>,
        /// The column, if it is in one.
        column: Option<ColumnPlace>,
        /// What is wrong.
        fault: TableFault,
    },
    /// The output cannot be written; nothing was left behind.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

fn at(row: Option<RowPlace>, column: Option<&ColumnPlace>) -> String {
    let row = row.map(|row| format!(", {row}"));
    let column = column.map(|column| format!(", {column}"));
    [row, column].into_iter().flatten().collect()
}

fn no_array(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("no array named {name:?}"),
        None => "say which array, as FILE.npz:NAME".to_string(),
    }
}

fn list(names: &[String]) -> String {
    // names are the file's: a message stays one line whatever they are
    if names.is_empty() { "no array".to_string() } else { names.join(", ").replace(char::is_control, " ") }
}
