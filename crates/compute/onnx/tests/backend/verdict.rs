//! What becomes of a test: it passes, is refused, or fails.

use ndarray::ArrayD;
use tacita_graph::testing::TARGET;
use tacita_graph::{
    DType, Floor, Graph, Inputs, Nearest, Role, Rounding, Value, Visibility, dims, encode_every_leaf,
    error_bounds, fixed, functions, lower, optimize, plain, plain_all, representable,
};
use tacita_onnx::testing::{Data, Test, interface, tensor};
use tacita_onnx::{ImportError, Onnx};

/// How a test ends.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The expected numbers in f64, and in fixed point where that is said.
    Passes { fixed: bool },
    /// The numbers of [`AS_ONNXRUNTIME`], which differ from the expected ones.
    Differs,
    /// Results of the expected shapes, whose numbers are random.
    Drawn,
    /// The importer's operation and reason, or why the test cannot be put.
    Refused { op: String, reason: String },
    /// Wrong.
    Fails(String),
}

/// Tests whose expected numbers are not what programs compute, with those of onnxruntime 1.32: with `align_corners`, the
/// last element of a size that is no integer is not the last of the input in the test, and is in onnxruntime and PyTorch.
const AS_ONNXRUNTIME: &[(&str, &[f64])] = &[
    ("resize_downsample_scales_cubic_align_corners", &[1.0, 2.5, 4.0, 7.0, 8.5, 10.0, 13.0, 14.5, 16.0]),
    ("resize_downsample_scales_linear_align_corners", &[1.0, 4.0]),
];

/// The precision of the evaluation in fixed point.
const PRECISION: u32 = 16;

/// What f64 itself is off by, in sums of some hundred terms.
const FLOAT: f64 = 1e-9;

fn refused(op: &str, reason: impl Into<String>) -> Verdict {
    Verdict::Refused { op: op.to_string(), reason: reason.into() }
}

pub fn verdict(test: &Test) -> Verdict {
    judge(test).unwrap_or_else(|verdict| verdict)
}

fn judge(test: &Test) -> Result<Verdict, Verdict> {
    let interface = interface(&test.model).map_err(|error| refused("model", error))?;
    let (model, data) = test.with_one_input().map_err(|error| refused("model", error))?;
    let import = |error| match error {
        ImportError::Refused { op, reason, .. } => refused(&op, reason),
        other => refused("model", other.to_string()),
    };
    let onnx = Onnx::from_bytes(&model, "model").map_err(import)?;
    let data = data.and_then(|index| tensor(&test.inputs[index]).ok());
    let Some(Data { values: Ok(x), .. }) = data else {
        return Err(Verdict::Fails("imported without data".to_string()));
    };

    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let visibility = Visibility::Private(alice);
    let input = graph.input_of(onnx.input(), &dims(x.shape()), visibility, Role::Data, onnx.input_kind());
    let input = input.map_err(|error| refused("input", error.to_string()))?;
    let built = onnx.build(&mut graph, input, bob, "").map_err(import)?;
    for output in &built.outputs {
        let mut node = output.node;
        if let Some(softmax) = &output.softmax {
            let axes: Vec<isize> = softmax.axes.iter().map(|&axis| axis as isize).collect();
            let log = softmax.op == "LogSoftmax";
            node = functions::softmax(&mut graph, node, &axes, log, "softmax")
                .map_err(|error| refused(&softmax.op, error.to_string()))?;
        }
        graph.reveal(node, &[alice], &output.name).map_err(|error| refused("output", error.to_string()))?;
    }
    let graph = graph.prune().map_err(|error| Verdict::Fails(error.to_string()))?;
    let mut inputs = built.parameters;
    inputs.insert(onnx.input().to_string(), x.clone());
    if let Some(value) = inputs.values().flat_map(Value::to_f64).find(|value| !value.is_finite()) {
        return Err(refused("input", format!("{value} is not a finite number")));
    }

    let found = plain(&graph, &inputs).map_err(|error| Verdict::Fails(error.to_string()))?;
    let draws = graph.nodes().iter().any(|node| node.op.draw().is_some());
    for (id, found) in &found {
        let name = &graph.node(*id).name;
        let index = interface.outputs.iter().position(|output| output == name);
        let bytes = index
            .and_then(|index| test.outputs.get(index))
            .ok_or_else(|| refused("output", "not in the test"))?;
        let mut expected =
            tensor(bytes).and_then(|expected| expected.values).map_err(|error| refused("output", error))?;
        if let Some(value) = expected.iter().find(|value| !value.is_finite()) {
            return Err(refused("output", format!("{value} is not a finite number")));
        }
        if draws {
            same_shape(name, found, &expected).map_err(Verdict::Fails)?;
            continue;
        }
        let differs = AS_ONNXRUNTIME.iter().find(|(name, _)| *name == test.name);
        if let Some((_, values)) = differs {
            let shape = expected.shape().to_vec();
            expected = ArrayD::from_shape_vec(shape, values.to_vec()).expect("as many numbers");
        }
        compare(name, found, &expected).map_err(Verdict::Fails)?;
    }
    if draws {
        return Ok(Verdict::Drawn);
    }
    if AS_ONNXRUNTIME.iter().any(|(name, _)| *name == test.name) {
        return Ok(Verdict::Differs);
    }
    Ok(Verdict::Passes { fixed: agrees_in_fixed_point(&graph, &inputs).map_err(Verdict::Fails)? })
}

