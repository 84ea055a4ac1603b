//! Parquet files as tables: `data/parquet/make.py` made them with pyarrow.

#![cfg(feature = "parquet")]

use std::path::{Path, PathBuf};

use ndarray::array;
use proptest::prelude::*;
use tacita_data::{DataError, RowPlace, Table, TableFault, read_table, read_table_bytes};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/parquet/{name}.parquet"))
}

fn table(name: &str) -> Table {
    read_table(&path(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn numbers_of_every_type() {
    let exact = 2f64.powi(53) - 1.0;
    let expected = array![
        [-128.0, -1.0, -(2f64.powi(31)), -exact, 0.0, 0.0, 0.0, 0.0, 0.5, 0.1, 1.0],
        [0.0, 2.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, f64::from(-0.1f32), -1e300, 0.0],
        [
            127.0,
            3.0,
            2f64.powi(31) - 1.0,
            exact,
            255.0,
            65535.0,
            2f64.powi(32) - 1.0,
            exact,
            f64::from(3e38f32),
            5e-324,
            1.0
        ],
    ];
    for name in ["snappy", "gzip", "none"] {
        let table = table(name);
        assert_eq!(
            table.names(),
            ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "bit"]
        );
        assert_eq!(table.values(), expected, "{name}");
    }
}

#[test]
fn more_rows_than_are_decoded_at_once() {
    let table = table("many");
    assert_eq!(table.values().dim(), (40000, 2));
    for (row, values) in table.values().rows().into_iter().enumerate() {
        let quarters = (row / 100 % 7) as f64;
        assert_eq!((values[0], values[1]), (quarters / 4.0, quarters), "row {row}");
    }
}

#[test]
fn faults_name_row_and_column() {
    for (name, place, says) in [
        ("null", ", row 3, column \"b\": ", "the value is missing"),
        ("nan", ", row 2, column \"a\": ", "\"NaN\" is not a finite number"),
        ("infinite", ", row 3, column \"a\": ", "\"-inf\" is not a finite number"),
        ("large", ", row 2, column \"id\": ", "\"9007199254740992\" is beyond 2^53"),
        ("large_unsigned", ", row 1, column \"id\": ", "\"18446744073709551615\" is beyond 2^53"),
        ("text", ", column \"name\": ", "it has String, no numbers: give categories numbers"),
        ("date", ", column \"day\": ", "it has Date, no numbers"),
        ("time", ", column \"at\": ", "it has Timestamp"),
        ("decimal", ", column \"price\": ", "it has Decimal"),
        ("half", ", column \"h\": ", "it has Float16"),
        ("list", ", column \"a\": ", "it has lists or records"),
        ("record", ", column \"a\": ", "it has lists or records"),
        ("zstd", ", column \"a\": ", "it is compressed by ZSTD: write the file with snappy"),
        ("twice", ", column \"a\": ", "column 1 has the same name"),
        ("no_name", ", column 1: ", "no name"),
        ("control", ", column 1: ", "\"a\\nb\" has a character that does not show"),
        ("no_rows", ": ", "no row of numbers"),
    ] {
        let error = match read_table(&path(name)) {
            Err(error) => error.to_string(),
            Ok(table) => panic!("{name} was read as {table:?}"),
        };
        let expected = format!("{}{place}", path(name).display());
        let rest = error.strip_prefix(&expected);
        assert!(rest.is_some_and(|rest| rest.contains(says)), "expected {expected:?} and {says:?}: {error}");
        assert!(!error.contains(char::is_control));
    }
}

#[test]
fn a_table_remembers_that_it_has_rows_and_no_lines() {
    let mut table = table("many");
    let DataError::Table { row, fault, .. } = table.take_labels("a", 2).unwrap_err() else { panic!() };
    assert_eq!((row, fault), (Some(RowPlace::Row(101)), TableFault::Label { value: 0.25, classes: 2 }));
}

#[test]
fn files_that_are_none() {
    for bytes in [&b""[..], b"PAR1", b"a,b\n1,2\n", b"PAR1\0\0\0\0PAR1", b"PAR1\xff\xff\xff\xffPAR1"] {
        // the ending says what it is, in whatever case
        let error = read_table_bytes(Path::new("x.PARQUET"), bytes).unwrap_err();
        assert!(matches!(&error, DataError::Table { fault: TableFault::Damaged { .. }, .. }), "{error}");
    }
    assert!(read_table_bytes(Path::new("x.csv"), b"a,b\n1,2\n").is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A damaged file is an error of one line or a table of finite numbers.
    #[test]
    fn damaged_files(
        which in 0..3usize,
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = std::fs::read(path(["snappy", "gzip", "none"][which])).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.remove(at);
        } else {
            bytes[at] = byte;
        }
        match read_table_bytes(Path::new("x.parquet"), &bytes) {
            Ok(table) => prop_assert!(table.values().iter().all(|value| value.is_finite())),
            Err(error) => prop_assert!(!error.to_string().contains(char::is_control)),
        }
    }
}
