//! Lowering a graph to the ring program.
//!
//! Values carry their fractional bits. A product of two values at `precision` has twice as many and keeps them
//! through linear operations; whatever needs `precision` again truncates, once for each value. Values that
//! somebody can compute in the clear are leaves, encoded at the fractional bits of the place where they enter.

pub(crate) mod circle;
pub(crate) mod compare;
pub(crate) mod exponential;
pub(crate) mod fits;
pub(crate) mod gate;
pub(crate) mod leaves;
pub(crate) mod logic;
pub(crate) mod normalize;
pub(crate) mod pool;
pub(crate) mod round;
pub(crate) mod scale;
pub(crate) mod softmax;
pub(crate) mod sort;
pub(crate) mod tournament;
pub(crate) mod wide;

use std::collections::{BTreeMap, HashMap};
use tacita_program::{
    NodeId, RangeBound, RingId, RingNode, RingOp, RingProgram, RingType, Target, VerifiedProgram, Visibility,
};

use crate::error::GraphError;
use crate::graph::{Graph, Node};
use crate::ops::{Constant, Op};
use crate::types::{DType, Interval, Role};

/// The fractional bits a session may have.
pub const PRECISIONS: std::ops::RangeInclusive<u32> = 4..=24;

/// Below every representable value, and within 2^63 of each.
pub(crate) const LOWEST: i64 = -((1 << 62) - 1);

/// The bound on the absolute value of representable numbers at a session's precision: 2^(62 - 2 precision).
pub fn representable(precision: u32) -> f64 {
    2f64.powi(62 - 2 * precision as i32)
}

/// The bound on the absolute value of what enters, by its kind.
pub(crate) fn limit(dtype: DType, precision: u32) -> f64 {
    if dtype == DType::Fixed { representable(precision) } else { (1u64 << 62) as f64 }
}

/// The ring program that computes the graph's reveals at `precision` fractional bits, for the protocol that `target`
/// describes.
///
/// Run [`optimize`](crate::optimize) first: it removes what cannot be lowered (batch norms) and saves work. Nodes
/// that no reveal and nothing kept needs are left out.
///
/// # Errors
/// If the precision is out of [`PRECISIONS`], an operation cannot be computed privately or needs one that the target does
/// not have, a public constant is not representable, or no value of an input's range can be computed with
/// ([`GraphError::Program`]).
pub fn lower(graph: &Graph, precision: u32, target: &Target) -> Result<VerifiedProgram, GraphError> {
    let mut program = lowered(graph, precision, target)?.program;
    program.prune();
    Ok(program.verify()?)
}

/// Lowering when it is done; the program has nodes that serve no reveal.
fn lowered<'g>(graph: &'g Graph, precision: u32, target: &Target) -> Result<Lowering<'g>, GraphError> {
    if !PRECISIONS.contains(&precision) {
        return Err(GraphError::Precision(precision));
    }
    let ranges = crate::range::ranges_if(target.trusts_ranges, graph, precision);
    let mut lowering = Lowering {
        graph,
        target: *target,
        ranges: ranges.into_iter().map(|range| range.interval).collect(),
        fracs: crate::range::fracs(graph, precision),
        intervals: leaves::leaf_intervals(graph),
        bounds: Vec::new(),
        program: RingProgram {
            nodes: Vec::new(),
            precision,
            owners: graph.owners().to_vec(),
            node_names: graph.ids().map(|id| graph.label(id)).collect(),
            node_origins: graph.node_digests(),
        },
        current: NodeId(0),
        values: vec![None; graph.nodes().len()],
        persistent: persistent(graph),
        leaves: BTreeMap::new(),
        reshaped: BTreeMap::new(),
        known: HashMap::new(),
        sorted: BTreeMap::new(),
    };
    let needed = graph.needed();
    for id in graph.ids().filter(|id| needed[id.index()]) {
        let node = graph.node(id);
        if !node.ty.visibility.is_clear() || node.op.is_end() {
            lowering.current = id;
            let before = lowering.program.nodes.len();
            let value = node.op.operation().lower(&mut lowering)?;
            if let Some(node) = lowering.program.nodes[before..].iter().find(|node| !target.has(&node.op)) {
                return Err(lowering.unsupported(&format!("the protocol has no {}", node.op.name())));
            }
            if node.ty.visibility == Visibility::Secret && lowering.is_clear(value) {
                return Err(lowering.unsupported("internal error: its lowering would show it to somebody"));
            }
            lowering.values[id.index()] = Some(value);
        }
    }
    Ok(lowering)
}

