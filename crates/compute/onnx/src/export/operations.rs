//! Each operation as a node or several of ONNX.

use tacita_graph::ops::{
    BatchNorm, Bernoulli, Cast, Combine, CumSum, Gather, Gelu, Normalize, Pad, Slice, ToWhole, Uniform,
};
use tacita_graph::{DType, Graph, NodeId, Op};

use super::windows;
use super::writer::{Writer, float, int, ints, narrow, text};
use crate::file::messages;
use crate::file::tensor::{FLOAT32, FLOAT64, INT64};

/// The name of what is written, or why nothing is.
type Written = Result<String, String>;

/// The most weights that a sum of multiples is written with: it becomes a matrix, mostly of zeros.
const MAX_WEIGHTS: usize = 1 << 26;

/// The values that a node is written from. A look-up at a secret index is one operation in ONNX and two here.
pub(super) fn operands(graph: &Graph, id: NodeId) -> Vec<NodeId> {
    let node = graph.node(id);
    match (&node.op, &node.inputs[..]) {
        (Op::Pick(_), &[table, bits]) => match indices(graph, bits) {
            Some(indices) => vec![table, indices],
            None => vec![table, bits],
        },
        (_, inputs) => inputs.to_vec(),
    }
}

/// What bits are one-hot of, if they are.
fn indices(graph: &Graph, bits: NodeId) -> Option<NodeId> {
    let node = graph.node(bits);
    matches!(node.op, Op::OneHot(_)).then(|| node.inputs[0])
}

/// Writes a node whose operands are written.
pub(super) fn write(w: &mut Writer<'_>, id: NodeId) -> Result<(), String> {
    let graph = w.graph;
    let names: Vec<String> = operands(graph, id).into_iter().map(|x| w.value(x)).collect();
    let x: Vec<&str> = names.iter().map(String::as_str).collect();
    w.begin(id);
    let value = match alike(&graph.node(id).op) {
        Some(op) => w.op(op, &x, vec![]),
        None => otherwise(w, id, &x)?,
    };
    w.end(id, value);
    Ok(())
}

/// The operation of ONNX that is the same on the same inputs, without attributes.
fn alike(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::Abs(_) => "Abs",
        Op::Add(_) => "Add",
        Op::And(_) => "And",
        Op::Ceil(_) => "Ceil",
        Op::Cos(_) => "Cos",
        Op::Div(_) => "Div",
        Op::Equal(_) => "Equal",
        Op::Erf(_) => "Erf",
        Op::Exp(_) => "Exp",
        Op::Floor(_) => "Floor",
        Op::Greater(_) => "Greater",
        Op::GreaterEqual(_) => "GreaterOrEqual",
        Op::Less(_) => "Less",
        Op::LessEqual(_) => "LessOrEqual",
        Op::Log(_) => "Log",
        Op::MatMul(_) => "MatMul",
        Op::Maximum(_) => "Max",
        Op::Minimum(_) => "Min",
        Op::Mul(_) => "Mul",
        Op::Neg(_) => "Neg",
        Op::Not(_) => "Not",
        Op::Or(_) => "Or",
        Op::Reciprocal(_) => "Reciprocal",
        Op::Relu(_) => "Relu",
        Op::Round(_) => "Round",
        Op::Sigmoid(_) => "Sigmoid",
        Op::Sign(_) => "Sign",
        Op::Sin(_) => "Sin",
        Op::Softplus(_) => "Softplus",
        Op::Sqrt(_) => "Sqrt",
        Op::Sub(_) => "Sub",
        Op::Tanh(_) => "Tanh",
        Op::Xor(_) => "Xor",
        _ => return None,
    })
}

