//! The backward pass as the operations' gradient rules see it.

use crate::error::GraphError;
use crate::graph::{Graph, MAX_NAME};
use crate::ops::{
    Add, Constant, Expand, GreaterEqual, MatMul, Mul, Neg, Op, ReluGradient, Reshape, Select, Sub, Sum,
    Transpose,
};
use tacita_program::NodeId;

/// The backward pass at one node.
pub(crate) struct Backward<'a> {
    graph: &'a mut Graph,
    depends: &'a [bool],
    reached: &'a mut [Option<NodeId>],
    node: NodeId,
    g: NodeId,
    name: String,
}

impl<'a> Backward<'a> {
    pub(super) fn new(
        graph: &'a mut Graph,
        depends: &'a [bool],
        reached: &'a mut [Option<NodeId>],
        node: NodeId,
        g: NodeId,
    ) -> Self {
        let label = graph.label(node);
        let name = if label.len() + 6 > MAX_NAME { label } else { format!("grad({label})") };
        Backward { graph, depends, reached, node, g, name }
    }

    /// Input `i`.
    pub(crate) fn x(&self, i: usize) -> NodeId {
        self.graph.node(self.node).inputs[i]
    }

    /// The number of inputs.
    pub(crate) fn inputs(&self) -> usize {
        self.graph.node(self.node).inputs.len()
    }

    /// The result.
    pub(crate) fn y(&self) -> NodeId {
        self.node
    }

    /// The derivative of the loss with respect to the result.
    pub(crate) fn g(&self) -> NodeId {
        self.g
    }

    /// Whether the derivative with respect to input `i` is needed.
    pub(crate) fn wanted(&self, i: usize) -> bool {
        self.depends[self.x(i).index()]
    }

