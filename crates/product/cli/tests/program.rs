//! The demo, plans, checks, graphs, help.

mod common;

use std::io::Read;
use std::process::{Command, Stdio};

use common::{Folder, shipped, tacita, tacita_in};
use serde_json::Value;

/// From any folder, without any file.
#[test]
fn the_demo() {
    let folder = Folder::new();
    let text = tacita_in(folder.path(), &["demo"]).ok();
    assert!(folder.names().is_empty());
    for word in
        ["/conv1/Conv", "ReluMaxPool", "revealed to alice: logits [200, 10]", "setup", "offline", "online"]
    {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    let last = text.lines().last().unwrap();
    let percentages: Vec<f64> = last
        .strip_prefix("accuracy: private ")
        .and_then(|rest| rest.split_once(" %, in the clear "))
        .and_then(|(private, plain)| Some([private, plain.strip_suffix(" %")?]))
        .unwrap_or_else(|| panic!("{last:?}"))
        .iter()
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(percentages[1] > 95.0 && (percentages[0] - percentages[1]).abs() <= 0.5, "{last:?}");

    let report = tacita_in(folder.path(), &["demo", "--json", "--parties", "3", "--link", "memory"]).json();
    assert_eq!((&report["samples"], &report["parties"]), (&200.into(), &3.into()));
}

#[test]
fn plans() {
    let lenet = shipped("lenet.onnx");
    let text = tacita(&["plan", &lenet, "--batch", "32"]).ok();
    for word in [
        "batch 32",
        "LAN",
        "WAN",
        "to be revealed to alice: logits [32, 10]",
        "public constants",
        "image [batch, 1, 28, 28] private to alice",
    ] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    let plan = tacita(&["plan", &lenet, "--batch", "32", "--json"]).json();
    // what the project promises of this network
    assert!(plan["rounds"].as_u64().unwrap() <= 30);
    assert!(plan["online_bytes_per_party"].as_u64().unwrap() <= 15_000_000);
    for field in ["nodes", "reveals", "public_constants", "inputs", "predictions", "warnings"] {
        assert!(plan[field].is_array(), "{field}");
    }
    let names: Vec<&str> =
        plan["predictions"].as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["LAN", "WAN"]);
    let link = ["plan", &lenet, "--batch", "32", "--link", "20,100"];
    let asked = tacita(&[&link[..], &["--json"]].concat()).json();
    let [_, wan, asked] = asked["predictions"].as_array().unwrap().as_slice() else { panic!("{asked}") };
    assert_eq!(asked["name"], "asked for");
    for field in ["latency_ms", "mbit", "offline_seconds", "online_seconds", "seconds"] {
        assert_eq!(asked[field], wan[field], "{field}: the WAN is 20 ms and 100 Mbit/s");
    }
    assert!(tacita(&link).ok().lines().any(|line| line.trim_start().starts_with("asked for  ")));
    assert_eq!(tacita(&["plan", &lenet, "--json"]).json()["batch"], 1);
}

