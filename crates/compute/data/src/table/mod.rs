//! Tables of numbers: the rows and named columns of a CSV file, or of a Parquet file.
//!
//! ```
//! use tacita_data::read_table;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("patients.csv");
//! std::fs::write(&path, "age,pressure,ill\n54,120.5,0\n61,150,1\n47,131,0\n").unwrap();
//! let mut table = read_table(&path)?;
//! let ill = table.take_labels("ill", 2)?; // the column leaves the table
//! assert_eq!(ill, [0, 1, 0]);
//! let mut features = table.columns(&["pressure", "age"])?;
//! let scaling = features.standardise()?; // mean 0 and deviation 1 in each column
//! assert_eq!(scaling.means()[1], 54.0);
//! assert_eq!(features.values().dim(), (3, 2));
//! # Ok::<(), tacita_data::DataError>(())
//! ```
//!
//! **The header.** The first line names the columns and is required: parties find their columns by name. None of the names
//! may read as a number, which is how a file without a header is told: it is an error, and no names are made up.
//!
//! **What is read.** Fields are separated by commas, lines end in LF or CRLF, quotes are as RFC 4180 has them, a byte order
//! mark is passed over, and so are spaces around fields. Everything else is refused: nothing is filled in, skipped or
//! guessed. As no line is skipped and no value has a line break, row `i` (from 0) is line `i + 2` of the file.
//!
//! **Parquet**, with the feature `parquet`, and by the ending `.parquet`: flat columns of numbers, uncompressed or by snappy or
//! gzip. The same is refused, null and text among it; booleans are 0 and 1. Messages count rows from 1.

mod fault;
mod labels;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod standardise;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use crate::DataError;

pub use fault::{ColumnPlace, RowPlace, TableFault};
pub use read::{read_table, read_table_bytes};
pub use standardise::Scaling;

/// Rows of finite numbers under columns that have names, no two the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What messages call the file.
    source_name: String,
    /// Whether a row is a line of the file.
    has_lines: bool,
    names: Vec<String>,
    /// Rows × columns, in C order.
    values: Array2<f64>,
}

impl Table {
    /// The names of the columns, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The numbers: rows × columns.
    pub fn values(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// The numbers alone.
    pub fn into_values(self) -> Array2<f64> {
        self.values
    }

    /// A column, a number per row.
    ///
    /// # Errors
    /// [`TableFault::NoColumn`].
    pub fn column(&self, name: &str) -> Result<ArrayView1<'_, f64>, DataError> {
        Ok(self.values.column(self.position(name)?))
    }

    /// A table of the named columns, in the order given.
    ///
    /// # Errors
    /// [`TableFault::NoColumn`], [`TableFault::AskedTwice`].
    pub fn columns(&self, names: &[&str]) -> Result<Table, DataError> {
        let mut positions = Vec::with_capacity(names.len());
        for name in names {
            let position = self.position(name)?;
            if positions.contains(&position) {
                return Err(self.fault(None, name, TableFault::AskedTwice));
            }
            positions.push(position);
        }
        Ok(self.select(&positions))
    }

    fn position(&self, name: &str) -> Result<usize, DataError> {
        self.names
            .iter()
            .position(|have| have == name)
            .ok_or_else(|| self.fault(None, name, TableFault::NoColumn { available: self.names.clone() }))
    }

    fn select(&self, positions: &[usize]) -> Table {
        Table {
            source_name: self.source_name.clone(),
            has_lines: self.has_lines,
            names: positions.iter().map(|&position| self.names[position].clone()).collect(),
            values: self.values.select(Axis(1), positions),
        }
    }

    /// A fault in a column, at a row from 0 if it is in one.
    fn fault(&self, row: Option<usize>, column: &str, fault: TableFault) -> DataError {
        DataError::Table {
            source_name: self.source_name.clone(),
            row: row.map(|row| if self.has_lines { RowPlace::Line(row + 2) } else { RowPlace::Row(row + 1) }),
            column: Some(ColumnPlace::Name(column.to_string())),
            fault,
        }
    }
}
