//! Verification: no evaluator accepts a program that breaks a precondition of its operations.
//!
//! [`RingProgram::verify`] walks the nodes once, in order. Of each node it checks the inputs and their types (`types`), the
//! shape (`shapes`), the attributes (`attributes`), who knows the value (`visibility`), properties of bits that selections
//! rest on (`planes`), and the widths of comparisons against the range bounds of their inputs (`widths`).
//!
//! Preconditions on data remain with whoever provides the data: a value may leave |a| < 2^62 before a truncation where its
//! range bound does not exclude it. A program is refused if no value could satisfy the precondition.

mod attributes;
mod fault;
mod planes;
mod shapes;
mod types;
mod visibility;
mod widths;

use std::collections::BTreeSet;
use std::ops::Deref;

use crate::operation::RingOp;
use crate::program::{NodeId, Owner, RingId, RingNode, RingProgram, Visibility};
use crate::range::{self, RangeBound};

pub use fault::{Fault, ProgramError};
use planes::Planes;

/// A program that satisfies all preconditions of its operations. Only [`RingProgram::verify`] makes one, and it cannot be
/// changed, so evaluators rely on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedProgram {
    program: RingProgram,
    bounds: Vec<RangeBound>,
}

impl Deref for VerifiedProgram {
    type Target = RingProgram;

    fn deref(&self) -> &RingProgram {
        &self.program
    }
}

impl VerifiedProgram {
    /// The program, to change it: it must be verified again.
    pub fn into_program(self) -> RingProgram {
        self.program
    }

    /// The range bound of a node's value; of bits, that of each.
    ///
    /// # Panics
    /// If the id is of another program.
    pub fn bound(&self, id: RingId) -> RangeBound {
        self.bounds[id.index()]
    }

    /// The same program in which all values computed from the leaves of one of these owners are secret, and only the leaves
    /// themselves are known to the owner. A value may always be secret, so the program stays verified.
    pub fn hide(&mut self, owners: impl Fn(Owner) -> bool) {
        for node in &mut self.program.nodes {
            let is_leaf = matches!(node.op, RingOp::Input { .. });
            if let Visibility::Private(owner) = node.visibility
                && !is_leaf
                && owners(owner)
            {
                node.visibility = Visibility::Secret;
            }
        }
    }
}

impl RingProgram {
    /// Checks every precondition of the program's operations.
    ///
    /// # Errors
    /// [`ProgramError`] names the first node that breaks one, and the graph's node that it is part of.
    pub fn verify(self) -> Result<VerifiedProgram, ProgramError> {
        let bounds = self.check().map_err(|(id, fault)| self.error(id, fault))?;
        Ok(VerifiedProgram { program: self, bounds })
    }

    fn error(&self, id: RingId, fault: Fault) -> ProgramError {
        let node = self.node(id);
        let name = self.node_names.get(node.origin.index());
        let origin = name.cloned().unwrap_or_else(|| format!("#{}", node.origin.0));
        ProgramError { node: id, op: node.op.name(), origin, fault }
    }

    /// The range bounds of all values, or the first node at fault.
    fn check(&self) -> Result<Vec<RangeBound>, (RingId, Fault)> {
        let mut walk = Walk {
            program: self,
            bounds: Vec::with_capacity(self.nodes.len()),
            planes: Vec::with_capacity(self.nodes.len()),
            shows_sums: Vec::with_capacity(self.nodes.len()),
            tables: sorted_tables(self),
            ends: BTreeSet::new(),
            draws: BTreeSet::new(),
        };
        for id in self.ids() {
            walk.step(id).map_err(|fault| (id, fault))?;
        }
        match unused(self) {
            Some(id) => Err((id, Fault::Unused)),
            None => Ok(walk.bounds),
        }
    }
}

/// The state of verification: what is known of the nodes before the one at hand.
struct Walk<'p> {
    program: &'p RingProgram,
    bounds: Vec<RangeBound>,
    planes: Vec<Planes>,
    /// Whether a value shows the last bits of a Fourier sum.
    shows_sums: Vec<bool>,
    /// Which nodes a `Sort` takes.
    tables: Vec<bool>,
    /// The graph nodes of the reveals and kept values so far.
    ends: BTreeSet<NodeId>,
    draws: BTreeSet<u32>,
}

