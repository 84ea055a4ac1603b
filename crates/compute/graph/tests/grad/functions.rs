//! Functions, which are compositions.

use ndarray::{ArrayD, arr1, arr2};
use tacita_graph::functions::{
    self, ConvTranspose, Coordinates, DepthOrder, NearestMode, Norm, PadMode, Range1, Reduction, Resampling,
    Resize,
};
use tacita_graph::ops::{AveragePool, Mul, OneHot, Pick, Select, Sum};
use tacita_graph::{DType, Graph, GraphError, NodeId, Role, Visibility, dims, grad, plain_all};

use crate::setting::{Setting, function};

type Built = Result<NodeId, GraphError>;

/// Of one input, between -2 and 2.
fn of(what: &str, shape: &[usize], f: impl Fn(&mut Graph, NodeId) -> Built) {
    function(what, &[shape], false, |g, x| f(g, x[0]));
}

/// Of one input, between 0.5 and 2.
fn of_positive(what: &str, shape: &[usize], f: impl Fn(&mut Graph, NodeId) -> Built) {
    function(what, &[shape], true, |g, x| f(g, x[0]));
}

const SHAPE: &[usize] = &[3, 4];

#[test]
fn of_activations() {
    of("leaky_relu", SHAPE, |g, x| functions::leaky_relu(g, x, 0.1, ""));
    of("leaky_relu, steep", SHAPE, |g, x| functions::leaky_relu(g, x, 1.5, ""));
    function("prelu", &[SHAPE, &[4]], false, |g, x| functions::prelu(g, x[0], x[1], ""));
    of("thresholded_relu", SHAPE, |g, x| functions::thresholded_relu(g, x, 0.25, ""));
    of("elu", SHAPE, |g, x| functions::elu(g, x, 1.5, ""));
    of("selu", SHAPE, |g, x| functions::selu(g, x, 1.67, 1.05, ""));
    of("celu", SHAPE, |g, x| functions::celu(g, x, 0.75, ""));
    of("hardswish", SHAPE, |g, x| functions::hardswish(g, x, ""));
    of("hardsigmoid", SHAPE, |g, x| functions::hardsigmoid(g, x, 0.5, 0.5, ""));
    of("hardtanh", SHAPE, |g, x| functions::hardtanh(g, x, -0.5, 1.0, ""));
    of("relu6", SHAPE, |g, x| functions::relu6(g, x, ""));
    of("mish", SHAPE, |g, x| functions::mish(g, x, ""));
    of("softsign", SHAPE, |g, x| functions::softsign(g, x, ""));
    of("log_sigmoid", SHAPE, |g, x| functions::log_sigmoid(g, x, ""));
    of_positive("log1p", SHAPE, |g, x| functions::log1p(g, x, ""));
}

#[test]
fn of_powers_and_products() {
    of("square", SHAPE, |g, x| functions::square(g, x, ""));
    of("pow 3", SHAPE, |g, x| functions::pow(g, x, 3.0, ""));
    of_positive("pow -2", SHAPE, |g, x| functions::pow(g, x, -2.0, ""));
    of_positive("pow 1.5", SHAPE, |g, x| functions::pow(g, x, 1.5, ""));
    function("pow_tensor", &[SHAPE, &[4]], true, |g, x| functions::pow_tensor(g, x[0], x[1], ""));
    of_positive("prod", SHAPE, |g, x| functions::prod(g, x, &[1], false, ""));
    of_positive("cum_prod", SHAPE, |g, x| functions::cum_prod(g, x, 1, false, ""));
    of_positive("cum_prod, reversed", SHAPE, |g, x| functions::cum_prod(g, x, 0, true, ""));
    for (equation, shapes) in [
        ("ij,jk->ki", vec![&[3, 4][..], &[4, 2]]),
        ("bij,bjk->bik", vec![&[2, 3, 4], &[2, 4, 2]]),
        ("bthd,bshd->bhts", vec![&[2, 3, 2, 2], &[2, 4, 2, 2]]),
        ("ij,j->", vec![&[3, 4], &[4]]),
        ("i,j,k->ijk", vec![&[2], &[3], &[2]]),
        ("ii->i", vec![&[3, 3]]),
        ("ij->ji", vec![&[3, 4]]),
    ] {
        function(equation, &shapes, false, |g, x| functions::einsum(g, equation, x, ""));
    }
    function("mat_mul of a vector", &[&[4], &[2, 4, 3]], false, |g, x| functions::mat_mul(g, x[0], x[1], ""));
    function("mat_mul by a vector", &[&[2, 3, 4], &[4]], false, |g, x| functions::mat_mul(g, x[0], x[1], ""));
    function("dot", &[&[2, 4], &[3, 4, 2]], false, |g, x| functions::dot(g, x[0], x[1], ""));
    function("outer", &[&[3], &[4]], false, |g, x| functions::outer(g, x[0], x[1], ""));
}

