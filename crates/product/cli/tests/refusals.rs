//! Bad input ends with its exit code, one line that names what is wrong, and no output file.

mod common;

use std::time::{Duration, Instant};

use common::{Folder, Run, images, npy, shipped, tacita, tacita_with};

/// `infer` of LeNet with outputs into the folder, which must stay as it is.
#[track_caller]
fn infer(folder: &Folder, model: &str, input: &str, more: &[&str]) -> Run {
    let before = folder.names();
    let (output, report) = (folder.name("y.npy"), folder.name("r.json"));
    let mut arguments = vec!["infer", model, "--input", input, "--output", &output, "--report", &report];
    arguments.extend(more);
    let run = tacita(&arguments);
    assert_eq!(folder.names(), before, "a failed run leaves nothing behind");
    run
}

#[test]
fn models_that_are_no_models() {
    let folder = Folder::new();
    let x = folder.with("x.npy", &images(1, 1.0));
    infer(&folder, "nowhere/m.onnx", &x, &[]).fails(3, &["nowhere/m.onnx", "No such file"]);
    let bytes = std::fs::read(shipped("lenet.onnx")).unwrap();
    for (name, length) in
        [("empty", 0), ("a", 1), ("b", 300), ("half", bytes.len() / 2), ("c", bytes.len() - 1)]
    {
        let model = folder.with(&format!("{name}.onnx"), &bytes[..length]);
        for command in [&["plan", &model][..], &["check", &model, "--input", &x]] {
            tacita(command).fails(3, &[&model]);
        }
        infer(&folder, &model, &x, &[]).fails(3, &[&model]);
    }
    let text = folder.with("text.onnx", b"this is no model, and no graph either");
    infer(&folder, &text, &x, &[]).fails(3, &[&text]);
    let mut corrupt = bytes;
    corrupt[4..64].fill(0xff);
    let corrupt = folder.with("corrupt.onnx", &corrupt);
    infer(&folder, &corrupt, &x, &[]).fails(3, &[&corrupt]);
    infer(&folder, folder.path().to_str().unwrap(), &x, &[]).fails(3, &["directory"]);
}

/// The shipped network with another operation of as many letters.
fn with_atan() -> Vec<u8> {
    let mut bytes = std::fs::read(shipped("lenet.onnx")).unwrap();
    let places: Vec<usize> = (0..bytes.len() - 4).filter(|&at| &bytes[at..at + 4] == b"Relu").collect();
    for at in places {
        bytes[at..at + 4].copy_from_slice(b"Atan");
    }
    bytes
}

#[test]
fn unsupported_operations() {
    let folder = Folder::new();
    let x = folder.with("x.npy", &images(1, 1.0));
    let model = folder.with("atan.onnx", &with_atan());
    infer(&folder, &model, &x, &[]).fails(4, &[&model, "/Atan", "(Atan)"]);
    tacita(&["plan", &model]).fails(4, &[&model, "/Atan", "(Atan)"]);
    let graph = folder.name("g");
    tacita(&["export-graph", &model, "-o", &graph]).fails(4, &[&model, "/Atan"]);
    assert!(!folder.names().contains(&"g".to_owned()));

    let run = tacita(&["plan", &model, "--json"]);
    assert_eq!(run.code, 4);
    let error = &serde_json::from_str::<serde_json::Value>(&run.out).unwrap()["error"];
    assert_eq!(error["code"], 4);
    assert!(error["node"].as_str().unwrap().contains("Atan"), "{error}");
    assert!(error["message"].as_str().unwrap().contains("(Atan)"), "{error}");
}

#[test]
fn inputs_that_are_no_arrays() {
    let folder = Folder::new();
    let lenet = shipped("lenet.onnx");
    let good = images(2, 1.0);
    let fails = |input: &str, words: &[&str]| infer(&folder, &lenet, input, &[]).fails(3, words);
    fails("nowhere.npy", &["nowhere.npy", "No such file"]);
    fails("x.csv", &["x.csv", "FILE.npz:NAME"]);
    fails(&folder.with("cut.npy", &good[..good.len() - 1]), &["cut.npy", "truncated"]);
    fails(&folder.with("header.npy", &good[..40]), &["header.npy", "not a valid file"]);
    fails(&folder.with("empty.npy", b""), &["empty.npy", "not a valid file"]);
    let mut corrupt = good.clone();
    corrupt[10..20].fill(b'#');
    fails(&folder.with("corrupt.npy", &corrupt), &["corrupt.npy", "not a valid file"]);
    fails(&folder.with("text.npz", b"no archive"), &["text.npz", "not a valid file"]);
    let archive = shipped("mnist-200.npz");
    fails(&archive, &[&archive, "FILE.npz:NAME", "images, labels"]);
    fails(&format!("{archive}:image"), &[&archive, "\"image\"", "images, labels"]);
}

