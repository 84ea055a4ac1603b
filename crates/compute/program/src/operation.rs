//! The operations of a ring program.

use tacita_ring::{ConvSpec, Exponential, FourierSum, Window2d};

use crate::program::Owner;

/// The operations of a ring program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RingOp {
    /// A leaf: the graph's node `origin`, evaluated in f64 by its owner (or, public, by everyone) and encoded at
    /// the node's frac, in this shape or another of as many elements. See `encode_leaves` of tacita-graph.
    Input {
        /// Whether it depends on parameters alone, and so keeps its value for a whole session.
        persistent: bool,
    },
    /// A public tensor filled with one number.
    Constant {
        /// The number, an element of the ring.
        value: i64,
    },
    /// A public tensor that lowering made: indices for `ArgMax`, divisors of windows on padding.
    ConstantTensor {
        /// Its elements, row-major.
        values: Vec<i64>,
    },
    /// a + b, with broadcasting.
    Add,
    /// a - b, with broadcasting.
    Sub,
    /// -a.
    Neg,
    /// a times a public integer.
    Scale {
        /// The integer.
        factor: i64,
    },
    /// a repeated to the node's shape.
    Broadcast,
    /// a's elements in the node's shape.
    Reshape,
    /// Axis i of the result is axis `perm[i]` of a.
    Transpose {
        /// Every axis once.
        perm: Vec<usize>,
    },
    /// Every `steps`-th element from `starts` to before `ends`, an axis each.
    Slice {
        /// The first index of each axis.
        starts: Vec<usize>,
        /// The index after the last; never above the axis' size.
        ends: Vec<usize>,
        /// The step of each axis.
        steps: Vec<usize>,
    },
    /// The elements of a at public indices along an axis, `u32::MAX` standing for zeros.
    Gather {
        /// The axis.
        axis: usize,
        /// Below the axis' size, or `u32::MAX`.
        indices: Vec<u32>,
    },
    /// a with a public number around it.
    Pad {
        /// How many before, an axis each.
        before: Vec<usize>,
        /// How many after, an axis each.
        after: Vec<usize>,
        /// The number, an element of the ring.
        value: i64,
    },
    /// The inputs one after another.
    Concat {
        /// The axis along which they differ.
        axis: usize,
    },
    /// The sum over axes.
    Sum {
        /// In ascending order.
        axes: Vec<usize>,
        /// Whether summed axes stay, with size 1.
        keepdims: bool,
    },
    /// Sums over windows of a (n, c, h, w), with zeros as padding.
    SumPool {
        /// The window.
        window: Window2d,
    },
    /// a * b elementwise with broadcasting; the frac of the result is the sum of both.
    Mul,
    /// The matrix product with leading axes broadcast; fracs add.
    MatMul,
    /// The convolution of a (n, c, h, w) with b (o, c/groups, kh, kw); fracs add.
    Conv {
        /// Window and groups.
        spec: ConvSpec,
    },
    /// a / 2^bits for |a| < 2^62, rounded down or up: which of the two, the evaluator decides. Its input is never public.
    Truncate {
        /// How many bits go.
        bits: u32,
    },
    /// `[a < 0]` for -2^bits <= a < 2^bits: one plane.
    LessThanZero {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// The one-hot position of the largest of k >= 2 inputs of one shape, the lowest where several are equal, for
    /// differences of which -2^bits <= a_i - a_j < 2^bits: k planes. Inputs may be public, not all of them.
    OneHotArgmax {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// From bits b of k planes and k ring values of the same shape: the sum of b_i * (a_i / 2^truncate_i). A value
    /// may be public: it is then divided by an arithmetic shift (floor). At most one plane of an element may be 1.
    Select {
        /// How many bits of each value go.
        truncate: Vec<u32>,
    },
    /// The complement of each plane.
    NotBits,
    /// a XOR b, plane by plane.
    XorBits,
    /// The product of k bits of one plane and one shape, 2 <= k <= 8: one plane.
    AndBits,
    /// Whether the lowest `bits` bits of a are 0: one plane.
    EqualZero {
        /// From 1 to 64, which is `[a = 0]` for any a.
        bits: u32,
    },
    /// Whether `Truncate` of a by `bits` is above the quotient rounded down, for |a| < 2^62: one plane. So the
    /// difference of both is the exact floor, whatever the evaluator's rounding. Its input is never public.
    RoundedUp {
        /// How many bits go.
        bits: u32,
    },
    /// Rows of a (rows, n, columns) in ascending order of the first column, equal ones of the second; further columns
    /// go along. The second column holds the numbers below n, each once in a row. n is at most 2^shift, and the first
    /// column's |a| below 2^(62 - shift).
    Sort {
        /// Bits that the second column takes.
        shift: u32,
        /// Differences of 2^shift * first + second are from -2^bits to below 2^bits; from 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// The one-hot position of a modulo 2^bits along a new last axis of size 2^bits. Its input is never public.
    OneHot {
        /// Low bits of a that count.
        bits: u32,
    },
    /// `[a_i < a_j]` for all pairs i < j of k >= 2 inputs of one shape, for -2^bits <= a_i - a_j < 2^bits, in the order
    /// (0, 1), (0, 2), ..., (1, 2), ...: k (k - 1) / 2 planes. Inputs may be public, not all of them.
    LessThanPairs {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// From the bits of `LessThanPairs` of k values and k more: that of these, divided by 2^truncate, which belongs to the largest
    /// value, the first where several are equal. A value may be public: it is then divided by an arithmetic shift.
    SelectLargest {
        /// How many bits go.
        truncate: u32,
    },
    /// Opens a (ring or bits) to the named owners alone.
    Reveal {
        /// Who learns it.
        to: Vec<Owner>,
    },
    /// a, kept secret under the name of the graph's node for later evaluations.
    Keep,
    /// The one-hot position of a among k ascending thresholds: k + 1 planes. Plane 0 is `[a < t_0]`, plane i
    /// `[t_{i-1} <= a < t_i]`, the last `[t_{k-1} <= a]`. For differences a - t_i that are, with anything below 2^dropped
    /// added or taken off, from -2^bits to below 2^bits.
    Bucketize {
        /// The thresholds.
        thresholds: Vec<Threshold>,
        /// Above every `dropped`, and at most [`WHOLE_SIGN`].
        bits: u32,
    },
    /// A trigonometric sum of a, with twice [`FOURIER_BITS`](tacita_ring::FOURIER_BITS) fractional bits. It must not be
    /// revealed as it is: its last bits say something of the approximation's noise, and so of a.
    FourierSum {
        /// The sum.
        sum: FourierSum,
    },
    /// e^(a mod W - W + 1) for a window of W units, with as many fractional bits as its two factors have.
    Exponential {
        /// Precision of a and of the factors.
        spec: Exponential,
    },
    /// One plane of bits a as ring elements 0 and 1.
    BitToArithmetic {
        /// Which plane.
        plane: usize,
    },
    /// From bits b of k planes, f = the sum of b_i * factor_i as a ring value, and a: f * (a / 2^truncate). At most one
    /// plane of an element may be 1. (f is an input because it is
    /// linear in the planes as ring elements, which other nodes may need too.)
    SelectScale {
        /// One for each plane.
        factors: Vec<i64>,
        /// How many bits of a go.
        truncate: u32,
    },
    /// A fresh value, uniform among all of the node's type, that nobody knows: no participant, and no group of them short of
    /// all who draw it. No inputs; always secret. Each evaluation draws another value.
    Random {
        /// The graph's draw: evaluators in the clear tell them apart by it.
        draw: u32,
    },
}

/// The `bits` of a comparison of which nothing is known but that the ring holds the difference, -2^63 too.
pub const WHOLE_SIGN: u32 = 63;

/// The `bits` of [`RingOp::EqualZero`] for values of which nothing is known.
pub const WHOLE_ZERO: u32 = 64;

/// A number that [`RingOp::Bucketize`] compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Threshold {
    /// The number, an element of the ring.
    pub at: i64,
    /// How many of the low bits are not looked at, a multiple of 4: a value less than 2^dropped away from the number may be
    /// on either side of it.
    pub dropped: u32,
}

/// How a ring operation depends on its inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Linear,
    Bilinear,
    Other,
}

impl RingOp {
    /// The operation's name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            RingOp::Input { .. } => "Input",
            RingOp::Constant { .. } => "Constant",
            RingOp::ConstantTensor { .. } => "ConstantTensor",
            RingOp::Add => "Add",
            RingOp::Sub => "Sub",
            RingOp::Neg => "Neg",
            RingOp::Scale { .. } => "Scale",
            RingOp::Broadcast => "Broadcast",
            RingOp::Reshape => "Reshape",
            RingOp::Transpose { .. } => "Transpose",
            RingOp::Slice { .. } => "Slice",
            RingOp::Gather { .. } => "Gather",
            RingOp::Pad { .. } => "Pad",
            RingOp::Concat { .. } => "Concat",
            RingOp::Sum { .. } => "Sum",
            RingOp::SumPool { .. } => "SumPool",
            RingOp::Mul => "Mul",
            RingOp::MatMul => "MatMul",
            RingOp::Conv { .. } => "Conv",
            RingOp::Truncate { .. } => "Truncate",
            RingOp::LessThanZero { .. } => "LessThanZero",
            RingOp::OneHotArgmax { .. } => "OneHotArgmax",
            RingOp::Select { .. } => "Select",
            RingOp::NotBits => "NotBits",
            RingOp::XorBits => "XorBits",
            RingOp::LessThanPairs { .. } => "LessThanPairs",
            RingOp::SelectLargest { .. } => "SelectLargest",
            RingOp::AndBits => "AndBits",
            RingOp::EqualZero { .. } => "EqualZero",
            RingOp::RoundedUp { .. } => "RoundedUp",
            RingOp::Sort { .. } => "Sort",
            RingOp::OneHot { .. } => "OneHot",
            RingOp::Reveal { .. } => "Reveal",
            RingOp::Keep => "Keep",
            RingOp::Bucketize { .. } => "Bucketize",
            RingOp::FourierSum { .. } => "FourierSum",
            RingOp::Exponential { .. } => "Exponential",
            RingOp::BitToArithmetic { .. } => "BitToArithmetic",
            RingOp::SelectScale { .. } => "SelectScale",
            RingOp::Random { .. } => "Random",
        }
    }

    /// Whether [`linear`](crate::linear) computes it: a linear (with `Pad`, affine) map of ring tensors, which can be
    /// applied to additive parts of a value one by one. Those that only move elements (`Broadcast`, `Reshape`, `Transpose`, `Slice`,
    /// `Concat`) take bits as well, plane by plane.
    pub fn is_linear(&self) -> bool {
        self.class() == Class::Linear
    }

    /// Whether [`bilinear`](crate::bilinear) computes it.
    pub fn is_bilinear(&self) -> bool {
        self.class() == Class::Bilinear
    }

    /// How many bits of its input, or of differences of its inputs, it compares; `None` if it is no comparison.
    pub fn compared_bits(&self) -> Option<u32> {
        use RingOp::*;
        match self {
            LessThanZero { bits }
            | OneHotArgmax { bits }
            | LessThanPairs { bits }
            | Bucketize { bits, .. }
            | Sort { bits, .. }
            | EqualZero { bits } => Some(*bits),
            Input { .. }
            | Constant { .. }
            | ConstantTensor { .. }
            | Add
            | Sub
            | Neg
            | Scale { .. }
            | Broadcast
            | Reshape
            | Transpose { .. }
            | Slice { .. }
            | Gather { .. }
            | Pad { .. }
            | Concat { .. }
            | Sum { .. }
            | SumPool { .. }
            | Mul
            | MatMul
            | Conv { .. }
            | Truncate { .. }
            | Select { .. }
            | NotBits
            | XorBits
            | AndBits
            | RoundedUp { .. }
            | OneHot { .. }
            | SelectLargest { .. }
            | Reveal { .. }
            | Keep
            | FourierSum { .. }
            | Exponential { .. }
            | BitToArithmetic { .. }
            | SelectScale { .. }
            | Random { .. } => None,
        }
    }

    /// Which function computes it. A new operation does not compile until it is in one of these.
    fn class(&self) -> Class {
        use RingOp::*;
        match self {
            Add
            | Sub
            | Neg
            | Scale { .. }
            | Broadcast
            | Reshape
            | Transpose { .. }
            | Slice { .. }
            | Gather { .. }
            | Pad { .. }
            | Concat { .. }
            | Sum { .. }
            | SumPool { .. } => Class::Linear,
            Mul | MatMul | Conv { .. } => Class::Bilinear,
            Input { .. }
            | Constant { .. }
            | ConstantTensor { .. }
            | Truncate { .. }
            | LessThanZero { .. }
            | OneHotArgmax { .. }
            | Select { .. }
            | NotBits
            | XorBits
            | AndBits
            | EqualZero { .. }
            | RoundedUp { .. }
            | Sort { .. }
            | OneHot { .. }
            | LessThanPairs { .. }
            | SelectLargest { .. }
            | Reveal { .. }
            | Keep
            | Bucketize { .. }
            | FourierSum { .. }
            | Exponential { .. }
            | BitToArithmetic { .. }
            | SelectScale { .. }
            | Random { .. } => Class::Other,
        }
    }
}