    pub(crate) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.graph.node(id).ty.shape.clone()
    }

    /// The graph and a name prefix for new nodes, as functions take them.
    pub(crate) fn graph(&mut self) -> (&mut Graph, &str) {
        (self.graph, &self.name)
    }

    /// The error of an operation without a derivative.
    pub(crate) fn none(&self) -> GraphError {
        let op = self.graph.node(self.node).op.name();
        GraphError::NoDerivative { node: self.graph.label(self.node), op }
    }

    pub(crate) fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        self.graph.add(op, inputs, &self.name)
    }

    /// The number that fills a node, if it is a constant.
    fn uniform(&self, id: NodeId) -> Option<f64> {
        if let Op::Constant(Constant { value, .. }) = self.graph.node(id).op { Some(value) } else { None }
    }

    pub(crate) fn constant(&mut self, shape: Vec<usize>, value: f64) -> Result<NodeId, GraphError> {
        self.add(Constant { shape, value }, &[])
    }

    /// x times a public number.
    pub(crate) fn scaled(&mut self, x: NodeId, factor: f64) -> Result<NodeId, GraphError> {
        if let Some(value) = self.uniform(x) {
            let shape = self.shape(x);
            return self.constant(shape, value * factor);
        }
        if factor == 1.0 {
            return Ok(x);
        }
        if factor == -1.0 {
            return self.add(Neg, &[x]);
        }
        let factor = self.constant(vec![], factor)?;
        self.add(Mul, &[x, factor])
    }

    /// a * b, with broadcasting; a constant factor becomes a public one.
    pub(crate) fn mul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        for (filled, other) in [(a, b), (b, a)] {
            if let Some(value) = self.uniform(filled)
                && self.shape(a) == self.shape(b)
            {
                return self.scaled(other, value);
            }
        }
        self.add(Mul, &[a, b])
    }

    pub(crate) fn sub(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.add(Sub, &[a, b])
    }

    /// x + a public number.
    pub(crate) fn shifted(&mut self, x: NodeId, shift: f64) -> Result<NodeId, GraphError> {
        let shift = self.constant(vec![], shift)?;
        self.add(Add, &[x, shift])
    }

    pub(crate) fn reshape(&mut self, x: NodeId, shape: Vec<usize>) -> Result<NodeId, GraphError> {
        if self.shape(x) == shape {
            return Ok(x);
        }
        match self.uniform(x) {
            Some(value) => self.constant(shape, value),
            None => self.add(Reshape { shape }, &[x]),
        }
    }

    pub(crate) fn transpose(&mut self, x: NodeId, perm: Vec<usize>) -> Result<NodeId, GraphError> {
        if perm.is_sorted() {
            return Ok(x);
        }
        match self.uniform(x) {
            Some(value) => {
                let shape = self.shape(x);
                self.constant(perm.iter().map(|&axis| shape[axis]).collect(), value)
            }
            None => self.add(Transpose { perm }, &[x]),
        }
    }

    /// x with its last two axes exchanged.
    pub(crate) fn turned(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        let rank = self.shape(x).len();
        let perm = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
        self.transpose(x, perm)
    }

    pub(crate) fn matmul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.add(MatMul, &[a, b])
    }

    /// The sum over axes.
    pub(crate) fn sum(&mut self, x: NodeId, axes: Vec<usize>, keepdims: bool) -> Result<NodeId, GraphError> {
        if axes.is_empty() {
            return Ok(x);
        }
        match self.uniform(x) {
            Some(value) => {
                let sizes = &self.graph.node(x).ty.shape;
                let count: usize = axes.iter().map(|&axis| sizes[axis]).product();
                let left = sizes.iter().enumerate().filter_map(|(axis, &size)| match axes.contains(&axis) {
                    true => keepdims.then_some(1),
                    false => Some(size),
                });
                let shape = left.collect();
                self.constant(shape, value * count as f64)
            }
            None => self.add(Sum { axes, keepdims }, &[x]),
        }
    }

    /// Undoes a reduction: the axes return with size 1 and are repeated to `shape`.
    pub(crate) fn expanded(
        &mut self,
        x: NodeId,
        axes: &[usize],
        keepdims: bool,
        shape: Vec<usize>,
    ) -> Result<NodeId, GraphError> {
        if let Some(value) = self.uniform(x) {
            return self.constant(shape, value);
        }
        let mut narrow = shape.clone();
        axes.iter().for_each(|&axis| narrow[axis] = 1);
        let x = if keepdims { x } else { self.reshape(x, narrow)? };
        self.add(Expand { shape }, &[x])
    }

    /// x repeated to `shape` if its shape differs.
    pub(crate) fn repeated(&mut self, x: NodeId, shape: Vec<usize>) -> Result<NodeId, GraphError> {
        if self.shape(x) == shape { Ok(x) } else { self.add(Expand { shape }, &[x]) }
    }

    /// Whether an owner knows x but nobody knows both x and the result's derivative. x is then compared in the clear.
    pub(crate) fn is_known(&self, x: NodeId) -> bool {
        let [x, g] = [x, self.g].map(|id| self.graph.node(id).ty.visibility);
        x.is_clear() && !x.join(g).is_clear()
    }

    /// g where the bit is 1, else 0.
    pub(crate) fn gated(&mut self, bit: NodeId, g: NodeId) -> Result<NodeId, GraphError> {
        let zero = self.constant(vec![], 0.0)?;
        self.add(Select, &[bit, g, zero])
    }

    /// g where x is not negative, else 0.
    pub(crate) fn step(&mut self, x: NodeId, g: NodeId) -> Result<NodeId, GraphError> {
        if self.is_known(x) {
            let zero = self.constant(vec![], 0.0)?;
            let bit = self.add(GreaterEqual, &[x, zero])?;
            return self.gated(bit, g);
        }
        self.add(ReluGradient, &[x, g])
    }

    /// Adds to the derivative with respect to input `i`; sums over the axes along which the input was broadcast.
    pub(crate) fn give(&mut self, i: usize, given: NodeId) -> Result<(), GraphError> {
        if !self.wanted(i) {
            return Ok(());
        }
        let (have, want) = (self.shape(given), self.shape(self.x(i)));
        let more = have.len() - want.len();
        let repeated = |axis: &usize| *axis >= more && want[axis - more] == 1 && have[*axis] != 1;
        let axes: Vec<usize> = (0..have.len()).filter(|axis| *axis < more || repeated(axis)).collect();
        let given = self.sum(given, axes, true)?;
        let given = self.reshape(given, want)?;
        let at = self.x(i).index();
        self.reached[at] = Some(match self.reached[at] {
            None => given,
            Some(before) => self.add(Add, &[before, given])?,
        });
        Ok(())
    }
}