#[test]
fn inputs_of_another_type() {
    let folder = Folder::new();
    for (name, descr, size) in [
        ("complex", "<c8", 8),
        ("half", "<f2", 2),
        ("big", ">f4", 4),
        ("object", "|O", 8),
        ("text", "<U1", 4),
    ] {
        let x = folder.with(&format!("{name}.npy"), &npy(descr, "(1, 1, 28, 28)", &vec![0; 784 * size]));
        infer(&folder, &shipped("lenet.onnx"), &x, &[]).fails(3, &[name, "type", "f32"]);
    }
}

#[test]
fn inputs_of_another_shape() {
    let folder = Folder::new();
    let zeros = vec![0; 784 * 4 * 2];
    for (shape, size, words) in [
        ("(2, 784)", 1568, &["[2, 784]", "[batch, 1, 28, 28]"][..]),
        ("(2, 28, 28, 1)", 1568, &["[2, 28, 28, 1]", "[batch, 1, 28, 28]"]),
        ("(1, 28, 28)", 784, &["first axis must be the batch"]),
        ("(0, 1, 28, 28)", 0, &["no samples"]),
        ("()", 1, &["[batch, 1, 28, 28]"]),
    ] {
        let x = folder.with("x.npy", &npy("<f4", shape, &zeros[..size * 4]));
        infer(&folder, &shipped("lenet.onnx"), &x, &[]).fails(3, &[&[x.as_str(), "`image`"], words].concat());
        tacita(&["check", &shipped("lenet.onnx"), "--input", &x]).fails(3, &[&x]);
    }
}

#[test]
fn values_that_cannot_be_used() {
    let folder = Folder::new();
    let lenet = shipped("lenet.onnx");
    for (value, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let x = folder.with("x.npy", &images(3, value));
        infer(&folder, &lenet, &x, &[]).fails(3, &[&x, "[2, 0, 0, 0]", word]);
        tacita(&["check", &lenet, "--input", &x]).fails(3, &[&x, "[2, 0, 0, 0]", word]);
    }
    let x = folder.with("x.npy", &images(3, 2e9));
    infer(&folder, &lenet, &x, &[]).fails(3, &[&x, "[2, 0, 0, 0]", "out of range", "2^30", "--scale"]);
    let x = folder.with("x.npy", &images(3, -20_000.0));
    infer(&folder, &lenet, &x, &["--precision", "24"]).fails(3, &[&x, "-20000", "2^14"]);
    let large: Vec<u8> =
        [vec![1u64 << 60], vec![0; 783]].concat().iter().flat_map(|x| x.to_le_bytes()).collect();
    let x = folder.with("x.npy", &npy("<u8", "(1, 1, 28, 28)", &large));
    infer(&folder, &lenet, &x, &[]).fails(3, &[&x, "[0, 0, 0, 0]", "2^53"]);
}

#[test]
fn labels_that_do_not_fit() {
    let folder = Folder::new();
    let (lenet, x) = (shipped("lenet.onnx"), folder.with("x.npy", &images(3, 1.0)));
    let fails =
        |labels: &str, words: &[&str]| infer(&folder, &lenet, &x, &["--labels", labels]).fails(3, words);
    fails(&folder.with("l.npy", &npy("|u1", "(2,)", &[1, 2])), &["l.npy", "2 labels for 3 samples"]);
    fails(&folder.with("l.npy", &npy("|u1", "(4,)", &[1, 2, 3, 4])), &["l.npy", "4 labels for 3 samples"]);
    fails(&folder.with("l.npy", &npy("<f4", "(3,)", &[0; 12])), &["l.npy", "type"]);
    fails(&folder.with("l.npy", &npy("|u1", "(1, 3)", &[1, 2, 3])), &["l.npy", "shape"]);
    fails("nowhere.npy", &["nowhere.npy"]);
}