/// Operations that have attributes, or that are several in ONNX.
fn otherwise(w: &mut Writer<'_>, id: NodeId, x: &[&str]) -> Written {
    let graph = w.graph;
    let node = graph.node(id);
    let ty = |i: usize| &graph.node(node.inputs[i]).ty;
    Ok(match &node.op {
        Op::Constant(op) => match op.shape[..] {
            [] => w.number(op.value)?,
            _ => {
                let value = narrow(op.value)?;
                let shape = w.open_shape(id)?;
                let shape = w.shape(&shape)?;
                w.filled(&shape, value)
            }
        },
        Op::Uniform(op) => uniform(w, op, id)?,
        Op::Bernoulli(op) => bernoulli(w, op, id)?,

        Op::NotEqual(_) => {
            let equal = w.op("Equal", x, vec![]);
            w.op("Not", &[&equal], vec![])
        }
        Op::Select(_) => select(w, x, node.ty.dtype),
        Op::All(op) => over_bits(w, "ReduceMin", x[0], &op.axes, op.keepdims),
        Op::Any(op) => over_bits(w, "ReduceMax", x[0], &op.axes, op.keepdims),
        Op::Cast(op) => cast(w, op, x[0], ty(0).dtype),
        // at whatever precision, a float is a float
        Op::Precision(_) | Op::Detach(_) => x[0].to_string(),

        Op::Rsqrt(_) => {
            let root = w.op("Sqrt", x, vec![]);
            w.op("Reciprocal", &[&root], vec![])
        }
        Op::Silu(_) => {
            let gate = w.op("Sigmoid", x, vec![]);
            w.op("Mul", &[x[0], &gate], vec![])
        }
        Op::Gelu(op) => gelu(w, *op, x[0])?,
        Op::Clip(op) => {
            let mut bound = |bound: Option<f64>| match bound {
                Some(bound) => narrow(bound).map(|bound| w.floats(&[], &[bound])),
                None => Ok(String::new()),
            };
            let (min, max) = (bound(op.min)?, bound(op.max)?);
            w.op("Clip", &[x[0], &min, &max], vec![])
        }
        Op::ReluGradient(_) => {
            let zero = w.number(0.0)?;
            let bits = w.op("GreaterOrEqual", &[x[0], &zero], vec![]);
            w.op("Where", &[&bits, x[1], &zero], vec![])
        }

        Op::Conv(op) => windows::conv(w, op, x, ty(0), ty(1), &node.ty),
        Op::AveragePool(op) => windows::average_pool(w, op, x[0], ty(0), &node.ty),
        Op::MaxPool(op) => windows::max_pool(w, op, x[0], ty(0), &node.ty),
        Op::ReluMaxPool(op) => {
            let maxima = windows::max_pool(w, &op.pool, x[0], ty(0), &node.ty);
            w.op("Relu", &[&maxima], vec![])
        }

        Op::BatchNorm(BatchNorm { epsilon }) => {
            w.op("BatchNormalization", x, vec![float("epsilon", narrow(*epsilon)?)])
        }
        Op::Normalize(op) => normalize(w, op, x[0])?,
        Op::Softmax(op) => w.op("Softmax", x, vec![int("axis", op.axis as i64)]),
        Op::LogSoftmax(op) => w.op("LogSoftmax", x, vec![int("axis", op.axis as i64)]),
        Op::LogSumExp(op) => reduce(w, "ReduceLogSumExp", x[0], &[op.axis], op.keepdims),

        Op::Sum(op) if op.axes.is_empty() => x[0].to_string(),
        Op::Sum(op) => {
            let axes: Vec<i64> = op.axes.iter().map(|&axis| axis as i64).collect();
            let axes = w.list(&axes);
            w.op("ReduceSum", &[x[0], &axes], vec![int("keepdims", op.keepdims.into())])
        }
        Op::Mean(op) => reduce(w, "ReduceMean", x[0], &op.axes, op.keepdims),
        Op::Max(op) => reduce(w, "ReduceMax", x[0], &[op.axis], op.keepdims),
        Op::Min(op) => reduce(w, "ReduceMin", x[0], &[op.axis], op.keepdims),
        Op::ArgMax(op) => rank(w, "ArgMax", x[0], ty(0).dtype, op.axis, op.keepdims),
        Op::ArgMin(op) => rank(w, "ArgMin", x[0], ty(0).dtype, op.axis, op.keepdims),
        Op::Sort(op) => sort(w, x[0], &ty(0).shape, op.axis, op.descending)[0].clone(),
        Op::ArgSort(op) => sort(w, x[0], &ty(0).shape, op.axis, op.descending)[1].clone(),
        Op::CumSum(op) => cum_sum(w, op, x[0], ty(0).dtype),
        Op::Combine(op) => combine(w, op, x[0], &ty(0).shape)?,

        Op::OneHot(op) => {
            let (depth, values) = (w.whole(op.depth as i64), w.list(&[0, 1]));
            let hot = w.op("OneHot", &[x[0], &depth, &values], vec![int("axis", -1)]);
            w.bits(&hot)
        }
        Op::Pick(op) if indices(graph, node.inputs[1]).is_some() => {
            w.op("Gather", x, vec![int("axis", op.axis as i64)])
        }
        Op::Pick(op) => pick(w, x, op.axis, ty(0).rank(), ty(1).rank(), node.ty.dtype),
        Op::Gather(op) => gather(w, op, x[0], &ty(0).shape),

        Op::Reshape(op) => {
            let shape = w.open_shape(id)?;
            let mut sizes: Vec<i64> = op.shape.iter().map(|&size| size as i64).collect();
            // what follows the batch is what is left
            if let Some((axis, _)) = shape.open {
                sizes[axis] = -1;
            }
            let shape = w.list(&sizes);
            w.op("Reshape", &[x[0], &shape], vec![])
        }
        Op::Transpose(op) => w.op("Transpose", x, vec![ints("perm", &op.perm)]),
        Op::Concat(op) => w.op("Concat", x, vec![int("axis", op.axis as i64)]),
        Op::Expand(op) => {
            // an axis that x has is stretched by 1, so that only a new batch needs to be known
            let added = op.shape.len() - ty(0).rank();
            let mut shape = w.open_shape(id)?;
            for (axis, of_x) in (added..).zip(&ty(0).shape) {
                if shape.sizes[axis] == *of_x {
                    shape.sizes[axis] = 1;
                    shape.open = shape.open.filter(|(open, _)| *open != axis);
                }
            }
            let shape = w.shape(&shape)?;
            w.op("Expand", &[x[0], &shape], vec![])
        }
        Op::Slice(op) => slice(w, op, x[0]),
        Op::Pad(Pad { before, after, value }) => {
            let value = narrow(*value)?;
            windows::pad(w, x[0], before, after, Some(value))
        }
        other => return Err(format!("there is no operation like {}", other.name())),
    })
}

