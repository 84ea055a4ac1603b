//! CSV files as tables: what is read, and that everything else is an error that names file, line and column.

use std::path::Path;

use proptest::prelude::*;
use tacita_data::{DataError, Table, read_table, read_table_bytes};

fn read(text: &str) -> Result<Table, DataError> {
    read_table_bytes(Path::new("patients.csv"), text.as_bytes())
}

#[test]
fn numbers_are_read_however_they_are_written() {
    for text in [
        "a,b\n1,-2.5\n3e2,4\n",
        "a,b\r\n1,-2.5\r\n3e2,4\r\n",
        "\u{feff}a,b\n1,-2.5\n3e2,4",
        "\"a\",\"b\"\n\"1\",-2.5\n 3e2 , 4\n",
    ] {
        let table = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(table.names(), ["a", "b"]);
        assert_eq!(table.values(), ndarray::arr2(&[[1.0, -2.5], [300.0, 4.0]]), "{text:?}");
    }
}

#[test]
fn faults_name_the_place() {
    for (text, parts) in [
        ("", &["empty"][..]),
        ("a,b\n", &["no row"]),
        ("a,b\n1,2\n3\n", &["line 3", "\"b\"", "1 fields", "2"]),
        ("a,b\n1,2\n3,4,5\n", &["line 3", "\"b\"", "3 fields"]),
        ("a,b\n1,two\n", &["line 2", "\"b\"", "\"two\" is not a number"]),
        ("a,b\n1,\n", &["line 2", "\"b\"", "missing"]),
        ("a,b\n1,NaN\n", &["line 2", "\"b\"", "finite"]),
        ("a,b\n1,1e999\n", &["line 2", "\"b\"", "finite"]),
        ("a\n1\n\n2\n", &["line 3", "empty"]),
        ("a,a\n1,2\n", &["\"a\"", "same name"]),
        ("a,\n1,2\n", &["name every column"]),
        ("1,2\n3,4\n", &["is a number where a name must be"]),
        ("a;b\n1;2\n", &["semicolons"]),
        ("a,b\n1,\"2\n", &["line 2"]),
        ("a,b\n1,9007199254740993\n", &["line 2", "2^53"]),
    ] {
        let message = read(text).expect_err(text).to_string();
        assert!(message.contains("patients.csv"), "{text:?}: {message}");
        for part in parts {
            assert!(message.contains(part), "{text:?}: {message} has no {part:?}");
        }
    }
    let message = read_table_bytes(Path::new("patients.csv"), b"a,b\n1,\xff\n").unwrap_err().to_string();
    assert!(message.contains("line 2"), "{message}");
    let long = format!("a\n{}\n", "1".repeat(300));
    assert!(read(&long).unwrap_err().to_string().contains("300 bytes"));
    assert!(
        read_table(Path::new("/no/such/file.csv")).unwrap_err().to_string().contains("/no/such/file.csv")
    );
}

#[test]
fn columns_are_chosen_by_name() {
    let table = read("a,b,c\n1,2,3\n4,5,6\n").unwrap();
    let chosen = table.columns(&["c", "a"]).unwrap();
    assert_eq!(chosen.values(), ndarray::arr2(&[[3.0, 1.0], [6.0, 4.0]]));
    assert_eq!(table.column("b").unwrap().to_vec(), [2.0, 5.0]);
    let message = table.columns(&["a", "d"]).unwrap_err().to_string();
    assert!(message.contains("\"d\"") && message.contains("\"a\", \"b\", \"c\""), "{message}");
    assert!(table.columns(&["a", "a"]).unwrap_err().to_string().contains("twice"));
}

#[test]
fn labels_are_classes() {
    let mut table = read("x,y\n1,0\n2,2\n3,1\n").unwrap();
    let message = table.take_labels("y", 2).unwrap_err().to_string();
    assert!(
        message.contains("line 3") && message.contains("\"y\"") && message.contains("2 is not a class"),
        "{message}"
    );
    assert_eq!(table.names(), ["x", "y"], "as it was");
    assert_eq!(table.take_labels("y", 3).unwrap(), [0, 2, 1]);
    assert_eq!(table.names(), ["x"]);
}

#[test]
fn a_constant_column_has_no_deviation() {
    let mut table = read("x,y\n1,7\n3,7\n").unwrap();
    let message = table.standardise().unwrap_err().to_string();
    assert!(message.contains("\"y\"") && message.contains('7'), "{message}");
    let mut x = table.columns(&["x"]).unwrap();
    let scaling = x.standardise().unwrap();
    assert_eq!(x.values(), ndarray::arr2(&[[-1.0], [1.0]]));
    let mut more = read("x\n5\n").unwrap();
    scaling.apply(&mut more).unwrap();
    assert_eq!(more.values(), ndarray::arr2(&[[3.0]]));
    assert!(scaling.apply(&mut table).unwrap_err().to_string().contains("\"x\""));
}

#[test]
fn the_table_of_models_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/breast_cancer.csv");
    let mut table = read_table(&path).unwrap();
    let benign = table.take_labels("target", 2).unwrap();
    assert_eq!((benign.len(), benign.iter().sum::<i64>()), (569, 357));
    assert_eq!(table.values().dim(), (569, 30));
    table.standardise().unwrap();
    let mean = table.values().mean_axis(ndarray::Axis(0)).unwrap();
    assert!(mean.iter().all(|mean| mean.abs() < 1e-12));
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_read_is_finite(bytes in prop::collection::vec(prop_oneof![
        Just(b','), Just(b'\n'), Just(b'\r'), Just(b'"'), Just(b'1'), Just(b'.'), Just(b'e'), Just(b'-'), Just(b'a'), any::<u8>()
    ], 0..200)) {
        if let Ok(table) = read_table_bytes(Path::new("any"), &bytes) {
            prop_assert!(table.values().iter().all(|value| value.is_finite()));
            prop_assert_eq!(table.values().ncols(), table.names().len());
        }
    }
}