#[test]
fn graphs_without_weights() {
    let folder = Folder::new();
    let (lenet, graph) = (shipped("lenet.onnx"), folder.name("lenet.graph"));
    let owners = ["--weights", "lab", "--input", "clinic", "--reveal", "clinic,insurer", "--argmax"];
    let exported = tacita(&[&["export-graph", &lenet, "-o", &graph, "--json"][..], &owners].concat()).json();
    assert_eq!(folder.names(), ["lenet.graph"]);
    let bytes = std::fs::read(&graph).unwrap();
    assert_eq!(exported["bytes"].as_u64().unwrap() as usize, bytes.len());
    assert!(bytes.len() < 4_096, "no weights in {} bytes", bytes.len());
    assert_eq!(exported["reveals"][0]["to"], serde_json::json!(["clinic", "insurer"]));

    let from_graph = tacita(&["plan", &graph, "--batch", "8", "--json"]).json();
    let from_model = tacita(&[&["plan", &lenet, "--batch", "8", "--json"][..], &owners].concat()).json();
    assert_eq!(from_graph, from_model);
    assert_eq!(from_graph["graph_digest"], exported["graph_digest"]);
    assert_eq!(from_graph["parties"], 3);
    let other = tacita(&["plan", &lenet, "--json"]).json();
    assert_ne!(other["graph_digest"], exported["graph_digest"]);

    // the same graph is the same bytes, and a file that is there is replaced
    tacita(&[&["export-graph", &lenet, "-o", &graph][..], &owners].concat()).ok();
    assert_eq!(std::fs::read(&graph).unwrap(), bytes);
    assert_eq!(folder.names(), ["lenet.graph"]);

    // by default as infer has it
    let graph = folder.name("default.graph");
    tacita(&[
        "export-graph",
        &lenet,
        "--weights",
        "bob",
        "--input",
        "alice",
        "--reveal",
        "alice",
        "-o",
        &graph,
    ])
    .ok();
    assert_eq!(tacita(&["plan", &graph, "--json"]).json()["graph_digest"], other["graph_digest"]);
}

