//! Inference of the shipped networks: accuracy, files, the report, and that `plan` foresees it.

mod common;

use common::{Folder, npy, shipped, tacita};
use serde_json::Value;
use tacita_data::{Source, read, read_labels};

fn source(text: &str) -> Source {
    text.parse().unwrap()
}

/// All 1,000 test images: the labels of the float network but for two in a thousand, logits within 0.01.
#[test]
fn the_shipped_networks_are_as_good_as_in_the_clear() {
    let (images, labels) = (shipped("mnist-test.npz:images"), shipped("mnist-test.npz:labels"));
    for (model, in_the_clear) in [("lenet.onnx", 0.967), ("mlp.onnx", 0.943)] {
        let folder = Folder::new();
        let (output, path) = (folder.name("y.npy"), folder.name("r.json"));
        let arguments = ["infer", &shipped(model), "--input", &images, "--labels", &labels, "--scale", "255"];
        let more = ["--output", &output, "--report", &path, "--json"];
        let printed = tacita(&[&arguments[..], &more].concat()).json();
        let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(printed, report);
        assert_eq!(folder.names(), ["r.json", "y.npy"]);

        let number = |field: &str| report[field].as_f64().unwrap();
        assert!(
            (number("accuracy_plain") - in_the_clear).abs() < 1e-9,
            "{model}: {}",
            report["accuracy_plain"]
        );
        assert!((number("accuracy") - in_the_clear).abs() <= 0.002, "{model}: {}", report["accuracy"]);
        assert!(number("max_abs_error") < 0.01, "{model}: {}", report["max_abs_error"]);
        assert!(number("mean_abs_error") <= number("max_abs_error"));
        assert_eq!(report["argmax_agreement"], Value::Null);
        assert_eq!((&report["samples"], &report["batch"]), (&1000.into(), &32.into()));

        // the file has what the report says
        let bytes = std::fs::read(&output).unwrap();
        assert!(String::from_utf8_lossy(&bytes[..128]).contains("'descr': '<f4', 'fortran_order': False"));
        let logits = read(&source(&output)).unwrap();
        assert_eq!(logits.shape(), [1000, 10]);
        let right = read_labels(&source(&labels)).unwrap();
        let largest = |row: ndarray::ArrayViewD<'_, f64>| {
            (0..10).max_by(|&a, &b| row[[a]].total_cmp(&row[[b]])).unwrap() as i64
        };
        let hits =
            logits.outer_iter().zip(&right).filter(|(row, label)| largest(row.view()) == **label).count();
        assert!((hits as f64 / 1000.0 - number("accuracy")).abs() < 1e-9);
    }
}

/// A model of the importer's tests, and its input and output.
fn case(name: &str) -> [String; 3] {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compute/onnx/tests/cases");
    ["onnx", "x.npy", "y.npy"].map(|suffix| format!("{folder}/{name}.{suffix}"))
}

/// Nine rows in batches of two, and the batch as the second axis of the result.
#[test]
fn parts_are_joined_where_samples_lie() {
    let folder = Folder::new();
    let (output, path) = (folder.name("y.npy"), folder.name("x.npy"));
    // a linear layer, transposed
    let model =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../compute/onnx/tests/data/refused/moves_batch.onnx");
    let rows = ndarray::ArrayD::from_shape_fn(vec![9, 4], |at| (at[0] * 4 + at[1]) as f64 / 8.0 - 2.0);
    tacita_data::write_f32(path.as_ref(), rows.view()).unwrap();
    let arguments = ["infer", model, "--input", &path, "--output", &output, "--link", "memory", "--json"];
    let whole = tacita(&arguments).json();
    let expected = read(&source(&output)).unwrap();
    assert_eq!((&whole["batch"], expected.shape()[1]), (&9.into(), 9));
    for more in [["--batch", "2"], ["--size", "batch=2"]] {
        let report = tacita(&[&arguments[..], &more].concat()).json();
        assert_eq!((&report["batch"], &report["graph_digest"]), (&2.into(), &whole["graph_digest"]));
        let found = read(&source(&output)).unwrap();
        let far = (&found - &expected).iter().fold(0f64, |far, d| far.max(d.abs()));
        assert!(found.shape() == expected.shape() && far < 1e-3, "{far}");
    }
}

