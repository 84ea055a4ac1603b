//! What holds for any bytes that may be an array. The fuzz targets and the replay of their corpora call these functions,
//! and nothing else does: a failed assertion is a mistake in what they look at.

use std::path::Path;

use crate::header::Header;
use crate::{DataError, Source, read_bytes, read_labels_bytes, read_safetensors_bytes, read_table_bytes};

/// Bytes as an `.npy` file.
pub fn npy_read(bytes: &[u8]) {
    read(&source("x.npy"), bytes);
}

/// Bytes as an archive, of which an array is asked for by name, or the only one.
pub fn npz_read(bytes: &[u8]) {
    for name in ["x.npz:images", "x.npz"] {
        read(&source(name), bytes);
    }
}

/// Bytes as a CSV file: a table is finite numbers, a row of them for each line but the first, and is the same after it was
/// written and read again; an error is a line.
pub fn csv_read(bytes: &[u8]) {
    let path = Path::new("x.csv");
    match read_table_bytes(path, bytes) {
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "not one line: {text:?}");
        }
        Ok(table) => {
            assert_eq!(table.values().ncols(), table.names().len());
            let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
            let mut written = table.names().iter().map(quoted).collect::<Vec<_>>().join(",");
            for row in table.values().rows() {
                let fields: Vec<String> = row.iter().map(|number| format!("{number:?}")).collect();
                written += &format!("\n{}", fields.join(","));
            }
            let again = read_table_bytes(path, written.as_bytes()).expect("what was written can be read");
            assert_eq!(again, table);
            assert!(table.values().iter().all(|number| number.is_finite()));
        }
    }
}

/// Bytes as a file of tensors: these are finite numbers, no more than the bytes have; an error is a line.
pub fn safetensors_read(bytes: &[u8]) {
    match read_safetensors_bytes(Path::new("x.safetensors"), bytes) {
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "not one line: {text:?}");
        }
        Ok(read) => {
            let numbers: usize = read.tensors.values().map(ndarray::ArrayD::len).sum();
            assert!(numbers * 4 <= bytes.len());
            assert!(read.tensors.values().flatten().all(|number| number.is_finite()));
        }
    }
}

fn source(name: &str) -> Source {
    name.parse().expect("a file's name")
}

/// An array has the numbers that it has after it was written and read again, labels are integers in its order, and an
/// error is a line.
fn read(source: &Source, bytes: &[u8]) {
    let assert_line = |error: DataError| {
        let text = error.to_string();
        assert!(!text.contains(char::is_control), "not one line: {text:?}");
    };
    let array = match read_bytes(source, bytes) {
        Ok(array) => {
            let mut written = Header::encode("<f8", array.shape());
            array.iter().for_each(|number| written.extend(number.to_le_bytes()));
            let again =
                read_bytes(&self::source("again.npy"), &written).expect("what was written can be read");
            assert_eq!(again.shape(), array.shape());
            assert!(again.iter().zip(&array).all(|(one, other)| one.to_bits() == other.to_bits()));
            Some(array)
        }
        Err(error) => {
            assert_line(error);
            None
        }
    };
    match (read_labels_bytes(source, bytes), array) {
        (Ok(labels), Some(array)) => {
            assert!(labels.iter().zip(&array).all(|(label, number)| *label as f64 == *number));
            assert_eq!(labels.len(), array.len());
        }
        (Ok(_), None) => {} // an integer that f64 cannot hold
        (Err(error), _) => assert_line(error),
    }
}
