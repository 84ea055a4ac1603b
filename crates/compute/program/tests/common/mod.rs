//! A program with every operation, and values for its leaves.
#![allow(dead_code)] // each test file uses its part

use std::collections::BTreeMap;

use tacita_program::{
    NodeId, Owner, RangeBound, RingId, RingNode, RingOp, RingProgram, RingType, Threshold, VerifiedProgram,
    Visibility, bounds, pair_bits, sort_bits, threshold_bits,
};
use tacita_ring::{ConvSpec, Exponential, FOURIER_BITS, FourierSum, Generator, RingTensor, Seed, Window2d};

pub const ALICE: Owner = Owner(0);
pub const BOB: Owner = Owner(1);

/// Fractional bits of the leaves.
pub const FRAC: u32 = 8;

/// All leaves lie below this in magnitude.
pub const LIMIT: i64 = 1 << 20;

pub fn ring(frac: u32) -> RingType {
    RingType::Ring { frac }
}

pub fn bits(planes: usize) -> RingType {
    RingType::Bits { planes }
}

/// A program and its nodes by name.
#[derive(Clone)]
pub struct Sample {
    pub program: RingProgram,
    pub names: BTreeMap<&'static str, RingId>,
}

impl Sample {
    pub fn new() -> Sample {
        let program = RingProgram {
            nodes: vec![],
            precision: FRAC,
            owners: vec!["alice".to_owned(), "bob".to_owned()],
            node_names: vec!["layer".to_owned()],
            node_origins: vec![[0; 32]],
        };
        Sample { program, names: BTreeMap::new() }
    }

    pub fn id(&self, name: &str) -> RingId {
        self.names[name]
    }

    pub fn node(&mut self, name: &str) -> &mut RingNode {
        let id = self.names[name];
        &mut self.program.nodes[id.index()]
    }

    pub fn bound(&self, name: &str) -> RangeBound {
        bounds(&self.program)[self.names[name].index()]
    }

    /// Adds a node as visible as its inputs.
    pub fn add(
        &mut self,
        name: &'static str,
        op: RingOp,
        inputs: &[&str],
        shape: &[usize],
        ty: RingType,
    ) -> RingId {
        let inputs: Vec<RingId> = inputs.iter().map(|name| self.names[name]).collect();
        let visible = inputs.iter().map(|&input| self.program.node(input).visibility);
        let visibility = visible.fold(Visibility::Public, Visibility::join);
        self.push(
            name,
            RingNode {
                op,
                inputs,
                shape: shape.to_vec(),
                ty,
                visibility,
                bound: RangeBound::ANY,
                origin: NodeId(0),
            },
        )
    }

    pub fn leaf(&mut self, name: &'static str, visibility: Visibility, shape: &[usize], persistent: bool) {
        self.push(
            name,
            RingNode {
                op: RingOp::Input { persistent },
                inputs: vec![],
                shape: shape.to_vec(),
                ty: ring(FRAC),
                visibility,
                bound: RangeBound { low: 1 - LIMIT, high: LIMIT - 1 },
                origin: NodeId(0),
            },
        );
    }

    fn push(&mut self, name: &'static str, node: RingNode) -> RingId {
        let id = RingId(self.program.nodes.len() as u32);
        self.program.nodes.push(node);
        self.names.insert(name, id);
        id
    }

    /// Gives a node a graph node of its own.
    pub fn end(&mut self, id: RingId) {
        let origin = NodeId(self.program.node_names.len() as u32);
        self.program.node_names.push(format!("out{}", origin.0));
        self.program.node_origins.push([origin.0 as u8; 32]);
        self.program.nodes[id.index()].origin = origin;
    }

    pub fn reveal(&mut self, name: &'static str, of: &str) {
        let from = self.program.node(self.names[of]).clone();
        let to = vec![ALICE];
        let id = self.add(name, RingOp::Reveal { to }, &[of], &from.shape, from.ty);
        self.end(id);
    }