/// False for what is no number, too.
fn within(found: f64, expected: f64, allowed: f64) -> bool {
    (found - expected).abs() <= allowed
}

fn same_shape(name: &str, found: &ArrayD<f64>, expected: &ArrayD<f64>) -> Result<(), String> {
    match found.shape() == expected.shape() {
        true => Ok(()),
        false => Err(format!("{name} has shape {:?}, not {:?}", found.shape(), expected.shape())),
    }
}

/// Within what the package's own runner allows.
fn compare(name: &str, found: &ArrayD<f64>, expected: &ArrayD<f64>) -> Result<(), String> {
    same_shape(name, found, expected)?;
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = 1e-7 + 1e-3 * expected.abs();
        if !within(*found, *expected, allowed) {
            return Err(format!("{name} has {found} at {index}, not {expected}"));
        }
    }
    Ok(())
}

/// Whether the evaluation in fixed point, within its error bounds, gives what f64 does; `false` if a value is too large
/// for it, or an operation has none.
fn agrees_in_fixed_point(graph: &Graph, inputs: &Inputs) -> Result<bool, String> {
    let graph = optimize(graph).map_err(|error| error.to_string())?;
    let Ok(program) = lower(&graph, PRECISION, &TARGET) else { return Ok(false) };
    let Ok(leaves) = encode_every_leaf(&graph, &program, inputs) else { return Ok(false) };
    let values = plain_all(&graph, inputs).map_err(|error| error.to_string())?;
    let fits = |(value, dtype): (&ArrayD<f64>, DType)| {
        dtype != DType::Fixed || value.iter().all(|value| value.abs() < representable(PRECISION))
    };
    if !values.iter().zip(graph.nodes().iter().map(|node| node.ty.dtype)).all(fits) {
        return Ok(false);
    }
    let expected = plain(&graph, inputs).map_err(|error| error.to_string())?;
    let bounds = error_bounds(&graph, inputs, PRECISION).map_err(|error| error.to_string())?;
    for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest] {
        let values = fixed(&program, &leaves, rounding);
        for ((reveal, bounds), expected) in
            program.reveals().iter().zip(bounds.values()).zip(expected.values())
        {
            let found = values[reveal.index()].to_f64(program.node(*reveal).ty);
            for ((found, expected), bound) in found.iter().zip(expected).zip(bounds) {
                let allowed = bound + FLOAT * (1.0 + expected.abs());
                if !within(*found, *expected, allowed) {
                    return Err(format!(
                        "fixed point has {found} for {expected}, more than {allowed} from it"
                    ));
                }
            }
        }
    }
    Ok(true)
}
