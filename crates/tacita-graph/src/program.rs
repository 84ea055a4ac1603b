//! The ring program: what protocols execute. A graph lowered to some twenty operations on tensors over Z_2^64,
//! with every truncation explicit.
//!
//! All integers wrap. A ring value carries `frac`, the number of fractional bits of the real number it stands
//! for; a value of bits is 0 or 1 in each of its planes.

use tacita_ring::{ConvSpec, Exponential, Harmonics, Window2d};

use crate::graph::NodeId;
use crate::types::{Owner, Visibility};

/// A node of one ring program: an index into [`RingProgram::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RingId(pub u32);

impl RingId {
    /// The id as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A lowered graph. Inputs have lower ids than the nodes that use them, and every node serves some reveal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingProgram {
    /// The nodes in topological order.
    pub nodes: Vec<RingNode>,
    /// The session's fractional bits.
    pub precision: u32,
    /// The owners' names; [`Owner`] is an index into them.
    pub owners: Vec<String>,
    /// The names of the graph's nodes, by [`NodeId`]: for reports, not in the digest.
    pub node_names: Vec<String>,
    /// The digests of the graph's nodes, by [`NodeId`]: those of leaves, which their owners compute, are in the digest.
    pub node_origins: Vec<[u8; 32]>,
}

/// One operation applied to earlier nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingNode {
    /// The operation and its attributes.
    pub op: RingOp,
    /// Its inputs, of lower ids.
    pub inputs: Vec<RingId>,
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// Ring elements or bits.
    pub kind: RingKind,
    /// Who knows the result: joined over the inputs.
    pub visibility: Visibility,
    /// The graph's node that this is part of.
    pub origin: NodeId,
}

impl RingNode {
    /// All that digests have of this node but for its inputs.
    fn own_words(&self) -> [Vec<u64>; 5] {
        let (tag, attributes) = self.op.words();
        let kind = match self.kind {
            RingKind::Ring { frac } => vec![0, u64::from(frac)],
            RingKind::Bits { planes } => vec![1, planes as u64],
        };
        let visibility = match self.visibility {
            Visibility::Public => vec![0, 0],
            Visibility::Private(owner) => vec![1, u64::from(owner.0)],
            Visibility::Secret => vec![2, 0],
        };
        let shape = self.shape.iter().map(|&size| size as u64).collect();
        [vec![u64::from(tag)], attributes, shape, kind, visibility]
    }
}

/// What a ring program's value holds for each element of its shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RingKind {
    /// An element of Z_2^64 that stands for a real number times 2^frac.
    Ring {
        /// Fractional bits.
        frac: u32,
    },
    /// Bits.
    Bits {
        /// How many.
        planes: usize,
    },
}

impl RingKind {
    /// The fractional bits; 0 of bits.
    pub fn frac(self) -> u32 {
        match self {
            RingKind::Ring { frac } => frac,
            RingKind::Bits { .. } => 0,
        }
    }
}

