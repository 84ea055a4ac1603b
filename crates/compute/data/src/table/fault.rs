//! What can be wrong with a table, and what to do about it.

use std::fmt;

/// A row, as messages call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPlace {
    /// The line of a text file, as editors count: from 1, that of the names.
    Line(usize),
    /// The row of another file, from 1.
    Row(usize),
}

impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowPlace::Line(line) => write!(f, "line {line}"),
            RowPlace::Row(row) => write!(f, "row {row}"),
        }
    }
}

/// A column, as messages call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnPlace {
    /// By its name.
    Name(String),
    /// By its number from 1, where its name is what cannot be read.
    Number(usize),
}

impl fmt::Display for ColumnPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnPlace::Name(name) => write!(f, "column {name:?}"),
            ColumnPlace::Number(number) => write!(f, "column {number}"),
        }
    }
}

/// What is wrong at a place of a table. The message says what to do; it may quote a value of the file, so it is for the
/// owner of the file and not for other parties.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TableFault {
    /// The file is longer than files may be.
    #[error("the file has more than {limit} bytes: split it")]
    FileTooLong {
        /// Bytes that a file may have.
        limit: u64,
    },
    /// There is nothing in the file.
    #[error(
        "the file is empty: the first line must name the columns, each line below it is a row of numbers"
    )]
    Empty,
    /// There are names and nothing else.
    #[error("no row of numbers follows the names of the columns")]
    NoRows,
    /// A line is longer than lines may be.
    #[error("the line has more than {limit} bytes: end each row with a line break, split very wide tables")]
    LineTooLong {
        /// Bytes that a line may have.
        limit: usize,
    },
    /// A name or value is longer than fields may be.
    #[error("{found} bytes in one field, at most {limit}: shorten it, or close a quote that is left open")]
    FieldTooLong {
        /// Its bytes.
        found: usize,
        /// Bytes that a field may have.
        limit: usize,
    },
    /// A line has nothing in it: in a table of one column, a missing value.
    #[error("the line is empty: delete it, or fill in its values")]
    BlankLine,
    /// Quotes within a field, or one that is not closed.
    #[error("misplaced quotes: they enclose a whole field, and those inside it are doubled")]
    Quotes,
    /// The encoding is another.
    #[error("not UTF-8: save the file as UTF-8")]
    NotUtf8,
    /// A column has no name.
    #[error("no name: name every column (pandas leaves out the nameless index with to_csv(index=False))")]
    NoName,
    /// A name is a number: the header is probably missing.
    #[error(
        "{name:?} is a number where a name must be: insert a first line that names the columns, such as x1,x2"
    )]
    NumberAsName {
        /// What is there.
        name: String,
    },
    /// A name has a line break, a tab or another character that does not show.
    #[error(
        "{name:?} has a character that does not show: separate fields with commas, give names of one line, save as UTF-8"
    )]
    ControlInName {
        /// What is there, or its beginning.
        name: String,
    },
    /// The only name has semicolons: fields are probably separated by them.
    #[error(
        "a single column with semicolons in its name: separate fields with commas, write 1.5 and not 1,5"
    )]
    Semicolons,
    /// Two columns have one name.
    #[error("column {first} has the same name: rename one of them")]
    DuplicateName {
        /// The number of the first that has it.
        first: usize,
    },
    /// A row ends early; the place is the first column without a value.
    #[error("nothing in this column: the row has {found} fields, the header {expected}")]
    TooFew {
        /// Fields of the row.
        found: usize,
        /// Columns.
        expected: usize,
    },
    /// A row goes on; the place is the last column.
    #[error(
        "the row goes on after the last column, with {found} fields where the header has {expected}: \
             write 1.5 and not 1,5, and no separators of thousands"
    )]
    TooMany {
        /// Fields of the row.
        found: usize,
        /// Columns.
        expected: usize,
    },
    /// A field is empty.
    #[error("the value is missing: fill it in, or leave out the row")]
    Missing,
    /// A field is no number.
    #[error(
        "{text:?} is not a number: write numbers as 1.5 or 2e-3, give categories numbers, or leave out the column"
    )]
    NotANumber {
        /// What is there, or its beginning.
        text: String,
    },
    /// A number is NaN, infinite, or too large for f64.
    #[error("{text:?} is not a finite number: fill in a value, or leave out the row")]
    NotFinite {
        /// What is there, or its beginning.
        text: String,
    },
    /// An integer that f64 cannot hold exactly.
    #[error("the integer {text:?} is beyond 2^53 and would be changed: leave out columns of identifiers")]
    Inexact {
        /// What is there, or its beginning.
        text: String,
    },
    /// The file is Parquet, which this program does not read.
    #[error(
        "this program is built without Parquet: build it with `--features parquet`, or save the table as CSV"
    )]
    WithoutParquet,
    /// The file is not what its name says, or is damaged.
    #[error("not a valid Parquet file: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// A column has something else than numbers.
    #[error("it has {found}, no numbers: give categories numbers, times a unit, or leave out the column")]
    NotNumbers {
        /// What it has.
        found: String,
    },
    /// A column is compressed by what cannot be undone here.
    #[error("it is compressed by {codec}: write the file with snappy, with gzip, or without compression")]
    Compression {
        /// The codec.
        codec: String,
    },
    /// The table is larger than tables may be.
    #[error("the table has more than {limit} numbers: split it")]
    TooManyValues {
        /// Numbers that a table may have.
        limit: u64,
    },
    /// No column has the name that was asked for.
    #[error("there is no such column: the file has {}", listed(available))]
    NoColumn {
        /// The names there are.
        available: Vec<String>,
    },
    /// A column was asked for twice.
    #[error("asked for twice: name each column once")]
    AskedTwice,
    /// A label is not the number of a class.
    #[error("{value} is not a class: labels are integers from 0, less than {classes}; number the classes so")]
    Label {
        /// What is there.
        value: f64,
        /// How many classes there are.
        classes: usize,
    },
    /// All rows have the same value.
    #[error("every row has {value}, so there is no deviation to divide by: leave out the column")]
    Constant {
        /// The value.
        value: f64,
    },
    /// Mean or deviation are not normal f64 numbers.
    #[error("its mean and deviation are beyond what f64 holds: use another unit")]
    Spread,
    /// A scaling is of a table with other columns.
    #[error("the scaling is of the columns {}: choose them, in this order", listed(expected))]
    OtherColumns {
        /// The columns that it is of.
        expected: Vec<String>,
    },
}

/// Names for a message, the first twenty of them.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(20).map(|name| format!("{name:?}")).collect();
    match names.len() - shown.len() {
        0 if names.is_empty() => "none".to_string(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
