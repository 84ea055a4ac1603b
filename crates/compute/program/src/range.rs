//! Range analysis: between which words the values of a program lie.
//!
//! Nothing is assumed of data. A leaf lies within the bound that its node records, which its owner's encoder enforces; a
//! leaf without one may be anything. The bound of every other value follows from those of its inputs, in units of the
//! ring, including the units that truncations may add. A value that may leave the ring may be anything again, and so may
//! the truncation of a value that may reach 2^62.
//!
//! Where an operation of the graph stays within less than the rules say, such as a sigmoid within 0 and 1, lowering records
//! that in the node's [`bound`](RingNode::bound), too. Comparisons of few bits rest on these bounds.

use tacita_ring::{Exponential, FOURIER_BITS, FourierSum};

use crate::operation::{RingOp, Threshold, WHOLE_SIGN, WHOLE_ZERO};
use crate::program::{RingId, RingNode, RingProgram, RingType};

/// A range bound: the signed words between which a value lies, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeBound {
    /// No element is below it.
    pub low: i64,
    /// No element is above it.
    pub high: i64,
}

impl RangeBound {
    /// Nothing is known.
    pub const ANY: RangeBound = RangeBound { low: i64::MIN, high: i64::MAX };

    /// Bits, and their ring elements.
    pub const BIT: RangeBound = RangeBound { low: 0, high: 1 };

    /// The range between two numbers, in either order; [`ANY`](Self::ANY) where the ring does not have both.
    pub fn new(a: i128, b: i128) -> RangeBound {
        match (i64::try_from(a.min(b)), i64::try_from(a.max(b))) {
            (Ok(low), Ok(high)) => RangeBound { low, high },
            (Err(_), _) | (_, Err(_)) => RangeBound::ANY,
        }
    }

    /// The words of all real numbers from `min` to `max`, and `slack` more on both sides, with `frac` fractional bits.
    pub fn of_reals(min: f64, max: f64, frac: u32, slack: f64) -> RangeBound {
        let unit = 2f64.powi(frac as i32);
        let (low, high) = ((min - slack) * unit, (max + slack) * unit);
        // beyond 2^120 the conversion saturates, which is far outside of the ring
        RangeBound::new(low.floor() as i128, high.ceil() as i128)
    }

    /// One word.
    pub fn exactly(value: i64) -> RangeBound {
        RangeBound { low: value, high: value }
    }