#[test]
fn checks() {
    let (lenet, images) = (shipped("lenet.onnx"), shipped("mnist-200.npz:images"));
    let call = ["check", &lenet, "--input", &images, "--scale", "255"];
    let checked = tacita(&[&call[..], &["--json"]].concat()).json();
    assert_eq!((&checked["samples"], &checked["samples_given"]), (&64.into(), &200.into()));
    assert!(checked["notes"][0].as_str().unwrap().contains("64 of 200"));
    assert!(checked["max_abs_error"].as_f64().unwrap() < 0.01);
    let (precision, range) = (&checked["proposal"]["precision_bits"], &checked["proposal"]["range_bits"]);
    assert_eq!(62 - 2 * precision.as_u64().unwrap(), range.as_u64().unwrap());
    for node in checked["nodes"].as_array().unwrap() {
        for field in ["max_abs", "max_abs_error", "mean_abs_error", "headroom_bits"] {
            assert!(node[field].is_f64(), "{field}: {node}");
        }
    }
    assert_eq!(checked["graph_digest"], tacita(&["plan", &lenet, "--json"]).json()["graph_digest"]);
    let all = tacita(&[&call[..], &["--samples", "1000", "--precision", "12", "--json"]].concat()).json();
    assert_eq!((&all["samples"], &all["precision_bits"]), (&200.into(), &12.into()));
    assert!(all["max_abs_error"].as_f64().unwrap() > checked["max_abs_error"].as_f64().unwrap());
    let text = tacita(&call).ok();
    for word in ["headroom", "proposal  --precision", "64 of 200", "/conv1/Conv"] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn what_is_proven_of_declared_inputs() {
    let (lenet, images) = (shipped("lenet.onnx"), shipped("mnist-200.npz:images"));
    let call = ["check", &lenet, "--input", &images, "--scale", "255", "--samples", "8"];
    let checked = |more: &[&str]| tacita(&[&call[..], more, &["--json"]].concat()).json();
    let node = |checked: &Value, name: &str| {
        let nodes = checked["nodes"].as_array().unwrap().iter();
        nodes.clone().find(|node| node["name"] == name).unwrap().clone()
    };

    let declared = checked(&["--range", "0..1"]);
    assert_eq!(declared["input_range"], serde_json::json!({ "min": 0.0, "max": 1.0 }));
    for node in declared["nodes"].as_array().unwrap() {
        let [observed, proven] = ["observed_bits", "proven_bits"].map(|field| node[field].as_f64().unwrap());
        assert!(observed <= proven, "{node}");
        assert!((node["headroom_bits"].as_f64().unwrap() - (30.0 - observed)).abs() < 1e-9, "{node}");
    }
    // 25 weights of at most 2.25 times pixels of at most 1, and a bias of at most 0.65
    let largest = node(&declared, "/conv1/Conv")["proven_bits"].as_f64().unwrap().exp2();
    assert!((50.0..25.0 * 2.26 + 0.65).contains(&largest), "{largest}");
    let proposal = &declared["proposal"];
    assert_eq!((&proposal["rests_on"], &proposal["precision_bits"]), (&"proof".into(), &18.into()));
    assert!(proposal["because"].as_str().unwrap().contains("every input from 0 to 1"), "{proposal}");
    let other = &declared["alternative"];
    assert_eq!((&other["rests_on"], &other["precision_bits"]), (&"samples".into(), &24.into()));
    assert!(other["because"].as_str().unwrap().contains("8 samples; not proven: `/fc1/Gemm`"), "{other}");

    // no bits are given up for a proof
    let finer = checked(&["--range", "0..1", "--precision", "20"]);
    assert_eq!((&finer["proposal"], &finer["alternative"]), (other, proposal));
    assert_eq!(node(&finer, "logits")["proven_bits"], Value::Null);

    let undeclared = checked(&[]);
    assert_eq!((&undeclared["input_range"], &undeclared["alternative"]), (&Value::Null, &Value::Null));
    assert_eq!(node(&undeclared, "/conv1/Conv")["proven_bits"], Value::Null);
    let proposal = &undeclared["proposal"];
    assert_eq!((&proposal["rests_on"], &proposal["precision_bits"]), (&"samples".into(), &24.into()));
    assert!(proposal["because"].as_str().unwrap().contains("the input declares no range"), "{proposal}");

    let text = tacita(&[&call[..], &["--range", "0..1"]].concat()).ok();
    for words in
        ["--precision 18, values below 2^26: proven for every input from 0 to 1", "or        --precision 24"]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn a_declared_range_is_part_of_the_graph() {
    let folder = Folder::new();
    let (lenet, images) = (shipped("lenet.onnx"), shipped("mnist-200.npz:images"));
    let graph = folder.name("lenet.graph");
    let digest = |call: &[&str]| tacita(&[call, &["--json"]].concat()).json()["graph_digest"].clone();
    let exported = digest(&["export-graph", &lenet, "--range", "0..1", "-o", &graph]);
    assert_ne!(exported, digest(&["plan", &lenet]));
    assert_eq!(exported, digest(&["plan", &graph]));
    let plan = tacita(&["plan", &lenet, "--range", "0..1", "--json"]).json();
    assert_eq!(exported, plan["graph_digest"]);
    assert_eq!(plan["inputs"][0], "image [batch, 1, 28, 28] private to alice, 0 to 1");

    let infer = ["infer", &lenet, "--input", &images, "--scale", "255", "--link", "memory"];
    let report = folder.name("r.json");
    tacita(&[&infer[..], &["--range", "0..1", "--report", &report]].concat()).ok();
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(exported, report["graph_digest"]);
    let outside = ["mnist-200.npz", "outside of -1..0.5", "`image`"];
    tacita(&[&infer[..], &["--range", "-1..0.5"]].concat()).fails(3, &outside);
    tacita(&[&infer[..], &["--range", "1..0"]].concat()).fails(2, &["--range", "above the second"]);
    tacita(&["plan", &graph, "--range", "0..1"]).fails(2, &["is a graph", "--range"]);
}

#[test]
fn help_teaches() {
    assert_eq!(tacita(&["--version"]).ok(), format!("tacita {}\n", env!("CARGO_PKG_VERSION")));
    let help = tacita(&["--help"]).ok();
    let commands =
        ["demo", "infer", "plan", "check", "export-graph", "identity", "session", "init", "completions"];
    for command in commands {
        assert!(help.contains(command), "{command}");
        let help = tacita(&[command, "--help"]).ok();
        assert!(help.contains("Example") && help.contains(&format!("  tacita {command}")), "{help}");
    }
    for command in ["new", "show"] {
        let help = tacita(&["session", command, "--help"]).ok();
        assert!(help.contains(&format!("  tacita session {command}")), "{help}");
    }
    // no command: help, and the code of wrong usage
    let bare = tacita(&[]);
    assert_eq!((bare.code, bare.out.as_str()), (2, ""));
    assert!(bare.err.contains("tacita demo"));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = tacita(&["completions", shell]).ok();
        assert!(script.contains("export-graph") && script.contains("argmax"), "{shell}");
    }
    tacita(&["completions", "cmd"]).fails(2, &["cmd", "bash"]);
}

/// As with `| head`.
#[test]
fn a_closed_pipe_is_no_error() {
    let lenet = shipped("lenet.onnx");
    for arguments in [&["plan", &lenet, "--json"][..], &["completions", "bash"], &["--help"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tacita"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
    }
}

#[test]
fn the_page_of_functions_is_what_is_printed() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/functions.md")).unwrap();
    let printed = tacita(&["functions"]).ok();
    assert!(page == printed, "run `tacita functions > docs/functions.md`; it prints\n{printed}");
    let library = tacita(&["functions", "--json"]).json();
    // what the library promises, at 16 fractional bits
    for function in library["functions"].as_array().unwrap() {
        let name = function["name"].as_str().unwrap();
        let (rounds, online) =
            (function["rounds"].as_u64().unwrap(), function["online_bytes"].as_f64().unwrap());
        let (error, dealt) =
            (function["largest_error"].as_f64().unwrap(), function["offline_bytes"].as_f64().unwrap());
        let most = match name {
            "relu" | "sigmoid" | "tanh" | "erf" | "gelu" | "gelu (tanh form)" | "softplus" | "sin"
            | "cos" => (-13.0, 4, 26.0, 360.0),
            // composed: what their parts and a product with x make of it
            "leaky_relu" => (-9.5, 5, 26.0, 360.0),
            "elu" | "hardsigmoid" | "hardswish" | "relu6, hardtanh" => (-13.0, 9, 40.0, 360.0),
            "mish" => (-10.0, 10, 80.0, 850.0),
            "softsign" => (-11.0, 12, 80.0, 850.0),
            "log1p" => (-11.0, 7, 80.0, 850.0),
            "silu" => (-12.5, 4, 26.0, 360.0),
            "exp" => (-10.0, 7, 60.0, 360.0),
            "exp of x <= 0" => (-13.0, 5, 26.0, 360.0),
            "log" => (-11.0, 7, 80.0, 850.0),
            "sqrt" | "rsqrt" | "reciprocal of x > 0" => (-10.0, 8, 80.0, 850.0),
            "reciprocal" => (-10.0, 8, 120.0, 1000.0),
            other => panic!("nothing is promised of {other}"),
        };
        assert!(
            error <= 2f64.powf(most.0) && rounds <= most.1 && online <= most.2 && dealt <= most.3,
            "{name}: error {error}, {rounds} rounds, {online} and {dealt} bytes"
        );
    }
    for operation in library["operations"].as_array().unwrap() {
        let (name, rounds) = (operation["name"].as_str().unwrap(), operation["rounds"].as_u64().unwrap());
        let most = match name {
            "softmax of 128" => 30,
            "softmax of 1000" => 34,
            "argmax of 10" => 10,
            "argmax of 1000" => 22,
            "max of 64" => 14,
            "max of 4" => 6,
            "sort of 64" | "sort of 256" => 8,
            _ => continue,
        };
        assert!(rounds <= most, "{name}: {rounds} rounds");
    }
}

#[test]
fn operations_are_timed() {
    let rows = tacita(&["bench", "ops", "relu", "layer_norm", "--json", "--link", "memory"]).json();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        for field in
            ["elements", "rounds", "online_bytes_per_party", "offline_bytes", "seconds", "plain_seconds"]
        {
            assert!(row[field].as_f64().unwrap() > 0.0, "{field}: {row}");
        }
    }
    tacita(&["bench", "ops", "rleu"]).fails(2, &["rleu", "relu"]);

    let sized =
        ["bench", "ops", "matmul", "relu", "--size", "16", "--size", "33", "--json", "--link", "memory"];
    let rows = tacita(&sized).json();
    let sizes: Vec<u64> =
        rows.as_array().unwrap().iter().map(|row| row["elements"].as_u64().unwrap()).collect();
    assert_eq!(sizes, [256, 1089, 16, 33]);
    tacita(&["bench", "ops", "conv", "--size", "16"]).fails(2, &["conv", "--size"]);

    let folder = Folder::new();
    let path = folder.name("t.json");
    let timed = ["bench", "ops", "mul", "relu", "--size", "1000", "--link", "memory", "--timeline", &path];
    assert!(tacita(&timed).ok().contains("relu"));
    let timeline: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let operations: Vec<&str> = timeline["traceEvents"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|e| e["args"]["operation"].as_str())
        .collect();
    assert!(operations.contains(&"Mul") && operations.contains(&"Bucketize"), "{operations:?}");
    let nowhere = folder.name("none/t.json");
    tacita(&["bench", "ops", "mul", "--timeline", &nowhere]).fails(3, &["none"]);
}

