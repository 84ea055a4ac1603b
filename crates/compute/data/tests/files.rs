//! Reading what numpy writes, writing what numpy reads, and refusing the rest.

use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, array};
use tacita_data::{DataError, Source, check_writable, read, read_finite, read_labels, write_f32, write_i64};

fn source(name: &str) -> Source {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR")).parse().unwrap()
}

fn model_file(name: &str) -> String {
    format!("{}/../../../models/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_number_type() {
    let values = array![[0.0, 1.0, 2.0], [3.0, 4.0, 100.0]].into_dyn();
    for archive in ["plain.npz", "deflated.npz"] {
        for kind in ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"] {
            let expected = match kind {
                "b1" => values.mapv(|x| f64::from(u8::from(x > 1.0))),
                float if float.starts_with('f') => &values + 0.25,
                signed if signed.starts_with('i') => -&values,
                _ => values.clone(),
            };
            assert_eq!(read(&source(&format!("{archive}:{kind}"))).unwrap(), expected, "{archive}:{kind}");
        }
    }
    assert_eq!(read(&source("one.npz")).unwrap(), &values + 0.25);
    assert_eq!(read(&source("version2.npy")).unwrap(), &values + 0.25);
}

#[test]
fn every_layout() {
    assert_eq!(read(&source("scalar.npy")).unwrap(), ArrayD::from_elem(IxDyn(&[]), 2.5));
    assert_eq!(read(&source("empty.npy")).unwrap().shape(), [0, 3]);
    let fortran = read(&source("fortran.npy")).unwrap();
    assert_eq!(fortran, ArrayD::from_shape_vec(IxDyn(&[2, 3, 4]), (0..24).map(f64::from).collect()).unwrap());
    assert!(fortran.is_standard_layout());
}

#[test]
fn labels() {
    assert_eq!(read_labels(&source("labels.npy")).unwrap(), [7, -2, 1 << 62]);
    let digits = read_labels(&format!("{}:labels", model_file("mnist-200.npz")).parse().unwrap()).unwrap();
    assert_eq!(digits.len(), 200);
    assert!(digits.iter().all(|digit| (0..10).contains(digit)));
    assert!(matches!(read_labels(&source("plain.npz:f4")), Err(DataError::ElementType { .. })));
    assert!(matches!(read_labels(&source("plain.npz:i4")), Err(DataError::LabelShape { .. })));
}

#[test]
fn the_shipped_images() {
    let images = |name: &str| read_finite(&format!("{}:images", model_file(name)).parse().unwrap()).unwrap();
    let (all, first) = (images("mnist-test.npz"), images("mnist-200.npz"));
    assert_eq!(all.shape(), [1000, 1, 28, 28]);
    assert_eq!(all.slice_axis(ndarray::Axis(0), (0..200).into()), first);
}

fn refusal(name: &str) -> String {
    read_finite(&source(name)).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_fault() {
    for (name, message) in [
        ("missing.npy", "cannot read"),
        ("missing.npz:x", "cannot read"),
        ("make.py.npy:x.npz:y", "cannot read"),
        ("plain.npz", "say which array, as FILE.npz:NAME; it holds f4, f8, i1"),
        ("plain.npz:x", "no array named \"x\"; it holds f4, f8, i1"),
        ("big_endian.npy", "elements have type >f4, expected f32"),
        ("half.npy", "elements have type <f2"),
        ("complex.npy", "elements have type <c8"),
        ("text.npy", "elements have type <U1"),
        ("object.npy", "elements have type object (pickled Python"),
        ("record.npy", "elements have type [('a', '<i4'), ('b', '<f4')]"),
        ("large.npy", "element [0, 1] is 9007199254740993, beyond 2^53"),
        ("nan.npy", "element [1, 0] is NaN"),
    ] {
        let found = refusal(name);
        assert!(found.contains(message), "{name}: {found}");
        assert!(!found.contains('\n'));
    }
    assert!(read(&source("nan.npy")).is_ok());
    assert!(
        "x.csv".parse::<Source>().unwrap_err().to_string().contains("expected FILE.npy or FILE.npz:NAME")
    );
}

/// Reads `bytes` as a file called `name`.
fn read_bytes(folder: &Path, name: &str, bytes: &[u8]) -> Result<ArrayD<f64>, DataError> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    read(&path.to_str().unwrap().parse().unwrap())
}

