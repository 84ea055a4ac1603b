//! One random operation on random nodes, with attributes that mostly fit.

use super::Builder;
use crate::ops::*;
use crate::types::{DType, dims};
use tacita_program::{NodeId, Visibility};

/// Tries to add one operation.
pub(super) fn step(b: &mut Builder) -> Option<NodeId> {
    match b.random.below(58) {
        0..=3 => binary(b),
        4 => compare(b),
        5 => select(b),
        6..=7 => product(b),
        8..=10 => conv(b),
        11..=12 => max_pool(b),
        13 => average_pool(b),
        14..=16 => relu(b),
        17 => clip(b),
        18..=19 => reduce(b),
        20 => along(b),
        21 => by_constant(b),
        22..=23 => batch_norm(b),
        24..=29 => movement(b),
        30 => clear(b),
        31 => square(b),
        32..=33 => logic(b),
        34..=35 => convert(b),
        36..=38 => whole(b),
        39 => order(b),
        40 => look_up(b),
        41..=42 => unary(b),
        43 => along(b),
        44 => all_or_any(b),
        45..=46 => gather(b),
        47 => combine(b),
        48..=50 => bounded(b),
        51 => precision(b),
        52..=53 => drawn(b),
        _ => nonlinear(b),
    }
}

fn chance(b: &mut Builder) -> bool {
    b.random.below(2) == 0
}

/// A partner for x, of its kind: an earlier node, or an input of x's shape with some axes of size 1 or gone.
fn partner(b: &mut Builder, x: NodeId) -> Option<NodeId> {
    let dtype = b.graph.node(x).ty.dtype;
    if chance(b) {
        return b.pick(dtype);
    }
    let mut shape = b.shape(x);
    for size in &mut shape {
        if b.random.below(4) == 0 {
            *size = 1;
        }
    }
    let gone = if chance(b) { b.random.below(shape.len() + 1) } else { 0 };
    let visibility = b.visibility();
    Some(b.input_of(&shape[gone..], visibility, dtype))
}

/// A random node of this kind, or one that is made of others.
fn some(b: &mut Builder, dtype: DType) -> Option<NodeId> {
    b.pick(dtype).or_else(|| {
        let x = b.pick(DType::Fixed)?;
        b.add(Cast { to: dtype, rounding: ToWhole::Nearest }, &[x])
    })
}

fn logic(b: &mut Builder) -> Option<NodeId> {
    let x = some(b, DType::Bit)?;
    let y = partner(b, x)?;
    let inputs = if chance(b) { [x, y] } else { [y, x] };
    match b.random.below(5) {
        0 => b.add(And, &inputs),
        1 => b.add(Or, &inputs),
        2 => b.add(Xor, &inputs),
        3 => b.add(Equal, &inputs),
        _ => b.add(NotEqual, &inputs),
    }
}

fn all_or_any(b: &mut Builder) -> Option<NodeId> {
    let x = some(b, DType::Bit)?;
    let axes: Vec<usize> = (0..b.shape(x).len()).filter(|_| chance(b)).collect();
    let keepdims = chance(b);
    if chance(b) { b.add(All { axes, keepdims }, &[x]) } else { b.add(Any { axes, keepdims }, &[x]) }
}

fn convert(b: &mut Builder) -> Option<NodeId> {
    let from = [DType::Fixed, DType::Int, DType::Bit][b.random.below(3)];
    let to = [DType::Fixed, DType::Int, DType::Bit][b.random.below(3)];
    let rounding = [ToWhole::Floor, ToWhole::Ceil, ToWhole::Nearest, ToWhole::TowardsZero][b.random.below(4)];
    let x = some(b, from)?;
    b.add(Cast { to, rounding }, &[x])
}

/// Operations on integers.
fn whole(b: &mut Builder) -> Option<NodeId> {
    let x = some(b, DType::Int)?;
    let y = partner(b, x)?;
    let axis = b.random.below(b.shape(x).len().max(1));
    match b.random.below(16) {
        0 => b.add(Add, &[x, y]),
        1 => b.add(Sub, &[x, y]),
        2 => b.add(Mul, &[x, y]),
        3 => b.add(Neg, &[x]),
        4 => b.add(Less, &[x, y]),
        5 => b.add(GreaterEqual, &[y, x]),
        6 => b.add(Equal, &[x, y]),
        7 => b.add(NotEqual, &[x, y]),
        8 => b.add(Maximum, &[x, y]),
        9 => b.add(Minimum, &[x, y]),
        10 => b.add(Max { axis, keepdims: true }, &[x]),
        11 => b.add(ArgMin { axis, keepdims: false }, &[x]),
        12 => b.add(Sum { axes: vec![axis], keepdims: false }, &[x]),
        13 => b.add(MatMul, &[x, y]),
        14 => {
            let bit = b.pick(DType::Bit)?;
            b.add(Select, &[bit, x, y])
        }
        _ => b.add(Sign, &[x]),
    }
}