/// The larger part of the reductions; over no axes, nothing changes.
fn reduce(w: &mut Writer<'_>, op: &str, x: &str, axes: &[usize], keepdims: bool) -> String {
    if axes.is_empty() {
        return x.to_string();
    }
    w.op(op, &[x], vec![ints("axes", axes), int("keepdims", keepdims.into())])
}

fn over_bits(w: &mut Writer<'_>, op: &str, x: &str, axes: &[usize], keepdims: bool) -> String {
    let numbers = w.cast(x, INT64);
    let best = reduce(w, op, &numbers, axes, keepdims);
    w.bits(&best)
}

/// onnxruntime ranks floats only; those of 64 bits have the integers that networks have.
fn rank(w: &mut Writer<'_>, op: &str, x: &str, dtype: DType, axis: usize, keepdims: bool) -> String {
    let x = if dtype == DType::Int { w.cast(x, FLOAT64) } else { x.to_string() };
    w.op(op, &[&x], vec![int("axis", axis as i64), int("keepdims", keepdims.into())])
}

/// The values in order, and where they were.
fn sort(w: &mut Writer<'_>, x: &str, shape: &[usize], axis: usize, descending: bool) -> [String; 2] {
    let count = w.list(&[shape[axis] as i64]);
    let attributes = vec![int("axis", axis as i64), int("largest", descending.into()), int("sorted", 1)];
    w.op2("TopK", &[x, &count], attributes)
}

fn cum_sum(w: &mut Writer<'_>, op: &CumSum, x: &str, dtype: DType) -> String {
    let x = if dtype == DType::Bit { w.cast(x, INT64) } else { x.to_string() };
    let axis = w.whole(op.axis as i64);
    let attributes = vec![int("exclusive", op.exclusive.into()), int("reverse", op.reverse.into())];
    w.op("CumSum", &[&x, &axis], attributes)
}

/// `Where`, which onnxruntime does not have for bits.
fn select(w: &mut Writer<'_>, x: &[&str], dtype: DType) -> String {
    if dtype != DType::Bit {
        return w.op("Where", x, vec![]);
    }
    let first = w.op("And", &[x[0], x[1]], vec![]);
    let not = w.op("Not", &[x[0]], vec![]);
    let second = w.op("And", &[&not, x[2]], vec![]);
    w.op("Or", &[&first, &second], vec![])
}