    /// The least range that includes both.
    pub fn hull(self, other: RangeBound) -> RangeBound {
        RangeBound { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The words in both ranges; this range, where they have none in common.
    pub fn and(self, other: RangeBound) -> RangeBound {
        let (low, high) = (self.low.max(other.low), self.high.min(other.high));
        if low <= high { RangeBound { low, high } } else { self }
    }

    fn or_zero(self) -> RangeBound {
        self.hull(RangeBound::exactly(0))
    }

    /// The range of sums.
    pub fn plus(self, other: RangeBound) -> RangeBound {
        RangeBound::new(
            i128::from(self.low) + i128::from(other.low),
            i128::from(self.high) + i128::from(other.high),
        )
    }

    /// The range of differences.
    pub fn minus(self, other: RangeBound) -> RangeBound {
        RangeBound::new(
            i128::from(self.low) - i128::from(other.high),
            i128::from(self.high) - i128::from(other.low),
        )
    }

    /// The range of sums of `count` values.
    fn times(self, count: usize) -> RangeBound {
        self.scaled(count as i64)
    }

    /// The range of multiples.
    pub fn scaled(self, factor: i64) -> RangeBound {
        self.product(RangeBound::exactly(factor))
    }

    fn product(self, other: RangeBound) -> RangeBound {
        let ends = |bound: RangeBound| [i128::from(bound.low), i128::from(bound.high)];
        let corners = ends(self).into_iter().flat_map(|a| ends(other).map(|b| a * b));
        let (low, high) = corners.fold((i128::MAX, i128::MIN), |(low, high), x| (low.min(x), high.max(x)));
        RangeBound::new(low, high)
    }

    /// The range of quotients by 2^bits, rounded down or up.
    pub fn truncated(self, bits: u32) -> RangeBound {
        if bits == 0 {
            return self;
        }
        if !self.is_below(62) {
            return RangeBound::ANY;
        }
        let ceil = self.high >> bits;
        RangeBound { low: self.low >> bits, high: ceil + i64::from(ceil << bits != self.high) }
    }

    /// The range of absolute values.
    pub fn magnitude(self) -> RangeBound {
        let ends = [self.low, self.high].map(|end| i128::from(end).abs());
        let largest = i64::try_from(ends[0].max(ends[1])).unwrap_or(i64::MAX);
        RangeBound { low: 0, high: largest }
    }

    /// Whether all absolute values are below 2^bits, for bits up to 62.
    pub fn is_below(self, bits: u32) -> bool {
        let limit = 1i64 << bits;
        -limit < self.low && self.high < limit
    }

    /// Whether a word is in the range.
    pub fn contains(self, word: u64) -> bool {
        (self.low..=self.high).contains(&(word as i64))
    }

    /// The fewest bits k, of which at least one, for -2^k <= x < 2^k.
    pub fn sign_bits(self) -> u32 {
        (1..WHOLE_SIGN).find(|&k| -(1i64 << k) <= self.low && self.high < 1 << k).unwrap_or(WHOLE_SIGN)
    }

    /// The fewest bits, of which at least one, that are all 0 only if x is 0.
    pub fn zero_bits(self) -> u32 {
        (1..=62).find(|&k| self.is_below(k)).unwrap_or(WHOLE_ZERO)
    }
}

/// The fewest bits in which [`RingOp::Bucketize`] compares a value with thresholds.
pub fn threshold_bits(x: RangeBound, thresholds: &[Threshold]) -> u32 {
    let most = thresholds.iter().map(|threshold| threshold.dropped + 1).max().unwrap_or(1);
    let difference = |threshold: &Threshold| {
        let most = (1i128 << threshold.dropped) - 1;
        let loose = RangeBound::new(-most, most);
        x.minus(RangeBound::exactly(threshold.at)).plus(loose).sign_bits()
    };
    thresholds.iter().map(difference).max().unwrap_or(WHOLE_SIGN).max(most).min(WHOLE_SIGN)
}

/// The fewest bits in which all pairs of values are compared.
pub fn pair_bits(candidates: &[RangeBound]) -> u32 {
    let pairs = candidates
        .iter()
        .enumerate()
        .flat_map(|(i, &a)| candidates[i + 1..].iter().map(move |&b| a.minus(b).sign_bits()));
    pairs.max().unwrap_or(WHOLE_SIGN)
}

/// The fewest bits in which [`RingOp::Sort`] compares n keys, each 2^shift times a value of this range plus an index.
pub fn sort_bits(values: RangeBound, shift: u32, n: usize) -> u32 {
    let indices = RangeBound::new(0, n as i128 - 1);
    let keys = values.scaled(1 << shift).plus(indices);
    keys.minus(keys).sign_bits()
}

/// The range bound of a node's value; of bits, that of each. `nodes` and `bounds` are those of the program so far, which has
/// the node's inputs. Lowering calls it for each node that it adds.
pub fn bound(node: &RingNode, nodes: &[RingNode], bounds: &[RangeBound]) -> RangeBound {
    let x: Vec<RangeBound> = node.inputs.iter().map(|input| bounds[input.index()]).collect();
    rule(node, &x, |id| &nodes[id.index()]).and(node.bound)
}

/// The range bounds of all values of a program, by [`RingId`].
pub fn bounds(program: &RingProgram) -> Vec<RangeBound> {
    let mut bounds = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        bounds.push(bound(node, &program.nodes, &bounds));
    }
    bounds
}

/// The bound that follows from the bounds of the inputs. `node_of` gives these.
fn rule<'p>(node: &RingNode, x: &[RangeBound], node_of: impl Fn(RingId) -> &'p RingNode) -> RangeBound {
    let shape_of = |i: usize| &node_of(node.inputs[i]).shape;
    match &node.op {
        RingOp::Input { .. } => RangeBound::ANY,
        RingOp::Random { .. } => match node.ty {
            RingType::Bits { .. } => RangeBound::BIT,
            RingType::Ring { .. } => RangeBound::ANY,
        },
        RingOp::Constant { value } => RangeBound::exactly(*value),
        RingOp::ConstantTensor { values } => {
            let all = values.iter().map(|&value| RangeBound::exactly(value));
            all.reduce(RangeBound::hull).unwrap_or(RangeBound::ANY)
        }
        RingOp::Add => x[0].plus(x[1]),
        RingOp::Sub => x[0].minus(x[1]),
        RingOp::Neg => RangeBound::exactly(0).minus(x[0]),
        RingOp::Scale { factor } => x[0].scaled(*factor),
        RingOp::Broadcast
        | RingOp::Reshape
        | RingOp::Transpose { .. }
        | RingOp::Slice { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep => x[0],
        RingOp::Gather { indices, .. } => {
            if indices.contains(&u32::MAX) {
                x[0].or_zero()
            } else {
                x[0]
            }
        }
        RingOp::Pad { value, .. } => x[0].hull(RangeBound::exactly(*value)),
        RingOp::Concat { .. } => x.iter().copied().reduce(RangeBound::hull).unwrap_or(RangeBound::ANY),
        RingOp::Sum { axes, .. } => x[0].times(axes.iter().map(|&axis| shape_of(0)[axis]).product()),
        RingOp::SumPool { window } => x[0].or_zero().times(window.kernel.iter().product()),
        RingOp::Mul if node.inputs[0] == node.inputs[1] => {
            let largest = i128::from(x[0].low).abs().max(i128::from(x[0].high).abs());
            RangeBound::new(0, largest * largest)
        }
        RingOp::Mul => x[0].product(x[1]),
        RingOp::MatMul => x[0].product(x[1]).times(shape_of(0).last().copied().unwrap_or(1)),
        // padding is zero
        RingOp::Conv { .. } => x[0].product(x[1]).or_zero().times(shape_of(1)[1..].iter().product()),
        RingOp::Truncate { bits } => x[0].truncated(*bits),
        RingOp::Select { truncate } => {
            let candidates = x[1..].iter().zip(truncate).map(|(x, &bits)| x.truncated(bits));
            candidates.fold(RangeBound::exactly(0), RangeBound::hull)
        }
        RingOp::SelectLargest { truncate } => {
            x[1..].iter().map(|x| x.truncated(*truncate)).fold(RangeBound::exactly(0), RangeBound::hull)
        }
        RingOp::SelectScale { factors, truncate } => {
            let x = x[2].truncated(*truncate);
            factors.iter().map(|&factor| x.scaled(factor)).fold(RangeBound::exactly(0), RangeBound::hull)
        }
        RingOp::FourierSum { sum } => fourier_sum(sum),
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
        | RingOp::BitToArithmetic { .. } => RangeBound::BIT,
    }
}

/// The terms that are added to the constant are products of two vectors in the plane, the coefficients turned by some angle
/// and a unit vector, each component rounded: neither is longer by more than 1.
fn fourier_sum(sum: &FourierSum) -> RangeBound {
    let unit = i128::from((1i64 << FOURIER_BITS) + 1);
    let length = |(a, b): &(i64, i64)| i128::from(a.abs()) + i128::from(b.abs()) + 1;
    let reach = sum.terms.iter().map(length).sum::<i128>() * unit;
    let constant = i128::from(sum.constant) << FOURIER_BITS;
    RangeBound::new(constant - reach, constant + reach)
}

/// Below e, but for its error: 2^-17 of itself and e^(W + 1)·2^-41, together less than 2^-10.
fn exponential(spec: &Exponential) -> RangeBound {
    RangeBound::of_reals(0.0, std::f64::consts::E, spec.result_frac(), 2f64.powi(-10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_the_fewest() {
        let between = |low: i64, high: i64| RangeBound { low, high };
        for k in 1..62 {
            let limit = 1i64 << k;
            assert_eq!(between(-limit, limit - 1).sign_bits(), k);
            assert_eq!(between(0, limit).sign_bits(), k + 1);
            assert_eq!(between(-limit - 1, 0).sign_bits(), k + 1);
            assert_eq!(between(1 - limit, limit - 1).zero_bits(), k);
            assert_eq!(between(-limit, 0).zero_bits(), if k == 62 { 64 } else { k + 1 });
        }
        assert_eq!((RangeBound::ANY.sign_bits(), RangeBound::ANY.zero_bits()), (63, 64));
        // off by up to 15, a difference of 241 may be taken for 256
        let at = |dropped| [Threshold { at: 0, dropped }];
        assert_eq!(threshold_bits(between(-100, 255), &at(0)), 8);
        assert_eq!(threshold_bits(between(-100, 240), &at(4)), 8);
        assert_eq!(threshold_bits(between(-100, 241), &at(4)), 9);
        assert_eq!(threshold_bits(between(0, 1), &at(8)), 9);
        // keys 0 to 31 and 0 to 32 + 7
        assert_eq!(sort_bits(between(0, 3), 3, 8), 5);
        assert_eq!(sort_bits(between(0, 4), 3, 8), 6);
    }

    #[test]
    fn what_leaves_the_ring_may_be_anything() {
        let x = RangeBound { low: -5, high: i64::MAX - 1 };
        assert_eq!(x.plus(RangeBound { low: 2, high: 2 }), RangeBound::ANY);
        assert_eq!(x.scaled(2), RangeBound::ANY);
        assert_eq!(x.truncated(16), RangeBound::ANY, "the truncation of 2^62 and more has no bound");
        assert_eq!(RangeBound { low: -5, high: 7 }.truncated(2), RangeBound { low: -2, high: 2 });
        assert_eq!(RangeBound::of_reals(f64::NEG_INFINITY, f64::INFINITY, 16, 0.0), RangeBound::ANY);
        assert_eq!(RangeBound::new(1 << 63, 0), RangeBound::ANY);
    }
}