    /// Reveals what no node uses.
    pub fn finish(&mut self) {
        let mut used = vec![false; self.program.nodes.len()];
        for input in self.program.nodes.iter().flat_map(|node| &node.inputs) {
            used[input.index()] = true;
        }
        for (index, used) in used.into_iter().enumerate() {
            let node = self.program.nodes[index].clone();
            if !used && !matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep) {
                let id = RingId(self.program.nodes.len() as u32);
                self.program.nodes.push(RingNode {
                    op: RingOp::Reveal { to: vec![ALICE, BOB] },
                    inputs: vec![RingId(index as u32)],
                    bound: RangeBound::ANY,
                    ..node
                });
                self.end(id);
            }
        }
    }

    pub fn verified(&self) -> VerifiedProgram {
        self.program.clone().verify().unwrap()
    }

    /// Values for all leaves, of all magnitudes below [`LIMIT`], from a seed.
    pub fn leaves(&self, seed: u64) -> BTreeMap<RingId, RingTensor> {
        let is_leaf = |id: &RingId| matches!(self.program.node(*id).op, RingOp::Input { .. });
        let value = |id: RingId| {
            let shape = self.program.node(id).shape.clone();
            let mut purpose = seed.to_le_bytes().to_vec();
            purpose.extend(id.0.to_le_bytes());
            let words = Generator::new(&Seed::from_bytes([7; 32]), &purpose).vec(shape.iter().product());
            let below_limit = |word: u64| ((word as i64 >> 16) % LIMIT) >> (word % 20);
            RingTensor::new(shape, words.into_iter().map(|word| below_limit(word) as u64).collect())
        };
        self.program.ids().filter(is_leaf).map(|id| (id, value(id))).collect()
    }
}

pub fn sum() -> FourierSum {
    let terms = vec![(1 << 26, 3 << 26), (0, -(1 << 24))];
    FourierSum { frequency: 1 << 54, constant: 1 << 20, step: 2, cosine_bits: 34, terms }
}

pub const EXPONENTIAL: Exponential = Exponential { frac: FRAC, window: 4, small_bits: 40, large_bits: 17 };

pub const THRESHOLDS: [Threshold; 2] =
    [Threshold { at: -300, dropped: 0 }, Threshold { at: 512, dropped: 4 }];