fn cast(w: &mut Writer<'_>, op: &Cast, x: &str, from: DType) -> String {
    match (from, op.to) {
        (from, to) if from == to => x.to_string(),
        (DType::Fixed, DType::Int) => {
            let whole = match op.rounding {
                ToWhole::Floor => w.op("Floor", &[x], vec![]),
                ToWhole::Ceil => w.op("Ceil", &[x], vec![]),
                ToWhole::Nearest => w.op("Round", &[x], vec![]),
                // as Cast does
                ToWhole::TowardsZero => x.to_string(),
            };
            w.cast(&whole, INT64)
        }
        (_, DType::Fixed) => w.cast(x, FLOAT32),
        (_, DType::Int) => w.cast(x, INT64),
        (_, DType::Bit) => w.bits(x),
    }
}

/// x · 1/2 · (1 + f(u)), with u = x / √2 or √(2/π) (x + 0.044715 x³).
fn gelu(w: &mut Writer<'_>, op: Gelu, x: &str) -> Written {
    let (half, one) = (w.number(0.5)?, w.number(1.0)?);
    let gate = if op.tanh {
        let (scale, third) = (w.number((2.0 * std::f64::consts::FRAC_1_PI).sqrt())?, w.number(0.044_715)?);
        let square = w.op("Mul", &[x, x], vec![]);
        let cube = w.op("Mul", &[&square, x], vec![]);
        let cube = w.op("Mul", &[&cube, &third], vec![]);
        let sum = w.op("Add", &[x, &cube], vec![]);
        let inner = w.op("Mul", &[&sum, &scale], vec![]);
        w.op("Tanh", &[&inner], vec![])
    } else {
        let scale = w.number(std::f64::consts::FRAC_1_SQRT_2)?;
        let inner = w.op("Mul", &[x, &scale], vec![]);
        w.op("Erf", &[&inner], vec![])
    };
    let gate = w.op("Add", &[&gate, &one], vec![]);
    let product = w.op("Mul", &[x, &gate], vec![]);
    Ok(w.op("Mul", &[&product, &half], vec![]))
}

/// d / √(mean of d² + ε), with d = x - mean of x. `LayerNormalization` has it for the last axes only, and asks for a scale.
fn normalize(w: &mut Writer<'_>, op: &Normalize, x: &str) -> Written {
    let mut deviation = x.to_string();
    if op.centre {
        let mean = reduce(w, "ReduceMean", x, &op.axes, true);
        deviation = w.op("Sub", &[x, &mean], vec![]);
    }
    let square = w.op("Mul", &[&deviation, &deviation], vec![]);
    let variance = reduce(w, "ReduceMean", &square, &op.axes, true);
    let epsilon = w.number(op.epsilon)?;
    let sum = w.op("Add", &[&variance, &epsilon], vec![]);
    let root = w.op("Sqrt", &[&sum], vec![]);
    Ok(w.op("Div", &[&deviation, &root], vec![]))
}

/// A product with the matrix of weights.
fn combine(w: &mut Writer<'_>, op: &Combine, x: &str, shape: &[usize]) -> Written {
    let inputs = shape[op.axis];
    let outputs = op.rows.len();
    if inputs.saturating_mul(outputs) > MAX_WEIGHTS {
        return Err(format!("a matrix of {outputs} by {inputs} weights is more than {MAX_WEIGHTS} numbers"));
    }
    let mut weights = vec![0.0; inputs * outputs];
    for (at, row) in op.rows.iter().enumerate() {
        row.iter().for_each(|&(index, weight)| weights[index as usize * outputs + at] += weight);
    }
    let weights = weights.into_iter().map(narrow).collect::<Result<Vec<f32>, _>>()?;
    let weights = w.floats(&[inputs, outputs], &weights);
    let last = shape.len() - 1;
    if op.axis == last {
        return Ok(w.op("MatMul", &[x, &weights], vec![]));
    }
    let mut exchanged: Vec<usize> = (0..shape.len()).collect();
    exchanged.swap(op.axis, last);
    let moved = w.op("Transpose", &[x], vec![ints("perm", &exchanged)]);
    let product = w.op("MatMul", &[&moved, &weights], vec![]);
    Ok(w.op("Transpose", &[&product], vec![ints("perm", &exchanged)]))
}

