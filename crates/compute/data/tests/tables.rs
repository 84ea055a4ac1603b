//! CSV files as tables, and all that a file may have wrong.

use std::path::Path;

use ndarray::array;
use proptest::prelude::*;
use tacita_data::{DataError, RowPlace, Table, TableFault, read_table, read_table_bytes};

fn parse(text: impl AsRef<[u8]>) -> Result<Table, DataError> {
    read_table_bytes(Path::new("x.csv"), text.as_ref())
}

/// The message for a file, without its name.
fn message(text: impl AsRef<[u8]>) -> String {
    let text = text.as_ref();
    let message = match parse(text) {
        Err(error) => error.to_string(),
        Ok(table) => panic!("{:?} was read as {table:?}", String::from_utf8_lossy(text)),
    };
    assert!(!message.contains(char::is_control), "one line: {message:?}");
    message.strip_prefix("x.csv").unwrap_or_else(|| panic!("{message}")).to_string()
}

/// Asserts that a message begins with a place and goes on to say what is wrong and what to do.
fn refused(text: impl AsRef<[u8]>, place: &str, says: &str) {
    let message = message(text);
    let rest = message.strip_prefix(place).and_then(|rest| rest.strip_prefix(": "));
    assert!(rest.is_some_and(|rest| rest.contains(says)), "expected {place:?} and {says:?}: {message}");
}

#[test]
fn the_shipped_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/breast_cancer.csv");
    let mut table = read_table(&path).unwrap();
    assert_eq!(table.values().dim(), (569, 31));
    assert_eq!((table.names()[0].as_str(), table.names()[30].as_str()), ("mean_radius", "target"));
    assert_eq!(table.values()[[0, 3]], 1001.0);
    assert_eq!(table.values()[[568, 0]], 7.76);
    let labels = table.take_labels("target", 2).unwrap();
    // 357 benign tumours, as the data's description says
    assert_eq!((labels.len(), labels.iter().sum::<i64>()), (569, 357));
    assert_eq!(table.values().dim(), (569, 30));
    // what the description says of the radius: at least 6.981, at most 28.11
    let radius = table.column("mean_radius").unwrap();
    assert_eq!(radius.iter().copied().fold(f64::MAX, f64::min), 6.981);
    assert_eq!(radius.iter().copied().fold(f64::MIN, f64::max), 28.11);
    table.standardise().unwrap();
}

#[test]
fn every_way_to_write_the_same() {
    let expected = parse("a,b\n1,-2.5\n3e2,0.25\n").unwrap();
    assert_eq!(expected.names(), ["a", "b"]);
    assert_eq!(expected.values(), array![[1.0, -2.5], [300.0, 0.25]]);
    for same in [
        "a,b\n1,-2.5\n3e2,0.25",
        "a,b\r\n1,-2.5\r\n3e2,0.25\r\n",
        "a,b\r\n1,-2.5\n3e2,0.25\r\n",
        "\u{feff}a,b\n1,-2.5\n3e2,0.25\n",
        "\u{feff}\"a\",\"b\"\r\n\"1\",\"-2.5\"\r\n\"3e2\",\"0.25\"\r\n",
        "\"a\",b\n1,\"-2.5\"\n\"3e2\",0.25",
        "\"a\",\"b\"\n1,-2.5\n3e2,\"0.25\"",
        "a, b\n1, -2.5 \n 3e2,0.25\n",
        "a,b\n+1,-2.50\n300,.25\n",
    ] {
        assert_eq!(parse(same).unwrap(), expected, "{same:?}");
    }
    let odd = parse("\"weight, kg\",\"a \"\"b\"\"\",größe,5\"\n1,2,3,4\n").unwrap();
    assert_eq!(odd.names(), ["weight, kg", "a \"b\"", "größe", "5\""]);
}

