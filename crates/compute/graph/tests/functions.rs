//! Functions composed of operations, against what NumPy computes; `data/make.py` made `data/functions.txt`. In f64 they
//! are equal; of secrets, in fixed point, within the error rules.

mod numpy;

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn, arr0, arr1, arr2};
use numpy::{Case, PRECISION, check, one, secret};
use tacita_graph::functions::*;
use tacita_graph::testing::TARGET;
use tacita_graph::*;

type Function = fn(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>;

fn cases() -> BTreeMap<&'static str, Case> {
    numpy::cases(include_str!("data/functions.txt"))
}

fn to(axis: isize, size: usize, scale: f64) -> Resize {
    Resize { axis, size, scale }
}

fn range(axis: isize, start: Option<i64>, end: Option<i64>, step: i64) -> Range1 {
    Range1 { axis, start, end, step }
}

const ELEMENTS: [[i64; 4]; 2] = [[0, 1, 0, 0], [2, -2, 0, 0]];
const PLACES: [[i64; 2]; 5] = [[0, 1], [2, 3], [0, 1], [1, 0], [0, 1]];

fn scattered_elements(g: &mut Graph, x: &[NodeId], by: Reduction) -> Result<Vec<NodeId>, GraphError> {
    one(scatter_elements(g, x[0], &arr2(&ELEMENTS).into_dyn(), x[1], 0, by, "y"))
}

fn scattered(g: &mut Graph, x: &[NodeId], by: Reduction) -> Result<Vec<NodeId>, GraphError> {
    one(scatter_nd(g, x[0], &arr2(&PLACES).into_dyn(), x[1], by, "y"))
}

fn summed(g: &mut Graph, x: &[NodeId], exclusive: bool, reverse: bool) -> Result<Vec<NodeId>, GraphError> {
    one(g.add(ops::CumSum { axis: 1, exclusive, reverse }, x, "y"))
}

fn keys(a: f64, exclude_outside: bool) -> Resampling {
    Resampling::Cubic { a, exclude_outside }
}

fn pooled(kernel: &[usize], stride: &[usize], begin: &[usize], end: &[usize], all: bool) -> ops::AveragePool {
    ops::AveragePool {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        ceil_mode: false,
        count_include_pad: all,
    }
}

fn convolved(
    stride: &[usize],
    begin: &[usize],
    end: &[usize],
    dilation: &[usize],
    groups: usize,
) -> ops::Conv {
    ops::Conv {
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    }
}

fn transposed(lists: [&[usize]; 5], groups: usize) -> ConvTranspose {
    let [stride, pads_begin, pads_end, output_padding, dilation] = lists.map(<[usize]>::to_vec);
    ConvTranspose { stride, pads_begin, pads_end, output_padding, dilation, groups }
}

