//! What operations mean in f64, against values worked out by hand or by the defining formula.

use ndarray::{ArrayD, arr0, arr1, array};
use proptest::prelude::*;
use tacita_graph::ops::*;
use tacita_graph::testing::TARGET;
use tacita_graph::*;

/// An operation applied to public data.
fn apply(op: impl Into<Op>, data: &[&ArrayD<f64>]) -> ArrayD<f64> {
    let mut graph = Graph::new();
    let owner = graph.owner("alice");
    let mut inputs = Inputs::new();
    let ids: Vec<NodeId> = data
        .iter()
        .enumerate()
        .map(|(i, data)| {
            inputs.insert(format!("x{i}"), (*data).clone());
            graph
                .input(&format!("x{i}"), &dims(data.shape()), Visibility::Private(owner), Role::Data)
                .unwrap()
        })
        .collect();
    let y = graph.add(op, &ids, "y").unwrap();
    graph.reveal(y, &[owner], "answer").unwrap();
    let result = plain(&graph, &inputs).unwrap().into_values().next().unwrap();
    assert_eq!(result.shape(), graph.node(y).ty.shape);
    result
}

fn line(values: &[f64]) -> ArrayD<f64> {
    arr1(values).into_shape_with_order(vec![1, 1, values.len()]).unwrap()
}