#[test]
fn of_reductions() {
    of("softmax", &[2, 3, 2], |g, x| functions::softmax(g, x, &[1, 2], false, ""));
    of("log_softmax", &[2, 3, 2], |g, x| functions::softmax(g, x, &[0, 1], true, ""));
    of("log_sum_exp", &[2, 3, 2], |g, x| functions::log_sum_exp(g, x, &[0, 1], true, ""));
    for ddof in [0, 1] {
        of("var", SHAPE, |g, x| functions::var(g, x, &[1], ddof, false, ""));
        of("std", SHAPE, |g, x| functions::std(g, x, &[0, 1], ddof, true, ""));
    }
    of("mean_square", SHAPE, |g, x| functions::mean_square(g, x, &[0], false, ""));
    for p in [Norm::One, Norm::Two, Norm::Infinity] {
        of_positive("norm", SHAPE, |g, x| functions::norm(g, x, p, &[1], false, ""));
    }
    of("unit_vectors", SHAPE, |g, x| functions::unit_vectors(g, x, 1, 1e-3, ""));
    function("cosine_similarity", &[SHAPE, SHAPE], false, |g, x| {
        functions::cosine_similarity(g, x[0], x[1], 1, 1e-3, "")
    });
}

#[test]
fn of_norms() {
    function("layer_norm", &[SHAPE, &[4], &[4]], false, |g, x| {
        functions::layer_norm(g, x[0], &[-1], Some(x[1]), Some(x[2]), 0.1, "")
    });
    function("rms_norm", &[SHAPE, &[4]], false, |g, x| {
        functions::rms_norm(g, x[0], &[-1], Some(x[1]), 0.1, "")
    });
    let channels: &[usize] = &[4];
    function("group_norm", &[&[2, 4, 3], channels, channels], false, |g, x| {
        functions::group_norm(g, x[0], 2, Some(x[1]), Some(x[2]), 0.1, "")
    });
    function("instance_norm", &[&[2, 4, 3], channels, channels], false, |g, x| {
        functions::instance_norm(g, x[0], Some(x[1]), Some(x[2]), 0.1, "")
    });
    for shape in [&[3, 4][..], &[2, 4, 3], &[2, 4, 2, 2]] {
        for which in 0..3 {
            function("batch_norm_training", &[shape, channels, channels], false, |g, x| {
                let all = functions::batch_norm_training(g, x[0], Some(x[1]), Some(x[2]), 0.1, "")?;
                // what it has learnt of the batch does not depend on all; so that each has a derivative
                let sum = g.add(Sum { axes: vec![0], keepdims: true }, &[x[1]], "")?;
                let more = g.add(Sum { axes: vec![0], keepdims: true }, &[x[2]], "")?;
                let factor = g.add(Mul, &[sum, more], "")?;
                g.add(Mul, &[all[which], factor], "")
            });
        }
    }
}

