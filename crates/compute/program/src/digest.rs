//! Digests, which parties compare before they run a program.

use tacita_ring::Window2d;

use crate::operation::{RingOp, WHOLE_SIGN, WHOLE_ZERO};
use crate::program::{RingNode, RingProgram, RingType, Visibility};

impl RingNode {
    /// The words of this node in digests, without its inputs.
    fn own_words(&self) -> [Vec<u64>; 6] {
        let (tag, attributes) = self.op.words();
        let ty = match self.ty {
            RingType::Ring { frac } => vec![0, u64::from(frac)],
            RingType::Bits { planes } => vec![1, planes as u64],
        };
        let visibility = match self.visibility {
            Visibility::Public => vec![0, 0],
            Visibility::Private(owner) => vec![1, u64::from(owner.0)],
            Visibility::Secret => vec![2, 0],
        };
        let shape = self.shape.iter().map(|&size| size as u64).collect();
        let bound = vec![self.bound.low as u64, self.bound.high as u64];
        [vec![u64::from(tag)], attributes, shape, ty, visibility, bound]
    }
}

impl RingOp {
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
            RingOp::LessThanZero { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                19
            }
            RingOp::OneHotArgmax { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                20
            }
            RingOp::Select { truncate } => {
                words.extend(truncate.iter().map(|&bits| u64::from(bits)));
                21
            }
            RingOp::NotBits => 22,
            RingOp::XorBits => 23,
            RingOp::Reveal { to } => {
                words.extend(to.iter().map(|owner| u64::from(owner.0)));
                24
            }
            RingOp::Bucketize { thresholds, bits } => {
                words.extend(thresholds.iter().flat_map(|t| [t.at as u64, u64::from(t.dropped)]));
                width(&mut words, *bits, WHOLE_SIGN);
                25
            }
            RingOp::FourierSum { sum } => {
                words.extend([
                    sum.frequency,
                    sum.constant as u64,
                    u64::from(sum.step),
                    u64::from(sum.cosine_bits),
                ]);
                words.extend(sum.terms.iter().flat_map(|(a, b)| [*a as u64, *b as u64]));
                26
            }
            RingOp::Exponential { spec } => {
                words.extend([spec.frac, spec.window, spec.small_bits, spec.large_bits].map(u64::from));
                27
            }
            RingOp::BitToArithmetic { plane } => {
                words.push(*plane as u64);
                28
            }
            RingOp::SelectScale { factors, truncate } => {
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
            RingOp::EqualZero { bits } => {
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
            RingOp::LessThanPairs { bits } => {
                width(&mut words, *bits, WHOLE_SIGN);
                38
            }
            RingOp::SelectLargest { truncate } => {
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
    /// The digest that all parties must agree on before they run this program: blake3 over precision, owners' names and all
    /// nodes' operations, inputs, shapes, types, visibilities and recorded bounds. Names of nodes and origins do not count.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("tacita ring program digest, version 3");
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
            words(&self.origin_digest(node).iter().map(|byte| u64::from(*byte)).collect::<Vec<_>>());
        }
        *hasher.finalize().as_bytes()
    }

    /// The graph's definition of a leaf that its owner computes, or of a value that is kept under the name of its node:
    /// members must agree on these, too. Empty for other nodes.
    fn origin_digest(&self, node: &RingNode) -> &[u8] {
        if matches!(node.op, RingOp::Input { .. } | RingOp::Keep) {
            self.node_origins.get(node.origin.index()).map_or(&[], |digest| digest)
        } else {
            &[]
        }
    }

    /// A digest of each node: of its operation, shape, type, visibility and recorded bound, and of its inputs' digests. Where two programs
    /// differ, the first of their digests that differ says at which node.
    pub fn node_digests(&self) -> Vec<[u8; 32]> {
        let mut digests: Vec<[u8; 32]> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut hasher = blake3::Hasher::new_derive_key("tacita ring node digest, version 2");
            for list in node.own_words() {
                hasher.update(&(list.len() as u64).to_le_bytes());
                list.iter().for_each(|word| {
                    hasher.update(&word.to_le_bytes());
                });
            }
            for input in &node.inputs {
                hasher.update(&digests[input.index()]);
            }
            hasher.update(self.origin_digest(node));
            digests.push(*hasher.finalize().as_bytes());
        }
        digests
    }
}
