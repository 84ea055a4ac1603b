//! What `check` says of every model that the importer's tests have.

use ndarray::{ArrayD, IxDyn};
use serde::Deserialize;
use tacita::graph::{DType, Interval, Op};
use tacita::onnx::{AxisSize, ImportOptions, Sizes, import};
use tacita::{Error, Options, check};

#[derive(Deserialize)]
struct Case {
    name: String,
    input: Values,
}

#[derive(Deserialize)]
struct Values {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// The greatest that rounding adds to what is proven of exact numbers.
const ROUNDING: f64 = 1e-9;

#[test]
fn no_sample_exceeds_what_is_proven() -> Result<(), Error> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../compute/onnx/tests/data");
    let text = std::fs::read_to_string(format!("{folder}/cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let fixed = cases.into_iter().map(|Case { name, input }| {
        (format!("{folder}/{name}.onnx"), ArrayD::from_shape_vec(IxDyn(&input.shape), input.values).unwrap())
    });
    let drawn = std::fs::read_dir(format!("{folder}/drawn")).unwrap().map(|entry| {
        let path = entry.unwrap().path().to_str().unwrap().to_owned();
        let model = import(path.as_ref(), &ImportOptions::default()).unwrap();
        let size = |axis: &AxisSize| if let AxisSize::Known(size) = axis { *size } else { 3 };
        let shape: Vec<usize> = model.input_shape.iter().map(size).collect();
        (path, ArrayD::from_elem(shape, 0.25))
    });
    let (mut proven, mut all) = (0, 0);
    for (name, samples) in fixed.chain(drawn) {
        let (min, max) = samples.iter().fold((0f64, 0f64), |(min, max), &x| (min.min(x), max.max(x)));
        let undeclared = import(name.as_ref(), &ImportOptions::default())?;
        let is_bits = undeclared.template.example().nodes().iter().any(
            |node| matches!(&node.op, Op::Input(op) if node.name == undeclared.input && op.dtype == DType::Bit),
        );
        let input_range = (!is_bits).then_some(Interval { min, max });
        let model = import(name.as_ref(), &ImportOptions { input_range, ..ImportOptions::default() })?;
        for precision in [4, 8, 16, 20, 24] {
            let options = Options { precision, ..Options::default() };
            let checked = check(&model, &samples, &Sizes::new(), &options)?;
            for node in &checked.nodes {
                all += 1;
                assert!(node.max_abs_error.is_finite(), "{name}: {node:?}");
                let Some(bits) = node.proven_bits else { continue };
                proven += 1;
                let largest = bits.exp2() * (1.0 + ROUNDING) + ROUNDING;
                assert!(node.max_abs <= largest, "{name} at {precision} bits: {node:?}");
            }
            for proposal in [Some(&checked.proposal), checked.alternative.as_ref()].into_iter().flatten() {
                assert_eq!(proposal.range_bits, 62 - 2 * proposal.precision_bits, "{name}");
            }
        }
    }
    println!("{proven} of {all} values of nodes are proven to stay in range");
    assert!(proven * 10 > all * 8, "{proven} of {all}");
    Ok(())
}