#[rustfmt::skip] // a case a line
const FUNCTIONS: &[(&str, Function)] = &[
    ("flip", |g, x| one(flip(g, x[0], &[0, -1], "y"))),
    ("flip_none", |g, x| one(flip(g, x[0], &[], "y"))),
    ("flip_one", |g, x| one(flip(g, x[0], &[1], "y"))),
    ("roll", |g, x| one(roll(g, x[0], &[(0, 1), (-1, -6)], "y"))),
    ("repeat", |g, x| one(repeat(g, x[0], 3, -2, "y"))),
    ("tile", |g, x| one(tile(g, x[0], &[2, 1, 3], "y"))),
    ("tile_wider", |g, x| one(tile(g, x[0], &[2, 1, 2, 1], "y"))),
    ("tile_fewer", |g, x| one(tile(g, x[0], &[2], "y"))),
    ("tile_scalar", |g, x| one(tile(g, x[0], &[2, 3], "y"))),
    ("squeeze", |g, x| one(squeeze(g, x[0], Some(&[-3, 3]), "y"))),
    ("squeeze_all", |g, x| one(squeeze(g, x[0], None, "y"))),
    ("unsqueeze", |g, x| one(unsqueeze(g, x[0], &[-1, 0, 2], "y"))),
    ("stack", |g, x| one(stack(g, x, -2, "y"))),
    ("concat", |g, x| one(concat(g, x, -1, "y"))),
    ("split", |g, x| split(g, x[0], &[1, 2, 1], 1, "y")),
    ("chunk", |g, x| chunk(g, x[0], 3, 0, "y")),
    ("chunk_few", |g, x| chunk(g, x[0], 4, -1, "y")),
    ("narrow", |g, x| one(narrow(g, x[0], -1, 1, 2, "y"))),
    ("slice", |g, x| one(slice(g, x[0], &[range(0, None, None, -1), range(1, Some(3), Some(0), -2), range(-1, None, Some(-1), 1)], "y"))),
    ("slice_beyond", |g, x| one(slice(g, x[0], &[range(1, Some(100), Some(-100), -3), range(0, Some(-100), Some(100), 2)], "y"))),
    ("slice_negative", |g, x| one(slice(g, x[0], &[range(0, Some(-2), None, 1), range(1, Some(-2), None, -1)], "y"))),
    ("take", |g, x| one(take(g, x[0], &arr2(&[[0, -1], [2, 2]]).into_dyn(), 1, "y"))),
    ("take_scalar", |g, x| one(take(g, x[0], &arr0(-1).into_dyn(), 0, "y"))),
    ("take_flat", |g, x| one(take(g, x[0], &arr1(&[4, 0, -5]).into_dyn(), 0, "y"))),
    ("gather_elements", |g, x| one(gather_elements(g, x[0], &arr2(&[[0, -1, 1, 2], [2, 0, 0, -3]]).into_dyn(), 0, "y"))),
    ("gather_elements_shorter", |g, x| one(gather_elements(g, x[0], &arr2(&[[3, 0], [-1, 1]]).into_dyn(), 1, "y"))),
    ("gather_nd", |g, x| one(gather_nd(g, x[0], &arr2(&[[1, 0], [0, -1]]).into_dyn(), 0, "y"))),
    ("gather_nd_batch", |g, x| one(gather_nd(g, x[0], &ArrayD::from_shape_vec(IxDyn(&[2, 1, 2, 1]), vec![0, 1, 2, -1]).unwrap(), 1, "y"))),
    ("scatter_nd_replace", |g, x| scattered(g, x, Reduction::Replace)),
    ("scatter_nd_add", |g, x| scattered(g, x, Reduction::Add)),
    ("scatter_nd_mul", |g, x| scattered(g, x, Reduction::Mul)),
    ("scatter_nd_max", |g, x| scattered(g, x, Reduction::Max)),
    ("scatter_nd_min", |g, x| scattered(g, x, Reduction::Min)),
    ("scatter_nd_rows", |g, x| one(scatter_nd(g, x[0], &arr2(&[[2], [0]]).into_dyn(), x[1], Reduction::Replace, "y"))),
    ("scatter_elements_replace", |g, x| scattered_elements(g, x, Reduction::Replace)),
    ("scatter_elements_add", |g, x| scattered_elements(g, x, Reduction::Add)),
    ("scatter_elements_mul", |g, x| scattered_elements(g, x, Reduction::Mul)),
    ("scatter_elements_max", |g, x| scattered_elements(g, x, Reduction::Max)),
    ("scatter_elements_min", |g, x| scattered_elements(g, x, Reduction::Min)),
    ("diagonal", |g, x| one(diagonal(g, x[0], 1, "y"))),
    ("diagonal_below", |g, x| one(diagonal(g, x[0], -2, "y"))),
    ("diag", |g, x| one(diag(g, x[0], -1, "y"))),
    ("diag_of_vector", |g, x| one(diag(g, x[0], 2, "y"))),
    ("diag_below_of_vector", |g, x| one(diag(g, x[0], -1, "y"))),
    ("triu_-1", |g, x| one(triu(g, x[0], -1, "y"))),
    ("triu_0", |g, x| one(triu(g, x[0], 0, "y"))),
    ("triu_2", |g, x| one(triu(g, x[0], 2, "y"))),
    ("tril_-1", |g, x| one(tril(g, x[0], -1, "y"))),
    ("tril_0", |g, x| one(tril(g, x[0], 0, "y"))),
    ("tril_2", |g, x| one(tril(g, x[0], 2, "y"))),
    ("depth_to_space", |g, x| one(depth_to_space(g, x[0], 2, DepthOrder::PlaceFirst, "y"))),
    ("pixel_shuffle", |g, x| one(depth_to_space(g, x[0], 2, DepthOrder::ChannelFirst, "y"))),
    ("space_to_depth", |g, x| one(space_to_depth(g, x[0], 2, DepthOrder::PlaceFirst, "y"))),
    ("pixel_unshuffle", |g, x| one(space_to_depth(g, x[0], 2, DepthOrder::ChannelFirst, "y"))),
    ("pad_reflect", |g, x| one(pad(g, x[0], &[1, 3], &[0, 5], PadMode::Reflect, "y"))),
    ("pad_edge", |g, x| one(pad(g, x[0], &[1, 3], &[0, 5], PadMode::Edge, "y"))),
    ("pad_wrap", |g, x| one(pad(g, x[0], &[1, 3], &[0, 5], PadMode::Wrap, "y"))),
    ("pad_reflect_one", |g, x| one(pad(g, x[0], &[2], &[3], PadMode::Reflect, "y"))),
    ("pad_edge_one", |g, x| one(pad(g, x[0], &[2], &[3], PadMode::Edge, "y"))),
    ("pad_wrap_one", |g, x| one(pad(g, x[0], &[2], &[3], PadMode::Wrap, "y"))),
    ("pad_constant", |g, x| one(pad(g, x[0], &[1, 3], &[0, 5], PadMode::Constant(1.5), "y"))),
    ("pad_negative", |g, x| one(pad(g, x[0], &[-1, 1], &[2, -1], PadMode::Constant(-1.0), "y"))),
    ("pad_reflect_negative", |g, x| one(pad(g, x[0], &[0, -1], &[0, 2], PadMode::Reflect, "y"))),
    ("pad_nothing", |g, x| one(pad(g, x[0], &[0, 0], &[0, 0], PadMode::Wrap, "y"))),
    ("cum_sum_false_false", |g, x| summed(g, x, false, false)),
    ("cum_sum_false_true", |g, x| summed(g, x, false, true)),
    ("cum_sum_true_false", |g, x| summed(g, x, true, false)),
    ("cum_sum_true_true", |g, x| summed(g, x, true, true)),
    ("upsample_bilinear", |g, x| one(resize(g, x[0], &[to(2, 8, 2.0), to(-1, 6, 2.0)], Resampling::Linear, Coordinates::HalfPixel, "y"))),
    ("mat_mul", |g, x| one(mat_mul(g, x[0], x[1], "y"))),
    ("mat_mul_batches", |g, x| one(mat_mul(g, x[0], x[1], "y"))),
    ("mat_mul_vectors", |g, x| one(mat_mul(g, x[0], x[1], "y"))),
    ("mat_mul_row", |g, x| one(mat_mul(g, x[0], x[1], "y"))),
    ("mat_mul_column", |g, x| one(mat_mul(g, x[0], x[1], "y"))),
    ("dot_vectors", |g, x| one(dot(g, x[0], x[1], "y"))),
    ("dot_matrices", |g, x| one(dot(g, x[0], x[1], "y"))),
    ("dot_more", |g, x| one(dot(g, x[0], x[1], "y"))),
    ("dot_column", |g, x| one(dot(g, x[0], x[1], "y"))),
    ("dot_scalar", |g, x| one(dot(g, x[0], x[1], "y"))),
    ("outer", |g, x| one(outer(g, x[0], x[1], "y"))),
    ("conv_1d", |g, x| one(conv(g, x[0], x[1], None, &convolved(&[2], &[1], &[2], &[2], 2), "y"))),
    ("conv_3d", |g, x| one(conv(g, x[0], x[1], Some(x[2]), &convolved(&[2, 1, 2], &[1, 0, 1], &[0, 1, 2], &[1, 2, 1], 2), "y"))),
    ("conv_3d_plane", |g, x| one(conv(g, x[0], x[1], None, &convolved(&[1; 3], &[0; 3], &[0; 3], &[1; 3], 1), "y"))),
    ("conv_transpose_1d", |g, x| one(conv_transpose(g, x[0], x[1], None, &transposed([&[2], &[1], &[0], &[1], &[2]], 1), "y"))),
    ("conv_transpose_2d", |g, x| one(conv_transpose(g, x[0], x[1], Some(x[2]), &transposed([&[2, 3], &[1, 0], &[1, 2], &[1, 0], &[1, 2]], 2), "y"))),
    ("conv_transpose_cut", |g, x| one(conv_transpose(g, x[0], x[1], None, &transposed([&[1, 1], &[3, 2], &[2, 3], &[0, 0], &[1, 1]], 1), "y"))),
    ("conv_transpose_3d", |g, x| one(conv_transpose(g, x[0], x[1], None, &transposed([&[2, 1, 2], &[0, 1, 0], &[1, 0, 0], &[0, 0, 1], &[1, 1, 1]], 1), "y"))),
    ("average_pool_dilated", |g, x| one(average_pool(g, x[0], &pooled(&[2, 3], &[2, 1], &[1, 1], &[0, 1], false), &[2, 2], "y"))),
    ("average_pool_dilated_include", |g, x| one(average_pool(g, x[0], &pooled(&[2, 3], &[2, 1], &[1, 1], &[0, 1], true), &[2, 2], "y"))),
    ("average_pool_3d", |g, x| one(average_pool(g, x[0], &pooled(&[2, 2, 1], &[1, 2, 1], &[0, 1, 0], &[0, 0, 0], false), &[1, 1, 1], "y"))),
    ("adaptive_average", |g, x| one(adaptive_average_pool(g, x[0], &[3, 2], "y"))),
    ("adaptive_average_even", |g, x| one(adaptive_average_pool(g, x[0], &[3, 2], "y"))),
    ("adaptive_average_more", |g, x| one(adaptive_average_pool(g, x[0], &[5], "y"))),
    ("adaptive_average_one", |g, x| one(adaptive_average_pool(g, x[0], &[1, 1], "y"))),
    ("adaptive_max", |g, x| one(adaptive_max_pool(g, x[0], &[3, 2], "y"))),
    ("adaptive_max_even", |g, x| one(adaptive_max_pool(g, x[0], &[3, 2], "y"))),
    ("adaptive_max_more", |g, x| one(adaptive_max_pool(g, x[0], &[5], "y"))),
    ("adaptive_max_one", |g, x| one(adaptive_max_pool(g, x[0], &[1, 1], "y"))),
    ("cubic", |g, x| one(resize(g, x[0], &[to(2, 7, 1.875), to(3, 3, 0.7)], keys(-0.75, false), Coordinates::HalfPixelSymmetric, "y"))),
    ("cubic_inside", |g, x| one(resize(g, x[0], &[to(3, 9, 1.875)], keys(-0.5, true), Coordinates::HalfPixelSymmetric, "y"))),
    ("max_pool_3d", |g, x| one(max_pool(g, x[0], &ops::MaxPool { kernel: vec![2, 3, 2], stride: vec![1, 2, 1], pads_begin: vec![1, 0, 1], pads_end: vec![0, 1, 0], dilation: vec![1, 1, 2], ceil_mode: false }, "y"))),
    ("global_max_pool", |g, x| one(global_max_pool(g, x[0], "y"))),
    ("prod", |g, x| one(prod(g, x[0], &[0, -1], false, "y"))),
    ("prod_keep", |g, x| one(prod(g, x[0], &[1], true, "y"))),
    ("prod_none", |g, x| one(prod(g, x[0], &[], false, "y"))),
    ("cum_prod", |g, x| one(cum_prod(g, x[0], -1, false, "y"))),
    ("cum_prod_reverse", |g, x| one(cum_prod(g, x[0], 0, true, "y"))),
    ("sum_all", |g, x| one(g.add(ops::Sum { axes: vec![0, 1, 2], keepdims: false }, x, "y"))),
    ("mean_all", |g, x| one(g.add(ops::Mean { axes: vec![0, 1, 2], keepdims: false }, x, "y"))),
    ("square", |g, x| one(square(g, x[0], "y"))),
    ("pow 0", |g, x| one(pow(g, x[0], 0.0, "y"))),
    ("pow 1", |g, x| one(pow(g, x[0], 1.0, "y"))),
    ("pow 2", |g, x| one(pow(g, x[0], 2.0, "y"))),
    ("pow 3", |g, x| one(pow(g, x[0], 3.0, "y"))),
    ("pow 5", |g, x| one(pow(g, x[0], 5.0, "y"))),
    ("pow 0.5", |g, x| one(pow(g, x[0], 0.5, "y"))),
    ("pow 1.5", |g, x| one(pow(g, x[0], 1.5, "y"))),
    ("pow -0.5", |g, x| one(pow(g, x[0], -0.5, "y"))),
    ("pow -1.5", |g, x| one(pow(g, x[0], -1.5, "y"))),
    ("pow -1", |g, x| one(pow(g, x[0], -1.0, "y"))),
    ("pow -2", |g, x| one(pow(g, x[0], -2.0, "y"))),
    ("pow 0.3", |g, x| one(pow(g, x[0], 0.3, "y"))),
    ("pow -1.7", |g, x| one(pow(g, x[0], -1.7, "y"))),
    ("pow_tensor", |g, x| one(pow_tensor(g, x[0], x[1], "y"))),
    ("log1p", |g, x| one(log1p(g, x[0], "y"))),
    ("elu", |g, x| one(elu(g, x[0], 0.75, "y"))),
    ("selu", |g, x| one(selu(g, x[0], 1.67, 1.05, "y"))),
    ("celu", |g, x| one(celu(g, x[0], 2.0, "y"))),
    ("leaky_relu", |g, x| one(leaky_relu(g, x[0], 0.01, "y"))),
    ("leaky_relu_steep", |g, x| one(leaky_relu(g, x[0], 1.5, "y"))),
    ("prelu", |g, x| one(prelu(g, x[0], x[1], "y"))),
    ("thresholded_relu", |g, x| one(thresholded_relu(g, x[0], 1.125, "y"))),
    ("relu6", |g, x| one(relu6(g, x[0], "y"))),
    ("hardtanh", |g, x| one(hardtanh(g, x[0], -1.5, 2.0, "y"))),
    ("hardsigmoid", |g, x| one(hardsigmoid(g, x[0], 0.2, 0.5, "y"))),
    ("hardswish", |g, x| one(hardswish(g, x[0], "y"))),
    ("mish", |g, x| one(mish(g, x[0], "y"))),
    ("softsign", |g, x| one(softsign(g, x[0], "y"))),
    ("log_sigmoid", |g, x| one(log_sigmoid(g, x[0], "y"))),
    ("mean_square", |g, x| one(mean_square(g, x[0], &[0, -1], false, "y"))),
    ("var", |g, x| one(var(g, x[0], &[-1, 1], 0, false, "y"))),
    ("var_ddof", |g, x| one(var(g, x[0], &[1], 1, true, "y"))),
    ("std", |g, x| one(std(g, x[0], &[-1], 1, false, "y"))),
    ("norm_1", |g, x| one(norm(g, x[0], Norm::One, &[0, 2], false, "y"))),
    ("norm_2", |g, x| one(norm(g, x[0], Norm::Two, &[0, 2], true, "y"))),
    ("norm_infinity", |g, x| one(norm(g, x[0], Norm::Infinity, &[0, 2], false, "y"))),
    ("norm_infinity_keep", |g, x| one(norm(g, x[0], Norm::Infinity, &[-1, 0], true, "y"))),
    ("unit_vectors", |g, x| one(unit_vectors(g, x[0], 0, 0.125, "y"))),
    ("cosine_similarity", |g, x| one(cosine_similarity(g, x[0], x[1], -1, 0.5, "y"))),
    ("layer_norm", |g, x| one(layer_norm(g, x[0], &[-1, -2], Some(x[1]), Some(x[2]), 0.01, "y"))),
    ("layer_norm_plain", |g, x| one(layer_norm(g, x[0], &[1], None, None, 0.01, "y"))),
    ("rms_norm", |g, x| one(rms_norm(g, x[0], &[-1], Some(x[1]), 0.01, "y"))),
    ("group_norm", |g, x| one(group_norm(g, x[0], 2, Some(x[1]), Some(x[2]), 0.01, "y"))),
    ("instance_norm", |g, x| one(instance_norm(g, x[0], Some(x[1]), Some(x[2]), 0.01, "y"))),
    ("batch_norm_training", |g, x| batch_norm_training(g, x[0], Some(x[1]), Some(x[2]), 0.01, "y").map(Vec::from)),
    ("softmax", |g, x| one(softmax(g, x[0], &[1, 2], false, "y"))),
    ("softmax_log", |g, x| one(softmax(g, x[0], &[-2], true, "y"))),
];

