//! Random graphs with data, for tests here and in other crates. Not part of the interface.

mod choice;
mod random;

use crate::graph::Graph;
use crate::ops::{Add, Input, Op};
use crate::types::{DType, Role};
use crate::value::Inputs;
use tacita_program::{NodeId, Owner, RingOp, Target, Visibility};

use ndarray::ArrayD;
pub use random::Random;

/// The target that tests below the protocol lower for. A test in tacita-mpc holds it equal to `tacita_mpc::TARGET`.
pub const TARGET: Target = Target {
    round: 5 << 18,
    comparison: 36,
    rounds_of_pairs: 4,
    rounds_of_all: 5,
    fourier_sum: true,
    exponential: true,
    trusts_ranges: true,
};

/// The bits that an operation compares, if it does.
pub fn compared_bits(op: &RingOp) -> Option<u32> {
    op.compared_bits()
}

/// The largest absolute value that a node of a random graph takes or passes through.
pub const LARGEST: f64 = 1024.0;

/// The most elements a node of a random graph has.
const MOST: usize = 1500;

/// A random graph and data for its inputs.
#[derive(Clone, Debug)]
pub struct Case {
    /// Private and public inputs of several owners, all operations, one to three reveals, maybe something kept. Batch norms among them:
    /// run `optimize` before `lower`.
    pub graph: Graph,
    /// Data for each input, half of it multiples of 1/2 so that there are ties and zeros.
    pub inputs: Inputs,
}

/// A graph of about `size` operations between two or three owners, from a seed; values stay below [`LARGEST`].
///
/// # Panics
/// Never, unless the crate is wrong.
pub fn random_case(seed: u64, size: usize) -> Case {
    case(seed, size, None)
}

/// The same, whose first two inputs hold `batch` samples along their first axis.
///
/// # Panics
/// Never, unless the crate is wrong.
pub fn random_batch(seed: u64, size: usize, batch: usize) -> Case {
    case(seed, size, Some(batch))
}

fn case(seed: u64, size: usize, batch: Option<usize>) -> Case {
    let mut builder =
        Builder { random: Random::new(seed), graph: Graph::new(), inputs: Inputs::new(), values: Vec::new() };
    let owners = 2 + builder.random.below(2);
    ["alice", "bob", "carol"][..owners].iter().for_each(|owner| {
        builder.graph.owner(owner);
    });
    builder.start(batch);
    for _ in 0..size {
        choice::step(&mut builder);
    }
    builder.finish();
    Case { graph: builder.graph, inputs: builder.inputs }
}

/// A graph that grows, with every node's value.
struct Builder {
    random: Random,
    graph: Graph,
    inputs: Inputs,
    values: Vec<ArrayD<f64>>,
}

impl Builder {
    /// A secret four-, three- or two-dimensional value to begin with.
    fn start(&mut self, batch: Option<usize>) {
        let side = 2 + self.random.below(5);
        let channels = 1 + self.random.below(4);
        let any = 1 + self.random.below(2);
        let batch = batch.unwrap_or(any);
        let shape = match self.random.below(3) {
            0 => vec![batch, channels, side, 2 + self.random.below(5)],
            1 => vec![batch, channels, 3 + self.random.below(8)],
            _ => vec![batch, 2 + self.random.below(8)],
        };
        let first = self.input(&shape, Visibility::Private(Owner(0)));
        let second = self.input(&shape, Visibility::Private(Owner(1)));
        self.add(Add, &[first, second]);
    }

    /// A new input with random data and role.
    fn input(&mut self, shape: &[usize], visibility: Visibility) -> NodeId {
        self.input_of(shape, visibility, DType::Fixed)
    }