/// Which nodes depend on parameters and constants alone.
fn persistent(graph: &Graph) -> Vec<bool> {
    let mut persistent: Vec<bool> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let own = match &node.op {
            Op::Input(input) => input.role == Role::Parameter && input.visibility != Visibility::Secret,
            op => op.draw().is_none(),
        };
        persistent.push(own && node.inputs.iter().all(|input| persistent[input.index()]));
    }
    persistent
}

/// The state of lowering; operations add ring nodes for the node at hand through it.
pub(crate) struct Lowering<'g> {
    graph: &'g Graph,
    target: Target,
    ranges: Vec<Interval>,
    /// The fractional bits that values have by rights.
    fracs: Vec<u32>,
    /// The intervals in which leaves lie.
    intervals: BTreeMap<NodeId, Interval>,
    program: RingProgram,
    /// The range bound of each ring node's value.
    bounds: Vec<RangeBound>,
    current: NodeId,
    /// The value of each secret node, by index.
    values: Vec<Option<RingId>>,
    persistent: Vec<bool>,
    leaves: BTreeMap<(NodeId, u32), RingId>,
    reshaped: BTreeMap<(RingId, Vec<usize>), RingId>,
    /// What is computed: operation, inputs, shape, kind.
    known: HashMap<(RingOp, Vec<RingId>, Vec<usize>, RingType), RingId>,
    /// Values in order along an axis, descending or not, with their indices: (rows, n, 2).
    sorted: BTreeMap<(RingId, usize, bool), RingId>,
}

