//! Range rules: the bound of each kind of operation, from the bounds of its inputs.

mod common;

use common::{ALICE, FRAC, Sample, ring};
use tacita_program::{RangeBound, RingOp, Visibility};
use tacita_ring::Window2d;

/// A leaf from 5 to 9.
fn leaf(shape: &[usize]) -> Sample {
    let mut sample = Sample::new();
    sample.leaf("x", Visibility::Private(ALICE), shape, false);
    sample.node("x").bound = RangeBound { low: 5, high: 9 };
    sample
}

/// The bound of an operation of a leaf from 5 to 9.
fn of(op: RingOp, shape: &[usize], result: &[usize]) -> (i64, i64) {
    let mut sample = leaf(shape);
    sample.add("y", op, &["x"], result, ring(FRAC));
    let bound = sample.bound("y");
    (bound.low, bound.high)
}

#[test]
fn zeros_count_where_an_operation_adds_some() {
    let gather = |indices: &[u32]| {
        let op = RingOp::Gather { axis: 0, indices: indices.to_vec() };
        of(op, &[3], &[indices.len()])
    };
    assert_eq!(gather(&[2, 0]), (5, 9));
    assert_eq!(gather(&[2, u32::MAX]), (0, 9));
    let pad = |value| of(RingOp::Pad { before: vec![1], after: vec![0], value }, &[3], &[4]);
    assert_eq!((pad(-4), pad(7), pad(20)), ((-4, 9), (5, 9), (5, 20)));
    let window = Window2d::new([2, 3]);
    assert_eq!(of(RingOp::SumPool { window }, &[1, 1, 2, 3], &[1, 1, 1, 1]), (0, 54));
}

#[test]
fn sums_and_multiples_scale() {
    assert_eq!(of(RingOp::Sum { axes: vec![0, 1], keepdims: false }, &[2, 3], &[]), (30, 54));
    assert_eq!(of(RingOp::Sum { axes: vec![1], keepdims: false }, &[2, 3], &[2]), (15, 27));
    assert_eq!(of(RingOp::Scale { factor: -3 }, &[2], &[2]), (-27, -15));
    assert_eq!(of(RingOp::Neg, &[2], &[2]), (-9, -5));
    assert_eq!(of(RingOp::Truncate { bits: 2 }, &[2], &[2]), (1, 3));
}

#[test]
fn a_square_is_never_negative() {
    let product = |second: &str| {
        let mut sample = leaf(&[2]);
        sample.leaf("y", Visibility::Private(ALICE), &[2], false);
        for name in ["x", "y"] {
            sample.node(name).bound = RangeBound { low: -5, high: 3 };
        }
        sample.add("product", RingOp::Mul, &["x", second], &[2], ring(2 * FRAC));
        let bound = sample.bound("product");
        (bound.low, bound.high)
    };
    assert_eq!(product("x"), (0, 25));
    assert_eq!(product("y"), (-15, 25));
}

#[test]
fn recorded_bounds_narrow_what_follows() {
    let mut sample = leaf(&[2]);
    sample.add("y", RingOp::Scale { factor: 2 }, &["x"], &[2], ring(FRAC));
    sample.node("y").bound = RangeBound { low: 12, high: 100 };
    assert_eq!(sample.bound("y"), RangeBound { low: 12, high: 18 });
    // a recorded bound that contradicts the rule does not count
    sample.node("y").bound = RangeBound { low: 19, high: 100 };
    assert_eq!(sample.bound("y"), RangeBound { low: 10, high: 18 });
}

#[test]
fn nothing_is_lost_without_a_truncation() {
    let wide = RangeBound { low: 5, high: 1 << 62 };
    assert_eq!(wide.truncated(0), wide);
    assert_eq!(wide.truncated(1), RangeBound::ANY);
    assert_eq!(RangeBound { low: 4, high: (1 << 62) - 1 }.truncated(1), RangeBound { low: 2, high: 1 << 61 });
}

#[test]
fn limits_are_exact() {
    let nine = RangeBound { low: 9, high: 20 };
    assert_eq!(RangeBound { low: 5, high: 9 }.and(nine), RangeBound::exactly(9));
    assert!(!RangeBound { low: 0, high: 16 }.is_below(4) && RangeBound { low: -15, high: 15 }.is_below(4));
    assert!(!RangeBound { low: -16, high: 0 }.is_below(4));
}
