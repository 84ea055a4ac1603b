//! The target of lowering: what the protocol that executes a program has, and what it costs there.

use crate::operation::RingOp;

/// What lowering must know of a protocol. Each protocol states its own values; this crate has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Bytes that are worth a round: a choice that saves more bytes than these may take one more round.
    pub round: usize,
    /// Bytes that a comparison costs.
    pub comparison: usize,
    /// Rounds of a level of a tournament that compares its candidates in pairs.
    pub rounds_of_pairs: usize,
    /// Rounds of a level that compares all its candidates with each other.
    pub rounds_of_all: usize,
    /// Whether the protocol has [`RingOp::FourierSum`].
    pub fourier_sum: bool,
    /// Whether the protocol has [`RingOp::Exponential`].
    pub exponential: bool,
    /// Whether owners are trusted to keep their inputs within the ranges that these declare, and within what encoding
    /// accepts. If not, lowering assumes nothing of an input's values, and compares them at full width.
    pub trusts_ranges: bool,
}

impl Target {
    /// Whether the protocol has an operation.
    pub fn has(&self, op: &RingOp) -> bool {
        match op {
            RingOp::FourierSum { .. } => self.fourier_sum,
            RingOp::Exponential { .. } => self.exponential,
            RingOp::Input { .. }
            | RingOp::Constant { .. }
            | RingOp::ConstantTensor { .. }
            | RingOp::Add
            | RingOp::Sub
            | RingOp::Neg
            | RingOp::Scale { .. }
            | RingOp::Broadcast
            | RingOp::Reshape
            | RingOp::Transpose { .. }
            | RingOp::Slice { .. }
            | RingOp::Gather { .. }
            | RingOp::Pad { .. }
            | RingOp::Concat { .. }
            | RingOp::Sum { .. }
            | RingOp::SumPool { .. }
            | RingOp::Mul
            | RingOp::MatMul
            | RingOp::Conv { .. }
            | RingOp::Truncate { .. }
            | RingOp::LessThanZero { .. }
            | RingOp::OneHotArgmax { .. }
            | RingOp::Select { .. }
            | RingOp::NotBits
            | RingOp::XorBits
            | RingOp::AndBits
            | RingOp::EqualZero { .. }
            | RingOp::RoundedUp { .. }
            | RingOp::Sort { .. }
            | RingOp::OneHot { .. }
            | RingOp::LessThanPairs { .. }
            | RingOp::SelectLargest { .. }
            | RingOp::Reveal { .. }
            | RingOp::Keep
            | RingOp::Bucketize { .. }
            | RingOp::BitToArithmetic { .. }
            | RingOp::SelectScale { .. }
            | RingOp::Random { .. } => true,
        }
    }
}