#[test]
fn calls_that_make_no_sense() {
    let folder = Folder::new();
    let (lenet, x) = (shipped("lenet.onnx"), folder.with("x.npy", &images(1, 1.0)));
    for (more, words) in [
        (&["--batch", "0"][..], &["--batch", "0 samples compute nothing"][..]),
        (&["--batch", "-1"], &["--batch", "give 1 or more"]),
        (&["--batch", "many"], &["--batch", "'many'", "give 1 or more"]),
        (&["--parties", "1"], &["--parties", "2..=16"]),
        (&["--parties", "17"], &["--parties"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--precision", "3"], &["--precision", "4..=24"]),
        (&["--precision", "25"], &["--precision", "4..=24"]),
        (&["--link", "carrier"], &["--link", "memory, loopback, LATENCY_MS,MBIT"]),
        (&["--link=-1,100"], &["--link", "-1,100"]),
        (&["--scale", "0"], &["--scale", "255"]),
        (&["--frobnicate"], &["--frobnicate"]),
    ] {
        infer(&folder, &lenet, &x, more).fails(2, words);
    }
    tacita(&["infer", &lenet]).fails(2, &["--input"]);
    tacita(&["plan", &lenet, "--link", "memory"]).fails(2, &["--link", "LATENCY_MS,MBIT", "20,100"]);
    tacita(&["plan", &lenet, "--batch", "0"]).fails(2, &["0 samples"]);
    tacita(&["check", &lenet, "--input", &x, "--samples", "0"]).fails(2, &["0 samples"]);
    tacita(&["export-graph", &lenet, "--reveal", "", "-o", &folder.name("g")]).fails(2, &["owner"]);
    tacita(&["plan", &lenet, "--reveal", "carol,dave", "--parties", "2"]).fails(2, &["4 parties"]);
    tacita(&["fly"]).fails(2, &["fly"]);
    tacita(&["plan", &lenet, "--log", "loud"]).fails(2, &["loud", "debug"]);
    let variables = [("TACITA_LOG", "tacita_net=loud")];
    tacita_with(folder.path(), &["plan", &lenet], &variables).fails(2, &["TACITA_LOG", "tacita_net=debug"]);
    assert_eq!(tacita_with(folder.path(), &["plan", &lenet, "--log", "warn"], &variables).code, 0);
}

#[test]
fn outputs_that_cannot_be_written_are_found_before_the_run() {
    let folder = Folder::new();
    let (lenet, x) = (shipped("lenet.onnx"), folder.with("x.npy", &images(1, 1.0)));
    let below_a_file = format!("{x}/y.npy");
    let nowhere = folder.name("nowhere/y.npy");
    let a_folder = folder.path().to_str().unwrap().to_owned();
    let mut paths = vec![below_a_file, nowhere, a_folder];
    if cfg!(target_os = "linux") {
        paths.push("/proc/y.npy".to_owned()); // nobody can, not even root
    }
    let begun = Instant::now();
    for path in &paths {
        for flag in ["--output", "--report"] {
            // on this link the run would take minutes
            let run = tacita(&["infer", &lenet, "--input", &x, flag, path, "--link", "10000,1"]);
            run.fails(3, &["cannot write", path, "folder"]);
        }
        tacita(&["export-graph", &lenet, "-o", path]).fails(3, &["cannot write", path]);
    }
    let same = folder.name("same");
    let run = tacita(&["infer", &lenet, "--input", &x, "--output", &same, "--report", &same]);
    run.fails(2, &["two outputs"]);
    assert!(begun.elapsed() < Duration::from_secs(10), "the outputs are checked first");
    assert_eq!(folder.names(), ["x.npy"]);
}

#[test]
fn what_was_there_stays_if_a_run_fails() {
    let folder = Folder::new();
    let x = folder.with("x.npy", &images(1, f32::NAN));
    let y = folder.with("y.npy", b"precious");
    let run = tacita(&["infer", &shipped("lenet.onnx"), "--input", &x, "--output", &y]);
    run.fails(3, &["NaN"]);
    assert_eq!(std::fs::read(&y).unwrap(), b"precious");
    assert_eq!(folder.names(), ["x.npy", "y.npy"]);
}

#[test]
fn graph_files_that_are_none() {
    let folder = Folder::new();
    let graph = folder.name("g");
    tacita(&["export-graph", &shipped("lenet.onnx"), "-o", &graph]).ok();
    let bytes = std::fs::read(&graph).unwrap();
    let plan = |name: &str, bytes: &[u8], words: &[&str]| {
        let path = folder.with(name, bytes);
        tacita(&["plan", &path]).fails(3, &[&[path.as_str()], words].concat());
    };
    let mut other = bytes.clone();
    other[8] += 1;
    plan("newer", &other, &["version 4", "version 3", "export-graph"]);
    for at in [12, bytes.len() / 2, bytes.len() - 1] {
        let mut corrupt = bytes.clone();
        corrupt[at] ^= 1;
        plan("corrupt", &corrupt, &["checksum"]);
    }
    plan("cut", &bytes[..bytes.len() - 5], &["checksum"]);
    plan("short", &bytes[..9], &["truncated"]);
    plan("longer", &[&bytes[..], b"x"].concat(), &["checksum"]);
    plan("neither", b"neither model nor graph", &[]);
    tacita(&["plan", &graph, "--argmax"]).fails(2, &["owners and reveals are fixed"]);
    let x = folder.with("x.npy", &images(1, 1.0));
    tacita(&["infer", &graph, "--input", &x]).fails(3, &["without weights"]);
}

#[test]
fn errors_as_json() {
    for (arguments, code) in [
        (&["infer", "nowhere.onnx", "--input", "x.npy", "--json"][..], 3),
        (&["plan", "nowhere.onnx", "--json"], 3),
        (&["--json", "check", "nowhere.onnx", "--input", "x.npy"], 3),
        (&["infer", "nowhere.onnx", "--batch", "0", "--input", "x", "--json"], 2),
        (&["demo", "--parties", "1", "--json"], 2),
    ] {
        let run = tacita(arguments);
        assert_eq!(run.code, code);
        for text in [&run.out, &run.err] {
            let value: serde_json::Value = serde_json::from_str(text).expect("one JSON object");
            let error = value["error"].as_object().expect("an error");
            let mut fields: Vec<&str> = error.keys().map(String::as_str).collect();
            fields.sort_unstable();
            assert_eq!(fields, ["code", "message", "node", "peer", "round"]);
            assert_eq!(error["code"], code);
            assert!(!error["message"].as_str().unwrap().contains('\n'));
        }
    }
}