#[test]
fn a_convolution_pads_strides_and_dilates() {
    let x = line(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let w = line(&[1.0, 10.0]);
    let conv = |stride, begin, end, dilation| {
        let conv = Conv {
            stride: vec![stride],
            pads_begin: vec![begin],
            pads_end: vec![end],
            dilation: vec![dilation],
            groups: 1,
        };
        apply(conv, &[&x, &w, &arr1(&[0.5]).into_dyn()]).into_raw_vec_and_offset().0
    };
    assert_eq!(conv(1, 0, 0, 1), [21.5, 32.5, 43.5, 54.5]);
    assert_eq!(conv(2, 1, 0, 1), [10.5, 32.5, 54.5]);
    assert_eq!(conv(1, 0, 2, 3), [41.5, 52.5, 3.5, 4.5]);
}

proptest! {
    /// Against the sum that defines a convolution.
    #[test]
    fn a_convolution_is_the_sum_that_defines_it(
        (h, w, kh, kw) in (3usize..7, 3usize..7, 1usize..4, 1usize..4),
        (sh, sw, dh, dw) in (1usize..3, 1usize..3, 1usize..3, 1usize..3),
        pads in prop::array::uniform4(0usize..3),
        (groups, per, outs) in (1usize..3, 1usize..3, 1usize..3),
        seed in any::<u64>(),
    ) {
        let mut random = testing::Random::new(seed);
        let mut tensor = |shape: &[usize]| ArrayD::from_shape_fn(shape, |_| random.unit());
        let (x, k) = (tensor(&[2, groups * per, h, w]), tensor(&[groups * outs, per, kh, kw]));
        prop_assume!(h + pads[0] + pads[2] > (kh - 1) * dh && w + pads[1] + pads[3] > (kw - 1) * dw);
        let conv = Conv {
            stride: vec![sh, sw],
            pads_begin: vec![pads[0], pads[1]],
            pads_end: vec![pads[2], pads[3]],
            dilation: vec![dh, dw],
            groups,
        };
        let got = apply(conv, &[&x, &k]);
        for ((n, o, i, j), got) in got.view().into_dimensionality::<ndarray::Ix4>().unwrap().indexed_iter() {
            let mut sum = 0.0;
            for c in 0..per {
                for y in 0..kh {
                    for z in 0..kw {
                        let (y_at, z_at) = ((i * sh + y * dh).wrapping_sub(pads[0]), (j * sw + z * dw).wrapping_sub(pads[1]));
                        if y_at < h && z_at < w {
                            sum += x[[n, o / outs * per + c, y_at, z_at]] * k[[o, c, y, z]];
                        }
                    }
                }
            }
            prop_assert!((got - sum).abs() < 1e-12);
        }
    }
}

#[test]
fn pooling_at_the_edges() {
    let x = line(&[-1.0, -2.0, -3.0, -4.0, -5.0]);
    let pool = |begin, end, ceil_mode| MaxPool {
        kernel: vec![2],
        stride: vec![2],
        pads_begin: vec![begin],
        pads_end: vec![end],
        dilation: vec![1],
        ceil_mode,
    };
    assert_eq!(apply(pool(0, 0, false), &[&x]), line(&[-1.0, -3.0]));
    assert_eq!(apply(pool(0, 0, true), &[&x]), line(&[-1.0, -3.0, -5.0]));
    assert_eq!(apply(pool(1, 0, false), &[&x]), line(&[-1.0, -2.0, -4.0]));
    // A last window that begins in the padding at the end does not count.
    assert_eq!(apply(pool(1, 1, true), &[&x]), line(&[-1.0, -2.0, -4.0]));

    let average = |begin, end, ceil_mode, count_include_pad| AveragePool {
        kernel: vec![3],
        stride: vec![2],
        pads_begin: vec![begin],
        pads_end: vec![end],
        ceil_mode,
        count_include_pad,
    };
    let x = line(&[3.0, 6.0, 9.0, 12.0]);
    assert_eq!(apply(average(1, 0, false, true), &[&x]), line(&[3.0, 9.0]));
    assert_eq!(apply(average(1, 0, false, false), &[&x]), line(&[4.5, 9.0]));
    // The window at 9 reaches one beyond the end: what is there never counts.
    assert_eq!(apply(average(0, 0, true, true), &[&x]), line(&[6.0, 10.5]));
    assert_eq!(apply(average(0, 1, false, true), &[&x]), line(&[6.0, 7.0]));
}

#[test]
fn ties_go_to_the_lowest_index() {
    let x = array![[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [-1.0, -5.0, -1.0]].into_dyn();
    let columns = apply(ArgMax { axis: 1, keepdims: false }, &[&x]);
    assert_eq!(columns, arr1(&[1.0, 0.0, 0.0]).into_dyn());
    let rows = apply(ArgMax { axis: 0, keepdims: true }, &[&x]);
    assert_eq!(rows, array![[1.0, 0.0, 0.0]].into_dyn());
    assert_eq!(apply(Max { axis: 1, keepdims: true }, &[&x]), array![[3.0], [2.0], [-1.0]].into_dyn());
}

/// Against values that NumPy 2.1 gave.
#[test]
fn edges_as_in_numpy() {
    let x = || arr1(&[2.5, -0.5, 0.0, -2.5, 0.5, 2.5, -1.5]).into_dyn();
    let sort_zeros = ArgSort { axis: 0, descending: false };
    assert_eq!(apply(sort_zeros, &[&arr1(&[0.0, -0.0, 0.0]).into_dyn()]), arr1(&[0.0, 1.0, 2.0]).into_dyn());
    let list = |op: Op| apply(op, &[&x()]).into_raw_vec_and_offset().0;
    assert_eq!(list(Round.into()), [2.0, 0.0, 0.0, -2.0, 0.0, 2.0, -2.0]);
    assert_eq!(list(tacita_graph::ops::Floor.into()), [2.0, -1.0, 0.0, -3.0, 0.0, 2.0, -2.0]);
    assert_eq!(list(Ceil.into()), [3.0, 0.0, 0.0, -2.0, 1.0, 3.0, -1.0]);
    assert_eq!(list(Sign.into()), [1.0, -1.0, 0.0, -1.0, 1.0, 1.0, -1.0]);
    assert_eq!(list(Abs.into()), [2.5, 0.5, 0.0, 2.5, 0.5, 2.5, 1.5]);
    assert_eq!(
        list(Cast { to: DType::Int, rounding: ToWhole::TowardsZero }.into()),
        [2.0, 0.0, 0.0, -2.0, 0.0, 2.0, -1.0]
    );
    assert_eq!(list(Sort { axis: 0, descending: false }.into()), [-2.5, -1.5, -0.5, 0.0, 0.5, 2.5, 2.5]);
    // numpy.argsort(x, stable=True), and of -x
    assert_eq!(list(ArgSort { axis: 0, descending: false }.into()), [3.0, 6.0, 1.0, 2.0, 4.0, 0.0, 5.0]);
    assert_eq!(list(ArgSort { axis: 0, descending: true }.into()), [0.0, 5.0, 4.0, 2.0, 1.0, 6.0, 3.0]);
    assert_eq!(list(ArgMin { axis: 0, keepdims: false }.into()), [3.0]);
    let zeros = [arr1(&[0.0, -0.0]).into_dyn(), arr1(&[-0.0, 0.0]).into_dyn()];
    assert_eq!(apply(Equal, &[&zeros[0], &zeros[1]]), arr1(&[1.0, 1.0]).into_dyn());
}

#[test]
fn whole_numbers_and_bits_are_checked() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let mut inputs = Inputs::new();
    for (name, dtype, value) in [("n", DType::Int, 1.5), ("b", DType::Bit, 2.0)] {
        let x = graph.input_of(name, &dims(&[1]), Visibility::Private(alice), Role::Data, dtype).unwrap();
        graph.reveal(x, &[alice], name).unwrap();
        inputs.insert("n", arr1(&[0.0]).into_dyn());
        inputs.insert(name, arr1(&[value]).into_dyn());
        let error = plain(&graph, &inputs).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(&dtype.to_string()), "{error}");
    }
}