#[test]
fn functions_are_numpys() {
    let cases = cases();
    for (name, function) in FUNCTIONS {
        check(name, &cases[name], function);
    }
    let listed = |name: &&&str| {
        FUNCTIONS.iter().any(|(listed, _)| listed == *name)
            || name.starts_with("einsum ")
            || name.starts_with("resize_")
    };
    let missing: Vec<_> = cases.keys().filter(|name| !listed(name)).collect();
    assert!(missing.is_empty(), "no test looks at {missing:?}");
}

#[test]
fn einsum_is_numpys() {
    let cases = cases();
    let einsums = cases.iter().filter_map(|(name, case)| Some((name.strip_prefix("einsum ")?, case)));
    let mut count = 0;
    for (name, case) in einsums {
        let (_, equation) = name.split_once(' ').unwrap();
        check(name, case, |g, x| one(einsum(g, equation, x, "y")));
        count += 1;
    }
    assert!(count > 25);
}

#[test]
fn resizing_follows_the_formulas() {
    let cases = cases();
    let coordinates = [
        ("half_pixel", Coordinates::HalfPixel),
        ("pytorch_half_pixel", Coordinates::PytorchHalfPixel),
        ("align_corners", Coordinates::AlignCorners),
        ("asymmetric", Coordinates::Asymmetric),
    ];
    let nearest = [
        ("floor", NearestMode::Floor),
        ("ceil", NearestMode::Ceil),
        ("prefer_floor", NearestMode::RoundPreferFloor),
        ("prefer_ceil", NearestMode::RoundPreferCeil),
    ];
    for (name, coordinates) in coordinates {
        let resized = |how: &str, axes: &[Resize], resampling| {
            let name = format!("resize_{how}_{name}");
            let case = &cases[name.as_str()];
            check(&name, case, |g, x| one(resize(g, x[0], axes, resampling, coordinates, "y")));
        };
        resized("linear", &[to(2, 7, 7.0 / 4.0), to(3, 2, 2.0 / 3.0)], Resampling::Linear);
        resized("one", &[to(2, 1, 0.25)], Resampling::Linear);
        for (how, mode) in nearest {
            resized(how, &[to(2, 6, 1.5), to(3, 2, 2.0 / 3.0)], Resampling::Nearest(mode));
        }
    }
}

