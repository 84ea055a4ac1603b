//! Operations and functions at their edges, against what NumPy and PyTorch make of them; `data/edges.py` made
//! `data/edges.txt`. What they refuse is refused, and so, on purpose, is what is of size zero or not finite.

mod numpy;

use ndarray::{ArrayD, arr1};
use numpy::{Case, cases, check, one};
use tacita_graph::functions::*;
use tacita_graph::ops::ToWhole;
use tacita_graph::*;

type Built = Result<Vec<NodeId>, GraphError>;

/// A comma-separated list, `-` for none.
fn list<T: std::str::FromStr>(text: &str) -> Vec<T> {
    text.split(',').filter(|word| *word != "-").map(|word| word.parse().ok().unwrap()).collect()
}

fn maybe<T: std::str::FromStr>(text: &str) -> Option<T> {
    (text != "-").then(|| text.parse().ok().unwrap())
}

/// Axes counted from the front, in ascending order; one that does not exist stays so.
fn axes(text: &str, rank: usize) -> Vec<usize> {
    let mut axes: Vec<usize> = list::<isize>(text).iter().map(|&axis| axis_of(axis, rank)).collect();
    axes.sort_unstable();
    axes
}

fn axis_of(axis: isize, rank: usize) -> usize {
    if axis < 0 { rank.wrapping_add_signed(axis) } else { axis as usize }
}

/// The operations that have no attributes.
fn plain_op(name: &str) -> Option<Op> {
    Some(match name {
        "add" => ops::Add.into(),
        "sub" => ops::Sub.into(),
        "mul" => ops::Mul.into(),
        "div" => ops::Div.into(),
        "maximum" => ops::Maximum.into(),
        "minimum" => ops::Minimum.into(),
        "less" => ops::Less.into(),
        "greater" => ops::Greater.into(),
        "less_equal" => ops::LessEqual.into(),
        "greater_equal" => ops::GreaterEqual.into(),
        "equal" => ops::Equal.into(),
        "not_equal" => ops::NotEqual.into(),
        "and" => ops::And.into(),
        "or" => ops::Or.into(),
        "xor" => ops::Xor.into(),
        "not" => ops::Not.into(),
        "select" => ops::Select.into(),
        "neg" => ops::Neg.into(),
        "abs" => ops::Abs.into(),
        "sign" => ops::Sign.into(),
        "floor" => ops::Floor.into(),
        "ceil" => ops::Ceil.into(),
        "round" => ops::Round.into(),
        "relu" => ops::Relu.into(),
        "cast_int" => ops::Cast { to: DType::Int, rounding: ToWhole::TowardsZero }.into(),
        "cast_bit" => ops::Cast { to: DType::Bit, rounding: ToWhole::Floor }.into(),
        "cast_fixed" => ops::Cast { to: DType::Fixed, rounding: ToWhole::Floor }.into(),
        "sigmoid" => ops::Sigmoid.into(),
        "tanh" => ops::Tanh.into(),
        "erf" => ops::Erf.into(),
        "gelu" => ops::Gelu { tanh: false }.into(),
        "gelu_tanh" => ops::Gelu { tanh: true }.into(),
        "silu" => ops::Silu.into(),
        "softplus" => ops::Softplus.into(),
        "sin" => ops::Sin.into(),
        "cos" => ops::Cos.into(),
        "exp" => ops::Exp.into(),
        "log" => ops::Log.into(),
        "sqrt" => ops::Sqrt.into(),
        "rsqrt" => ops::Rsqrt.into(),
        "reciprocal" => ops::Reciprocal.into(),
        "batch_norm" => ops::BatchNorm { epsilon: 0.25 }.into(),
        _ => return None,
    })
}

/// The functions of one value that have no attributes.
fn activation(g: &mut Graph, x: NodeId, name: &str) -> Option<Built> {
    Some(one(match name {
        "mish" => mish(g, x, "y"),
        "elu" => elu(g, x, 1.0, "y"),
        "selu" => selu(g, x, 1.673_263_242_354_377_2, 1.050_700_987_355_480_5, "y"),
        "celu" => celu(g, x, 1.0, "y"),
        "relu6" => relu6(g, x, "y"),
        "hardtanh" => hardtanh(g, x, -1.0, 1.0, "y"),
        "hardsigmoid" => hardsigmoid(g, x, 1.0 / 6.0, 0.5, "y"),
        "hardswish" => hardswish(g, x, "y"),
        "leaky_relu" => leaky_relu(g, x, 0.01, "y"),
        "softsign" => softsign(g, x, "y"),
        "log_sigmoid" => log_sigmoid(g, x, "y"),
        "log1p" => log1p(g, x, "y"),
        "softmax" => softmax(g, x, &[-1], false, "y"),
        "log_softmax" => softmax(g, x, &[-1], true, "y"),
        "log_sum_exp" => log_sum_exp(g, x, &[-1], false, "y"),
        "layer_norm" => layer_norm(g, x, &[-1], None, None, 0.01, "y"),
        "rms_norm" => rms_norm(g, x, &[-1], None, 0.01, "y"),
        _ => return None,
    }))
}