#[test]
fn one_hot_bits_and_slices() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let mine = Visibility::Private(alice);
    let table = graph.input("table", &dims(&[2, 3]), mine, Role::Data).unwrap();
    let indices = graph.input_of("indices", &dims(&[5]), mine, Role::Data, DType::Int).unwrap();
    let hot = graph.add(OneHot { depth: 3 }, &[indices], "").unwrap();
    let picked = graph.add(Pick { axis: 1 }, &[table, hot], "").unwrap();
    graph.reveal(picked, &[alice], "picked").unwrap();
    let inputs = Inputs::from([
        ("table", array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].into_dyn()),
        ("indices", arr1(&[2.0, -3.0, 0.0, 3.0, -4.0]).into_dyn()),
    ]);
    let result = plain(&graph, &inputs).unwrap().into_values().next().unwrap();
    assert_eq!(result, array![[3.0, 1.0, 1.0, 0.0, 0.0], [6.0, 4.0, 4.0, 0.0, 0.0]].into_dyn());
}

#[test]
fn products_broadcast_leading_axes() {
    let a = ArrayD::from_shape_fn(vec![2, 1, 2, 3], |i| (i[0] * 6 + i[2] * 3 + i[3]) as f64);
    let b = ArrayD::from_shape_fn(vec![4, 3, 1], |i| (i[0] + i[1]) as f64);
    let got = apply(MatMul, &[&a, &b]);
    assert_eq!(got.shape(), [2, 4, 2, 1]);
    for (index, got) in got.indexed_iter() {
        let sum: f64 = (0..3).map(|k| a[[index[0], 0, index[2], k]] * b[[index[1], k, 0]]).sum();
        assert_eq!(*got, sum);
    }
}

#[test]
fn the_rest_by_hand() {
    let x = || array![[1.0, -2.0], [3.0, 4.0]].into_dyn();
    assert_eq!(
        apply(Sub, &[&x(), &arr1(&[1.0, 1.0]).into_dyn()]),
        array![[0.0, -3.0], [2.0, 3.0]].into_dyn()
    );
    assert_eq!(
        apply(Clip { min: Some(-1.0), max: Some(3.5) }, &[&x()]),
        array![[1.0, -1.0], [3.0, 3.5]].into_dyn()
    );
    assert_eq!(apply(Mean { axes: vec![0, 1], keepdims: false }, &[&x()]), arr0(1.5).into_dyn());
    assert_eq!(apply(Transpose { perm: vec![1, 0] }, &[&x()]), array![[1.0, 3.0], [-2.0, 4.0]].into_dyn());
    let slice = Slice { starts: vec![0, 1], ends: vec![usize::MAX; 2], steps: vec![2, 1] };
    assert_eq!(apply(slice, &[&x()]), array![[-2.0]].into_dyn());
    let pad = Pad { before: vec![0, 1], after: vec![1, 0], value: 7.0 };
    assert_eq!(apply(pad, &[&x()]), array![[7.0, 1.0, -2.0], [7.0, 3.0, 4.0], [7.0, 7.0, 7.0]].into_dyn());
    let softmax = apply(Softmax { axis: 1 }, &[&array![[0.0, 1.0, -800.0]].into_dyn()]);
    let e = std::f64::consts::E;
    for (got, expected) in softmax.iter().zip([1.0 / (1.0 + e), e / (1.0 + e), 0.0]) {
        assert!((got - expected).abs() < 1e-15);
    }
    let [scale, bias, mean, var] =
        [[2.0, 1.0], [0.5, 0.0], [1.0, 2.0], [3.0, 8.0]].map(|v| arr1(&v).into_dyn());
    let normed = apply(BatchNorm { epsilon: 1.0 }, &[&x(), &scale, &bias, &mean, &var]);
    assert_eq!(normed, array![[0.5, -4.0 / 3.0], [2.5, 2.0 / 3.0]].into_dyn());
}

#[test]
fn integers_are_encoded_exactly_or_refused() {
    let [given, computed] = [false, true].map(|computes| {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let mine = Visibility::Private(alice);
        let x = graph.input_of("given", &dims(&[2]), mine, Role::Data, DType::Int).unwrap();
        let y = if computes { graph.add(Neg, &[x], "negated").unwrap() } else { x };
        graph.reveal(y, &[alice], "y").unwrap();
        (graph, alice)
    });
    let encode = |(graph, alice): &(Graph, Owner), integers: [i64; 2]| {
        let program = lower(graph, 16, &TARGET).unwrap();
        let inputs = Inputs::from([("given", arr1(&integers))]);
        encode_leaves(graph, &program, Some(*alice), &inputs)
            .map(|leaves| leaves.into_values().next().unwrap())
    };
    // f64 has none of these
    let largest = (1i64 << 62) - 1;
    let exact = [largest, (1 << 53) + 1];
    assert_eq!(encode(&given, exact).unwrap().data(), &exact.map(|x| x as u64));
    assert!(encode(&given, [1 << 62, 0]).is_err());
    // their owner computes with them in f64
    assert_eq!(encode(&computed, [5, -7]).unwrap().data(), &[5u64.wrapping_neg(), 7]);
    for refused in [exact, [0, -(1 << 53) - 1]] {
        let error = encode(&computed, refused).unwrap_err();
        assert!(matches!(error, GraphError::InexactInteger { .. }), "{error}");
    }
}