#[test]
fn refusals_say_why() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let mut input = |name: &str, shape: &[usize]| {
        graph.input(name, shape, Visibility::Private(alice), Role::Data).unwrap()
    };
    let x = input("x", &dims(&[2, 3]));
    let g = &mut graph;
    let refused = |result: Result<NodeId, GraphError>, function: &str, reason: &str| {
        let message = result.unwrap_err().to_string();
        assert!(
            message.contains(&format!("node \"y\" ({function})")) && message.contains(reason),
            "{message}"
        );
    };
    refused(flip(g, x, &[2], "y"), "Flip", "axis 2 of a value with 2 axes");
    refused(flip(g, x, &[0, -2], "y"), "Flip", "name one twice");
    refused(repeat(g, x, 0, 0, "y"), "Repeat", "an axis of 2 taken 0 times");
    refused(repeat(g, x, usize::MAX, 0, "y"), "Repeat", "an axis of 2 taken");
    refused(tile(g, x, &[usize::MAX], "y"), "Tile", "an axis of 3 taken");
    refused(tile(g, x, &[1 << 32], "y"), "Expand", "more than 2^32 elements");
    refused(squeeze(g, x, Some(&[0]), "y"), "Squeeze", "axis 0 of [2, 3] has not size 1");
    refused(stack(g, &[], 0, "y"), "Stack", "nothing");
    refused(narrow(g, x, 1, 2, 2, "y"), "Narrow", "2 elements from 2 on of an axis of 3");
    refused(slice(g, x, &[range(0, None, None, 0)], "y"), "Slice", "a step is 0");
    refused(slice(g, x, &[range(1, Some(2), Some(2), 1)], "y"), "Slice", "nothing is left of axis 1");
    refused(take(g, x, &arr0(3).into_dyn(), 1, "y"), "Take", "index 3 is out of range for an axis of 3");
    refused(take(g, x, &arr0(-4).into_dyn(), 1, "y"), "Take", "index -4 is out of range");
    let pair = arr2(&[[0, 0, 0]]).into_dyn();
    refused(gather_nd(g, x, &pair, 0, "y"), "GatherND", "indices of shape [1, 3]");
    refused(
        scatter_nd(g, x, &arr2(&[[0]]).into_dyn(), x, Reduction::Add, "y"),
        "ScatterND",
        "where [1, 3] fits",
    );
    refused(diagonal(g, x, 3, "y"), "Diagonal", "no diagonal 3");
    refused(pad(g, x, &[0, -2], &[0, -1], PadMode::Edge, "y"), "Pad", "nothing is left of axis 1");
    refused(depth_to_space(g, x, 2, DepthOrder::PlaceFirst, "y"), "DepthToSpace", "four axes");
    let none = &[to(0, 2, 0.0)];
    refused(resize(g, x, none, Resampling::Linear, Coordinates::HalfPixel, "y"), "Resize", "a scale of 0");
    refused(
        resize(g, x, &[to(0, 2, 1.0)], keys(f64::NAN, false), Coordinates::HalfPixel, "y"),
        "Resize",
        "a cubic of NaN",
    );
    let op = ops::MaxPool {
        kernel: vec![1; 3],
        stride: vec![1; 3],
        pads_begin: vec![0; 3],
        pads_end: vec![0; 3],
        dilation: vec![1; 3],
        ceil_mode: false,
    };
    refused(max_pool(g, x, &op, "y"), "MaxPool", "windows over 3 axes");
    refused(adaptive_average_pool(g, x, &[0], "y"), "AdaptiveAveragePool", "sizes [0]");
    refused(pow(g, x, f64::NAN, "y"), "Pow", "an exponent of NaN");
    refused(celu(g, x, 0.0, "y"), "Celu", "an alpha of 0");
    refused(var(g, x, &[0], 2, false, "y"), "Var", "2 degrees of freedom off 2 elements");
    refused(norm(g, x, Norm::Two, &[], false, "y"), "Norm", "there are no axes");
    refused(group_norm(g, x, 2, None, None, 0.1, "y"), "GroupNorm", "2 groups of 3 channels");
    refused(instance_norm(g, x, None, None, 0.1, "y"), "InstanceNorm", "no axes after");
    refused(group_norm(g, x, 3, Some(x), None, 0.1, "y"), "GroupNorm", "must have 3 elements");
    refused(softmax(g, x, &[1, 0], false, "y"), "Softmax", "are not neighbours");
    for (equation, reason) in [
        ("ij,jk->ik", "for 2 operands, not 1"),
        ("i->i", "names 1 axes of a value with 2"),
        ("i1->i", "no letter"),
        ("ij->ijj", "twice"),
        ("ij->k", "no operand has"),
        ("ii->i", "axis 'i' has sizes 2 and 3"),
        ("...->", "lacks the ellipsis"),
        ("i.j->ij", "no letter"),
    ] {
        refused(einsum(g, equation, &[x], "y"), "Einsum", reason);
    }
}