fn unary(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    match b.random.below(5) {
        0 => b.add(Abs, &[x]),
        1 => b.add(Sign, &[x]),
        2 => b.add(Floor, &[x]),
        3 => b.add(Ceil, &[x]),
        _ => b.add(Round, &[x]),
    }
}

fn order(b: &mut Builder) -> Option<NodeId> {
    let dtype = if chance(b) { DType::Int } else { DType::Fixed };
    let x = some(b, dtype)?;
    let shape = b.shape(x);
    let (axis, descending) = (b.random.below(shape.len().max(1)), chance(b));
    if shape.get(axis).is_none_or(|&size| size > 64) {
        return None;
    }
    if chance(b) { b.add(Sort { axis, descending }, &[x]) } else { b.add(ArgSort { axis, descending }, &[x]) }
}

fn look_up(b: &mut Builder) -> Option<NodeId> {
    let dtype = [DType::Fixed, DType::Fixed, DType::Int, DType::Bit][b.random.below(4)];
    let (table, indices) = (some(b, dtype)?, some(b, DType::Int)?);
    let shape = b.shape(table);
    let axis = b.random.below(shape.len().max(1));
    let &depth = shape.get(axis)?;
    let hot = b.add(OneHot { depth }, &[indices])?;
    b.add(Pick { axis }, &[table, hot])
}

fn binary(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let y = partner(b, x)?;
    let inputs = if chance(b) { [x, y] } else { [y, x] };
    match b.random.below(5) {
        0 => b.add(Add, &inputs),
        1 => b.add(Sub, &inputs),
        2 => b.add(Mul, &inputs),
        3 => b.add(Maximum, &inputs),
        _ => b.add(Minimum, &inputs),
    }
}

fn square(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    b.add(Mul, &[x, x])
}

fn compare(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let y = partner(b, x)?;
    match b.random.below(6) {
        0 => b.add(Less, &[x, y]),
        1 => b.add(Greater, &[x, y]),
        2 => b.add(LessEqual, &[x, y]),
        3 => b.add(Equal, &[x, y]),
        4 => b.add(NotEqual, &[x, y]),
        _ => b.add(GreaterEqual, &[x, y]),
    }
}

fn select(b: &mut Builder) -> Option<NodeId> {
    let bit = match b.pick(DType::Bit) {
        Some(bit) => bit,
        None => compare(b)?,
    };
    let bit = if chance(b) { b.add(Not, &[bit])? } else { bit };
    let x = b.pick(DType::Fixed)?;
    let y = partner(b, x)?;
    b.add(Select, &[bit, x, y]).or_else(|| {
        let shape = b.shape(bit);
        let (x, y) = (b.operand(&shape), b.operand(&shape));
        let x = b.add(Add, &[x, y])?;
        b.add(Select, &[bit, x, y])
    })
}

fn product(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let shape = b.shape(x);
    let &last = shape.last()?;
    let columns = 1 + b.random.below(5);
    let mut weights = vec![last, columns];
    if shape.len() > 2 && chance(b) {
        weights.insert(0, if chance(b) { shape[shape.len() - 3] } else { 1 });
    }
    let w = b.operand(&weights);
    let y = b.add(MatMul, &[x, w])?;
    if chance(b) {
        let bias = b.operand(&[columns]);
        return b.add(Add, &[y, bias]);
    }
    Some(y)
}

/// Random windows for x: kernel, stride, begin, end, dilation.
fn window(b: &mut Builder, x: NodeId, largest: usize) -> Option<[Vec<usize>; 5]> {
    let spatial = b.shape(x).get(2..).filter(|sizes| (1..=2).contains(&sizes.len()))?.to_vec();
    let mut lists = [const { Vec::new() }; 5];
    for size in spatial {
        let kernel = 1 + b.random.below(largest.min(size + 1));
        let pads = if chance(b) { [0, 0] } else { [b.random.below(kernel), b.random.below(kernel)] };
        let dilation = if b.random.below(4) == 0 { 2 } else { 1 };
        for (list, value) in lists.iter_mut().zip([kernel, 1 + b.random.below(3), pads[0], pads[1], dilation])
        {
            list.push(value);
        }
    }
    Some(lists)
}