#[test]
fn whole_numbers_are_exact() {
    let table = parse("a\n9007199254740991\n-9007199254740991\n1e300\n").unwrap();
    assert_eq!(table.values(), array![[9007199254740991.0], [-9007199254740991.0], [1e300]]);
    // read as 2^53, like 2^53 itself
    refused("id,a\n9007199254740993,1\n", ", line 2, column \"id\"", "would be changed");
}

#[test]
fn files_without_rows() {
    for text in ["", "\u{feff}"] {
        refused(text, "", "the file is empty: the first line must name the columns");
    }
    for text in ["a,b", "a,b\n", "\u{feff}a\r\n"] {
        refused(text, "", "no row of numbers follows the names");
    }
}

#[test]
fn names() {
    refused("1.5,2\n3,4\n", ", line 1, column 1", "\"1.5\" is a number where a name must be: insert");
    refused("a,-3e2\n3,4\n", ", line 1, column 2", "is a number");
    refused("a,nan\n3,4\n", ", line 1, column 2", "is a number");
    for text in [",a\n0,1\n", "\"\",a\n0,1\n", "  ,a\n0,1\n"] {
        refused(text, ", line 1, column 1", "no name: name every column");
    }
    refused("a,b,\n1,2,\n", ", line 1, column 3", "no name");
    refused("a,b, a\n1,2,3\n", ", line 1, column \"a\"", "column 1 has the same name: rename");
    refused("a;b\n1;2\n", ", line 1, column 1", "separate fields with commas");
    refused("a\tb\n1\t2\n", ", line 1, column 1", "\"a\\tb\" has a character that does not show: separate");
    refused("a,\"b\nc\"\n1,2\n", ", line 1, column 2", "\"b\\nc\" has a character that does not show");
    refused("a,b\r1,2\r", ", line 1, column 2", "does not show"); // line ends of old Macs
    refused("a,\u{feff}b\n1,2\n", ", line 1, column 2", "does not show");
    refused("\u{feff}\u{feff}", ", line 1, column 1", "does not show");
    refused("\u{feff}\u{feff}a\n1\n", ", line 1, column 1", "does not show");
    refused(b"a,gr\xf6\xdfe\n1,2\n", ", line 1, column 2", "not UTF-8: save the file as UTF-8");
    refused(b"\xff\xfea\0,\0b\0\n\0", ", line 1, column 1", "not UTF-8"); // UTF-16
}

#[test]
fn values() {
    let place = ", line 3, column \"b\"";
    for value in ["", "  ", "\"\""] {
        refused(format!("a,b\n1,2\n3,{value}\n"), place, "the value is missing: fill it in");
        refused(format!("a,b\r\n1,2\r\n3,{value}\r\n"), place, "the value is missing: fill it in");
    }
    for value in
        ["NA", "?", "1.5kg", "1 000", "0x10", "1_000", "\u{2212}1", "true", "\"1,5\"", "\"1\n\"", "\t1"]
    {
        refused(format!("a,b\n1,2\n3,{value}\n"), place, "is not a number: write numbers as 1.5");
    }
    for value in ["NaN", "nan", "inf", "-Infinity", "1e309", "-1e309"] {
        refused(format!("a,b\n1,2\n3,{value}\n"), place, "is not a finite number: fill in");
    }
    refused("id,b\n1,2\n12345678901234567890,3\n", ", line 3, column \"id\"", "would be changed: leave out");
    refused(b"a,b\n1,2\n3,\xe9\n", place, "not UTF-8");
    // before the row that is ragged comes the one that is not
    refused("a,b\n1,x\n3\n", ", line 2, column \"b\"", "\"x\" is not a number");
    let long = "x".repeat(100);
    refused(format!("a,b\n1,2\n3,{long}\n"), place, &format!("\"{}…\" is not", &long[..40]));
}

