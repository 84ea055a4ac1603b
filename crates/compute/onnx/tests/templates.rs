//! Models whose sizes are open, at several sizes, with weights and without. `cases/README.md` tells where they are from.

use ndarray::{ArrayD, Axis, Slice};
use tacita_graph::encoding::FORMAT_VERSION;
use tacita_graph::{Graph, GraphError, plain};
use tacita_onnx::{BATCH, ImportError, ImportOptions, Model, Sizes, Template, import, import_bytes};

fn folder(name: &str) -> String {
    format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn case(name: &str) -> Model {
    let path = format!("{}/{name}.onnx", folder("cases"));
    import(path.as_ref(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn array(name: &str) -> ArrayD<f64> {
    tacita_data::read_finite(&format!("{}/{name}.npy", folder("cases")).parse().unwrap()).unwrap()
}

/// What the first output is, for one input.
fn run(model: &Model, x: &ArrayD<f64>) -> ArrayD<f64> {
    let sizes = model.template.sizes_of(x.shape(), &Sizes::new()).unwrap();
    let graph = model.template.at(&sizes).unwrap();
    let mut inputs = model.parameters.clone();
    inputs.insert(model.input.clone(), x.clone());
    plain(&graph, &inputs).unwrap().remove(&graph.reveals()[0]).unwrap()
}

/// Open sizes but the batch.
fn others(model: &Model, x: &ArrayD<f64>) -> Sizes {
    let mut sizes = model.template.sizes_of(x.shape(), &Sizes::new()).unwrap();
    sizes.remove(BATCH);
    sizes
}

fn far(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    assert_eq!(a.shape(), b.shape());
    (a - b).iter().fold(0.0, |far, d| f64::max(far, d.abs()))
}

/// Runtimes compute in f32: some 10^-6 of values of this size.
const NEAR: f64 = 2e-5;

/// Samples do not mix.
const APART: [&str; 5] =
    ["batch_second", "cls_token_expand", "dynamic_sequence", "transformer_encoder_layer", "window_partition"];

#[test]
fn what_exporters_write_is_computed() {
    for name in
        ["batch_second", "cls_token_expand", "dynamic_sequence", "window_partition", "mean_over_batch"]
    {
        let (found, expected) = (run(&case(name), &array(&format!("{name}.x"))), array(&format!("{name}.y")));
        assert!(far(&found, &expected) < NEAR, "{name}: {}", far(&found, &expected));
    }
}

/// Rows in parts have the results that they have together.
#[test]
fn parts_give_what_all_rows_give() {
    for name in APART {
        let (model, x) = (case(name), array(&format!("{name}.x")));
        // five rows at least: each twice and the first once more
        let views = [x.view(), x.view(), x.slice_axis(Axis(0), Slice::from(..1)), x.view(), x.view()];
        let x = ndarray::concatenate(Axis(0), &views).unwrap();
        let (rows, whole) = (x.shape()[0], run(&model, &x));
        for part in [1, 2, 3] {
            let lengths = if rows.is_multiple_of(part) { vec![part] } else { vec![part, rows % part] };
            let axes = model.template.check_parts(&others(&model, &x), &lengths);
            let axes = axes.unwrap_or_else(|error| panic!("{name}: {error}"));
            let parts: Vec<_> = (0..rows)
                .step_by(part)
                .map(|at| {
                    run(&model, &x.slice_axis(Axis(0), Slice::from(at..(at + part).min(rows))).to_owned())
                })
                .collect();
            let views: Vec<_> = parts.iter().map(|part| part.view()).collect();
            let joined = ndarray::concatenate(Axis(axes[0]), &views).unwrap();
            assert!(far(&joined, &whole) < 1e-9, "{name} by {part}");
        }
    }
}

#[test]
fn a_mean_over_the_batch_is_not_taken_apart() {
    let error = case("mean_over_batch").template.check_parts(&Sizes::new(), &[32, 1]).unwrap_err();
    assert!(matches!(&error, ImportError::Graph(GraphError::MixesSamples { op: "Mean", .. })), "{error}");
    assert!(
        error.to_string().contains("mixes samples: it takes all samples together, over axis 0"),
        "{error}"
    );
}

fn models() -> Vec<(String, Vec<u8>)> {
    let folders = [folder("data"), folder("cases"), folder("../../../../models")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = files.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "onnx")).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// The graph of a template is the model's, whoever makes it of whatever.
#[test]
fn a_template_is_the_model_without_weights() {
    for (name, bytes) in models() {
        // tensors in files beside the model
        let Ok(model) = import_bytes(&bytes, &ImportOptions::default()) else { continue };
        let file = model.template.encode();
        let read = Template::decode(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((read.encode(), read.digest()), (file.clone(), model.template.digest()), "{name}");
        assert_eq!(read.inputs(), model.template.inputs(), "{name}");
        for n in [1, 5] {
            let of = |template: &Template| {
                let open = template.names().contains(BATCH);
                let mut sizes: Sizes = template.names().into_iter().map(|name| (name, 8)).collect();
                if open {
                    sizes.insert(BATCH.to_string(), n);
                }
                template.at(&sizes).map(|graph| graph.digest())
            };
            assert_eq!(of(&read), of(&model.template), "{name}");
        }
        // of every weight with some numbers, none is in the file
        for (weight, value) in model.parameters.iter().filter(|(_, value)| value.len() >= 4) {
            let raw: Vec<u8> =
                value.to_f64().iter().take(4).flat_map(|x| (*x as f32).to_le_bytes()).collect();
            let zeros = raw.iter().all(|byte| *byte == 0);
            assert!(zeros || !file.windows(raw.len()).any(|bytes| bytes == raw), "{name}: {weight}");
        }
    }
}

#[test]
fn files_of_other_versions_are_refused() {
    let file = case("batch_second").template.encode();
    let mut old = file.clone();
    old[8] = 2;
    let error = Template::decode(&old).unwrap_err().to_string();
    assert!(error.contains("version 2; this program reads version 3"), "{error}");
    assert_eq!(FORMAT_VERSION, 3);
    // a template is no graph, and a graph is a template without open sizes
    let error = Graph::decode(&file).unwrap_err().to_string();
    assert!(error.contains("it holds a template"), "{error}");
    let graph = case("batch_second").of_batch(3).unwrap();
    let template = Template::decode(&graph.encode()).unwrap();
    assert_eq!((template.digest(), template.names().len()), (graph.digest(), 0));
}

/// A file says what it is in a few bytes; what it claims beyond them is refused.
#[test]
fn damaged_templates_are_errors() {
    let file = case("cls_token_expand").template.encode();
    let body = &file[11..file.len() - 32];
    for at in 0..body.len() {
        for flip in [1, 0x80] {
            let mut damaged = body.to_vec();
            damaged[at] ^= flip;
            let sealed = tacita_graph::encoding::seal(tacita_graph::encoding::Content::Template, &damaged);
            if let Ok(template) = Template::decode(&sealed) {
                assert_eq!(template.encode(), sealed, "byte {at}");
            }
        }
    }
    for length in 0..file.len() {
        assert!(Template::decode(&file[..length]).is_err(), "{length} bytes");
    }
}