fn conv(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let [kernel, stride, pads_begin, pads_end, dilation] = window(b, x, 3)?;
    let channels = b.shape(x)[1];
    let groups = if chance(b) { channels } else { 1 };
    let outputs = groups * (1 + b.random.below(3));
    let mut shape = vec![outputs, channels / groups];
    shape.extend(kernel);
    let w = b.operand(&shape);
    let mut inputs = vec![x, w];
    if chance(b) {
        inputs.push(b.operand(&[outputs]));
    }
    b.add(Conv { stride, pads_begin, pads_end, dilation, groups }, &inputs)
}

fn max_pool(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let [kernel, stride, pads_begin, pads_end, dilation] = window(b, x, 6)?;
    let ceil_mode = chance(b);
    let x = if b.random.below(3) == 0 { b.add(Relu, &[x])? } else { x };
    let pool = MaxPool { kernel, stride, pads_begin, pads_end, dilation, ceil_mode };
    if b.random.below(3) == 0 {
        let relu = chance(b);
        let maxima = pool.infer(&[&b.graph.node(x).ty]).ok()?;
        let g = b.operand(&maxima.shape);
        return b.add(MaxPoolGradient { pool, relu }, &[x, g]);
    }
    let y = b.add(pool, &[x])?;
    if b.random.below(3) == 0 { b.add(Relu, &[y]) } else { Some(y) }
}

fn average_pool(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let [kernel, stride, pads_begin, pads_end, _] = window(b, x, 4)?;
    let (ceil_mode, count_include_pad) = (chance(b), chance(b));
    b.add(AveragePool { kernel, stride, pads_begin, pads_end, ceil_mode, count_include_pad }, &[x])
}

/// A value with fractional bits of its own, mostly used at once with others.
fn precision(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let bits = 4 + b.random.below(27) as u32;
    let x = b.add(Precision { bits }, &[x])?;
    let y = partner(b, x)?;
    let axis = b.random.below(b.shape(x).len().max(1));
    match b.random.below(8) {
        0 => b.add(Add, &[x, y]),
        1 => b.add(Mul, &[y, x]),
        2 => b.add(Maximum, &[x, y]),
        3 => b.add(Max { axis, keepdims: true }, &[x]),
        4 => b.add(Relu, &[x]),
        5 => b.add(Mean { axes: vec![axis], keepdims: true }, &[x]),
        6 => b.add(Sigmoid, &[x]),
        _ => Some(x),
    }
}

/// A comparison of what cannot be large, in whatever range its operand is.
fn bounded(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let axis = b.random.below(b.shape(x).len().max(1));
    let most = 1.0 + b.random.below(6) as f64;
    let x = match b.random.below(5) {
        0 => b.add(Sigmoid, &[x])?,
        1 => b.add(Tanh, &[x])?,
        2 => b.add(Clip { min: Some(0.0), max: Some(most) }, &[x])?,
        3 => {
            let x = b.add(Sign, &[x])?;
            b.add(Cast { to: DType::Int, rounding: ToWhole::Nearest }, &[x])?
        }
        _ => b.add(Softmax { axis }, &[x]).unwrap_or(x),
    };
    let keepdims = chance(b);
    match b.random.below(11) {
        0 => b.add(Max { axis, keepdims }, &[x]),
        1 => b.add(ArgMin { axis, keepdims }, &[x]),
        2 => b.add(Sort { axis, descending: keepdims }, &[x]),
        3 => b.add(Min { axis, keepdims }, &[x]),
        4 => b.add(Cast { to: DType::Bit, rounding: ToWhole::Nearest }, &[x]),
        5 => b.add(Clip { min: Some(0.25), max: Some(0.75) }, &[x]),
        6 => b.add(Relu, &[x]),
        7 => b.add(Abs, &[x]),
        8 => b.add(Sigmoid, &[x]),
        which => {
            let y = partner(b, x)?;
            if which == 9 { b.add(Less, &[x, y]) } else { b.add(Equal, &[x, y]) }
        }
    }
}

fn relu(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    if b.random.below(3) == 0 {
        let shape = b.shape(x);
        let g = b.operand(&shape);
        return b.add(ReluGradient, &[x, g]);
    }
    b.add(Relu, &[x])
}

fn clip(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let min = chance(b).then(|| b.random.unit() * 4.0 - 3.0);
    let max = chance(b).then(|| 1.0 + b.random.unit() * 6.0);
    b.add(Clip { min, max }, &[x])
}

fn reduce(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let axes: Vec<usize> = (0..b.shape(x).len()).filter(|_| chance(b)).collect();
    let keepdims = chance(b);
    if chance(b) { b.add(Sum { axes, keepdims }, &[x]) } else { b.add(Mean { axes, keepdims }, &[x]) }
}

