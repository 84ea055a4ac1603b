//! Between which numbers the ring values of a program lie, as they are computed: what comparisons of fewer bits rest on.
//!
//! Nothing here is assumed of data. Where the target trusts owners' encoders, an owner's values lie within what its encoder
//! lets pass, which is the range that an input declares, if it does; what nobody checks, shares of an earlier evaluation, may be anything. From there on each
//! operation's bounds follow from those of its inputs, in whole units of the ring, with all that truncations may add. What
//! may leave the ring may be anything again, and so is the truncation of a value that is not proven to be below 2^62.
//!
//! Where an operation is known to stay within less than its ring operations say, such as a sigmoid within 0 and 1, lowering
//! adds that with [`Lowering::within`](super::Lowering::within), and the operation's `error` rule is the reason.

use std::collections::BTreeMap;
use tacita_program::{NodeId, RingId, RingNode, RingOp, RingType, Threshold, WHOLE_SIGN};

use tacita_ring::{Exponential, FOURIER_BITS, FourierSum};

use crate::graph::Graph;
use crate::ops::{Gather, Op};
use crate::range;
use crate::types::{DType, Interval, Type};

/// What a value lies between, both included, as a signed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

/// Nothing is known.
const ANY: Bounds = Bounds { low: i64::MIN, high: i64::MAX };

/// Bits, and what is made of one.
pub(crate) const BIT: Bounds = Bounds { low: 0, high: 1 };

impl Bounds {
    /// The bounds of both numbers, in either order; anything where the ring has not both.
    pub(crate) fn new(a: i128, b: i128) -> Bounds {
        match (i64::try_from(a.min(b)), i64::try_from(a.max(b))) {
            (Ok(low), Ok(high)) => Bounds { low, high },
            _ => ANY,
        }
    }

    /// An interval of numbers with `frac` fractional bits and `slack` more on both sides.
    pub(crate) fn of(interval: Interval, frac: u32, slack: f64) -> Bounds {
        let unit = 2f64.powi(frac as i32);
        let (low, high) = ((interval.min - slack) * unit, (interval.max + slack) * unit);
        // beyond 2^120 the conversion saturates, which is far outside of the ring
        Bounds::new(low.floor() as i128, high.ceil() as i128)
    }

    fn exactly(value: i64) -> Bounds {
        Bounds { low: value, high: value }
    }

