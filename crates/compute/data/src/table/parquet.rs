//! Parquet files as tables: flat columns of numbers.
//!
//! The crate `parquet` decodes pages. What it makes of a column is compared with what the file claims of it, and kept as it
//! comes: nothing is allocated for a number of rows that is only claimed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::parquet::basic::{Compression, ConvertedType, LogicalType, Type};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::schema::types::ColumnDescriptor;
use bytes::Bytes;
use ndarray::Array2;

use super::read::{EXACT, MAX_FIELD, Place, beginning, check_name};
use super::{ColumnPlace, RowPlace, TableFault};

/// Numbers that a table may have, as arrays.
const MAX_VALUES: u64 = 1 << 31;
/// Rows that are decoded at once.
const BATCH: usize = 1 << 14;
/// Characters of what is said of a damaged file.
const MAX_REASON: usize = 200;

impl From<ParquetError> for Place {
    fn from(error: ParquetError) -> Place {
        damaged(error.to_string())
    }
}

fn damaged(reason: String) -> Place {
    // it may quote the file
    let reason = reason.replace(char::is_control, " ").chars().take(MAX_REASON).collect();
    TableFault::Damaged { reason }.into()
}

/// The names and numbers of a file. The crate panics at some that are damaged (a negative length of a column, say), and that
/// is an error like others: nothing that it was at work on is used again.
pub(super) fn parse(bytes: &[u8]) -> Result<(Vec<String>, Array2<f64>), Place> {
    catch_unwind(AssertUnwindSafe(|| decode(bytes))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_string()));
        Err(damaged(said.unwrap_or_else(|| "it cannot be decoded".to_string())))
    })
}

fn decode(bytes: &[u8]) -> Result<(Vec<String>, Array2<f64>), Place> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes))?;
    let file = reader.metadata().file_metadata();
    let columns = file.schema_descr().columns();
    let names = names(columns)?;
    let rows =
        u64::try_from(file.num_rows()).map_err(|_| damaged("a negative number of rows".to_string()))?;
    if rows == 0 || names.is_empty() {
        return Err(TableFault::NoRows.into());
    }
    if rows.saturating_mul(names.len() as u64) > MAX_VALUES {
        return Err(TableFault::TooManyValues { limit: MAX_VALUES }.into());
    }
    let mut read = Vec::with_capacity(names.len());
    for (column, name) in names.iter().enumerate() {
        let mut values = Values { rows: rows as usize, values: vec![] };
        for group in 0..reader.num_row_groups() {
            let fault = |fault| Place { row: None, column: Some(ColumnPlace::Name(name.clone())), fault };
            let group = reader.get_row_group(group)?;
            match group.metadata().column(column).compression() {
                Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_) => {}
                other => return Err(fault(TableFault::Compression { codec: codec(other) })),
            }
            values.read(group.get_column_reader(column)?, &columns[column]).map_err(
                |failure| match failure {
                    Failure::File(error) => {
                        Place { column: fault(TableFault::NoRows).column, ..error.into() }
                    }
                    Failure::Value(row, value) => Place { row: Some(RowPlace::Row(row + 1)), ..fault(value) },
                },
            )?;
        }
        if values.values.len() != values.rows {
            let reason = format!("column {name:?} has {} rows, the file {rows}", values.values.len());
            return Err(damaged(reason));
        }
        read.push(values.values);
    }
    Ok((names, Array2::from_shape_fn((rows as usize, read.len()), |(row, column)| read[column][row])))
}