/// 65 rows are no 32, 32 and 1: each part would have a mean of its own.
#[test]
fn a_mean_over_the_batch_is_of_all_rows() {
    let folder = Folder::new();
    let output = folder.name("y.npy");
    let [model, x, y] = case("mean_over_batch");
    let arguments = ["infer", &model, "--input", &x, "--output", &output, "--link", "memory", "--json"];
    let report = tacita(&arguments).json();
    let rows = &report["samples"];
    assert!(rows.as_u64().unwrap() > 64 && report["batch"] == *rows, "{report}");
    let (found, expected) = (read(&source(&output)).unwrap(), read(&source(&y)).unwrap());
    let far = (&found - &expected).iter().fold(0f64, |far, d| far.max(d.abs()));
    assert!(found.shape() == expected.shape() && far < 1e-3, "{far}");
    let parts = ["infer", &model, "--input", &x, "--link", "memory", "--batch", "32"];
    tacita(&parts).fails(4, &["Mean", "mixes samples", "axis 0"]);
    let arguments = ["check", &model, "--input", &x];
    assert_eq!(tacita(&[&arguments[..], &["--json"]].concat()).json()["samples"], *rows);
    tacita(&[&arguments[..], &["--samples", "8"]].concat()).fails(4, &["mixes samples"]);
}

/// A sequence whose length is open: what the data says, or what `--size` does.
#[test]
fn open_sizes_get_numbers() {
    let folder = Folder::new();
    let (output, graph) = (folder.name("y.npy"), folder.name("m.graph"));
    let [model, x, y] = case("dynamic_sequence");
    let open = "sequence";
    tacita(&["infer", &model, "--input", &x, "--output", &output, "--link", "memory"]).ok();
    let (found, expected) = (read(&source(&output)).unwrap(), read(&source(&y)).unwrap());
    let far = (&found - &expected).iter().fold(0f64, |far, d| far.max(d.abs()));
    assert!(found.shape() == expected.shape() && far < 1e-2, "{far}");

    tacita(&["plan", &model]).fails(2, &[open, "it is open", "--size sequence="]);
    tacita(&["plan", &model, "--size", "length=3"]).fails(2, &["length", "no open size", "batch, sequence"]);
    tacita(&["plan", &model, "--size", "sequence"]).fails(2, &["NAME=N"]);
    tacita(&["plan", &model, "--batch", "2", "--size", "batch=3"]).fails(2, &["size batch", "3 and 2"]);
    let wrong = ["infer", &model, "--input", &x, "--size", "sequence=999"];
    tacita(&wrong).fails(2, &[open, "999 is given, and the data has"]);
    let plan = tacita(&["plan", &model, "--size", "sequence=6", "--json"]).json();
    let exported = tacita(&["export-graph", &model, "-o", &graph, "--json"]).json();
    assert_eq!(exported["graph_digest"], plan["graph_digest"]);
    assert_eq!(tacita(&["plan", &graph, "--size", "sequence=6", "--json"]).json(), {
        let mut plan = plan.clone();
        plan["public_constants"] = serde_json::Value::Array(vec![]);
        plan
    });
    let fixed = ["export-graph", &model, "--size", "sequence=6", "-o", &graph, "--json"];
    assert_ne!(tacita(&fixed).json()["graph_digest"], plan["graph_digest"]);
    let again = tacita(&["plan", &graph, "--json"]).json();
    assert_eq!(again["rounds"], plan["rounds"]);
}

#[test]
fn argmax_gives_labels_and_nothing_else() {
    let folder = Folder::new();
    let (output, labels) = (folder.name("y.npy"), shipped("mnist-200.npz:labels"));
    let arguments =
        ["infer", &shipped("lenet.onnx"), "--input", &shipped("mnist-200.npz:images"), "--scale", "1/255"];
    let more = ["--argmax", "--labels", &labels, "--output", &output, "--link", "memory", "--json"];
    let report = tacita(&[&arguments[..], &more].concat()).json();
    assert!(report["argmax_agreement"].as_f64().unwrap() >= 0.995);
    assert_eq!((&report["max_abs_error"], &report["mean_abs_error"]), (&Value::Null, &Value::Null));
    assert_eq!(report["reveals"].as_array().unwrap().len(), 1);
    assert_eq!(report["reveals"][0]["shape"], serde_json::json!([200]));
    assert_eq!(report["reveals"][0]["to"], serde_json::json!(["alice"]));
    let bytes = std::fs::read(&output).unwrap();
    assert!(String::from_utf8_lossy(&bytes[..128]).contains("'descr': '<i8'"));
    let found = read_labels(&source(&output)).unwrap();
    let right = read_labels(&source(&labels)).unwrap();
    let hits = found.iter().zip(&right).filter(|(a, b)| a == b).count();
    assert!((hits as f64 / 200.0 - report["accuracy"].as_f64().unwrap()).abs() < 1e-9);
}

