//! Each operation.

use tacita_graph::ops::*;
use tacita_graph::{DType, Owner, Visibility, dims};

use crate::setting::{Setting, check, check_in};

#[test]
fn of_elementwise_operations() {
    let (wide, row): (&[usize], &[usize]) = (&[2, 3], &[3]);
    check(Add, &[wide, row]);
    check(Sub, &[row, wide]);
    check(Mul, &[wide, row]);
    check(Neg, &[wide]);
    check(Maximum, &[wide, row]);
    check(Minimum, &[row, wide]);
    for op in
        [Relu.into(), Abs.into(), Sigmoid.into(), Tanh.into(), Erf.into(), Op::from(Gelu { tanh: false })]
    {
        check(op, &[wide]);
    }
    for op in
        [Gelu { tanh: true }.into(), Silu.into(), Softplus.into(), Sin.into(), Cos.into(), Op::from(Exp)]
    {
        check(op, &[wide]);
    }
    check(Clip { min: Some(-0.5), max: Some(0.75) }, &[wide]);
    check(Clip { min: None, max: Some(0.75) }, &[wide]);
    check(Precision { bits: 24 }, &[wide]);
    for op in [Log.into(), Sqrt.into(), Rsqrt.into(), Op::from(Reciprocal)] {
        check_in(op, &[wide], true);
    }
    check_in(Div.into(), &[wide, row], true);
}

#[test]
fn of_products() {
    check(MatMul, &[&[2, 3], &[3, 4]]);
    check(MatMul, &[&[2, 1, 2, 3], &[5, 3, 2]]);
    // one matrix for a batch, on either side
    check(MatMul, &[&[2, 4, 2, 3], &[3, 2]]);
    check(MatMul, &[&[4, 2, 3], &[1, 3, 2]]);
    check(MatMul, &[&[2, 3], &[4, 3, 2]]);
    let conv = |stride: &[usize], begin: &[usize], end: &[usize], dilation: &[usize], groups| Conv {
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: dilation.to_vec(),
        groups,
    };
    check(conv(&[1, 1], &[0, 0], &[0, 0], &[1, 1], 1), &[&[2, 2, 5, 4], &[3, 2, 3, 2], &[3]]);
    check(conv(&[2, 3], &[1, 0], &[2, 1], &[1, 1], 1), &[&[2, 2, 6, 7], &[3, 2, 3, 2]]);
    check(conv(&[2, 1], &[0, 2], &[1, 0], &[2, 1], 2), &[&[2, 4, 8, 3], &[6, 2, 2, 3], &[6]]);
    check(conv(&[1], &[1], &[1], &[1], 3), &[&[1, 3, 6], &[3, 1, 3]]);
    check(conv(&[3], &[0], &[0], &[2], 1), &[&[2, 1, 9], &[2, 1, 2]]);
    // padding beyond the kernel, a kernel of one element, steps longer than the kernel
    check(conv(&[1, 2], &[3, 1], &[0, 2], &[1, 1], 1), &[&[1, 2, 3, 4], &[2, 2, 2, 1]]);
    check(conv(&[3, 3], &[1, 0], &[1, 0], &[1, 1], 2), &[&[1, 2, 6, 5], &[2, 1, 1, 2], &[2]]);
    check(conv(&[1], &[4], &[3], &[3], 1), &[&[2, 1, 4], &[2, 1, 2]]);
}

#[test]
fn of_reductions_and_windows() {
    let shape: &[usize] = &[2, 3, 4];
    for keepdims in [false, true] {
        check(Sum { axes: vec![0, 2], keepdims }, &[shape]);
        check(Mean { axes: vec![1], keepdims }, &[shape]);
        check(Max { axis: 1, keepdims }, &[shape]);
        check(Min { axis: 2, keepdims }, &[shape]);
        check(LogSumExp { axis: 1, keepdims }, &[shape]);
    }
    for n in [1, 2, 5, 9, 18] {
        check(Max { axis: 1, keepdims: false }, &[&[2, n, 2]]);
        check(Min { axis: 0, keepdims: true }, &[&[n, 3]]);
    }
    check(Softmax { axis: 2 }, &[shape]);
    check(LogSoftmax { axis: 1 }, &[shape]);
    check(Normalize { axes: vec![1, 2], epsilon: 0.1, centre: true }, &[shape]);
    check(Normalize { axes: vec![2], epsilon: 0.1, centre: false }, &[shape]);
    let pool = |kernel: [usize; 2], stride: [usize; 2], begin: [usize; 2], end: [usize; 2]| MaxPool {
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        pads_begin: begin.to_vec(),
        pads_end: end.to_vec(),
        dilation: vec![1, 1],
        ceil_mode: false,
    };
    let image: &[usize] = &[2, 2, 5, 6];
    for pool in [
        pool([2, 2], [2, 2], [0, 0], [0, 0]),
        pool([3, 2], [1, 2], [1, 0], [1, 1]),
        MaxPool { ceil_mode: true, dilation: vec![2, 1], ..pool([2, 3], [2, 2], [0, 1], [0, 0]) },
    ] {
        check(pool.clone(), &[image]);
        check(ReluMaxPool { pool }, &[image]);
    }
    for count_include_pad in [false, true] {
        let average = AveragePool {
            kernel: vec![3, 2],
            stride: vec![2, 1],
            pads_begin: vec![1, 0],
            pads_end: vec![0, 1],
            ceil_mode: true,
            count_include_pad,
        };
        check(average, &[image]);
    }
    let batch_norm = BatchNorm { epsilon: 0.1 };
    check_in(batch_norm.into(), &[&[2, 3, 4], &[3], &[3], &[3], &[3]], true);
}