#[test]
fn rows() {
    refused("a,b,c\n1,2,3\n4\n", ", line 3, column \"b\"", "the row has 1 fields, the header 3");
    refused("a,b\n1,2\n1,5,2\n", ", line 3, column \"b\"", "with 3 fields where the header has 2: write 1.5");
    refused("a,b\n1,2,\n", ", line 2, column \"b\"", "goes on after the last column");
    for text in ["a\n1\n\n2\n", "a\r\n1\r\n\r\n2\r\n", "a\n1\n\n", "a\r\n1\r\n\r\n", "a,b\n1,2\n\n3,4\n"] {
        refused(text, ", line 3", "the line is empty: delete it");
    }
    for text in ["\n", "\r\n", "\na\n1\n", "\u{feff}\n"] {
        refused(text, ", line 1", "the line is empty");
    }
    // lines after an empty one would be miscounted
    refused("a\n1\n2\n3\nx\n", ", line 5, column \"a\"", "not a number");
    refused("a\r\n1\r\n2\r\n3\r\nx\r\n", ", line 5, column \"a\"", "not a number");
}

#[test]
fn quotes() {
    for (row, column) in [
        ("\"1\"2,3", "a"),
        ("1,\"2\"3", "b"),
        ("1,\"2", "b"),
        ("\"1,2", "a"),
        ("\"1\" ,2", "a"),
        ("1,\"\"2", "b"),
    ] {
        for end in ["", "\n", "\r\n", "\n5,6\n", "\r\n5,6"] {
            let place = format!(", line 3, column {column:?}");
            refused(format!("a,b\n1,2\n{row}{end}"), &place, "misplaced quotes: they enclose a whole field");
        }
    }
    refused("\"a,b\n1,2\n", ", line 1, column 1", "misplaced quotes");
    refused("a,b\n1,2\n1, \"2\"\n", ", line 3, column \"b\"", "is not a number");
    refused("a,b\n1,2\n1,2\"\n", ", line 3, column \"b\"", "is not a number");
}

#[test]
fn lengths() {
    let digits = |count: usize| "0".repeat(count);
    assert_eq!(parse(format!("a,b\n1,{}\n", digits(256))).unwrap().values(), array![[1.0, 0.0]]);
    refused(
        format!("a,b\n1,{}\n", digits(257)),
        ", line 2, column \"b\"",
        "257 bytes in one field, at most 256",
    );
    refused(format!("a,{}\n", "b".repeat(257)), ", line 1, column 2", "257 bytes in one field");
    refused(format!("{}\n", "a".repeat(1 << 25)), ", line 1", "more than 1048576 bytes");
    refused(format!("a\n1\n{}", ",1".repeat(1 << 20)), ", line 3", "more than 1048576 bytes");
    // the longest line
    let names: Vec<String> = (0..116_508).map(|i| format!("{i:08}").replacen('0', "a", 1)).collect();
    let header = names.join(",");
    assert!(header.len() <= 1 << 20 && header.len() > (1 << 20) - 9, "{}", header.len());
    let row = vec!["1"; names.len()].join(",");
    assert_eq!(parse(format!("{header}\n{row}")).unwrap().values().dim(), (1, names.len()));
}

#[test]
fn files_that_are_not_there() {
    let missing = read_table(Path::new("none.csv")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read none.csv: "), "{missing}");
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(read_table(folder.path()), Err(DataError::Read { .. })));
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "a\nx\n").unwrap();
    let error = read_table(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}, line 2, column \"a\": ", path.display())), "{error}");
}

