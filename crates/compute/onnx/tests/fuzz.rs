//! Damaged files end in an error or a model, never in a panic or an allocation out of proportion.

use std::path::PathBuf;

use tacita_onnx::testing::unpack;
use tacita_onnx::{ImportError, ImportOptions, import_bytes};

/// Numbers that differ from one to the next, the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

fn onnx_files(folder: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The models of ONNX's own tests that are here, with one input.
fn models_of_onnx() -> Vec<Vec<u8>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/backend/chosen.pb");
    let tests = unpack(&std::fs::read(path).unwrap()).unwrap();
    tests.iter().map(|test| test.with_one_input().unwrap().0).collect()
}

fn import_quietly(bytes: &[u8]) -> Result<(), ImportError> {
    let model = import_bytes(bytes, &ImportOptions::default())?;
    // What is imported is a sound graph, if perhaps too large with this batch.
    let _ = model.of_batch(3);
    Ok(())
}

/// Damages every byte of the small models.
#[test]
fn flipped_bytes_of_small_models() {
    let mut numbers = Numbers(1);
    for bytes in onnx_files("tests/data").iter().chain(&onnx_files("tests/data/refused")) {
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            for flip in [1, 0x80, numbers.next() as u8 | 1] {
                damaged[position] = bytes[position] ^ flip;
                let _ = import_quietly(&damaged);
            }
        }
    }
}

/// Several bytes at once: what one damage hides, two may show. Between them, these models have every operator.
#[test]
fn scattered_damage_of_small_models() {
    let mut numbers = Numbers(2);
    for bytes in onnx_files("tests/data").into_iter().chain(models_of_onnx()) {
        for _ in 0..200 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + numbers.below(6) {
                let position = numbers.below(damaged.len());
                match numbers.below(4) {
                    0 => damaged[position] = numbers.next() as u8,
                    1 => damaged[position] = 0xff,
                    2 => drop(damaged.remove(position)),
                    _ => damaged.insert(position, numbers.next() as u8),
                }
            }
            let _ = import_quietly(&damaged);
        }
    }
}

#[test]
fn every_truncation_of_small_models() {
    for bytes in onnx_files("tests/data") {
        for length in 0..bytes.len() {
            assert!(import_quietly(&bytes[..length]).is_err(), "cut at {length} of {}", bytes.len());
        }
    }
}

#[test]
fn damage_to_the_shipped_models() {
    let mut numbers = Numbers(3);
    for bytes in onnx_files("../../../models") {
        import_quietly(&bytes).unwrap();
        // Where structure is dense: the first and last kilobyte; and anywhere.
        for round in 0..500 {
            let position = match round % 3 {
                0 => numbers.below(1024),
                1 => bytes.len() - 1 - numbers.below(1024),
                _ => numbers.below(bytes.len()),
            };
            let mut damaged = bytes.clone();
            damaged[position] ^= numbers.next() as u8 | 1;
            let _ = import_quietly(&damaged);
        }
        for _ in 0..200 {
            let error = import_quietly(&bytes[..numbers.below(bytes.len())]).unwrap_err();
            assert!(matches!(error, ImportError::File { .. }), "{error}");
        }
    }
}