fn along(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let rank = b.shape(x).len();
    let axis = b.random.below(rank.max(1));
    let keepdims = chance(b);
    match b.random.below(4) {
        0 => b.add(Max { axis, keepdims }, &[x]),
        1 => b.add(Min { axis, keepdims }, &[x]),
        2 => b.add(ArgMax { axis, keepdims }, &[x]),
        _ => b.add(ArgMin { axis, keepdims }, &[x]),
    }
}

fn by_constant(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let value = [0.0, 1.0, -1.0, 0.25, 3.0, 0.1, -0.003, 1.7][b.random.below(8)];
    let shape = if chance(b) { dims(&b.shape(x)) } else { Vec::new() };
    let c = b.add(Constant { shape, value }, &[])?;
    match b.random.below(5) {
        0 => b.add(Add, &[x, c]),
        1 => b.add(Sub, &[c, x]),
        2 => b.add(Maximum, &[x, c]),
        3 => b.add(Neg, &[x]),
        _ => b.add(Mul, &[c, x]),
    }
}

/// A vector plus one of another owner.
fn secret_of(b: &mut Builder, x: NodeId, size: usize) -> Option<NodeId> {
    let other = b.operand(&[size]);
    b.add(Add, &[x, other])
}

fn batch_norm(b: &mut Builder) -> Option<NodeId> {
    let mut x = b.pick(DType::Fixed)?;
    if chance(b) {
        x = if b.shape(x).len() > 2 { conv(b)? } else { product(b)? };
    }
    let &channels = b.shape(x).get(1)?;
    let one = b.visibility();
    let apart = b.random.below(4) == 0;
    let [scale, bias, mean, root] = [(); 4].map(|()| {
        let visibility = if apart { b.visibility() } else { one };
        b.input(&[channels], visibility)
    });
    // a variance that nobody knows
    let root = if apart && chance(b) { secret_of(b, root, channels)? } else { root };
    let var = b.add(Mul, &[root, root])?;
    b.add(BatchNorm { epsilon: 0.5 }, &[x, scale, bias, mean, var])
}

fn movement(b: &mut Builder) -> Option<NodeId> {
    let x = any_kind(b)?;
    let dtype = b.graph.node(x).ty.dtype;
    let shape = b.shape(x);
    let rank = shape.len();
    match b.random.below(6) {
        0 => {
            let whole: usize = shape.iter().product();
            let divisor =
                (1..=whole).filter(|n| whole.is_multiple_of(*n)).nth(b.random.below(4)).unwrap_or(1);
            b.add(Reshape { shape: dims(&[divisor, whole / divisor]) }, &[x])
        }
        1 => {
            let mut perm: Vec<usize> = (0..rank).collect();
            for i in (1..rank).rev() {
                perm.swap(i, b.random.below(i + 1));
            }
            b.add(Transpose { perm }, &[x])
        }
        2 => {
            let axis = b.random.below(rank.max(1));
            let y = if chance(b) && dtype == DType::Fixed { b.operand(&shape) } else { x };
            b.add(Concat { axis }, &[y, x])
        }
        3 => {
            let starts: Vec<usize> = shape.iter().map(|&size| b.random.below(size)).collect();
            let ends = starts.iter().map(|start| start + 1 + b.random.below(6)).collect();
            let steps = starts.iter().map(|_| 1 + b.random.below(2)).collect();
            b.add(Slice { starts, ends, steps }, &[x])
        }
        4 => {
            let before = shape.iter().map(|_| b.random.below(2)).collect();
            let after = shape.iter().map(|_| b.random.below(2)).collect();
            let value = if chance(b) { 0.0 } else { b.random.unit() };
            b.add(Pad { before, after, value }, &[x])
        }
        _ => {
            let mut wide: Vec<usize> = dims(&shape);
            if chance(b) {
                wide.insert(0, 2);
            }
            b.add(Expand { shape: wide }, &[x])
        }
    }
}

/// Any kind, mostly fixed.
fn any_kind(b: &mut Builder) -> Option<NodeId> {
    let dtype = match b.random.below(6) {
        0 => DType::Bit,
        1 => DType::Int,
        _ => DType::Fixed,
    };
    b.pick(dtype)
}

fn gather(b: &mut Builder) -> Option<NodeId> {
    let x = any_kind(b)?;
    let shape = b.shape(x);
    let axis = b.random.below(shape.len().max(1));
    let &size = shape.get(axis)?;
    if b.random.below(3) == 0 {
        let (exclusive, reverse) = (chance(b), chance(b));
        return b.add(CumSum { axis, exclusive, reverse }, &[x]);
    }
    let zeros = usize::from(chance(b));
    let pick = |b: &mut Builder| match b.random.below(size + zeros) {
        index if index == size => Gather::ZERO,
        index => index as u32,
    };
    let indices = (0..1 + b.random.below(6)).map(|_| pick(b)).collect();
    b.add(Gather { axis, indices }, &[x])
}