    /// A new input of any kind.
    fn input_of(&mut self, shape: &[usize], visibility: Visibility, dtype: DType) -> NodeId {
        let name = format!("x{}", self.values.len());
        let exact = self.random.below(2) == 0;
        let data = ArrayD::from_shape_fn(shape, |_| {
            let value = self.random.unit() * 4.0 - 2.0;
            match dtype {
                DType::Fixed if exact => (value * 2.0).round() / 2.0,
                DType::Fixed => value,
                DType::Int => (value * 2.0).round(),
                DType::Bit => f64::from(u8::from(value > 0.0)),
            }
        });
        let role = if self.random.below(2) == 0 { Role::Data } else { Role::Parameter };
        let shape = shape.to_vec();
        // half of them declare the narrowest range, at whose ends data lies
        let range = (self.random.below(2) == 0).then(|| interval(&data));
        let input = Input { shape, visibility, role, range, dtype };
        let id = self.graph.add(input, &[], &name).expect("an input with a fresh name");
        self.inputs.insert(name, data.clone());
        self.values.push(data);
        id
    }

    /// A new input of a random owner, or a public one.
    fn operand(&mut self, shape: &[usize]) -> NodeId {
        let visibility = self.visibility();
        self.input(shape, visibility)
    }

    fn visibility(&mut self) -> Visibility {
        match self.random.below(4) {
            0 => Visibility::Public,
            _ => Visibility::Private(Owner(self.random.below(self.graph.owners().len()) as u16)),
        }
    }

    /// Adds the operation if it fits its inputs and the result is neither large nor many.
    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> Option<NodeId> {
        let op = op.into();
        let types: Vec<_> = inputs.iter().map(|&id| &self.graph.node(id).ty).collect();
        let elements = op.operation().infer(&types).ok()?.shape;
        if crate::ops::arrays::count(&elements) > MOST as f64 {
            return None;
        }
        let arguments: Vec<&ArrayD<f64>> = inputs.iter().map(|id| &self.values[id.index()]).collect();
        let intervals: Vec<_> = arguments.iter().map(|value| interval(value)).collect();
        let value = op.operation().plain(&arguments);
        let peak = op.operation().peak(&intervals, &types, interval(&value));
        if peak >= LARGEST || peak.is_nan() || value.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let name = format!("n{}", self.values.len());
        let id = self.graph.add(op, inputs, &name).ok()?;
        self.values.push(value);
        Some(id)
    }

    /// A random node of some kind, rather a late and a secret one.
    fn pick(&mut self, dtype: DType) -> Option<NodeId> {
        let all: Vec<NodeId> = self.graph.ids().filter(|&id| self.graph.node(id).ty.dtype == dtype).collect();
        let hidden = |id: &NodeId| !self.graph.node(*id).ty.visibility.is_clear();
        let secret: Vec<NodeId> = all.iter().copied().filter(hidden).collect();
        let among = if secret.is_empty() || self.random.below(8) == 0 { all } else { secret };
        let from_end = self.random.below(among.len().max(1)).min(self.random.below(among.len().max(1)));
        among.iter().rev().nth(from_end).copied()
    }

    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.values[id.index()].shape().to_vec()
    }

    fn finish(&mut self) {
        let mut used = vec![false; self.graph.nodes().len()];
        self.graph.nodes().iter().flat_map(|node| &node.inputs).for_each(|input| used[input.index()] = true);
        let ends: Vec<NodeId> = self.graph.ids().filter(|id| !used[id.index()]).collect();
        let count = 1 + self.random.below(3);
        let revealed: Vec<NodeId> = (0..count).map(|_| ends[self.random.below(ends.len())]).collect();
        for id in revealed {
            let owners = self.graph.owners().len();
            let mut to: Vec<Owner> =
                (0..owners).filter(|_| self.random.below(2) == 0).map(|owner| Owner(owner as u16)).collect();
            if to.is_empty() {
                to.push(Owner(self.random.below(owners) as u16));
            }
            let name = format!("out{}", self.graph.nodes().len());
            self.graph.reveal(id, &to, &name).expect("a node of this graph and its owners");
        }
        if self.random.below(4) == 0 {
            let id = ends[self.random.below(ends.len())];
            self.graph.keep(id, "kept").expect("a node of this graph");
        }
    }
}

fn interval(value: &ArrayD<f64>) -> crate::Interval {
    let min = value.iter().copied().fold(f64::INFINITY, f64::min);
    let max = value.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    crate::Interval { min, max }
}