/// The operations of a ring program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RingOp {
    /// A leaf: the graph's node `origin`, evaluated in f64 by its owner (or, public, by everyone) and encoded at
    /// the node's frac, in this shape or another of as many elements. See [`encode_leaves`](crate::encode_leaves).
    Input {
        /// Whether it depends on parameters alone, and so is opened at most once a session.
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
    /// a / 2^bits for |a| < 2^62, rounded as the evaluator does. Its input is never public.
    Truncate {
        /// How many bits go.
        bits: u32,
    },
    /// `[a < 0]` for -2^bits <= a < 2^bits: one plane.
    Negative {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// The one-hot position of the largest of k >= 2 inputs of one shape, the lowest where several are equal, for
    /// differences of which -2^bits <= a_i - a_j < 2^bits: k planes. Inputs may be public, not all of them.
    Winner {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// From bits b of k planes and k ring values of the same shape: the sum of b_i * (a_i / 2^truncate_i). A value
    /// may be public: it is then divided by an arithmetic shift (floor). At most one plane of an element may be 1.
    Choose {
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
    Zero {
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
    Below {
        /// From 1 to [`WHOLE_SIGN`].
        bits: u32,
    },
    /// From the bits of `Below` of k values and k more: that of these, divided by 2^truncate, which belongs to the largest
    /// value, the first where several are equal. A value may be public: it is then divided by an arithmetic shift.
    ChooseLargest {
        /// How many bits go.
        truncate: u32,
    },
    /// Opens a (ring or bits) to the named owners alone.
    Reveal {
        /// Who learns it.
        to: Vec<Owner>,
    },
    /// a, kept in shares by the computing parties under the name of the graph's node, for later evaluations.
    Keep,
    /// The one-hot position of a among k ascending thresholds: k + 1 planes. Plane 0 is `[a < t_0]`, plane i
    /// `[t_{i-1} <= a < t_i]`, the last `[t_{k-1} <= a]`. For differences a - t_i that are, with anything below 2^dropped
    /// added or taken off, from -2^bits to below 2^bits.
    Locate {
        /// The thresholds.
        thresholds: Vec<Threshold>,
        /// Above every `dropped`, and at most [`WHOLE_SIGN`].
        bits: u32,
    },
    /// A trigonometric sum of a, with twice [`HARMONIC_BITS`](tacita_ring::HARMONIC_BITS) fractional bits. It must not be
    /// revealed as it is: its last bits say something of the approximation's noise, and so of a.
    Harmonics {
        /// The sum.
        sum: Harmonics,
    },
    /// e^(a mod W - W + 1) for a window of W units, with as many fractional bits as its two factors have.
    Exponential {
        /// Precision of a and of the factors.
        spec: Exponential,
    },
    /// One plane of bits a as ring elements 0 and 1.
    Lift {
        /// Which plane.
        plane: usize,
    },
    /// From bits b of k planes, f = the sum of b_i * factor_i as a ring value, and a: f * (a / 2^truncate). At most one
    /// plane of an element may be 1. (f is an input since its shares are linear in lifted bits, which others may need too.)
    Rescale {
        /// One for each plane.
        factors: Vec<i64>,
        /// How many bits of a go.
        truncate: u32,
    },
    /// A fresh value, uniform among all of the node's kind, that nobody knows: no party, no P - 1 of them, and not the
    /// dealer. No inputs; always secret. Another evaluation draws another.
    Random {
        /// The graph's draw: evaluators in the clear tell them apart by it.
        draw: u32,
    },
}

/// The `bits` of a comparison of which nothing is known but that the ring holds the difference, -2^63 too.
pub const WHOLE_SIGN: u32 = 63;

/// The `bits` of [`RingOp::Zero`] for values of which nothing is known.
pub const WHOLE_ZERO: u32 = 64;

/// A number that [`RingOp::Locate`] compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Threshold {
    /// The number, an element of the ring.
    pub at: i64,
    /// How many of the low bits are not looked at, a multiple of 4: a value less than 2^dropped away from the number may be
    /// on either side of it.
    pub dropped: u32,
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
            RingOp::Negative { .. } => "Negative",
            RingOp::Winner { .. } => "Winner",
            RingOp::Choose { .. } => "Choose",
            RingOp::NotBits => "NotBits",
            RingOp::XorBits => "XorBits",
            RingOp::Below { .. } => "Below",
            RingOp::ChooseLargest { .. } => "ChooseLargest",
            RingOp::AndBits => "AndBits",
            RingOp::Zero { .. } => "Zero",
            RingOp::RoundedUp { .. } => "RoundedUp",
            RingOp::Sort { .. } => "Sort",
            RingOp::OneHot { .. } => "OneHot",
            RingOp::Reveal { .. } => "Reveal",
            RingOp::Keep => "Keep",
            RingOp::Locate { .. } => "Locate",
            RingOp::Harmonics { .. } => "Harmonics",
            RingOp::Exponential { .. } => "Exponential",
            RingOp::Lift { .. } => "Lift",
            RingOp::Rescale { .. } => "Rescale",
            RingOp::Random { .. } => "Random",
        }
    }

    /// Whether [`linear`](crate::linear) computes it: a linear (with `Pad`, affine) map of ring tensors that acts
    /// on shares, masks and openings alike. Those that only move elements (`Broadcast`, `Reshape`, `Transpose`, `Slice`,
    /// `Concat`) take bits as well, plane by plane.
    pub fn is_linear(&self) -> bool {
        use RingOp::*;
        matches!(
            self,
            Add | Sub
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
        )
    }

    /// Whether [`bilinear`](crate::bilinear) computes it.
    pub fn is_bilinear(&self) -> bool {
        matches!(self, RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. })
    }

    /// A number for the operation and its attributes as words, for the digest.
    fn words(&self) -> (u8, Vec<u64>) {
        fn list(words: &mut Vec<u64>, sizes: &[usize]) {
            words.push(sizes.len() as u64);
            words.extend(sizes.iter().map(|&size| size as u64));
        }
        fn windowed(words: &mut Vec<u64>, window: &Window2d) {
            for sizes in [&window.kernel[..], &window.stride, &window.dilation, &window.pads] {
                list(words, sizes);
            }
        }
        /// A word more where fewer bits than all are compared.
        fn width(words: &mut Vec<u64>, bits: u32, whole: u32) {
            if bits != whole {
                words.push(u64::from(bits));
            }
        }
        let mut words = Vec::new();
        let tag = match self {
            RingOp::Input { persistent } => {
                words.push(u64::from(*persistent));
                0
            }
            RingOp::Constant { value } => {
                words.push(*value as u64);
                1
            }
            RingOp::ConstantTensor { values } => {
                words.extend(values.iter().map(|&value| value as u64));
                2
            }
            RingOp::Add => 3,
            RingOp::Sub => 4,
            RingOp::Neg => 5,
            RingOp::Scale { factor } => {
                words.push(*factor as u64);
                6
            }
            RingOp::Broadcast => 7,
            RingOp::Reshape => 8,
            RingOp::Transpose { perm } => {
                list(&mut words, perm);
                9
            }
            RingOp::Slice { starts, ends, steps } => {
                [starts, ends, steps].into_iter().for_each(|sizes| list(&mut words, sizes));
                10
            }
            RingOp::Pad { before, after, value } => {
                list(&mut words, before);
                list(&mut words, after);
                words.push(*value as u64);
                11
            }
            RingOp::Concat { axis } => {
                words.push(*axis as u64);
                12
            }
            RingOp::Sum { axes, keepdims } => {
                list(&mut words, axes);
                words.push(u64::from(*keepdims));
                13
            }
            RingOp::SumPool { window } => {
                windowed(&mut words, window);
                14
            }
            RingOp::Mul => 15,
            RingOp::MatMul => 16,
            RingOp::Conv { spec } => {
                windowed(&mut words, &spec.window);
                words.push(spec.groups as u64);
                17
            }
            RingOp::Truncate { bits } => {
                words.push(u64::from(*bits));
                18
            }
            RingOp::Negative { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                19
            }
            RingOp::Winner { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                20
            }
            RingOp::Choose { truncate } => {
                words.extend(truncate.iter().map(|&bits| u64::from(bits)));
                21
            }
            RingOp::NotBits => 22,
            RingOp::XorBits => 23,
            RingOp::Reveal { to } => {
                words.extend(to.iter().map(|owner| u64::from(owner.0)));
                24
            }
            RingOp::Locate { thresholds, bits } => {
                words.extend(thresholds.iter().flat_map(|t| [t.at as u64, u64::from(t.dropped)]));
                width(&mut words, *bits, WHOLE_SIGN);
                25
            }
            RingOp::Harmonics { sum } => {
                words.extend([sum.frequency, sum.constant as u64, u64::from(sum.step), u64::from(sum.dealt)]);
                words.extend(sum.terms.iter().flat_map(|(a, b)| [*a as u64, *b as u64]));
                26
            }
            RingOp::Exponential { spec } => {
                words.extend([spec.frac, spec.window, spec.dealt, spec.public].map(u64::from));
                27
            }
            RingOp::Lift { plane } => {
                words.push(*plane as u64);
                28
            }
            RingOp::Rescale { factors, truncate } => {
                words.extend(factors.iter().map(|&factor| factor as u64));
                words.push(u64::from(*truncate));
                29
            }
            RingOp::Gather { axis, indices } => {
                words.push(*axis as u64);
                words.extend(indices.iter().map(|&index| u64::from(index)));
                30
            }
            RingOp::AndBits => 33,
            RingOp::Zero { bits } => {
                width(&mut words, *bits, WHOLE_ZERO);
                34
            }
            RingOp::RoundedUp { bits } => {
                words.push(u64::from(*bits));
                35
            }
            RingOp::Sort { shift, bits } => {
                words.push(u64::from(*shift));
                width(&mut words, *bits, WHOLE_SIGN);
                36
            }
            RingOp::OneHot { bits } => {
                words.push(u64::from(*bits));
                37
            }
            RingOp::Below { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                38
            }
            RingOp::ChooseLargest { truncate } => {
                words.push(u64::from(*truncate));
                39
            }
            RingOp::Random { draw } => {
                words.push(u64::from(*draw));
                40
            }
            RingOp::Keep => 41,
        };
        (tag, words)
    }
}