/// A valid program that has every operation.
pub fn every_operation() -> Sample {
    use RingOp::*;
    let mut s = Sample::new();
    let (two, column) = ([2, 4], [2, 4, 1]);
    s.leaf("x", Visibility::Private(ALICE), &two, false);
    s.leaf("y", Visibility::Private(BOB), &two, false);
    s.leaf("public", Visibility::Public, &two, false);
    s.leaf("weights", Visibility::Private(BOB), &[4, 3], true);
    s.leaf("filter", Visibility::Private(BOB), &[1, 1, 2, 2], true);
    s.add("constant", Constant { value: 3 }, &[], &[], ring(FRAC));
    s.add("zero", Constant { value: 0 }, &[], &two, ring(FRAC));
    s.add("numbers", ConstantTensor { values: vec![0, 1, 2, 3] }, &[], &[1, 4, 1], ring(0));
    s.add("add", Add, &["x", "y"], &two, ring(FRAC));
    s.add("sub", Sub, &["add", "constant"], &two, ring(FRAC));
    s.add("neg", Neg, &["add"], &two, ring(FRAC));
    s.add("scale", Scale { factor: -5 }, &["add"], &two, ring(FRAC + 1));
    s.add("reshape", Reshape, &["add"], &column, ring(FRAC));
    s.add("broadcast", Broadcast, &["reshape"], &[2, 4, 3], ring(FRAC));
    s.add("transpose", Transpose { perm: vec![1, 2, 0] }, &["broadcast"], &[4, 3, 2], ring(FRAC));
    let slice = Slice { starts: vec![0, 1, 0], ends: vec![4, 3, 2], steps: vec![3, 1, 1] };
    s.add("slice", slice, &["transpose"], &[2, 2, 2], ring(FRAC));
    let gather = Gather { axis: 1, indices: vec![1, u32::MAX, 0] };
    s.add("gather", gather, &["slice"], &[2, 3, 2], ring(FRAC));
    let pad = Pad { before: vec![0, 0, 1], after: vec![0, 0, 2], value: -7 };
    s.add("pad", pad, &["gather"], &[2, 3, 5], ring(FRAC));
    s.add("concat", Concat { axis: 0 }, &["x", "y"], &[4, 4], ring(FRAC));
    s.add("sum", Sum { axes: vec![0], keepdims: true }, &["concat"], &[1, 4], ring(FRAC));
    s.add("image", Reshape, &["add"], &[1, 1, 2, 4], ring(FRAC));
    let window = Window2d { pads: [0, 1, 0, 0], ..Window2d::new([2, 2]) };
    s.add("pool", SumPool { window }, &["image"], &[1, 1, 1, 4], ring(FRAC));
    s.add("mul", Mul, &["x", "y"], &two, ring(2 * FRAC));
    s.add("matmul", MatMul, &["add", "weights"], &[2, 3], ring(2 * FRAC));
    let spec = ConvSpec { window, groups: 1 };
    s.add("conv", Conv { spec }, &["image", "filter"], &[1, 1, 1, 4], ring(2 * FRAC));
    s.add("truncate", Truncate { bits: FRAC }, &["mul"], &two, ring(FRAC));
    let sign = s.bound("sub").sign_bits();
    s.add("negative", LessThanZero { bits: sign }, &["sub"], &two, bits(1));
    let pair = pair_bits(&[s.bound("add"), s.bound("truncate")]);
    s.add("argmax", OneHotArgmax { bits: pair }, &["add", "truncate"], &two, bits(2));
    let inputs = ["argmax", "public", "mul"];
    s.add("select", Select { truncate: vec![0, FRAC] }, &inputs, &two, ring(FRAC));
    s.add("not", NotBits, &["argmax"], &two, bits(2));
    s.add("xor", XorBits, &["not", "argmax"], &two, bits(2));
    s.add("equal", EqualZero { bits: 2 }, &["sub"], &two, bits(1));
    s.add("and", AndBits, &["equal", "negative"], &two, bits(1));
    s.add("rounded", RoundedUp { bits: FRAC }, &["mul"], &two, bits(1));
    let pairs = pair_bits(&["add", "sub", "neg"].map(|name| s.bound(name)));
    s.add("pairs", LessThanPairs { bits: pairs }, &["add", "sub", "neg"], &two, bits(3));
    let inputs = ["pairs", "mul", "zero", "mul"];
    s.add("largest", SelectLargest { truncate: FRAC }, &inputs, &two, ring(FRAC));
    s.add("indices", Broadcast, &["numbers"], &column, ring(0));
    s.add("table", Concat { axis: 2 }, &["reshape", "indices"], &[2, 4, 2], ring(FRAC));
    let keys = sort_bits(s.bound("reshape"), 2, 4);
    s.add("sort", Sort { shift: 2, bits: keys }, &["table"], &[2, 4, 2], ring(FRAC));
    let slice = Slice { starts: vec![0, 0, 1], ends: vec![2, 4, 2], steps: vec![1; 3] };
    s.add("places", slice, &["sort"], &column, ring(0));
    s.add("hot", OneHot { bits: 2 }, &["places"], &[2, 4, 1, 4], ring(0));
    let width = threshold_bits(s.bound("add"), &THRESHOLDS);
    let bucketize = Bucketize { thresholds: THRESHOLDS.to_vec(), bits: width };
    s.add("buckets", bucketize, &["add"], &two, bits(3));
    s.add("fourier", FourierSum { sum: sum() }, &["add"], &two, ring(2 * FOURIER_BITS));
    s.add("sine", Truncate { bits: 48 }, &["fourier"], &two, ring(FRAC));
    s.add("exponential", Exponential { spec: EXPONENTIAL }, &["add"], &two, ring(57));
    s.add("power", Truncate { bits: 49 }, &["exponential"], &two, ring(FRAC));
    for (plane, bit, name, factor) in [(0, "bit0", "weight0", 3), (2, "bit2", "weight2", -5)] {
        s.add(bit, BitToArithmetic { plane }, &["buckets"], &two, ring(0));
        s.add(name, Scale { factor }, &[bit], &two, ring(0));
    }
    s.add("factor", Add, &["weight0", "weight2"], &two, ring(0));
    let scaled = SelectScale { factors: vec![3, 0, -5], truncate: 4 };
    s.add("scaled", scaled, &["buckets", "factor", "add"], &two, ring(FRAC));
    for (name, draw, ty) in [("drawn bits", 0, bits(5)), ("drawn", 1, ring(0))] {
        s.add(name, Random { draw }, &[], &two, ty);
        s.node(name).visibility = Visibility::Secret;
    }
    s.add("drawn bit", BitToArithmetic { plane: 4 }, &["drawn bits"], &two, ring(0));
    s.reveal("reveal", "select");
    let kept = s.add("keep", Keep, &["truncate"], &two, ring(FRAC));
    s.node("keep").visibility = Visibility::Secret;
    s.end(kept);
    s.finish();
    s
}
