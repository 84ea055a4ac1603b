//! Running the program, and files for it.

#![allow(dead_code, missing_docs)] // each test file uses its part

pub mod machines;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a run gave.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// Runs `tacita` with these arguments, without a terminal.
pub fn tacita(arguments: &[&str]) -> Run {
    tacita_in(Path::new("."), arguments)
}

/// The same in a folder.
pub fn tacita_in(folder: &Path, arguments: &[&str]) -> Run {
    tacita_with(folder, arguments, &[])
}

/// The same with these in the environment.
pub fn tacita_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_tacita"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_BACKTRACE")
        .env_remove("TACITA_LOG")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    let code = output.status.code().expect("no signal ends the program");
    Run { code, out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// What it printed, after success.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    /// The JSON that it printed, after success.
    #[track_caller]
    pub fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// That it failed with this code, one line on standard error with all of these words, and nothing else.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert_eq!(self.out, "");
        assert!(self.err.starts_with("error: "), "{}", self.err);
        assert_eq!((self.err.matches('\n').count(), self.err.ends_with('\n')), (1, true), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in {}", self.err);
        }
    }
}

impl Run {
    /// The same where `--json` was asked for: the error is one object on both outputs.
    #[track_caller]
    pub fn fails_json(&self, code: i32, words: &[&str]) {
        assert_eq!((self.code, &self.out), (code, &self.err));
        let object: Value = serde_json::from_str(&self.out).expect("JSON");
        for word in words {
            assert!(
                object["error"]["message"].as_str().unwrap().contains(word),
                "no {word:?} in {}",
                self.out
            );
        }
    }
}

/// A file of the repository's `models`.
pub fn shipped(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models");
    folder.join(name).to_str().expect("a path of text").to_owned()
}

/// A folder that is removed in the end.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(TempDir::new().expect("a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// A path in it as an argument.
    pub fn name(&self, name: &str) -> String {
        self.file(name).to_str().expect("a path of text").to_owned()
    }

    /// A path in it with these contents.
    pub fn with(&self, name: &str, bytes: &[u8]) -> String {
        std::fs::write(self.file(name), bytes).expect("a temporary file");
        self.name(name)
    }

    /// What is in it.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_str().expect("text").to_owned())
            .collect();
        names.sort();
        names
    }
}

/// A `.npy` file: numpy's notation of the element type, the shape as a tuple, the elements' bytes.
pub fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// `count` images of zeros for the shipped networks as f32, the first element of the last one being `value`.
pub fn images(count: usize, value: f32) -> Vec<u8> {
    let mut pixels = vec![0f32; count * 784];
    if count > 0 {
        pixels[(count - 1) * 784] = value;
    }
    let bytes: Vec<u8> = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
    npy("<f4", &format!("({count}, 1, 28, 28)"), &bytes)
}