/// Adds what a case's name says.
fn build(g: &mut Graph, x: &[NodeId], name: &str) -> Built {
    let words: Vec<&str> = name.split(' ').collect();
    let [function, attributes @ ..] = &words[..words.len() - 1] else { panic!("{name}") };
    if attributes.is_empty()
        && let Some(op) = plain_op(function)
    {
        return one(g.add(op, x, "y"));
    }
    if attributes.is_empty()
        && let Some(built) = activation(g, x[0], function)
    {
        return built;
    }
    let sizes = g.node(x[0]).ty.shape.clone();
    let rank = sizes.len();
    let axis = |text: &str| axis_of(text.parse().unwrap(), rank);
    let number = |text: &str| text.parse::<usize>().unwrap();
    match (*function, attributes) {
        ("clip", [min, max]) => one(g.add(ops::Clip { min: maybe(min), max: maybe(max) }, x, "y")),
        ("pow", [exponent]) => one(pow(g, x[0], exponent.parse().unwrap(), "y")),
        ("sum", [at, keep]) => {
            one(g.add(ops::Sum { axes: axes(at, rank), keepdims: *keep == "True" }, x, "y"))
        }
        ("mean", [at, keep]) => {
            one(g.add(ops::Mean { axes: axes(at, rank), keepdims: *keep == "True" }, x, "y"))
        }
        ("any", [at, keep]) => {
            one(g.add(ops::Any { axes: axes(at, rank), keepdims: *keep == "True" }, x, "y"))
        }
        ("all", [at, keep]) => {
            one(g.add(ops::All { axes: axes(at, rank), keepdims: *keep == "True" }, x, "y"))
        }
        ("prod", [at, keep]) => one(prod(g, x[0], &list(at), *keep == "True", "y")),
        ("norm_1", [at, keep]) => one(norm(g, x[0], Norm::One, &list(at), *keep == "True", "y")),
        ("var", [at, keep, ddof @ ..]) => {
            let ddof = ddof.first().map_or(0, |ddof| number(ddof));
            one(var(g, x[0], &list(at), ddof, *keep == "True", "y"))
        }
        ("std", [at, keep, ddof @ ..]) => {
            let ddof = ddof.first().map_or(0, |ddof| number(ddof));
            one(std(g, x[0], &list(at), ddof, *keep == "True", "y"))
        }
        ("max", [at, keep]) => one(g.add(ops::Max { axis: axis(at), keepdims: *keep == "True" }, x, "y")),
        ("min", [at, keep]) => one(g.add(ops::Min { axis: axis(at), keepdims: *keep == "True" }, x, "y")),
        ("arg_max", [at, keep]) => {
            one(g.add(ops::ArgMax { axis: axis(at), keepdims: *keep == "True" }, x, "y"))
        }
        ("arg_min", [at, keep]) => {
            one(g.add(ops::ArgMin { axis: axis(at), keepdims: *keep == "True" }, x, "y"))
        }
        ("sort", [at, order]) => {
            one(g.add(ops::Sort { axis: axis(at), descending: *order == "down" }, x, "y"))
        }
        ("arg_sort", [at, order]) => {
            one(g.add(ops::ArgSort { axis: axis(at), descending: *order == "down" }, x, "y"))
        }
        ("cum_sum", [at]) => {
            one(g.add(ops::CumSum { axis: axis(at), exclusive: false, reverse: false }, x, "y"))
        }
        ("cum_prod", [at]) => one(cum_prod(g, x[0], at.parse().unwrap(), false, "y")),
        ("mat_mul", []) => one(mat_mul(g, x[0], x[1], "y")),
        ("einsum", [equation]) => one(einsum(g, equation, x, "y")),
        ("conv", [stride, pad, dilation, groups]) => {
            let two = |text: &str| vec![number(text); 2];
            let conv = ops::Conv {
                stride: two(stride),
                pads_begin: two(pad),
                pads_end: two(pad),
                dilation: two(dilation),
                groups: number(groups),
            };
            one(g.add(conv, x, "y"))
        }
        ("max_pool", [kernel, stride, pad, dilation, ceil]) => {
            let all = |text: &str| vec![number(text); rank - 2];
            let pool = ops::MaxPool {
                kernel: all(kernel),
                stride: all(stride),
                pads_begin: all(pad),
                pads_end: all(pad),
                dilation: all(dilation),
                ceil_mode: *ceil == "True",
            };
            one(max_pool(g, x[0], &pool, "y"))
        }
        ("average_pool", [kernel, stride, pad, ceil, include]) => {
            let two = |text: &str| vec![number(text); 2];
            let pool = ops::AveragePool {
                kernel: two(kernel),
                stride: two(stride),
                pads_begin: two(pad),
                pads_end: two(pad),
                ceil_mode: *ceil == "True",
                count_include_pad: *include == "True",
            };
            one(average_pool(g, x[0], &pool, &[1, 1], "y"))
        }
        ("reshape", [shape]) => one(g.add(ops::Reshape { shape: dims(&list::<usize>(shape)) }, x, "y")),
        ("transpose", [perm]) => one(g.add(ops::Transpose { perm: list(perm) }, x, "y")),
        ("expand", [shape]) => one(g.add(ops::Expand { shape: dims(&list::<usize>(shape)) }, x, "y")),
        ("concat", [at]) => one(concat(g, x, at.parse().unwrap(), "y")),
        ("stack", [at]) => one(stack(g, x, at.parse().unwrap(), "y")),
        ("squeeze", [at]) => one(squeeze(g, x[0], Some(&list(at)), "y")),
        ("unsqueeze", [at]) => one(unsqueeze(g, x[0], &list(at), "y")),
        ("slice", [start, end, step]) => {
            let range = Range1 { axis: 1, start: maybe(start), end: maybe(end), step: step.parse().unwrap() };
            one(slice(g, x[0], &[range], "y"))
        }
        ("roll", [shift, at]) => one(roll(g, x[0], &[(at.parse().unwrap(), shift.parse().unwrap())], "y")),
        ("flip", [at]) => one(flip(g, x[0], &list(at), "y")),
        ("triu", [k]) => one(triu(g, x[0], k.parse().unwrap(), "y")),
        ("tril", [k]) => one(tril(g, x[0], k.parse().unwrap(), "y")),
        ("diagonal", [k]) => one(diagonal(g, x[0], k.parse().unwrap(), "y")),
        ("diag", [k]) => one(diag(g, x[0], k.parse().unwrap(), "y")),
        ("take", [indices]) => one(take(g, x[0], &arr1(&list::<i64>(indices)).into_dyn(), 1, "y")),
        ("repeat", [times]) => one(repeat(g, x[0], number(times), 0, "y")),
        ("tile", [times]) => one(tile(g, x[0], &[number(times)], "y")),
        ("pad", [mode, before, after]) => {
            let mode = match *mode {
                "reflect" => PadMode::Reflect,
                "edge" => PadMode::Edge,
                "wrap" => PadMode::Wrap,
                "constant" => PadMode::Constant(0.0),
                _ => panic!("{name}"),
            };
            one(pad(g, x[0], &[before.parse().unwrap()], &[after.parse().unwrap()], mode, "y"))
        }
        ("split", [parts]) => split(g, x[0], &list(parts), 1, "y"),
        ("one_hot", [depth]) => one(g.add(ops::OneHot { depth: number(depth) }, x, "y")),
        ("pick", [at]) => {
            let hot = g.add(ops::OneHot { depth: sizes[axis(at)] }, &x[1..], "")?;
            one(g.add(ops::Pick { axis: axis(at) }, &[x[0], hot], "y"))
        }
        _ => panic!("nothing makes {name}"),
    }
}

#[test]
fn edges_are_numpys() {
    let cases = cases(include_str!("data/edges.txt"));
    assert!(cases.len() > 1000 && cases.values().filter(|case| !case.refused).count() > 700);
    let mut failed = Vec::new();
    for (name, case) in &cases {
        if std::panic::catch_unwind(|| check(name, case, |g, x| build(g, x, name))).is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of {}: {failed:?}", failed.len(), cases.len());
}

/// A value in fixed point has no sign where it is zero, so that what depends on zero's sign cannot be.
#[test]
fn zero_has_no_sign() {
    let zeros = arr1(&[0.0, -0.0]).into_dyn();
    let expected: ArrayD<f64> = arr1(&[0.0, 0.0]).into_dyn();
    let case = Case { inputs: vec![(zeros, DType::Fixed)], outputs: vec![expected], refused: false };
    for op in ["neg", "abs", "sign", "ceil", "relu"] {
        check(op, &case, |g, x| build(g, x, &format!("{op} #")));
    }
}
