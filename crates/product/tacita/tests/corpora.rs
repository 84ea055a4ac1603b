//! The inputs that fuzzing has found to matter hold what every input must, in the memory that they may take.
//!
//! The targets are those of `fuzz/`, which is no part of the workspace: it needs a nightly compiler.

#[path = "../../../../fuzz/src/lib.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::fs::read_dir;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// The names in a folder, in order.
fn names(folder: &Path) -> BTreeSet<PathBuf> {
    let entries = read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// One test, as memory is counted for the whole process.
#[test]
fn corpora_are_replayed() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz");
    let expected = |folder: &str, suffix: &str| -> BTreeSet<PathBuf> {
        let name = |target: &&fuzz::Target| fuzz.join(folder).join(format!("{}{suffix}", target.name));
        fuzz::TARGETS.iter().map(name).collect()
    };
    assert_eq!(names(&fuzz.join("corpus")), expected("corpus", ""), "a corpus for each target");
    assert_eq!(names(&fuzz.join("fuzz_targets")), expected("fuzz_targets", ".rs"), "a program for each");
    let mut failed = vec![];
    for target in fuzz::TARGETS {
        let inputs = names(&fuzz.join("corpus").join(target.name));
        assert!(!inputs.is_empty(), "{} has an empty corpus", target.name);
        let mut most = 0;
        for path in &inputs {
            let bytes = std::fs::read(path).unwrap();
            match catch_unwind(|| target.check(&bytes)) {
                Ok(taken) => most = most.max(taken),
                Err(_) => failed.push(path.clone()),
            }
        }
        println!("{}: {} inputs, {most} bytes of memory at most", target.name, inputs.len());
    }
    assert!(failed.is_empty(), "these inputs fail, see above: {failed:#?}");
}