fn combine(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let shape = b.shape(x);
    let axis = b.random.below(shape.len().max(1));
    let &size = shape.get(axis)?;
    let exact = chance(b);
    let term = |b: &mut Builder| {
        let weight = if exact { b.random.below(9) as f64 / 4.0 - 1.0 } else { b.random.unit() * 2.0 - 1.0 };
        (b.random.below(size) as u32, weight)
    };
    let rows =
        (0..1 + b.random.below(4)).map(|_| (0..b.random.below(4)).map(|_| term(b)).collect()).collect();
    b.add(Combine { axis, rows }, &[x])
}

/// x² and a half: what a logarithm, a root or a quotient is taken of.
fn positive(b: &mut Builder, x: NodeId) -> Option<NodeId> {
    let square = b.add(Mul, &[x, x])?;
    let half = b.add(Constant { shape: Vec::new(), value: 0.5 }, &[])?;
    b.add(Add, &[square, half])
}

/// Functions with a protocol of their own, of operands that keep them in range.
fn nonlinear(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    match b.random.below(17) {
        0 => b.add(Sigmoid, &[x]),
        1 => b.add(Tanh, &[x]),
        2 => b.add(Erf, &[x]),
        3 => {
            let tanh = chance(b);
            b.add(Gelu { tanh }, &[x])
        }
        4 => b.add(Silu, &[x]),
        5 => b.add(Softplus, &[x]),
        6 => b.add(Sin, &[x]),
        7 => b.add(Cos, &[x]),
        8 => {
            let max = Some(b.random.unit() * 5.0 - 1.0);
            let x = if chance(b) { b.add(Clip { min: None, max }, &[x])? } else { x };
            b.add(Exp, &[x])
        }
        9..=12 => {
            let x = positive(b, x)?;
            match b.random.below(4) {
                0 => b.add(Log, &[x]),
                1 => b.add(Sqrt, &[x]),
                2 => b.add(Rsqrt, &[x]),
                _ => b.add(Reciprocal, &[x]),
            }
        }
        13 => {
            let y = partner(b, x)?;
            let y = positive(b, y)?;
            b.add(Div, &[x, y])
        }
        14 => {
            let rank = b.shape(x).len();
            let axes = (0..rank).filter(|_| chance(b)).collect();
            let centre = chance(b);
            b.add(Normalize { axes, epsilon: 0.25, centre }, &[x])
        }
        _ => {
            let axis = b.random.below(b.shape(x).len().max(1));
            let keepdims = chance(b);
            match b.random.below(3) {
                0 => b.add(Softmax { axis }, &[x]),
                1 => b.add(LogSoftmax { axis }, &[x]),
                _ => b.add(LogSumExp { axis, keepdims }, &[x]),
            }
        }
    }
}

/// What nobody knows, for a partner of an earlier node.
fn drawn(b: &mut Builder) -> Option<NodeId> {
    let x = b.pick(DType::Fixed)?;
    let shape = dims(&b.shape(x));
    let draw = b.graph.next_draw();
    match b.random.below(3) {
        0 => {
            let low = b.random.unit() * 2.0 - 2.0;
            let width = [1.0, 0.25, 4.0, 2.0 * b.random.unit() + 0.01][b.random.below(4)];
            b.add(Uniform { shape, low, high: low + width, draw }, &[])
        }
        1 => b.add(Uniform { shape, low: 0.0, high: 1.0, draw }, &[]),
        _ => {
            let probability = [0.5, 0.25, b.random.unit()][b.random.below(3)];
            let bit = b.add(Bernoulli { shape, probability, draw }, &[])?;
            let y = partner(b, x)?;
            b.add(Select, &[bit, x, y]).or(Some(bit))
        }
    }
}

/// Functions of values that are clear.
fn clear(b: &mut Builder) -> Option<NodeId> {
    let rows = 1 + b.random.below(4);
    let visibility = b.visibility();
    let x = b.input(&[rows, 3], visibility);
    debug_assert_ne!(visibility, Visibility::Secret);
    match b.random.below(3) {
        0 => b.add(Softmax { axis: 1 }, &[x]),
        1 => b.add(Reciprocal, &[x]),
        _ => {
            let square = b.add(Mul, &[x, x])?;
            b.add(Sqrt, &[square])
        }
    }
}