/// The same pixels in every element type give the same logits, up to the dealt rounding.
#[test]
fn element_types_and_scales() {
    let folder = Folder::new();
    let pixels: Vec<u8> = (0..2 * 784).map(|i| (i * 37 % 256) as u8).collect();
    fn all<const N: usize>(pixels: &[u8], f: impl Fn(u8) -> [u8; N]) -> Vec<u8> {
        pixels.iter().flat_map(|&pixel| f(pixel)).collect()
    }
    let kinds = [
        ("|u1", pixels.clone()),
        ("<i2", all(&pixels, |p| i16::from(p).to_le_bytes())),
        ("<i8", all(&pixels, |p| i64::from(p).to_le_bytes())),
        ("<f4", all(&pixels, |p| f32::from(p).to_le_bytes())),
        ("<f8", all(&pixels, |p| f64::from(p).to_le_bytes())),
    ];
    let mut first: Option<ndarray::ArrayD<f64>> = None;
    let scales = ["255", "1/255", "0.00392156862745098", "255.0", "255"];
    for ((descr, data), scale) in kinds.iter().zip(scales) {
        let x = folder.with("x.npy", &npy(descr, "(2, 1, 28, 28)", data));
        let y = folder.name("y.npy");
        tacita(&[
            "infer",
            &shipped("mlp.onnx"),
            "--input",
            &x,
            "--output",
            &y,
            "--scale",
            scale,
            "--link",
            "memory",
        ])
        .ok();
        let logits = read(&source(&y)).unwrap();
        let first = first.get_or_insert_with(|| logits.clone());
        assert!(logits.iter().zip(first.iter()).all(|(a, b)| (a - b).abs() < 0.01), "{descr}");
    }
    // and nothing is divided by itself
    let x = folder.with("x.npy", &npy("|u1", "(2, 1, 28, 28)", &pixels));
    let y = folder.name("y.npy");
    tacita(&["infer", &shipped("mlp.onnx"), "--input", &x, "--output", &y, "--link", "memory"]).ok();
    let logits = read(&source(&y)).unwrap();
    assert!(logits.iter().zip(first.unwrap().iter()).any(|(a, b)| (a - b).abs() > 10.0));
}

/// Every field that the interface lists, with its type.
#[test]
fn the_report_is_complete() {
    let arguments =
        ["infer", &shipped("lenet.onnx"), "--input", &shipped("mnist-200.npz:images"), "--scale", "255"];
    let report = tacita(
        &[&arguments[..], &["--parties", "3", "--threads", "2", "--link", "1,1000", "--json"]].concat(),
    )
    .json();
    for field in ["graph_digest", "cpu", "transport"] {
        assert!(report[field].is_string(), "{field}");
    }
    let counts =
        ["version", "parties", "threads", "precision_bits", "range_bits", "rounds", "online_bytes_per_party"];
    for field in
        [&counts[..], &["wire_bytes", "offline_bytes", "peak_rss_bytes", "samples", "batch"]].concat()
    {
        assert!(report[field].as_u64().is_some_and(|value| value > 0), "{field}: {}", report[field]);
    }
    for field in ["setup", "offline", "online", "total"] {
        assert!(report["seconds"][field].as_f64().is_some_and(|value| value > 0.0), "{field}");
    }
    for field in ["max_abs_error", "mean_abs_error"] {
        assert!(report[field].is_f64(), "{field}");
    }
    for field in ["argmax_agreement", "accuracy", "accuracy_plain"] {
        assert!(report.as_object().unwrap().contains_key(field) && report[field].is_null(), "{field}");
    }
    assert_eq!(report["parties"], 3);
    assert_eq!(report["threads"], 2);
    assert_eq!(report["transport"], "1,1000");
    assert_eq!((&report["precision_bits"], &report["range_bits"]), (&16.into(), &30.into()));
    assert_eq!(
        report["reveals"],
        serde_json::json!([{ "value": "logits", "to": ["alice"], "shape": [200, 10] }])
    );
    let nodes = report["nodes"].as_array().unwrap();
    assert!(nodes.len() > 5);
    for node in nodes {
        assert!(node["name"].is_string() && node["op"].is_string() && node["seconds"].is_f64(), "{node}");
        assert!(
            ["rounds", "online_bytes", "offline_bytes"].iter().all(|field| node[field].is_u64()),
            "{node}"
        );
    }
}