#[test]
fn of_windows() {
    let image: &[usize] = &[1, 2, 5, 4];
    of("adaptive_average_pool", image, |g, x| functions::adaptive_average_pool(g, x, &[2, 3], ""));
    of("adaptive_average_pool, even", &[1, 2, 6, 4], |g, x| {
        functions::adaptive_average_pool(g, x, &[3, 2], "")
    });
    of("adaptive_max_pool", image, |g, x| functions::adaptive_max_pool(g, x, &[2, 3], ""));
    of("global_max_pool", image, |g, x| functions::global_max_pool(g, x, ""));
    of("average_pool, dilated", &[1, 2, 7], |g, x| {
        let op = AveragePool {
            kernel: vec![2],
            stride: vec![2],
            pads_begin: vec![1],
            pads_end: vec![1],
            ceil_mode: false,
            count_include_pad: false,
        };
        functions::average_pool(g, x, &op, &[2], "")
    });
    let transposed =
        |stride: usize, begin: usize, end: usize, more: usize, dilation: usize, groups| ConvTranspose {
            stride: vec![stride],
            pads_begin: vec![begin],
            pads_end: vec![end],
            output_padding: vec![more],
            dilation: vec![dilation],
            groups,
        };
    for (attributes, w) in [
        (transposed(2, 1, 0, 1, 1, 1), &[2, 3, 2]),
        (transposed(1, 0, 0, 0, 2, 1), &[2, 3, 2]),
        (transposed(3, 0, 2, 0, 1, 2), &[2, 3, 2]),
    ] {
        let bias = [3 * attributes.groups];
        function("conv_transpose", &[&[2, 2, 3], w, &bias], false, |g, x| {
            functions::conv_transpose(g, x[0], x[1], Some(x[2]), &attributes, "")
        });
    }
    let resized = |size: usize, scale: f64| [Resize { axis: 2, size, scale }];
    for (resampling, coordinates) in [
        (Resampling::Nearest(NearestMode::Floor), Coordinates::Asymmetric),
        (Resampling::Linear, Coordinates::HalfPixel),
        (Resampling::Linear, Coordinates::AlignCorners),
        (Resampling::Cubic { a: -0.75, exclude_outside: false }, Coordinates::PytorchHalfPixel),
    ] {
        for (size, scale) in [(8, 2.0), (2, 0.5)] {
            of("resize", &[1, 2, 4], |g, x| {
                functions::resize(g, x, &resized(size, scale), resampling, coordinates, "")
            });
        }
    }
}