impl RingProgram {
    /// A node.
    ///
    /// # Panics
    /// If the id is of another program.
    pub fn node(&self, id: RingId) -> &RingNode {
        &self.nodes[id.index()]
    }

    /// All ids, in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = RingId> + use<> {
        (0..self.nodes.len() as u32).map(RingId)
    }

    /// The reveals, in the order of the graph.
    pub fn reveals(&self) -> Vec<RingId> {
        self.ids().filter(|&id| matches!(self.node(id).op, RingOp::Reveal { .. })).collect()
    }

    /// What is kept, in the order of the graph.
    pub fn keeps(&self) -> Vec<RingId> {
        self.ids().filter(|&id| matches!(self.node(id).op, RingOp::Keep)).collect()
    }

    /// Drops nodes that serve no reveal and nothing kept, such as what an `ArgMax` over one element does not look at.
    pub(crate) fn prune(&mut self) {
        let mut used = vec![false; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            used[index] |= matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep);
            if used[index] {
                node.inputs.iter().for_each(|input| used[input.index()] = true);
            }
        }
        let mut renamed = Vec::with_capacity(used.len());
        let mut next = 0;
        for &used in &used {
            renamed.push(RingId(next));
            next += u32::from(used);
        }
        let mut used = used.into_iter();
        self.nodes.retain(|_| used.next().unwrap_or(false));
        for input in self.nodes.iter_mut().flat_map(|node| &mut node.inputs) {
            *input = renamed[input.index()];
        }
    }

    /// What parties must agree on to run this program: blake3 over precision, owners' names and all nodes'
    /// operations, inputs, shapes, kinds and visibilities. Names of nodes and origins do not count.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("tacita ring program digest, version 2");
        let mut words = |list: &[u64]| {
            hasher.update(&(list.len() as u64).to_le_bytes());
            list.iter().for_each(|word| {
                hasher.update(&word.to_le_bytes());
            });
        };
        words(&[u64::from(self.precision), self.owners.len() as u64, self.nodes.len() as u64]);
        for owner in &self.owners {
            words(&owner.bytes().map(u64::from).collect::<Vec<_>>());
        }
        for node in &self.nodes {
            words(&node.inputs.iter().map(|id| u64::from(id.0)).collect::<Vec<_>>());
            node.own_words().iter().for_each(|list| words(list));
            words(
                &self.what_is_computed_before(node).iter().map(|byte| u64::from(*byte)).collect::<Vec<_>>(),
            );
        }
        *hasher.finalize().as_bytes()
    }

    /// What the owner of a leaf computes to have it, and under which name a value is kept: members must agree on that, too.
    fn what_is_computed_before(&self, node: &RingNode) -> &[u8] {
        match node.op {
            RingOp::Input { .. } | RingOp::Keep => {
                self.node_origins.get(node.origin.index()).map_or(&[], |digest| digest)
            }
            _ => &[],
        }
    }

    /// A digest of each node: of its operation, shape, kind and visibility, and of its inputs' digests. Where two programs
    /// differ, the first of their digests that differ says at which node.
    pub fn node_digests(&self) -> Vec<[u8; 32]> {
        let mut digests: Vec<[u8; 32]> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut hasher = blake3::Hasher::new_derive_key("tacita ring node digest, version 1");
            for list in node.own_words() {
                hasher.update(&(list.len() as u64).to_le_bytes());
                list.iter().for_each(|word| {
                    hasher.update(&word.to_le_bytes());
                });
            }
            for input in &node.inputs {
                hasher.update(&digests[input.index()]);
            }
            hasher.update(self.what_is_computed_before(node));
            digests.push(*hasher.finalize().as_bytes());
        }
        digests
    }
}
