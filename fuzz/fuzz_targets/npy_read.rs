//! Whatever the bytes, reading them as an `.npy` or as an array of an `.npz` gives an array or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_data::{Source, read_bytes, read_labels_bytes};

fuzz_target!(|bytes: &[u8]| {
    for name in ["x.npy", "x.npz:images"] {
        let source: Source = name.parse().expect("a file's name");
        let _ = read_bytes(&source, bytes);
        let _ = read_labels_bytes(&source, bytes);
    }
});