/// The codec without its level.
fn codec(compression: Compression) -> String {
    compression.to_string().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn names(columns: &[std::sync::Arc<ColumnDescriptor>]) -> Result<Vec<String>, Place> {
    let mut names = Vec::with_capacity(columns.len());
    let mut first = BTreeMap::new();
    for (index, column) in columns.iter().enumerate() {
        let at = |column, fault| Place { row: None, column: Some(column), fault };
        let number = ColumnPlace::Number(index + 1);
        let name = column.path().parts().first().map_or("", String::as_str);
        check_name(name).map_err(|fault| at(number.clone(), fault))?;
        if name.len() > MAX_FIELD {
            return Err(at(number, TableFault::FieldTooLong { found: name.len(), limit: MAX_FIELD }));
        }
        let is_flat = column.path().parts().len() == 1 && column.max_rep_level() == 0;
        let number_type = if is_flat { number_type(column) } else { Err("lists or records".to_string()) };
        number_type
            .map_err(|found| at(ColumnPlace::Name(name.to_string()), TableFault::NotNumbers { found }))?;
        if let Some(first) = first.insert(name, index + 1) {
            return Err(at(ColumnPlace::Name(name.to_string()), TableFault::DuplicateName { first }));
        }
        names.push(name.to_string());
    }
    Ok(names)
}

/// Whether integers have no sign; what else the column has where that is no number.
fn number_type(column: &ColumnDescriptor) -> Result<bool, String> {
    use ConvertedType as Old;
    let physical = column.physical_type();
    let annotated = match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Integer(int)), _) => Ok(!int.is_signed),
        (None, Old::UINT_8 | Old::UINT_16 | Old::UINT_32 | Old::UINT_64) => Ok(true),
        (None, Old::NONE | Old::INT_8 | Old::INT_16 | Old::INT_32 | Old::INT_64) => Ok(false),
        (Some(other), _) => Err(format!("{other:?}")),
        (None, other) => Err(other.to_string()),
    };
    match (physical, annotated) {
        (Type::BOOLEAN | Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE, annotated) => annotated,
        (Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY, Ok(_)) => Err("bytes".to_string()),
        (Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY, Err(text)) => Err(text),
        (other, _) => Err(other.to_string()),
    }
}

/// What stops the reading of a column: a damaged page, or a value of a row from 0.
enum Failure {
    File(ParquetError),
    Value(usize, TableFault),
}

/// The numbers of a column so far.
struct Values {
    /// How many rows the file claims.
    rows: usize,
    values: Vec<f64>,
}

impl Values {
    fn read(&mut self, reader: ColumnReader, column: &ColumnDescriptor) -> Result<(), Failure> {
        let unsigned = number_type(column) == Ok(true);
        let optional = column.max_def_level() > 0;
        match reader {
            ColumnReader::BoolColumnReader(r) => self.pages(r, optional, |bit| Ok(f64::from(u8::from(bit)))),
            ColumnReader::Int32ColumnReader(r) if unsigned => {
                self.pages(r, optional, |n| Ok((n as u32).into()))
            }
            ColumnReader::Int32ColumnReader(r) => self.pages(r, optional, |n| Ok(n.into())),
            ColumnReader::Int64ColumnReader(r) if unsigned => {
                self.pages(r, optional, |n| whole((n as u64).into()))
            }
            ColumnReader::Int64ColumnReader(r) => self.pages(r, optional, |n| whole(n.into())),
            ColumnReader::FloatColumnReader(r) => self.pages(r, optional, |x| finite(x.into())),
            ColumnReader::DoubleColumnReader(r) => self.pages(r, optional, finite),
            _ => Err(Failure::File(ParquetError::General("another type of numbers".to_string()))),
        }
    }

    /// A column of a group of rows, decoded in batches.
    fn pages<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        optional: bool,
        number: impl Fn(T::T) -> Result<f64, TableFault>,
    ) -> Result<(), Failure> {
        let (mut levels, mut batch) = (vec![], vec![]);
        loop {
            levels.clear();
            batch.clear();
            let present = optional.then_some(&mut levels);
            let (records, ..) =
                reader.read_records(BATCH, present, None, &mut batch).map_err(Failure::File)?;
            if records == 0 {
                return Ok(());
            }
            // a level of 0 is a value that is missing
            if let Some(missing) = levels.iter().position(|level| *level == 0) {
                let before = batch.drain(..missing.min(batch.len())).collect();
                self.take(before, &number)?;
                return Err(Failure::Value(self.values.len(), TableFault::Missing));
            }
            self.take(std::mem::take(&mut batch), &number)?;
        }
    }

    fn take<T>(
        &mut self,
        batch: Vec<T>,
        number: impl Fn(T) -> Result<f64, TableFault>,
    ) -> Result<(), Failure> {
        if self.values.len() + batch.len() > self.rows {
            let reason = format!("more rows than the {} that it claims", self.rows);
            return Err(Failure::File(ParquetError::General(reason)));
        }
        for value in batch {
            let value = number(value).map_err(|fault| Failure::Value(self.values.len(), fault))?;
            self.values.push(value);
        }
        Ok(())
    }
}

fn whole(value: i128) -> Result<f64, TableFault> {
    let number = value as f64;
    if number.abs() >= EXACT { Err(TableFault::Inexact { text: value.to_string() }) } else { Ok(number) }
}

fn finite(value: f64) -> Result<f64, TableFault> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(TableFault::NotFinite { text: beginning(&value.to_string()) })
    }
}