#[test]
fn of_what_moves_elements() {
    let shape: &[usize] = &[2, 3];
    check(Reshape { shape: dims(&[6]) }, &[shape]);
    check(Transpose { perm: vec![2, 0, 1] }, &[&[2, 3, 4]]);
    check(Concat { axis: 1 }, &[shape, &[2, 1], shape]);
    check(Slice { starts: vec![0, 1], ends: vec![2, 6], steps: vec![1, 2] }, &[&[2, 7]]);
    check(Pad { before: vec![0, 1], after: vec![2, 0], value: 1.0 }, &[shape]);
    check(Expand { shape: dims(&[4, 2, 3]) }, &[&[2, 1]]);
    check(Gather { axis: 1, indices: vec![2, Gather::ZERO, 0, 2] }, &[shape]);
    check(Gather { axis: 1, indices: vec![2, 0] }, &[shape]);
    check(Combine { axis: 1, rows: vec![vec![(0, 0.5), (2, 0.25)], vec![], vec![(0, -1.0)]] }, &[shape]);
    for (exclusive, reverse) in [(false, false), (true, false), (false, true), (true, true)] {
        check(CumSum { axis: 1, exclusive, reverse }, &[shape]);
    }
    for descending in [false, true] {
        check(Sort { axis: 0, descending }, &[&[4, 3]]);
        check(Sort { axis: 1, descending }, &[&[2, 4, 2]]);
    }
    let mut s = Setting::new(1);
    let (a, b) = (s.input(&[2, 3]), s.input(&[3]));
    let bit = s.graph.add(Less, &[a, b], "").unwrap();
    let y = s.graph.add(Select, &[bit, a, b], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[a, b], "Select");
    let mut s = Setting::new(2);
    let (table, scores) = (s.input(&[2, 4, 3]), s.input(&[5, 4]));
    let best = s.graph.add(ArgMax { axis: 1, keepdims: false }, &[scores], "").unwrap();
    let hot = s.graph.add(OneHot { depth: 4 }, &[best], "").unwrap();
    let y = s.graph.add(Pick { axis: 1 }, &[table, hot], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[table], "Pick");
}

#[test]
fn of_casts_and_roundings() {
    // what a rounding or a sign lets through is that of a constant
    let mut s = Setting::new(3);
    let x = s.input(&[2, 3]);
    let whole = s.graph.add(Floor, &[x], "").unwrap();
    let sign = s.graph.add(Sign, &[x], "").unwrap();
    let cast = s.graph.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[x], "").unwrap();
    let rest = s.graph.add(Sub, &[cast, whole], "").unwrap();
    let y = s.graph.add(Mul, &[rest, sign], "").unwrap();
    let loss = s.loss(y);
    s.check(loss, &[x], "the rest of a rounding");
}

/// What somebody knows is compared in the clear, though what reaches it is secret.
#[test]
fn of_what_somebody_knows() {
    let shape: &[usize] = &[1, 2, 4, 6];
    let pool = MaxPool {
        kernel: vec![2, 3],
        stride: vec![2, 2],
        pads_begin: vec![1, 0],
        pads_end: vec![1, 1],
        dilation: vec![1, 2],
        ceil_mode: true,
    };
    let rows = MaxPool {
        kernel: vec![2],
        stride: vec![1],
        pads_begin: vec![1],
        pads_end: vec![0],
        dilation: vec![1],
        ceil_mode: false,
    };
    let (alice, bob) = (Visibility::Private(Owner(0)), Visibility::Private(Owner(1)));
    let operations: [(Op, &[usize]); 14] = [
        (Relu.into(), shape),
        (Abs.into(), shape),
        (Clip { min: Some(-1.0), max: Some(1.0) }.into(), shape),
        (pool.clone().into(), shape),
        (ReluMaxPool { pool }.into(), shape),
        (rows.into(), &[2, 2, 5]),
        (Max { axis: 2, keepdims: false }.into(), shape),
        (Min { axis: 1, keepdims: true }.into(), shape),
        (Sort { axis: 1, descending: true }.into(), &[2, 5]),
        (Gelu { tanh: false }.into(), shape),
        (Softmax { axis: 1 }.into(), shape),
        (LogSumExp { axis: 3, keepdims: false }.into(), shape),
        (Normalize { axes: vec![3], epsilon: 0.1, centre: true }.into(), shape),
        (Exp.into(), shape),
    ];
    for x_of in [alice, Visibility::Public] {
        for rest_of in [bob, alice, Visibility::Public, Visibility::Secret] {
            let what = |op: &Op| format!("{} of what is {x_of}, with what is {rest_of}", op.name());
            for (op, shape) in &operations {
                let mut s = Setting::new(5);
                s.visibility = x_of;
                let x = s.input(shape);
                s.visibility = rest_of;
                let y = s.graph.add(op.clone(), &[x], "y").unwrap();
                let loss = s.loss(y);
                s.check(loss, &[x], &what(op));
            }
            for op in [Op::from(Maximum), Minimum.into()] {
                let mut s = Setting::new(5);
                s.visibility = x_of;
                let x = [s.input(&[2, 3]), s.input(&[3])];
                s.visibility = rest_of;
                let y = s.graph.add(op.clone(), &x, "y").unwrap();
                let loss = s.loss(y);
                s.check(loss, &x, &what(&op));
            }
        }
    }
}