/// A product with bits as numbers.
fn pick(w: &mut Writer<'_>, x: &[&str], axis: usize, table: usize, bits: usize, dtype: DType) -> String {
    // floats have products in every runtime; those of 64 bits have the integers that networks have
    let element = if dtype == DType::Int { FLOAT64 } else { FLOAT32 };
    let hot = w.cast(x[1], element);
    let numbers = if dtype == DType::Fixed { x[0].to_string() } else { w.cast(x[0], element) };
    let letters: Vec<char> = ('a'..='z').collect();
    let (of_table, of_bits) = (&letters[..table], &letters[table..table + bits - 1]);
    let text_of = |letters: &[char]| letters.iter().collect::<String>();
    let equation = format!(
        "{},{}{}->{}{}{}",
        text_of(of_table),
        text_of(of_bits),
        of_table[axis],
        text_of(&of_table[..axis]),
        text_of(of_bits),
        text_of(&of_table[axis + 1..])
    );
    let sum = w.op("Einsum", &[&numbers, &hot], vec![text("equation", equation)]);
    match dtype {
        DType::Fixed => sum,
        DType::Int => w.cast(&sum, INT64),
        DType::Bit => w.bits(&sum),
    }
}

/// Zeros are taken from one more place after the last.
fn gather(w: &mut Writer<'_>, op: &Gather, x: &str, shape: &[usize]) -> String {
    let beyond = shape[op.axis] as i64;
    let at = |&index: &u32| if index == Gather::ZERO { beyond } else { index.into() };
    let places: Vec<i64> = op.indices.iter().map(at).collect();
    let mut from = x.to_string();
    if places.contains(&beyond) {
        let (none, mut one) = (vec![0; shape.len()], vec![0; shape.len()]);
        one[op.axis] = 1;
        from = windows::pad(w, x, &none, &one, None);
    }
    let indices = w.list(&places);
    w.op("Gather", &[&from, &indices], vec![int("axis", op.axis as i64)])
}

fn slice(w: &mut Writer<'_>, op: &Slice, x: &str) -> String {
    let cut = |axis: &usize| (op.starts[*axis], op.ends[*axis], op.steps[*axis]) != (0, usize::MAX, 1);
    let axes: Vec<usize> = (0..op.starts.len()).filter(cut).collect();
    if axes.is_empty() {
        return x.to_string();
    }
    let of = |list: &[usize]| -> Vec<i64> {
        axes.iter().map(|&axis| i64::try_from(list[axis]).unwrap_or(i64::MAX)).collect()
    };
    let every: Vec<usize> = (0..op.starts.len()).collect();
    let lists = [of(&op.starts), of(&op.ends), of(&every), of(&op.steps)].map(|list| w.list(&list));
    let [starts, ends, axes, steps] = &lists;
    w.op("Slice", &[x, starts, ends, axes, steps], vec![])
}

fn uniform(w: &mut Writer<'_>, op: &Uniform, id: NodeId) -> Written {
    let attributes = vec![float("low", narrow(op.low)?), float("high", narrow(op.high)?)];
    draw(w, id, attributes)
}

fn draw(w: &mut Writer<'_>, id: NodeId, mut attributes: Vec<messages::Attribute>) -> Written {
    attributes.push(int("dtype", FLOAT32 as i64));
    let shape = w.open_shape(id)?;
    match shape.open {
        None => {
            attributes.push(ints("shape", &shape.sizes));
            Ok(w.op("RandomUniform", &[], attributes))
        }
        Some(_) => {
            let shape = w.shape(&shape)?;
            let like = w.filled(&shape, 0.0);
            Ok(w.op("RandomUniformLike", &[&like], attributes))
        }
    }
}

fn bernoulli(w: &mut Writer<'_>, op: &Bernoulli, id: NodeId) -> Written {
    let number = draw(w, id, vec![])?;
    let probability = w.number(op.probability)?;
    Ok(w.op("Less", &[&number, &probability], vec![]))
}
