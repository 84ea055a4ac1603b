//! CSV files as tables.
//!
//! The crate `csv` takes records apart. It is lenient where a table of numbers must not be: it skips empty lines (in one
//! column, a missing value), reads `"1"2` as 12, and an open quote to the end of the file. So each record is compared with
//! the bytes that it was read from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Terminator};
use ndarray::Array2;

use super::{ColumnPlace, RowPlace, Table, TableFault};
use crate::DataError;

/// Bytes that a file may have. A number takes at least two, so there are at most 2^31, as in arrays.
const MAX_FILE: u64 = 1 << 32;
/// Bytes that a line may have.
const MAX_LINE: usize = 1 << 20;
/// Bytes that a name or a number may have.
pub(super) const MAX_FIELD: usize = 256;
/// Characters of a field that messages quote.
const MAX_QUOTED: usize = 40;
/// Whole numbers below this are exact in f64; one more is read as this.
pub(super) const EXACT: f64 = (1_u64 << 53) as f64;

/// Reads a file of named columns and at least one row of finite numbers: Parquet if its name ends in `.parquet`, else CSV.
///
/// # Errors
/// [`DataError::Read`], and [`DataError::Table`] with the row, the column and what [`TableFault`] lists.
pub fn read_table(path: &Path) -> Result<Table, DataError> {
    let fail = |error| DataError::Read { path: path.into(), error };
    let mut bytes = vec![];
    // what the file's length says is for files alone; a pipe has none
    File::open(path).map_err(fail)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    read_table_bytes(path, &bytes)
}

/// Reads as [`read_table`] does from the file's bytes; `path` is how messages call it.
///
/// # Errors
/// [`DataError::Table`].
pub fn read_table_bytes(path: &Path, bytes: &[u8]) -> Result<Table, DataError> {
    let source_name = path.display().to_string();
    let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
    let parsed = match is_parquet {
        _ if bytes.len() as u64 > MAX_FILE => Err(TableFault::FileTooLong { limit: MAX_FILE }.into()),
        true => parse_parquet(bytes),
        false => parse(bytes),
    };
    match parsed {
        Ok((names, values)) => Ok(Table { source_name, has_lines: !is_parquet, names, values }),
        Err(Place { row, column, fault }) => Err(DataError::Table { source_name, row, column, fault }),
    }
}

#[cfg(feature = "parquet")]
use super::parquet::parse as parse_parquet;

#[cfg(not(feature = "parquet"))]
fn parse_parquet(_: &[u8]) -> Result<(Vec<String>, Array2<f64>), Place> {
    Err(TableFault::WithoutParquet.into())
}

/// A fault and where it is.
pub(super) struct Place {
    pub(super) row: Option<RowPlace>,
    pub(super) column: Option<ColumnPlace>,
    pub(super) fault: TableFault,
}

impl From<TableFault> for Place {
    fn from(fault: TableFault) -> Place {
        Place { row: None, column: None, fault }
    }
}

fn parse(bytes: &[u8]) -> Result<(Vec<String>, Array2<f64>), Place> {
    let mut records = Records::new(bytes);
    if !records.advance(&[])? {
        return Err(TableFault::Empty.into());
    }
    let names = header(&records.record)?;
    // no more than the bytes can hold: lines may be shorter than the header promises
    let lines = bytes.iter().filter(|&&byte| byte == b'\n').count();
    let mut values = Vec::with_capacity(lines.saturating_mul(names.len()).min(bytes.len() / 2 + 1));
    let mut rows = 0;
    while records.advance(&names)? {
        let row = Some(RowPlace::Line(records.line));
        let at = |column: usize, fault| Place { row, column: Some(place(&names, column)), fault };
        let (found, expected) = (records.record.len(), names.len());
        for (column, field) in records.record.iter().take(expected).enumerate() {
            values.push(number(field).map_err(|fault| at(column, fault))?);
        }
        if found < expected {
            return Err(at(found, TableFault::TooFew { found, expected }));
        }
        if found > expected {
            return Err(at(expected - 1, TableFault::TooMany { found, expected }));
        }
        rows += 1;
    }
    if rows == 0 {
        return Err(TableFault::NoRows.into());
    }
    let values =
        Array2::from_shape_vec((rows, names.len()), values).expect("every row has a number per name");
    Ok((names, values))
}

/// The records of a file, one a line.
struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: ByteRecord,
    bytes: &'a [u8],
    /// Where the next record begins.
    start: usize,
    /// The line of the record, from 1.
    line: usize,
}

impl<'a> Records<'a> {
    fn new(bytes: &'a [u8]) -> Records<'a> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n')) // a carriage return before it is ours to take off
            .from_reader(bytes);
        // the crate passes over a byte order mark too
        let start = if bytes.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        Records { reader, record: ByteRecord::new(), bytes, start, line: 0 }
    }