    pub(crate) fn hull(self, other: Bounds) -> Bounds {
        Bounds { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// What is in both, which is not nothing.
    pub(crate) fn and(self, other: Bounds) -> Bounds {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high { Bounds { low, high } } else { self }
    }

    fn or_zero(self) -> Bounds {
        self.hull(Bounds::exactly(0))
    }

    pub(crate) fn plus(self, other: Bounds) -> Bounds {
        Bounds::new(
            i128::from(self.low) + i128::from(other.low),
            i128::from(self.high) + i128::from(other.high),
        )
    }

    pub(crate) fn minus(self, other: Bounds) -> Bounds {
        Bounds::new(
            i128::from(self.low) - i128::from(other.high),
            i128::from(self.high) - i128::from(other.low),
        )
    }

    /// The sum of so many.
    fn times(self, count: usize) -> Bounds {
        self.scaled(count as i64)
    }

    /// Times an integer.
    pub(crate) fn scaled(self, factor: i64) -> Bounds {
        self.product(Bounds::exactly(factor))
    }

    fn product(self, other: Bounds) -> Bounds {
        let ends = |bounds: Bounds| [i128::from(bounds.low), i128::from(bounds.high)];
        let corners = ends(self).into_iter().flat_map(|a| ends(other).map(|b| a * b));
        let (low, high) = corners.fold((i128::MAX, i128::MIN), |(low, high), x| (low.min(x), high.max(x)));
        Bounds::new(low, high)
    }

    /// Divided by 2^bits, rounded down or up.
    pub(crate) fn truncated(self, bits: u32) -> Bounds {
        if bits == 0 {
            return self;
        }
        if !self.is_below(62) {
            return ANY;
        }
        let ceil = self.high >> bits;
        Bounds { low: self.low >> bits, high: ceil + i64::from(ceil << bits != self.high) }
    }

    /// What absolute values lie between.
    pub(crate) fn magnitude(self) -> Bounds {
        let ends = [self.low, self.high].map(|end| i128::from(end).abs());
        let largest = i64::try_from(ends[0].max(ends[1])).unwrap_or(i64::MAX);
        Bounds { low: 0, high: largest }
    }

    /// Whether absolute values are below 2^bits.
    pub(crate) fn is_below(self, bits: u32) -> bool {
        let limit = 1i64 << bits;
        -limit < self.low && self.high < limit
    }

    /// The fewest bits k for -2^k <= x < 2^k.
    pub(crate) fn sign_bits(self) -> u32 {
        (1..WHOLE_SIGN).find(|&k| -(1i64 << k) <= self.low && self.high < 1 << k).unwrap_or(WHOLE_SIGN)
    }

    /// The fewest bits k, of which at least one, whose being 0 means that x is 0.
    pub(crate) fn zero_bits(self) -> u32 {
        (1..=62).find(|&k| self.is_below(k)).unwrap_or(tacita_program::WHOLE_ZERO)
    }
}

/// The bits that the comparison of a value with thresholds takes.
pub(crate) fn threshold_bits(x: Bounds, thresholds: &[Threshold]) -> u32 {
    let most = thresholds.iter().map(|threshold| threshold.dropped + 1).max().unwrap_or(1);
    let difference = |threshold: &Threshold| {
        let most = (1i128 << threshold.dropped) - 1;
        let loose = Bounds::new(-most, most);
        x.minus(Bounds::exactly(threshold.at)).plus(loose).sign_bits()
    };
    thresholds.iter().map(difference).max().unwrap_or(WHOLE_SIGN).max(most).min(WHOLE_SIGN)
}

/// The bits that the comparisons of all pairs take.
pub(crate) fn pair_bits(candidates: &[Bounds]) -> u32 {
    let pairs = candidates
        .iter()
        .enumerate()
        .flat_map(|(i, &a)| candidates[i + 1..].iter().map(move |&b| a.minus(b).sign_bits()));
    pairs.max().unwrap_or(WHOLE_SIGN)
}

/// The bounds of a node's value, from those of its inputs; of bits, those of each. `node_of` gives its inputs.
pub(crate) fn bounds<'p>(node: &RingNode, x: &[Bounds], node_of: impl Fn(RingId) -> &'p RingNode) -> Bounds {
    let shape_of = |i: usize| &node_of(node.inputs[i]).shape;
    match &node.op {
        // the caller knows more
        RingOp::Input { .. } => ANY,
        RingOp::Random { .. } if matches!(node.ty, RingType::Bits { .. }) => BIT,
        RingOp::Random { .. } => ANY,
        RingOp::Constant { value } => Bounds::exactly(*value),
        RingOp::ConstantTensor { values } => {
            let all = values.iter().map(|&value| Bounds::exactly(value));
            all.reduce(Bounds::hull).unwrap_or(ANY)
        }
        RingOp::Add => x[0].plus(x[1]),
        RingOp::Sub => x[0].minus(x[1]),
        RingOp::Neg => Bounds::exactly(0).minus(x[0]),
        RingOp::Scale { factor } => x[0].scaled(*factor),
        RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::Transpose { .. }
        | RingOp::Slice { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep => x[0],
        RingOp::Gather { indices, .. } => {
            if indices.contains(&Gather::ZERO) {
                x[0].or_zero()
            } else {
                x[0]
            }
        }
        RingOp::Pad { value, .. } => x[0].hull(Bounds::exactly(*value)),
        RingOp::Concat { .. } => x.iter().copied().reduce(Bounds::hull).unwrap_or(ANY),
        RingOp::Sum { axes, .. } => x[0].times(axes.iter().map(|&axis| shape_of(0)[axis]).product()),
        RingOp::SumPool { window } => x[0].or_zero().times(window.kernel.iter().product()),
        RingOp::Mul if node.inputs[0] == node.inputs[1] => {
            let largest = i128::from(x[0].low).abs().max(i128::from(x[0].high).abs());
            Bounds::new(0, largest * largest)
        }
        RingOp::Mul => x[0].product(x[1]),
        RingOp::MatMul => x[0].product(x[1]).times(shape_of(0).last().copied().unwrap_or(1)),
        // padding is zero
        RingOp::Conv { .. } => x[0].product(x[1]).or_zero().times(shape_of(1)[1..].iter().product()),
        RingOp::Truncate { bits } => x[0].truncated(*bits),
        RingOp::Select { truncate } => {
            let candidates = x[1..].iter().zip(truncate).map(|(x, &bits)| x.truncated(bits));
            candidates.fold(Bounds::exactly(0), Bounds::hull)
        }
        RingOp::SelectLargest { truncate } => {
            x[1..].iter().map(|x| x.truncated(*truncate)).fold(Bounds::exactly(0), Bounds::hull)
        }
        RingOp::SelectScale { factors, truncate } => {
            let x = x[2].truncated(*truncate);
            factors.iter().map(|&factor| x.scaled(factor)).fold(Bounds::exactly(0), Bounds::hull)
        }
        RingOp::FourierSum { sum } => harmonics(sum),
        RingOp::Exponential { spec } => exponential(spec),
        RingOp::Sort { .. } => x[0],
        RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::Bucketize { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::OneHot { .. }
        | RingOp::BitToArithmetic { .. } => BIT,
    }
}

/// What is added to the constant are products of two vectors in the plane, the coefficients turned by some angle and a unit
/// vector, each component rounded: neither is longer by more than 1.
fn harmonics(sum: &FourierSum) -> Bounds {
    let unit = i128::from((1i64 << FOURIER_BITS) + 1);
    let length = |(a, b): &(i64, i64)| i128::from(a.abs()) + i128::from(b.abs()) + 1;
    let reach = sum.terms.iter().map(length).sum::<i128>() * unit;
    let constant = i128::from(sum.constant) << FOURIER_BITS;
    Bounds::new(constant - reach, constant + reach)
}

/// Below e, but for what it is off by: 2^-17 of itself and e^(W + 1)·2^-41, together less than 2^-10.
fn exponential(spec: &Exponential) -> Bounds {
    let off = 2f64.powi(-10);
    Bounds::of(Interval { min: 0.0, max: std::f64::consts::E }, spec.result_frac(), off)
}

/// What is taken for the largest number of an input that declares no range, where its owner computes with it alone.
const LARGEST: f64 = 1e30;

/// What f64 may add to an interval.
const ROUNDING: f64 = 1.0 / (1u64 << 20) as f64;

/// Below this, f64 computes integers without rounding.
const EXACT: f64 = (1u64 << 52) as f64;

/// The intervals in which leaves lie, which encoding refuses to leave. By graph node; of nodes that are not in the clear too.
pub(crate) fn leaf_intervals(graph: &Graph) -> BTreeMap<NodeId, Interval> {
    let operation = |op: &Op, x: &[Interval], types: &[&Type]| op.operation().plain_range(x, types);
    let all = range::inferred(graph, true, |_| Interval::symmetric(LARGEST), operation);
    let widened = |id: NodeId, interval: Interval| {
        let node = graph.node(id);
        let exact = node.inputs.is_empty() || (node.ty.dtype != DType::Fixed && interval.magnitude() < EXACT);
        let slack = if exact { 0.0 } else { ROUNDING * (1.0 + interval.magnitude()) };
        let (min, max) = (interval.min - slack, interval.max + slack);
        if min <= max { Interval { min, max } } else { Interval::symmetric(f64::INFINITY) }
    };
    graph.ids().zip(all).map(|(id, range)| (id, widened(id, range.interval))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::lowered;
    use super::*;
    use crate::testing::{TARGET, compared_bits, random_case};
    use crate::{ClearValue, Floor, Nearest, Rounding, encode_every_leaf, fixed, optimize};

    /// Up to every opposite end: rounds up what is no integer.
    struct Ceil;

    impl Rounding for Ceil {
        fn truncate(&mut self, _: RingId, z: &tacita_ring::RingTensor, bits: u32) -> tacita_ring::RingTensor {
            let up = z.data().iter().map(|&z| -(-(z as i64) >> bits) as u64).collect();
            tacita_ring::RingTensor::new(z.shape().to_vec(), up)
        }
    }

    #[test]
    fn every_value_of_a_random_program_lies_within_its_bounds() {
        let mut narrow = 0;
        for seed in 0..400 {
            let case = random_case(seed, 12);
            let graph = optimize(&case.graph).unwrap();
            for precision in [10, 16] {
                let lowering = lowered(&graph, precision, &TARGET).unwrap();
                let program = &lowering.program;
                let leaves = encode_every_leaf(&graph, program, &case.inputs).unwrap();
                for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest, &mut Ceil] {
                    for (id, value) in program.ids().zip(fixed(program, &leaves, rounding)) {
                        let Bounds { low, high } = lowering.bounds(id);
                        let tensors = match value {
                            ClearValue::Ring(tensor) => vec![tensor],
                            ClearValue::Bits(planes) => planes,
                        };
                        for &word in tensors.iter().flat_map(|tensor| tensor.data()) {
                            let node = program.node(id);
                            assert!(
                                (low..=high).contains(&(word as i64)),
                                "seed {seed} at {precision}: {} in {low}..={high} of {node:?}",
                                word as i64
                            );
                        }
                    }
                }
                narrow += program
                    .nodes
                    .iter()
                    .filter(|node| compared_bits(&node.op).is_some_and(|bits| bits < WHOLE_SIGN))
                    .count();
            }
        }
        assert!(narrow > 1000, "{narrow} narrow comparisons in 800 programs");
    }

    #[test]
    fn bits_are_the_fewest() {
        let between = |low: i64, high: i64| Bounds { low, high };
        for k in 1..62 {
            let limit = 1i64 << k;
            assert_eq!(between(-limit, limit - 1).sign_bits(), k);
            assert_eq!(between(0, limit).sign_bits(), k + 1);
            assert_eq!(between(-limit - 1, 0).sign_bits(), k + 1);
            assert_eq!(between(1 - limit, limit - 1).zero_bits(), k);
            assert_eq!(between(-limit, 0).zero_bits(), if k == 62 { 64 } else { k + 1 });
        }
        assert_eq!((ANY.sign_bits(), ANY.zero_bits()), (63, 64));
        // off by up to 15, a difference of 241 may be taken for 256
        let at = |dropped| [Threshold { at: 0, dropped }];
        assert_eq!(threshold_bits(between(-100, 255), &at(0)), 8);
        assert_eq!(threshold_bits(between(-100, 240), &at(4)), 8);
        assert_eq!(threshold_bits(between(-100, 241), &at(4)), 9);
        assert_eq!(threshold_bits(between(0, 1), &at(8)), 9);
    }

    #[test]
    fn what_leaves_the_ring_may_be_anything() {
        let x = Bounds { low: -5, high: i64::MAX - 1 };
        assert_eq!(x.plus(Bounds { low: 2, high: 2 }), ANY);
        assert_eq!(x.scaled(2), ANY);
        assert_eq!(x.truncated(16), ANY, "of 2^62 and more a truncation is not proven");
        assert_eq!(Bounds { low: -5, high: 7 }.truncated(2), Bounds { low: -2, high: 2 });
        assert_eq!(Bounds::of(Interval::symmetric(f64::INFINITY), 16, 0.0), ANY);
        assert_eq!(Bounds::new(1 << 63, 0), ANY);
    }
}
