//! The single-operator tests of the `onnx` package: a chosen part of them is in `data/backend`, all of them are fetched by
//! `tools/fetch_onnx_tests.py` for the slow run, which also keeps `docs/onnx-backend.md` current. To write that page and the
//! chosen part anew:
//! `TACITA_WRITE_DOCS=1 cargo test -p tacita-onnx --release --test backend -- --ignored`.

mod table;
mod verdict;

use std::path::PathBuf;

use tacita_onnx::testing::{Test, pack, unpack};
use verdict::{Verdict, verdict};

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../..")).join(name)
}

fn tests(name: &str) -> Vec<Test> {
    let bytes = std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    unpack(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"))
}

const CHOSEN: &str = "crates/compute/onnx/tests/data/backend/chosen.pb";
const PAGE: &str = "docs/onnx-backend.md";

#[test]
fn the_chosen_tests_pass() {
    let tests = tests(CHOSEN);
    assert!(tests.len() >= 150, "{}", tests.len());
    for test in &tests {
        let found = verdict(test);
        assert!(matches!(found, Verdict::Passes { .. }), "{}: {found:?}", test.name);
    }
}

/// Of each operator the smallest tests that pass.
fn chosen<'a>(tests: &'a [Test], verdicts: &[Verdict]) -> Vec<&'a Test> {
    const LARGEST: usize = 4 << 10;
    const EACH: usize = 4;
    let size = |test: &Test| pack(&[test]).len();
    let mut by_size: Vec<&Test> = (tests.iter().zip(verdicts))
        .filter(|(test, verdict)| matches!(verdict, Verdict::Passes { .. }) && size(test) <= LARGEST)
        .map(|(test, _)| test)
        .collect();
    by_size.sort_by_key(|test| (size(test), &test.name));
    let mut taken = std::collections::BTreeMap::new();
    by_size.retain(|test| {
        let count = taken.entry(table::operator(test)).or_insert(0);
        *count += 1;
        *count <= EACH && !table::is_spelled_out(test)
    });
    by_size.sort_by_key(|test| &test.name);
    by_size
}

#[test]
#[ignore = "slow: needs what tools/fetch_onnx_tests.py fetches"]
fn every_test_passes_or_is_refused_as_documented() {
    let tests = tests("target/onnx-backend/node.pb");
    let verdicts: Vec<Verdict> = tests.iter().map(verdict).collect();
    let mut failures = Vec::new();
    for (test, verdict) in tests.iter().zip(&verdicts) {
        if let Verdict::Fails(why) = verdict {
            failures.push(format!("{}: {why}", test.name));
        }
    }
    if std::env::var_os("TACITA_BACKEND_LIST").is_some() {
        for (test, verdict) in tests.iter().zip(&verdicts) {
            println!("{} {} {verdict:?}", table::operator(test), test.name);
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    let (page, chosen) = (table::page(&tests, &verdicts), pack(&chosen(&tests, &verdicts)));
    if std::env::var_os("TACITA_WRITE_DOCS").is_some() {
        std::fs::write(path(PAGE), &page).unwrap();
        std::fs::write(path(CHOSEN), &chosen).unwrap();
    }
    assert!(
        std::fs::read(path(CHOSEN)).unwrap() == chosen,
        "{CHOSEN} is not current: this file says how to write it"
    );
    let there = std::fs::read_to_string(path(PAGE)).unwrap();
    assert!(there == page, "{PAGE} is not current: this file says how to write it");
}