/// What `plan` says of a batch is what batches of that size measure.
#[test]
fn plan_foresees_the_report() {
    for (parties, batch, argmax) in [("2", 20, false), ("3", 50, true), ("4", 100, false)] {
        let (lenet, batch_text) = (shipped("lenet.onnx"), batch.to_string());
        let mut more = vec!["--batch", &batch_text, "--parties", parties, "--json"];
        if argmax {
            more.push("--argmax");
        }
        let plan = tacita(&[&["plan", &lenet][..], &more].concat()).json();
        let images = shipped("mnist-200.npz:images");
        let infer = ["infer", &lenet, "--input", &images, "--scale", "255", "--link", "memory"];
        let report = tacita(&[&infer[..], &more].concat()).json();
        assert_eq!(plan["graph_digest"], report["graph_digest"]);
        assert_eq!(plan["graph_digest"].as_str().unwrap().len(), 64);
        let times = |field: &str, times: u64| {
            let (plan, report) = (plan[field].as_u64().unwrap(), report[field].as_u64().unwrap());
            assert_eq!(plan * times, report, "{field} with {parties} parties");
        };
        times("rounds", 200 / batch);
        times("online_bytes_per_party", 200 / batch);
        times("offline_bytes", 200 / batch);
        times("setup_bytes_per_party", 1);
        // by node too; the report also lists those that cost nothing but time
        let costs = |of: &Value, times: u64| -> Vec<(String, [u64; 3])> {
            let row = |node: &Value| {
                let costs =
                    ["rounds", "online_bytes", "offline_bytes"].map(|f| node[f].as_u64().unwrap() * times);
                (format!("{} {}", node["name"], node["op"]), costs)
            };
            of["nodes"].as_array().unwrap().iter().map(row).filter(|(_, costs)| *costs != [0; 3]).collect()
        };
        assert_eq!(costs(&plan, 200 / batch), costs(&report, 1));
    }
}

#[test]
fn text_for_people() {
    let folder = Folder::new();
    let (images, labels) = (shipped("mnist-200.npz:images"), shipped("mnist-200.npz:labels"));
    let output = folder.name("y.npy");
    let lenet = shipped("lenet.onnx");
    let arguments =
        ["infer", &lenet, "--input", &images, "--scale", "255", "--labels", &labels, "--output", &output];
    let text = tacita(&arguments).ok();
    for word in
        ["rounds", "ReluMaxPool", "revealed to alice: logits [200, 10]", "setup", &output, "divided by 255"]
    {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    assert!(text.lines().last().unwrap().starts_with("accuracy: private "));
}

#[test]
fn a_timeline_has_what_each_member_did_one_thing_after_another() {
    let folder = Folder::new();
    let path = folder.name("t.json");
    let arguments =
        ["infer", &shipped("lenet.onnx"), "--input", &shipped("mnist-200.npz:images"), "--scale", "255"];
    let report =
        tacita(&[&arguments[..], &["--batch", "100", "--timeline", &path, "--json"]].concat()).json();
    let timeline: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let events = timeline["traceEvents"].as_array().unwrap();
    let named: Vec<&Value> = events.iter().filter(|event| event["ph"] == "M").collect();
    let names: Vec<&str> = named.iter().map(|event| event["args"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob", "dealer"]);
    for member in &named {
        let mut spans: Vec<(f64, f64, &str)> = (events.iter())
            .filter(|event| event["ph"] == "X" && event["tid"] == member["tid"])
            .map(|event| {
                let number = |field: &str| event[field].as_f64().unwrap();
                (number("ts"), number("dur"), event["cat"].as_str().unwrap())
            })
            .collect();
        spans.sort_by(|one, other| one.0.total_cmp(&other.0));
        assert!(spans.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0 + 0.01), "they overlap");
        let of = |kind: &str| spans.iter().filter(|span| span.2 == kind).count() as u64;
        match member["args"]["name"].as_str() {
            Some("dealer") => assert!(of("deal") > 0 && of("compute") == 0),
            _ => assert_eq!(of("wait for openings"), report["rounds"].as_u64().unwrap()),
        }
    }
    assert!(events.iter().any(|event| event["name"] == "/conv1/Conv"), "nodes by their names");
}
