//! The reference evaluator: each operation on a few numbers, and freeing of values.

mod common;

use std::collections::BTreeMap;

use common::{Sample, every_operation};
use tacita_program::{
    ClearValue, Floor, Nearest, RingId, RingOp, Rounding, bilinear, bilinear_into, fixed, fixed_kept, linear,
    linear_homogeneous,
};
use tacita_ring::{RingTensor, Sign, Window2d};

fn tensor(shape: &[usize], data: &[i64]) -> RingTensor {
    RingTensor::new(shape.to_vec(), data.iter().map(|&x| x as u64).collect())
}

/// The sample's values for these of x and y, (2, 4) each; public values and weights are 1, 2, 3, ….
fn evaluated(
    x: &[i64; 8],
    y: &[i64; 8],
    rounding: &mut dyn Rounding,
) -> impl Fn(&str) -> Vec<Vec<i64>> + use<> {
    let sample = every_operation();
    let counted = |shape: &[usize]| {
        let n = shape.iter().product::<usize>() as i64;
        tensor(shape, &(1..=n).collect::<Vec<_>>())
    };
    let leaves = BTreeMap::from([
        (sample.id("x"), tensor(&[2, 4], x)),
        (sample.id("y"), tensor(&[2, 4], y)),
        (sample.id("public"), counted(&[2, 4])),
        (sample.id("weights"), counted(&[4, 3])),
        (sample.id("filter"), counted(&[1, 1, 2, 2])),
    ]);
    let values = fixed(&sample.verified(), &leaves, rounding);
    move |name| {
        let signed = |tensor: &RingTensor| tensor.data().iter().map(|&word| word as i64).collect();
        match &values[sample.id(name).index()] {
            ClearValue::Ring(tensor) => vec![signed(tensor)],
            ClearValue::Bits(planes) => planes.iter().map(signed).collect(),
        }
    }
}

