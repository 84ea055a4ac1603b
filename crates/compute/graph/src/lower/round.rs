//! Exact integers from fixed point: the quotient rounded down is the truncation less the bit that says whether it
//! rounded up.

use super::{Lowering, logic};
use tacita_program::{RingId, RingOp};

/// Which integer stands for a number that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ToWhole {
    /// The largest that is not above it.
    Floor,
    /// The smallest that is not below it.
    Ceil,
    /// The nearest, the even one of two.
    Nearest,
    /// The nearest towards zero.
    TowardsZero,
}

impl ToWhole {
    /// The integer for x.
    pub(crate) fn of(self, x: f64) -> f64 {
        match self {
            ToWhole::Floor => x.floor(),
            ToWhole::Ceil => x.ceil(),
            ToWhole::Nearest => x.round_ties_even(),
            ToWhole::TowardsZero => x.trunc(),
        }
    }
}

/// The integers, without fractional bits, for a value that has some.
pub(crate) fn whole(l: &mut Lowering<'_>, x: RingId, how: ToWhole) -> RingId {
    let (frac, shape) = (l.frac_of(x), l.shape_of(x).to_vec());
    if frac == 0 {
        return x;
    }
    match how {
        ToWhole::Floor => floor(l, x),
        ToWhole::Ceil => {
            let negative = l.push(RingOp::Neg, &[x], &shape, frac);
            let below = floor(l, negative);
            l.push(RingOp::Neg, &[below], &shape, 0)
        }
        // of x + 1/2 the floor, less one where that is odd and x in the middle of two: where x = 1/2 modulo 2
        ToWhole::Nearest => {
            let half = l.constant(1 << (frac - 1), &[], frac);
            let above = l.push(RingOp::Add, &[x, half], &shape, frac);
            let below = floor(l, above);
            let apart = l.push(RingOp::Sub, &[x, half], &shape, frac);
            let middle = multiple(l, apart, frac + 1);
            less(l, below, middle)
        }
        // the floor, and one more below zero unless it is exact
        ToWhole::TowardsZero => {
            let below = floor(l, x);
            let negative = l.negative(x);
            let exact = multiple(l, x, frac);
            let inexact = logic::not(l, exact);
            let both = logic::product(l, &[negative, inexact]);
            let both = l.unpack(both);
            l.push(RingOp::Add, &[below, both], &shape, 0)
        }
    }
}

fn floor(l: &mut Lowering<'_>, x: RingId) -> RingId {
    let (bits, shape) = (l.frac_of(x), l.shape_of(x).to_vec());
    let rounded = l.truncate(x, bits, 0);
    let above = l.push_bits(RingOp::RoundedUp { bits }, &[x], &shape, 1);
    less(l, rounded, above)
}

/// x minus packed bits.
fn less(l: &mut Lowering<'_>, x: RingId, bits: RingId) -> RingId {
    let shape = l.shape_of(x).to_vec();
    let bits = l.unpack(bits);
    l.push(RingOp::Sub, &[x, bits], &shape, 0)
}

/// Whether the integer x is a multiple of 2^bits.
fn multiple(l: &mut Lowering<'_>, x: RingId, bits: u32) -> RingId {
    let shape = l.shape_of(x).to_vec();
    l.push_bits(RingOp::EqualZero { bits }, &[x], &shape, 1)
}