impl<'p> Walk<'p> {
    fn step(&mut self, id: RingId) -> Result<(), Fault> {
        let node = self.program.node(id);
        if let Some(&input) = node.inputs.iter().find(|input| **input >= id) {
            return Err(Fault::Order { input });
        }
        let inputs: Vec<&RingNode> = node.inputs.iter().map(|&input| self.program.node(input)).collect();
        self.origin(node)?;
        types::arity(node)?;
        shapes::elements(node)?;
        types::inputs(node, &inputs)?;
        attributes::check(node, &inputs)?;
        shapes::check(node, &inputs)?;
        types::result(node, &inputs, self.tables[id.index()])?;
        visibility::check(self.program, node, &inputs)?;
        self.names(node)?;
        if node.bound.low > node.bound.high {
            return Err(Fault::Bound);
        }
        let of_inputs: Vec<Planes> = node.inputs.iter().map(|input| self.planes[input.index()]).collect();
        planes::check(self.program, node, &of_inputs)?;
        self.planes.push(planes::of(node, &of_inputs));
        widths::check(self.program, node, &self.bounds)?;
        self.sums(node)?;
        self.bounds.push(range::bound(node, &self.program.nodes, &self.bounds));
        Ok(())
    }

    /// The graph's node exists.
    fn origin(&self, node: &RingNode) -> Result<(), Fault> {
        let nodes = [self.program.node_names.len(), self.program.node_origins.len()];
        if nodes.iter().any(|&count| node.origin.index() >= count) { Err(Fault::Origin) } else { Ok(()) }
    }

    /// Results and draws can be told apart.
    fn names(&mut self, node: &RingNode) -> Result<(), Fault> {
        if matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep) {
            if self.program.node_names[node.origin.index()].is_empty() {
                return Err(Fault::Unnamed);
            }
            if !self.ends.insert(node.origin) {
                return Err(Fault::SharedOrigin);
            }
        }
        if let RingOp::Random { draw } = node.op
            && !self.draws.insert(draw)
        {
            return Err(Fault::RepeatedDraw);
        }
        Ok(())
    }

    /// No result shows the last bits of a Fourier sum: they depend on more than the sum.
    fn sums(&mut self, node: &RingNode) -> Result<(), Fault> {
        let of = |input: &RingId| self.shows_sums[input.index()];
        let shows = match &node.op {
            RingOp::FourierSum { .. } => true,
            RingOp::Select { truncate } => {
                node.inputs[1..].iter().zip(truncate).any(|(input, &bits)| bits == 0 && of(input))
            }
            RingOp::SelectLargest { truncate } => *truncate == 0 && node.inputs[1..].iter().any(of),
            RingOp::SelectScale { truncate, .. } => *truncate == 0 && of(&node.inputs[2]),
            RingOp::Add
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
            | RingOp::Sort { .. }
            | RingOp::Reveal { .. }
            | RingOp::Keep => node.inputs.iter().any(of),
            RingOp::Input { .. }
            | RingOp::Constant { .. }
            | RingOp::ConstantTensor { .. }
            | RingOp::Truncate { .. }
            | RingOp::LessThanZero { .. }
            | RingOp::OneHotArgmax { .. }
            | RingOp::NotBits
            | RingOp::XorBits
            | RingOp::AndBits
            | RingOp::EqualZero { .. }
            | RingOp::RoundedUp { .. }
            | RingOp::OneHot { .. }
            | RingOp::LessThanPairs { .. }
            | RingOp::Bucketize { .. }
            | RingOp::Exponential { .. }
            | RingOp::BitToArithmetic { .. }
            | RingOp::Random { .. } => false,
        };
        if shows && matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep) {
            return Err(Fault::RevealedSum);
        }
        self.shows_sums.push(shows);
        Ok(())
    }
}

/// Which nodes a `Sort` takes: columns of different scales, one beside the other.
fn sorted_tables(program: &RingProgram) -> Vec<bool> {
    let mut tables = vec![false; program.nodes.len()];
    for node in program.nodes.iter().filter(|node| matches!(node.op, RingOp::Sort { .. })) {
        for input in &node.inputs {
            if let Some(table) = tables.get_mut(input.index()) {
                *table = true;
            }
        }
    }
    // `Slice` takes columns out of what `Sort` gives
    let slices = program.ids().filter(|&id| {
        let node = program.node(id);
        let of_sort = |input: &RingId| {
            program.nodes.get(input.index()).is_some_and(|from| matches!(from.op, RingOp::Sort { .. }))
        };
        matches!(node.op, RingOp::Slice { .. }) && node.inputs.iter().any(of_sort)
    });
    slices.for_each(|id| tables[id.index()] = true);
    tables
}

/// The last node that serves no reveal and nothing kept, if there is one.
fn unused(program: &RingProgram) -> Option<RingId> {
    let mut used = vec![false; program.nodes.len()];
    for id in program.ids().rev() {
        let node = program.node(id);
        if !used[id.index()] && !matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep) {
            return Some(id);
        }
        node.inputs.iter().for_each(|input| used[input.index()] = true);
    }
    None
}