/// A graph cannot be made to hold much more than its file has bytes.
#[test]
fn lists_are_bounded() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let wide = dims(&[2, MAX_LISTED / 2 + 1]);
    let x = graph.input("x", &wide, Visibility::Private(alice), Role::Data).unwrap();
    let y = flip(&mut graph, x, &[1], "y").unwrap();
    let error = flip(&mut graph, y, &[1], "z").unwrap_err();
    assert_eq!(error, GraphError::TooLarge { what: "the number of indices and weights", limit: MAX_LISTED });
    let error = triu(&mut graph, x, 0, "z").unwrap_err().to_string();
    assert!(error.contains("indices along one axis"), "{error}");
}

/// What moves elements moves integers and bits alike.
#[test]
fn any_kind_moves() {
    let (mut graph, mut inputs) = (Graph::new(), Inputs::new());
    let value = arr2(&[[1.0, -2.0, 0.0], [0.5, 3.0, -1.0]]).into_dyn();
    let alice = graph.owner("alice");
    graph.owner("bob");
    let x = secret(&mut graph, &mut inputs, 0, &value, DType::Fixed).unwrap();
    let zero = graph.add(ops::Constant { shape: vec![], value: 0.0 }, &[], "").unwrap();
    let bits = graph.add(ops::Less, &[x, zero], "").unwrap();
    let counts = graph.add(ops::CumSum { axis: 1, exclusive: false, reverse: true }, &[bits], "").unwrap();
    assert_eq!(graph.node(counts).ty.dtype, DType::Int);
    let padded = pad(&mut graph, bits, &[0, 1], &[0, 0], PadMode::Constant(0.0), "").unwrap();
    let turned = flip(&mut graph, counts, &[0], "").unwrap();
    for result in [counts, padded, turned] {
        graph.reveal(result, &[alice], "result").unwrap();
    }
    let program = lower(&graph, PRECISION, &TARGET).unwrap();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let revealed = fixed(&program, &leaves, &mut Nearest);
    let values: Vec<_> =
        program.reveals().iter().map(|id| revealed[id.index()].to_f64(program.node(*id).ty)).collect();
    assert_eq!(values, plain(&graph, &inputs).unwrap().into_values().collect::<Vec<_>>());
    assert_eq!(values[0], arr2(&[[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]).into_dyn());
    assert_eq!(values[1], arr2(&[[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]).into_dyn());
    assert_eq!(values[2], arr2(&[[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]).into_dyn());
    assert!(pad(&mut graph, bits, &[0, 1], &[0, 0], PadMode::Constant(1.0), "").is_err());
}