#[test]
fn of_what_moves() {
    of("diagonal", &[3, 4], |g, x| functions::diagonal(g, x, 1, ""));
    of("diag", &[3], |g, x| functions::diag(g, x, -1, ""));
    of("flip", SHAPE, |g, x| functions::flip(g, x, &[0, 1], ""));
    of("repeat", SHAPE, |g, x| functions::repeat(g, x, 3, 1, ""));
    of("roll", SHAPE, |g, x| functions::roll(g, x, &[(1, 1), (-1, 0)], ""));
    of("tile", SHAPE, |g, x| functions::tile(g, x, &[2, 3], ""));
    of("triu", SHAPE, |g, x| functions::triu(g, x, 1, ""));
    of("tril", SHAPE, |g, x| functions::tril(g, x, 0, ""));
    of("narrow", SHAPE, |g, x| functions::narrow(g, x, 1, 1, 2, ""));
    of("slice, backwards", SHAPE, |g, x| {
        functions::slice(g, x, &[Range1 { axis: 1, start: None, end: None, step: -2 }], "")
    });
    for mode in [PadMode::Constant(2.0), PadMode::Reflect, PadMode::Edge, PadMode::Wrap] {
        of("pad", SHAPE, |g, x| functions::pad(g, x, &[1, 2], &[0, 1], mode, ""));
    }
    for order in [DepthOrder::PlaceFirst, DepthOrder::ChannelFirst] {
        of("depth_to_space", &[1, 4, 2, 2], |g, x| functions::depth_to_space(g, x, 2, order, ""));
        of("space_to_depth", &[1, 1, 4, 2], |g, x| functions::space_to_depth(g, x, 2, order, ""));
    }
    of("split", SHAPE, |g, x| Ok(functions::split(g, x, &[1, 3], 1, "")?[1]));
    of("chunk", SHAPE, |g, x| Ok(functions::chunk(g, x, 2, 1, "")?[0]));
    of("squeeze", &[3, 1], |g, x| functions::squeeze(g, x, None, ""));
    of("unsqueeze", &[3], |g, x| functions::unsqueeze(g, x, &[0, 2], ""));
    function("stack", &[SHAPE, SHAPE], false, |g, x| functions::stack(g, x, 1, ""));
    function("concat", &[SHAPE, &[3, 2]], false, |g, x| functions::concat(g, x, 1, ""));
    let indices: ArrayD<i64> = arr2(&[[0, 2], [1, 1]]).into_dyn();
    of("take", SHAPE, |g, x| functions::take(g, x, &indices, 0, ""));
    of("gather_elements", SHAPE, |g, x| functions::gather_elements(g, x, &indices, 1, ""));
    of("gather_nd", SHAPE, |g, x| functions::gather_nd(g, x, &indices, 0, ""));
    let places: ArrayD<i64> = arr1(&[1, 1]).into_dyn();
    for reduction in [Reduction::Replace, Reduction::Add, Reduction::Max, Reduction::Min] {
        let places = if reduction == Reduction::Replace { arr1(&[2, 0]).into_dyn() } else { places.clone() };
        function("scatter_elements", &[&[3], &[2]], false, |g, x| {
            functions::scatter_elements(g, x[0], &places, x[1], 0, reduction, "")
        });
    }
    function("scatter_nd", &[&[2, 3], &[2]], false, |g, x| {
        functions::scatter_nd(g, x[0], &indices, x[1], Reduction::Add, "")
    });
}

#[test]
fn of_an_embedding() {
    let mut s = Setting::new(3);
    let weight = s.input(&[5, 3]);
    s.inputs.insert("rows", ArrayD::from_shape_vec(vec![2, 2], vec![4.0, 0.0, 4.0, 2.0]).unwrap());
    let rows = s.graph.input_of("rows", &dims(&[2, 2]), Visibility::Secret, Role::Data, DType::Int).unwrap();
    let hot = s.graph.add(OneHot { depth: 5 }, &[rows], "").unwrap();
    let y = s.graph.add(Pick { axis: 0 }, &[weight, hot], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[weight], "embedding");
}

/// What is dropped in the forward pass gets nothing in the backward pass, in one evaluation.
#[test]
fn of_dropout() {
    let mut s = Setting::new(6);
    let x = s.input(&[8, 8]);
    let (y, mask) = functions::dropout_and_mask(&mut s.graph, x, 0.25, "").unwrap();
    let loss = s.graph.add(Sum { axes: vec![0, 1], keepdims: false }, &[y], "loss").unwrap();
    let derivative = grad(&mut s.graph, loss, &[x]).unwrap()[0];
    let values = plain_all(&s.graph, &s.inputs).unwrap();
    let (mask, derivative) = (&values[mask.index()], &values[derivative.index()]);
    let kept = mask.sum();
    assert!(kept > 32.0 && kept < 64.0, "{kept} of 64 are kept");
    for (kept, derivative) in mask.iter().zip(derivative) {
        assert!((derivative - kept / 0.75).abs() < 1e-12, "{derivative} where the mask is {kept}");
    }
    s.check(loss, &[x], "dropout");
    // and a mask by hand
    let mut s = Setting::new(7);
    let x = s.input(&[4]);
    let (kept, none) = (functions::bernoulli(&mut s.graph, &dims(&[4]), 0.5, "").unwrap(), s.input(&[1]));
    let y = s.graph.add(Select, &[kept, x, none], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[x, none], "what is drawn");
}