#[test]
fn networks_are_timed() {
    let rows = tacita(&["bench", "models", "lenet", "--json"]).json();
    let [row] = rows.as_array().unwrap().as_slice() else { panic!("{rows}") };
    assert_eq!((&row["model"], &row["batch"]), (&"lenet".into(), &32.into()));
    // what the project promises of this network
    assert!(row["rounds"].as_u64().unwrap() <= 30);
    assert!(row["online_bytes_per_party"].as_u64().unwrap() <= 9_000_000);
    // a few truncations, a unit of 2^-16 each, times sums of weights of some ten
    assert!(row["max_abs_error"].as_f64().unwrap() < 0.01);
    let positive =
        |value: &serde_json::Value, field| assert!(value[field].as_f64().unwrap() > 0.0, "{field}: {row}");
    for field in ["plain_seconds", "multiply_adds", "peak_rss_bytes", "wire_bytes"] {
        positive(row, field);
    }
    ["setup", "offline", "online", "total"].iter().for_each(|part| positive(&row["seconds"], part));
    ["arithmetic", "bytes", "rounds", "total"].iter().for_each(|part| positive(&row["bound"], part));

    // each in a process of its own, so that the memory is its own too
    let call =
        ["bench", "models", "bert-layer", "lenet", "--link", "memory", "--precision", "14", "--batch", "1"];
    let several = tacita(&[&call[..], &["--json"]].concat()).json();
    let [small, large] = several.as_array().unwrap().as_slice() else { panic!("{several}") };
    assert_eq!((&small["model"], &large["model"]), (&"lenet".into(), &"bert-layer".into()));
    for row in [small, large] {
        assert_eq!((&row["transport"], &row["precision_bits"]), (&"memory".into(), &14.into()));
        assert_eq!((&row["batch"], &row["bound"]["bytes"]), (&1.into(), &0.0.into()));
    }
    assert!(small["peak_rss_bytes"].as_u64() < large["peak_rss_bytes"].as_u64());

    tacita(&["bench", "models", "lenet5"]).fails(2, &["lenet5", "resnet18"]);
    tacita(&["bench", "models", "lenet", "resnet18", "--timeline", "t.json"]).fails(2, &["one network"]);
    tacita(&["bench", "models", "lenet", "--batch", "100000000"]).fails(4, &["image"]);
    tacita(&["bench", "models", "lenet", "bert-layer", "--batch", "100000000"]).fails(4, &["image"]);
}