#[test]
fn truncation_and_excess_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(source("fortran.npy").path()).unwrap();
    for length in 0..bytes.len() {
        let error = read_bytes(folder.path(), "x.npy", &bytes[..length]).unwrap_err();
        match error {
            DataError::Corrupt { .. } => assert!(length < 128),
            DataError::Truncated { expected, found, .. } => {
                assert_eq!((expected, found as usize), (96, length - 128));
            }
            other => panic!("{other}"),
        }
    }
    let excess = read_bytes(folder.path(), "x.npy", &[&bytes[..], b"?"].concat()).unwrap_err();
    assert!(excess.to_string().contains("1 bytes follow the array"));

    // A header may claim what it likes: nothing is allocated for it.
    let huge = String::from_utf8_lossy(&bytes[10..128]).replace("(2, 3, 4)", "(99999999999,)");
    let huge = [&bytes[..10], huge.as_bytes(), &bytes[128..]].concat();
    assert!(matches!(read_bytes(folder.path(), "x.npy", &huge), Err(DataError::Corrupt { .. })));
    let large = String::from_utf8_lossy(&bytes[10..128]).replace("(2, 3, 4)", "(2, 3333, 4)");
    let large = [&bytes[..8], &(large.len() as u16).to_le_bytes(), large.as_bytes(), &bytes[128..]].concat();
    assert!(matches!(read_bytes(folder.path(), "x.npy", &large), Err(DataError::Truncated { .. })));
}

#[test]
fn flipped_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    for (file, suffix) in [("fortran.npy", "x.npy"), ("deflated.npz", "x.npz:u1"), ("one.npz", "x.npz")] {
        let bytes = std::fs::read(source(file).path()).unwrap();
        let path = folder.path().join(suffix.split(':').next().unwrap());
        let source: Source = folder.path().join(suffix).to_str().unwrap().parse().unwrap();
        for position in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff, bytes[position]] {
                let mut damaged = bytes.clone();
                damaged[position] ^= flip;
                std::fs::write(&path, damaged).unwrap();
                let _ = read_finite(&source);
                let _ = read_labels(&source);
            }
        }
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&source).is_err(), "{file} cut at {length}");
        }
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("y.npy");
    let source: Source = path.to_str().unwrap().parse().unwrap();

    let floats = array![[0.5, -1.0, f64::NAN], [1e-30, f64::INFINITY, 3e38]].into_dyn();
    write_f32(&path, floats.view()).unwrap();
    let back = read(&source).unwrap();
    assert_eq!(format!("{back:?}"), format!("{:?}", floats.mapv(|x| f64::from(x as f32))));

    // Any view is written in C order.
    write_f32(&path, floats.t()).unwrap();
    assert_eq!(read(&source).unwrap()[[1, 0]], -1.0);

    let integers = array![[i64::MIN], [0], [i64::MAX]].into_dyn();
    write_i64(&path, integers.view()).unwrap();
    assert_eq!(read_labels(&source).unwrap(), [i64::MIN, 0, i64::MAX]);
    assert_eq!(names(folder.path()), [path]);
}

#[test]
fn a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("y.npy");
    write_i64(&path, array![1, 2].into_dyn().view()).unwrap();
    let before = std::fs::read(&path).unwrap();

    let mut values = vec![0.0; 100_000];
    values[99_999] = 1e300;
    let error =
        write_f32(&path, ArrayD::from_shape_vec(IxDyn(&[100_000]), values).unwrap().view()).unwrap_err();
    assert!(error.to_string().contains("beyond the range of f32"), "{error}");
    assert_eq!(names(folder.path()), std::slice::from_ref(&path));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    for bad in
        [folder.path().join("missing/y.npy"), folder.path().to_path_buf(), path.join("y.npy"), PathBuf::new()]
    {
        let message = write_f32(&bad, array![1.0].into_dyn().view()).unwrap_err().to_string();
        assert!(message.starts_with("cannot write"), "{message}");
        assert_eq!(check_writable(&bad).unwrap_err().to_string(), message);
    }
    check_writable(&path).unwrap();
    assert_eq!(names(folder.path()), [path]);
}

#[cfg(unix)]
#[test]
fn written_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folder.path().join("ours.npy"), folder.path().join("theirs"));
    write_i64(&ours, array![1].into_dyn().view()).unwrap();
    std::fs::write(&theirs, b"").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&theirs));
}

#[test]
fn a_staged_file_is_invisible_until_it_is_committed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logits.npy");
    let names = || std::fs::read_dir(folder.path()).unwrap().count();
    let array = ndarray::arr1(&[1.0, 2.0]).into_dyn();
    drop(tacita_data::stage_f32(&path, array.view()).unwrap());
    assert_eq!(names(), 0, "dropped, it is gone");
    let staged = tacita_data::stage_f32(&path, array.view()).unwrap();
    assert!(!path.exists() && names() == 1);
    staged.commit().unwrap();
    assert!(path.exists() && names() == 1);
}

#[test]
fn a_staged_file_can_spare_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("session.toml");
    let stage = |text: &'static [u8]| tacita_data::Staged::write(&path, |file| file.write_all(text)).unwrap();
    let (first, second) = (stage(b"first"), stage(b"second"));
    first.commit_new().unwrap();
    let Err(DataError::Write { error, .. }) = second.commit_new() else { panic!("it was overwritten") };
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&path).unwrap(), b"first");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}