#[test]
fn every_operation_computes_what_it_says() {
    let value = evaluated(&[1, -2, 3, -4, 700, -800, 30, 0], &[5, 6, -7, 0, -100, 100, 300, 3], &mut Floor);
    let ring = |name: &str| value(name).concat();
    assert_eq!(ring("add"), [6, 4, -4, -4, 600, -700, 330, 3]);
    assert_eq!(ring("sub"), [3, 1, -7, -7, 597, -703, 327, 0]);
    assert_eq!(ring("neg"), [-6, -4, 4, 4, -600, 700, -330, -3]);
    assert_eq!(ring("scale"), [-30, -20, 20, 20, -3000, 3500, -1650, -15]);
    assert_eq!(ring("broadcast")[..6], [6, 6, 6, 4, 4, 4]);
    assert_eq!(ring("transpose")[..4], [6, 600, 6, 600]);
    assert_eq!(ring("slice"), [6, 600, 6, 600, -4, 3, -4, 3]);
    assert_eq!(ring("gather"), [6, 600, 0, 0, 6, 600, -4, 3, 0, 0, -4, 3]);
    assert_eq!(ring("pad")[..5], [-7, 6, 600, -7, -7]);
    assert_eq!(ring("sum"), [606, -696, 326, -1]);
    assert_eq!(ring("pool"), [606, -90, -370, 325]);
    assert_eq!(ring("mul"), [5, -12, -21, 0, -70000, -80000, 9000, 0]);
    assert_eq!(ring("matmul")[..3], [6 + 16 - 28 - 40, 12 + 20 - 32 - 44, 18 + 24 - 36 - 48]);
    assert_eq!(ring("conv")[0], 2 * 6 + 4 * 600);
    assert_eq!(ring("truncate"), [0, -1, -1, 0, -274, -313, 35, 0]);
    assert_eq!(value("negative"), [[0, 0, 1, 1, 0, 1, 0, 0]]);
    assert_eq!(value("argmax"), [[1, 1, 0, 0, 1, 0, 1, 1], [0, 0, 1, 1, 0, 1, 0, 0]]);
    assert_eq!(ring("select"), [1, 2, -1, 0, 5, -313, 7, 8]);
    assert_eq!(value("not")[0], [0, 0, 1, 1, 0, 1, 0, 0]);
    assert_eq!(value("xor"), [[1; 8], [1; 8]]);
    assert_eq!(value("equal"), [[0, 0, 0, 0, 0, 0, 0, 1]]);
    assert_eq!(value("and"), [[0; 8]]);
    assert_eq!(value("rounded"), [[0; 8]]);
    // [add < sub], [add < neg], [sub < neg]
    assert_eq!(value("pairs")[1], [0, 0, 1, 1, 0, 1, 0, 0]);
    // of mul, zero and mul: what belongs to the largest of add, sub and neg
    assert_eq!(ring("largest"), [0, -1, -1, 0, -274, -313, 35, 0]);
    assert_eq!(ring("sort"), [-4, 2, -4, 3, 4, 1, 6, 0, -700, 1, 3, 3, 330, 2, 600, 0]);
    assert_eq!(ring("places"), [2, 3, 1, 0, 1, 3, 2, 0]);
    assert_eq!(ring("hot")[..8], [0, 0, 1, 0, 0, 0, 0, 1]);
    assert_eq!(
        value("buckets"),
        [[0, 0, 0, 0, 0, 1, 0, 0], [1, 1, 1, 1, 0, 0, 1, 1], [0, 0, 0, 0, 1, 0, 0, 0]]
    );
    assert_eq!(ring("bit2"), [0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(ring("scaled"), [0, 0, 0, 0, -5 * 37, 3 * -44, 0, 0]);
    assert_eq!(ring("reveal"), ring("select"));
    assert_eq!(ring("keep"), ring("truncate"));
    // e^(x mod 16 - 15) at 8 fractional bits: x = 330 / 256 is below 2^-13
    assert_eq!(ring("power")[6], 0);
    let e = (1.0 - 4.0 / 256.0f64).exp() * 256.0;
    assert!((ring("power")[2] as f64 - e).abs() < 1.5, "{} for {e}", ring("power")[2]);
    let turn = |x: f64| x * 2f64.powi(54) / 2f64.powi(64) * std::f64::consts::TAU;
    let theta = turn(600.0);
    let sum = 2f64.powi(-8) + theta.cos() / 4.0 + 0.75 * theta.sin() - (3.0 * theta).sin() / 16.0;
    assert!((ring("sine")[4] as f64 - sum * 256.0).abs() < 1.5, "{} for {sum}", ring("sine")[4]);
}

#[test]
fn nearest_rounds_halves_up_and_public_values_down() {
    let value =
        evaluated(&[1, -2, 3, -4, 700, -800, 30, 64], &[5, 6, -7, 0, -100, 100, 300, 2], &mut Nearest);
    assert_eq!(value("truncate").concat(), [0, 0, 0, 0, -273, -312, 35, 1]);
    assert_eq!(value("rounded"), [[0, 1, 1, 0, 1, 1, 0, 1]]);
}

#[test]
fn values_are_freed_unless_they_are_kept() {
    let sample = every_operation();
    let (program, leaves) = (sample.verified(), sample.leaves(0));
    let all = fixed(&program, &leaves, &mut Floor);
    let wanted = [sample.id("mul"), sample.id("reveal")];
    let some = fixed_kept(&program, &leaves, &mut Floor, |id| wanted.contains(&id));
    assert_eq!(some.keys().copied().collect::<Vec<RingId>>(), wanted);
    for (id, value) in some {
        assert_eq!(value, all[id.index()]);
    }
}

#[test]
#[should_panic(expected = "has no value")]
fn a_missing_leaf_is_named() {
    let sample: Sample = every_operation();
    fixed(&sample.verified(), &BTreeMap::new(), &mut Floor);
}

#[test]
fn affine_maps_have_a_linear_part() {
    let pad = RingOp::Pad { before: vec![1], after: vec![0], value: 9 };
    let x = tensor(&[2], &[5, 6]);
    assert_eq!(linear(&pad, &[&x], &[3]).data(), [9, 5, 6]);
    assert_eq!(linear_homogeneous(&pad, &[&x], &[3]).data(), [0, 5, 6]);
    let mut out = tensor(&[2], &[1, 1]);
    bilinear_into(&RingOp::Mul, &mut out, &x, &x, Sign::Minus);
    assert_eq!(out, tensor(&[2], &[-24, -35]));
    assert_eq!(bilinear(&RingOp::Mul, &x, &x, &[2]).data(), [25, 36]);
    let every = every_operation();
    for node in &every.program.nodes {
        assert!(!(node.op.is_linear() && node.op.is_bilinear()), "{}", node.op.name());
    }
}

#[test]
#[should_panic(expected = "Truncate is not linear")]
fn other_operations_are_not_applied() {
    linear(&RingOp::Truncate { bits: 1 }, &[&tensor(&[1], &[1])], &[1]);
}

#[test]
#[should_panic(expected = "SumPool is not bilinear")]
fn linear_operations_are_not_bilinear() {
    let op = RingOp::SumPool { window: Window2d::new([1, 1]) };
    bilinear(&op, &tensor(&[1], &[1]), &tensor(&[1], &[1]), &[1]);
}