    /// Reads the next record; false at the end of the file. Its fields are as the file has them, none longer than allowed.
    fn advance(&mut self, names: &[String]) -> Result<bool, Place> {
        let rest = &self.bytes[self.start..];
        if rest.is_empty() {
            return Ok(false);
        }
        self.line += 1;
        let row = Some(RowPlace::Line(self.line));
        let length = rest.iter().take(MAX_LINE + 1).position(|&byte| byte == b'\n').unwrap_or(rest.len());
        if length > MAX_LINE {
            return Err(Place { row, column: None, fault: TableFault::LineTooLong { limit: MAX_LINE } });
        }
        if matches!(&rest[..length], [] | [b'\r']) {
            return Err(Place { row, column: None, fault: TableFault::BlankLine });
        }
        // reading memory does not fail, and there is a record where a line is not empty
        let read = self.reader.read_byte_record(&mut self.record);
        assert!(matches!(read, Ok(true)), "csv: {read:?}");
        let end = self.reader.position().byte() as usize;
        let raw = &self.bytes[self.start..end];
        self.start = end;

        let at = |column, fault| Place { row, column: Some(place(names, column)), fault };
        if let Err(column) = as_written(raw.strip_suffix(b"\n").unwrap_or(raw), &mut self.record) {
            return Err(at(column, TableFault::Quotes));
        }
        match self.record.iter().enumerate().find(|(_, field)| field.len() > MAX_FIELD) {
            Some((column, field)) => {
                Err(at(column, TableFault::FieldTooLong { found: field.len(), limit: MAX_FIELD }))
            }
            None => Ok(true),
        }
    }
}

/// Takes a carriage return off the end and compares the fields with what they were read from: each stands there as it is, or
/// in quotes with its own doubled. Returns the first that does not.
fn as_written(raw: &[u8], record: &mut ByteRecord) -> Result<(), usize> {
    let mut rest = raw;
    if let Some(shorter) = raw.strip_suffix(b"\r") {
        rest = shorter;
        let mut fields: Vec<&[u8]> = record.iter().collect();
        if let Some(last) = fields.last_mut() {
            *last = last.strip_suffix(b"\r").ok_or(record.len() - 1)?;
        }
        *record = ByteRecord::from(fields);
    }
    for (column, field) in record.iter().enumerate() {
        if column > 0 {
            rest = rest.strip_prefix(b",").ok_or(column - 1)?;
        }
        rest = match rest.strip_prefix(b"\"") {
            None => rest.strip_prefix(field),
            Some(mut quoted) => {
                for byte in field {
                    let written: &[u8] = if *byte == b'"' { b"\"\"" } else { std::slice::from_ref(byte) };
                    quoted = quoted.strip_prefix(written).ok_or(column)?;
                }
                quoted.strip_prefix(b"\"")
            }
        }
        .ok_or(column)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(record.len() - 1) }
}

/// A column by its name; by its number where that is not known yet, or where there is none.
pub(super) fn place(names: &[String], column: usize) -> ColumnPlace {
    match names.get(column) {
        Some(name) => ColumnPlace::Name(name.clone()),
        None => ColumnPlace::Number(column + 1),
    }
}

fn header(record: &ByteRecord) -> Result<Vec<String>, Place> {
    let mut names = Vec::with_capacity(record.len());
    let mut first = BTreeMap::new();
    for (column, field) in record.iter().enumerate() {
        let number = ColumnPlace::Number(column + 1);
        let at = |column, fault| Place { row: Some(RowPlace::Line(1)), column: Some(column), fault };
        let name = text(field).map_err(|fault| at(number.clone(), fault))?;
        check_name(name).map_err(|fault| at(number.clone(), fault))?;
        if name.parse::<f64>().is_ok() {
            return Err(at(number, TableFault::NumberAsName { name: beginning(name) }));
        }
        if record.len() == 1 && name.contains(';') {
            return Err(at(number, TableFault::Semicolons));
        }
        if let Some(first) = first.insert(name, column + 1) {
            return Err(at(ColumnPlace::Name(name.to_string()), TableFault::DuplicateName { first }));
        }
        names.push(name.to_string());
    }
    Ok(names)
}

/// Refuses names that messages and people could not tell a column by.
pub(super) fn check_name(name: &str) -> Result<(), TableFault> {
    if name.is_empty() {
        return Err(TableFault::NoName);
    }
    if name.contains(|c: char| c.is_control() || c == '\u{feff}') {
        return Err(TableFault::ControlInName { name: beginning(name) });
    }
    Ok(())
}

fn number(field: &[u8]) -> Result<f64, TableFault> {
    let text = text(field)?;
    if text.is_empty() {
        return Err(TableFault::Missing);
    }
    let Ok(value) = text.parse::<f64>() else {
        return Err(TableFault::NotANumber { text: beginning(text) });
    };
    if !value.is_finite() {
        return Err(TableFault::NotFinite { text: beginning(text) });
    }
    let whole = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'));
    if whole && value.abs() >= EXACT {
        return Err(TableFault::Inexact { text: beginning(text) });
    }
    Ok(value)
}

fn text(field: &[u8]) -> Result<&str, TableFault> {
    Ok(std::str::from_utf8(field).map_err(|_| TableFault::NotUtf8)?.trim_matches(' '))
}

pub(super) fn beginning(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