#[test]
fn columns_by_name() {
    let table = parse("a,b,c\n1,2,3\n4,5,6\n").unwrap();
    assert_eq!(table.column("b").unwrap(), array![2.0, 5.0]);
    let chosen = table.columns(&["c", "a"]).unwrap();
    assert_eq!(chosen.names(), ["c", "a"]);
    assert_eq!(chosen.values(), array![[3.0, 1.0], [6.0, 4.0]]);
    assert_eq!(chosen.into_values(), array![[3.0, 1.0], [6.0, 4.0]]);
    for error in [table.column("d").unwrap_err(), table.columns(&["a", "d"]).unwrap_err()] {
        let expected = "x.csv, column \"d\": there is no such column: the file has \"a\", \"b\", \"c\"";
        assert_eq!(error.to_string(), expected);
    }
    let twice = table.columns(&["a", "b", "a"]).unwrap_err().to_string();
    assert_eq!(twice, "x.csv, column \"a\": asked for twice: name each column once");
    let names: Vec<String> = (0..50).map(|i| format!("c{i}")).collect();
    let wide = parse(format!("{}\n{}\n", names.join(","), ["0"; 50].join(","))).unwrap();
    let error = wide.column("d").unwrap_err().to_string();
    assert!(error.ends_with("\"c18\", \"c19\" and 30 more"), "{error}");
}

#[test]
fn labels() {
    let mut table = parse("a,label,b\n1,0,2\n3,2.0,4\n5,1,6\n").unwrap();
    let before = table.clone();
    let error = table.take_labels("label", 2).unwrap_err();
    assert_eq!(
        error.to_string(),
        "x.csv, line 3, column \"label\": 2 is not a class: labels are integers from 0, less than 2; \
         number the classes so"
    );
    assert!(matches!(
        table.take_labels("c", 2),
        Err(DataError::Table { fault: TableFault::NoColumn { .. }, .. })
    ));
    assert_eq!(table, before);
    assert_eq!(table.take_labels("label", 3).unwrap(), [0, 2, 1]);
    assert_eq!(table, before.columns(&["a", "b"]).unwrap());
    for (value, classes) in [("-1", 3), ("0.5", 3), ("3", 3), ("1e300", 3), ("0", 0)] {
        let mut table = parse(format!("y\n{value}\n")).unwrap();
        let DataError::Table { row, fault, .. } = table.take_labels("y", classes).unwrap_err() else {
            panic!()
        };
        assert_eq!(
            (row, fault),
            (Some(RowPlace::Line(2)), TableFault::Label { value: value.parse().unwrap(), classes })
        );
    }
}

proptest! {
    /// What is written as Rust prints numbers is read again bit for bit, quoted or not, at its row and column.
    #[test]
    fn what_is_written_is_read(
        rows in proptest::collection::vec(proptest::array::uniform3((any::<f64>(), any::<bool>())), 1..20),
        crlf in any::<bool>(),
    ) {
        let end = if crlf { "\r\n" } else { "\n" };
        let mut text = format!("a,b,c{end}");
        for row in &rows {
            // integers have a point: they are not refused for being too large
            let field = |&(value, quoted): &(f64, bool)| match quoted {
                true => format!("\"{value:?}\""),
                false => format!("{value:?}"),
            };
            text += &row.iter().map(field).collect::<Vec<_>>().join(",");
            text += end;
        }
        let first_bad = rows.iter().position(|row| row.iter().any(|(value, _)| !value.is_finite()));
        match parse(&text) {
            Ok(table) => {
                prop_assert_eq!(first_bad, None);
                let read: Vec<u64> = table.values().iter().map(|value| value.to_bits()).collect();
                let written: Vec<u64> = rows.iter().flatten().map(|(value, _)| value.to_bits()).collect();
                prop_assert_eq!(read, written);
            }
            Err(DataError::Table { row, fault, .. }) => {
                let not_finite = matches!(fault, TableFault::NotFinite { .. });
                prop_assert!(not_finite, "{}", fault);
                prop_assert_eq!(row, first_bad.map(|row| RowPlace::Line(row + 2)));
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_another_build() {
    let error = read_table_bytes(Path::new("x.parquet"), b"PAR1").unwrap_err().to_string();
    assert!(
        error.starts_with("x.parquet: this program is built without Parquet: build it with `--features"),
        "{error}"
    );
}