impl<'g> Lowering<'g> {
    /// The graph's node at hand.
    pub(crate) fn node(&self) -> &'g Node {
        self.graph.node(self.current)
    }

    fn input(&self, i: usize) -> &'g Node {
        self.graph.node(self.node().inputs[i])
    }

    /// The operations and costs of the protocol.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The result's shape.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.node().ty.shape.clone()
    }

    /// Who knows input `i`.
    pub(crate) fn visibility(&self, i: usize) -> Visibility {
        self.input(i).ty.visibility
    }

    /// Input `i`'s shape.
    pub(crate) fn input_shape(&self, i: usize) -> Vec<usize> {
        self.input(i).ty.shape.clone()
    }

    /// The interval in which input `i` lies, without the errors of fixed point, if inputs are what they declare; where the target
    /// does not trust that, if they are representable.
    pub(crate) fn range(&self, i: usize) -> Interval {
        self.ranges[self.node().inputs[i].index()]
    }

    /// The session's fractional bits.
    pub(crate) fn precision(&self) -> u32 {
        self.program.precision
    }

    /// A ring value's fractional bits; 0 for bits.
    pub(crate) fn frac_of(&self, id: RingId) -> u32 {
        self.program.node(id).ty.frac()
    }

    /// A ring value's shape.
    pub(crate) fn shape_of(&self, id: RingId) -> &[usize] {
        &self.program.node(id).shape
    }

    /// The most fractional bits among the inputs: those that ring values have before they are truncated, those that leaves
    /// should have; 0 for values that are not fixed.
    pub(crate) fn common_frac(&self) -> u32 {
        let fixed = (0..self.node().inputs.len()).filter(|&i| self.input(i).ty.dtype == DType::Fixed);
        fixed.map(|i| self.own_frac(i)).max().unwrap_or(0)
    }

    /// The fractional bits that input `i` has before it is truncated or, of a leaf, by rights.
    pub(crate) fn own_frac(&self, i: usize) -> u32 {
        self.value(i).map_or(self.input_frac(i), |id| self.frac_of(id))
    }

    /// The same within what operations compute with that do not keep fractional bits: the session's to twice as many.
    pub(crate) fn working_frac(&self) -> u32 {
        self.common_frac().clamp(self.precision(), 2 * self.precision())
    }

    /// The fractional bits that input `i` has by rights.
    pub(crate) fn input_frac(&self, i: usize) -> u32 {
        self.fracs[self.node().inputs[i].index()]
    }

    /// The fractional bits that the result has by rights, which a truncation leaves.
    pub(crate) fn frac(&self) -> u32 {
        self.fracs[self.current.index()]
    }

    /// The fractional bits at which factors meet: the session's, or 0 if they are integers.
    pub(crate) fn factor_frac(&self) -> u32 {
        if self.dtype(0) == DType::Fixed { self.precision() } else { 0 }
    }

    /// Input `i`'s kind.
    pub(crate) fn dtype(&self, i: usize) -> DType {
        self.input(i).ty.dtype
    }

    fn value(&self, i: usize) -> Option<RingId> {
        self.values[self.node().inputs[i].index()]
    }

    /// The number that input `i` is filled with, if it is a constant.
    pub(crate) fn uniform(&self, i: usize) -> Option<f64> {
        if let Op::Constant(Constant { value, .. }) = self.input(i).op { Some(value) } else { None }
    }

    /// Whether somebody knows a ring node's value.
    pub(crate) fn is_clear(&self, id: RingId) -> bool {
        self.program.node(id).visibility.is_clear()
    }

    /// Whether a ring node's value is packed bits.
    pub(crate) fn is_packed(&self, id: RingId) -> bool {
        matches!(self.program.node(id).ty, RingType::Bits { .. })
    }

    /// Input `i` as packed bits, if it is.
    pub(crate) fn bits(&self, i: usize) -> Option<RingId> {
        self.value(i).filter(|&id| matches!(self.program.node(id).ty, RingType::Bits { .. }))
    }

    /// Input `i` as a ring value with exactly `frac` fractional bits.
    pub(crate) fn ring(&mut self, i: usize, frac: u32) -> Result<RingId, GraphError> {
        match self.value(i) {
            Some(id) => {
                let id = self.unpack(id);
                Ok(self.at_frac(id, frac))
            }
            None => self.leaf(self.node().inputs[i], frac),
        }
    }

    /// The same value with `frac` fractional bits: scaled up or truncated, once for each value.
    pub(crate) fn at_frac(&mut self, id: RingId, frac: u32) -> RingId {
        let have = self.frac_of(id);
        if have == frac {
            return id;
        }
        if have > frac {
            return self.truncate(id, have - frac, frac);
        }
        let shape = self.shape_of(id).to_vec();
        self.push(RingOp::Scale { factor: 1 << (frac - have) }, &[id], &shape, frac)
    }

    /// The value divided by 2^bits, understood to have `frac` fractional bits; once for each value and `bits`.
    pub(crate) fn truncate(&mut self, id: RingId, bits: u32, frac: u32) -> RingId {
        if bits == 0 {
            return id;
        }
        let shape = self.shape_of(id).to_vec();
        self.push(RingOp::Truncate { bits }, &[id], &shape, frac)
    }

    /// Bits as a ring value of 0 or 1; ring values as they are.
    pub(crate) fn unpack(&mut self, id: RingId) -> RingId {
        if let RingType::Ring { .. } = self.program.node(id).ty {
            return id;
        }
        self.lift(id, 0)
    }

    /// One plane of bits as ring values 0 and 1.
    pub(crate) fn lift(&mut self, bits: RingId, plane: usize) -> RingId {
        let shape = self.shape_of(bits).to_vec();
        self.push(RingOp::BitToArithmetic { plane }, &[bits], &shape, 0)
    }

    /// A value that somebody knows in the clear, encoded at `frac` (0 unless it is fixed).
    ///
    /// A transpose or reshape of another such value is computed in the ring, so that both are one leaf: a gradient's forward
    /// pass takes x, its backward pass the transpose. The owner of a persistent leaf moves its elements itself.
    fn leaf(&mut self, mut id: NodeId, frac: u32) -> Result<RingId, GraphError> {
        let mut moves = Vec::new();
        while !self.persistent[id.index()]
            && matches!(self.graph.node(id).op, Op::Transpose(_) | Op::Reshape(_))
        {
            moves.push(id);
            id = self.graph.node(id).inputs[0];
        }
        let mut leaf = self.unmoved_leaf(id, frac)?;
        for id in moves.into_iter().rev() {
            let node = self.graph.node(id);
            leaf = if let Op::Transpose(transpose) = &node.op {
                self.transposed(leaf, &transpose.perm)
            } else {
                self.reshape(leaf, &node.ty.shape)
            };
        }
        Ok(leaf)
    }

    fn unmoved_leaf(&mut self, id: NodeId, frac: u32) -> Result<RingId, GraphError> {
        let node = self.graph.node(id);
        let frac = if node.ty.dtype == DType::Fixed { frac } else { 0 };
        let shape = node.ty.shape.clone();
        if let Some(value) = self.filled_with(node) {
            let value = self.encode_as(node.ty.dtype, value, frac)?;
            return Ok(self.constant(value, &shape, frac));
        }
        if let Some(&leaf) = self.leaves.get(&(id, frac)) {
            return Ok(leaf);
        }
        let op = RingOp::Input { persistent: self.persistent[id.index()] };
        let leaf = self.push_node(op, &[], &shape, RingType::Ring { frac }, node.ty.visibility, id);
        if self.target.trusts_ranges {
            // what encoding refuses
            let limit = Interval::symmetric(limit(node.ty.dtype, self.precision()));
            self.within(leaf, leaves::words(limit, frac, 0.0));
            self.within(leaf, leaves::words(self.intervals[&id], frac, 0.0));
        }
        self.leaves.insert((id, frac), leaf);
        Ok(leaf)
    }

    /// The number that a constant, or a cast of one, is filled with.
    fn filled_with(&self, node: &Node) -> Option<f64> {
        if let Op::Constant(constant) = &node.op {
            return Some(constant.value);
        }
        let Op::Cast(cast) = &node.op else { return None };
        let Op::Constant(constant) = &self.graph.node(node.inputs[0]).op else { return None };
        Some(cast.convert(constant.value))
    }

    /// A leaf whose owner gives it this shape.
    fn reshaped_leaf(&mut self, id: RingId, shape: &[usize]) -> RingId {
        let key = (id, shape.to_vec());
        if let Some(&leaf) = self.reshaped.get(&key) {
            return leaf;
        }
        let (node, bounds) = (self.program.node(id).clone(), self.bounds(id));
        let leaf = self.push_node(node.op, &[], shape, node.ty, node.visibility, node.origin);
        self.within(leaf, bounds);
        self.reshaped.insert(key, leaf);
        leaf
    }

    /// A secret input, which an earlier evaluation kept: at the session's fractional bits.
    pub(crate) fn secret_input(&mut self) -> RingId {
        let op = RingOp::Input { persistent: false };
        let frac = if self.node().ty.dtype == DType::Fixed { self.precision() } else { 0 };
        let dtype = RingType::Ring { frac };
        self.push_node(op, &[], &self.shape(), dtype, Visibility::Secret, self.current)
    }

    /// The node's draw: a value that nobody knows, uniform among all of its kind.
    pub(crate) fn random(&mut self, draw: u32, dtype: RingType) -> RingId {
        let op = RingOp::Random { draw };
        self.push_node(op, &[], &self.shape(), dtype, Visibility::Secret, self.current)
    }

    /// A public number at `frac` fractional bits.
    pub(crate) fn encode(&self, value: f64, frac: u32) -> Result<i64, GraphError> {
        self.encode_as(DType::Fixed, value, frac)
    }

    fn encode_as(&self, dtype: DType, value: f64, frac: u32) -> Result<i64, GraphError> {
        let encoded = tacita_ring::encode_at(&[value], frac, limit(dtype, self.precision()));
        encoded.map(|words| words[0] as i64).map_err(|error| GraphError::Encoding {
            node: self.graph.label(self.current),
            op: self.node().op.name(),
            reason: format!("the constant {value} {} (limit {})", error.reason, error.limit),
        })
    }

    /// A public tensor filled with a ring element that has `frac` fractional bits.
    pub(crate) fn constant(&mut self, value: i64, shape: &[usize], frac: u32) -> RingId {
        self.push(RingOp::Constant { value }, &[], shape, frac)
    }

    /// A whole zero as secret as the value, in its shape: a secret node's value is never public, which protocols rely on.
    pub(crate) fn zero_like(&mut self, id: RingId) -> RingId {
        let shape = self.shape_of(id).to_vec();
        self.push(RingOp::Scale { factor: 0 }, &[id], &shape, 0)
    }

    /// The value repeated to `shape`, if that is another.
    pub(crate) fn broadcast(&mut self, id: RingId, shape: &[usize]) -> RingId {
        if self.shape_of(id) == shape {
            return id;
        }
        self.moved(RingOp::Broadcast, id, shape)
    }

    /// The value's elements in `shape`, if that is another.
    pub(crate) fn reshape(&mut self, id: RingId, shape: &[usize]) -> RingId {
        if self.shape_of(id) == shape {
            return id;
        }
        // a weight stays one persistent leaf, and is not reshaped in each evaluation
        let node = self.program.node(id);
        if matches!(node.op, RingOp::Input { persistent: true }) && node.visibility != Visibility::Secret {
            return self.reshaped_leaf(id, shape);
        }
        self.moved(RingOp::Reshape, id, shape)
    }

    /// The value with its axes in another order, if that is one.
    pub(crate) fn transposed(&mut self, id: RingId, perm: &[usize]) -> RingId {
        if perm.is_sorted() {
            return id;
        }
        let shape: Vec<usize> = perm.iter().map(|&axis| self.shape_of(id)[axis]).collect();
        self.moved(RingOp::Transpose { perm: perm.to_vec() }, id, &shape)
    }

    /// A value, packed bits too, whose elements an operation moves.
    pub(crate) fn moved(&mut self, op: RingOp, id: RingId, shape: &[usize]) -> RingId {
        let dtype = self.program.node(id).ty;
        self.push_joined(op, &[id], shape, dtype)
    }

    /// Adds a ring node whose result is a ring value.
    pub(crate) fn push(&mut self, op: RingOp, inputs: &[RingId], shape: &[usize], frac: u32) -> RingId {
        self.push_joined(op, inputs, shape, RingType::Ring { frac })
    }

    /// Adds a ring node whose result is bits.
    pub(crate) fn push_bits(
        &mut self,
        op: RingOp,
        inputs: &[RingId],
        shape: &[usize],
        planes: usize,
    ) -> RingId {
        self.push_joined(op, inputs, shape, RingType::Bits { planes })
    }

    /// Adds a ring node, once: what is computed already is not computed again.
    fn push_joined(&mut self, op: RingOp, inputs: &[RingId], shape: &[usize], dtype: RingType) -> RingId {
        let key = (op, inputs.to_vec(), shape.to_vec(), dtype);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let visibilities = inputs.iter().map(|&input| self.program.node(input).visibility);
        let visibility = visibilities.fold(Visibility::Public, Visibility::join);
        let id = self.push_node(key.0.clone(), inputs, shape, dtype, visibility, self.current);
        self.known.insert(key, id);
        id
    }

    fn push_node(
        &mut self,
        op: RingOp,
        inputs: &[RingId],
        shape: &[usize],
        dtype: RingType,
        visibility: Visibility,
        origin: NodeId,
    ) -> RingId {
        let id = RingId(self.program.nodes.len() as u32);
        let (inputs, shape) = (inputs.to_vec(), shape.to_vec());
        let node = RingNode { op, inputs, shape, ty: dtype, visibility, bound: RangeBound::ANY, origin };
        self.bounds.push(tacita_program::bound(&node, &self.program.nodes, &self.bounds));
        self.program.nodes.push(node);
        id
    }

    /// The range bound of a ring node's value.
    pub(crate) fn bounds(&self, id: RingId) -> RangeBound {
        self.bounds[id.index()]
    }

    /// Records that a ring node's value lies within this bound, too. The graph operation's `error` rule is the reason, or
    /// the encoder of a leaf.
    pub(crate) fn within(&mut self, id: RingId, bound: RangeBound) {
        let known = &mut self.bounds[id.index()];
        *known = known.and(bound);
        self.program.nodes[id.index()].bound = *known;
    }

    /// A number that no value of this ring node is below.
    pub(crate) fn lowest(&self, id: RingId) -> i64 {
        let bounds = self.bounds(id);
        if bounds.is_below(62) { bounds.low } else { LOWEST }
    }

    /// `[x < 0]`, in the fewest bits.
    pub(crate) fn negative(&mut self, x: RingId) -> RingId {
        let (bits, shape) = (self.bounds(x).sign_bits(), self.shape_of(x).to_vec());
        self.push_bits(RingOp::LessThanZero { bits }, &[x], &shape, 1)
    }

    /// `[x = 0]`, in the fewest bits.
    pub(crate) fn zero(&mut self, x: RingId) -> RingId {
        let (bits, shape) = (self.bounds(x).zero_bits(), self.shape_of(x).to_vec());
        self.push_bits(RingOp::EqualZero { bits }, &[x], &shape, 1)
    }

    /// The fewest bits in which all pairs of values are compared.
    pub(crate) fn pair_bits(&self, candidates: &[RingId]) -> u32 {
        let bounds: Vec<RangeBound> = candidates.iter().map(|&id| self.bounds(id)).collect();
        tacita_program::pair_bits(&bounds)
    }

    /// Adds the ring node that reveals input 0.
    pub(crate) fn reveal(&mut self, to: &[tacita_program::Owner]) -> Result<RingId, GraphError> {
        let value = match self.bits(0) {
            Some(bits) => bits,
            None => self.ring(0, self.input_frac(0))?,
        };
        let (dtype, visibility) = (self.program.node(value).ty, self.program.node(value).visibility);
        let op = RingOp::Reveal { to: to.to_vec() };
        Ok(self.push_node(op, &[value], &self.shape(), dtype, visibility, self.current))
    }

    /// Adds the ring node that keeps input 0.
    pub(crate) fn keep(&mut self) -> Result<RingId, GraphError> {
        let frac = if self.dtype(0) == DType::Fixed { self.precision() } else { 0 };
        let value = self.ring(0, frac)?;
        let (dtype, shape) = (RingType::Ring { frac }, self.shape());
        // whoever knew it: from now on it is secret
        Ok(self.push_node(RingOp::Keep, &[value], &shape, dtype, Visibility::Secret, self.current))
    }

    /// The error for an operation that has no private protocol.
    pub(crate) fn unsupported(&self, reason: &str) -> GraphError {
        GraphError::Unsupported {
            node: self.graph.label(self.current),
            op: self.node().op.name(),
            reason: reason.to_owned(),
        }
    }
}
