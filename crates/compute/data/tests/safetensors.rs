//! Tensors by name: written and read, and what is refused.

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;
use tacita_data::{DataError, Tensors, Width, read_safetensors, read_safetensors_bytes, write_safetensors};

fn array(shape: &[usize], first: f64) -> ArrayD<f64> {
    let count = shape.iter().product::<usize>();
    let values = (0..count).map(|i| first + i as f64 / 3.0).collect();
    ArrayD::from_shape_vec(IxDyn(shape), values).unwrap()
}

fn some() -> BTreeMap<String, ArrayD<f64>> {
    let named = [("0.weight", array(&[2, 3], -1.0)), ("0.bias", array(&[2], 0.1)), ("step", array(&[], 1e9))];
    let mut tensors: BTreeMap<String, ArrayD<f64>> = named.map(|(name, x)| (name.to_string(), x)).into();
    tensors.insert("none".to_string(), ArrayD::zeros(vec![0, 4]));
    // written as it is indexed, not as it lies in memory
    tensors.insert("turned".to_string(), array(&[4, 5], 2.0).reversed_axes());
    tensors
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let tensors = some();
    write_safetensors(&path, &tensors, Width::F64, "a model: ü \"quoted\"\n").unwrap();
    let Tensors { tensors: found, metadata } = read_safetensors(&path).unwrap();
    assert_eq!(found, tensors);
    assert_eq!(
        metadata.into_iter().collect::<Vec<_>>(),
        [("tacita".to_string(), "a model: ü \"quoted\"\n".to_string())]
    );

    let before = std::fs::read(&path).unwrap();
    write_safetensors(&path, &tensors, Width::F64, "a model: ü \"quoted\"\n").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before, "the same bytes");

    write_safetensors(&path, &tensors, Width::F32, "").unwrap();
    let narrow = |x: &ArrayD<f64>| x.mapv(|x| f64::from(x as f32));
    for (name, found) in read_safetensors(&path).unwrap().tensors {
        assert_eq!(found, narrow(&tensors[&name]), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn numbers_that_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for (value, width) in [(f64::NAN, Width::F64), (f64::INFINITY, Width::F64), (1e39, Width::F32)] {
        let tensors = BTreeMap::from([("0.weight".to_string(), ArrayD::from_elem(vec![2], value))]);
        let error = write_safetensors(&path, &tensors, width, "").unwrap_err().to_string();
        assert!(error.contains("model.safetensors: tensor \"0.weight\" has"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

/// A file of one header and some bytes of data.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn refused(bytes: &[u8]) -> String {
    let error = read_safetensors_bytes(Path::new("w.safetensors"), bytes).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("w.safetensors") && !text.contains(char::is_control), "{text:?}");
    text
}

#[test]
fn refusals_name_file_and_tensor() {
    let tensor = |dtype: &str, shape: &str, end: usize| {
        format!("{{\"a\\nb\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{end}]}}}}")
    };
    assert_eq!(
        refused(&file(&tensor("BF16", "[2]", 4), &[0; 4])),
        "w.safetensors: tensor \"a\\nb\": elements have type BF16, expected F32 or F64"
    );
    let nan = [0.0f32, f32::NAN].map(f32::to_le_bytes).concat();
    assert_eq!(
        refused(&file(&tensor("F32", "[1,2]", 8), &nan)),
        "w.safetensors: tensor \"a\\nb\": element [0, 1] is NaN"
    );
    let corrupt = "w.safetensors: not a valid file: ";
    let many = format!("[{}1]", "1,".repeat(64));
    for (bytes, tensors) in [
        (vec![], false),
        (b"1234567".to_vec(), false),
        (file("{", &[]), false),
        (file("[]", &[]), false),
        (u64::MAX.to_le_bytes().to_vec(), false),
        ((1u64 << 30).to_le_bytes().to_vec(), false),
        // cut, longer, another shape, sizes whose product overflows, an empty tensor with sizes beyond memory
        (file(&tensor("F32", "[2]", 8), &[0; 7]), false),
        (file(&tensor("F32", "[2]", 8), &[0; 9]), false),
        (file(&tensor("F32", "[3]", 8), &[0; 8]), false),
        (file(&tensor("F32", "[4294967296,4294967296,2]", 8), &[0; 8]), false),
        (file(&tensor("F32", "[0,4294967296]", 0), &[]), true),
        (file(&tensor("F32", &many, 4), &[0; 4]), true),
    ] {
        let expected = if tensors { "w.safetensors: tensor \"a\\nb\": not a valid file: " } else { corrupt };
        let text = refused(&bytes);
        assert!(text.starts_with(expected), "{text}");
    }
    let missing = read_safetensors(Path::new("/nowhere/w.safetensors"));
    assert!(matches!(missing, Err(DataError::Read { .. })), "{missing:?}");
}

proptest! {
    /// A damaged file is an error or other numbers, and nothing else.
    #[test]
    fn damaged_files(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        write_safetensors(&path, &some(), Width::F32, "a model").unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        tacita_data::fuzzing::safetensors_read(&bytes);
    }
}
