//! A step of training as a graph.

use tacita_graph::ops::Expand;
use tacita_graph::{DType, Graph, GraphError, NodeId, Role, Visibility, dims, grad};

use crate::init::Init;
use crate::layer::Layer;
use crate::loss::Loss;
use crate::net::{Net, Parameter};
use crate::optimiser::Optimiser;
use crate::public::{number, times};

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    loss: Loss,
    optimiser: Optimiser,
    scale: f64,
    paced: bool,
}

/// A step in a graph.
pub struct Step {
    /// The loss of the batch before the step: one number, kept nowhere and revealed to nobody unless the graph says so.
    pub loss: NodeId,
    /// What the network gave for the batch.
    pub output: NodeId,
    /// The network's values that live from step to step.
    pub parameters: Vec<Parameter>,
    /// What the optimiser remembers, by name and shape; it begins at zero.
    pub memory: Vec<Parameter>,
}

/// What a training starts from, as a graph that keeps it.
pub struct Start {
    /// The public inputs that hold initial values, with the parameter of each.
    pub inputs: Vec<(String, Parameter)>,
    /// Which parameter of the network each is.
    places: Vec<usize>,
}

impl Training {
    /// The input that holds the pace of the step, a public number from 0 to 1 that the rate is multiplied with; only where
    /// the training is paced.
    pub const PACE: &str = "pace";

    /// Training by a loss and an optimiser, gradients scaled by 256.
    pub fn new(loss: Loss, optimiser: Optimiser) -> Training {
        Training { loss, optimiser, scale: 256.0, paced: matches!(optimiser.rule, crate::Rule::Adam { .. }) }
    }

    /// The loss is multiplied by this before derivatives are taken, and the rate divided. A gradient g is carried as g times
    /// the scale, rounded to a unit of 2^-16, and must stay below 2^30: with 256, from 6 · 10^-8 to 4 · 10^6.
    #[must_use]
    pub fn with_scale(self, scale: f64) -> Training {
        Training { scale, ..self }
    }

    /// The rate follows a [`Schedule`](crate::Schedule): each step takes it times the public input [`Training::PACE`].
    #[must_use]
    pub fn paced(self) -> Training {
        Training { paced: true, ..self }
    }

    /// Whether steps take [`Training::PACE`]: with a schedule, and with Adam, whose first steps are longer
    /// ([`Optimiser::pace`]).
    pub fn is_paced(&self) -> bool {
        self.paced
    }

    /// The loss.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The optimiser.
    pub fn optimiser(&self) -> &Optimiser {
        &self.optimiser
    }

    /// Adds a step to a graph: x through the network, the loss against the targets, derivatives, update. All parameters and
    /// what the optimiser remembers are kept under their names, and taken up by the next evaluation of the same graph.
    ///
    /// # Errors
    /// If something does not fit, or an operation of the network has no derivative; the error names the node.
    pub fn step(
        &self,
        graph: &mut Graph,
        network: &dyn Layer,
        x: NodeId,
        target: NodeId,
    ) -> Result<Step, GraphError> {
        let mut net = Net::new(graph, true);
        let output = network.forward(&mut net, x)?;
        let Net { parameters, updates, .. } = net;
        let loss = self.loss.of(graph, output, target)?;
        let scaled = times(graph, loss, self.scale)?;
        let trained: Vec<&(Parameter, NodeId)> = parameters.iter().filter(|(p, _)| p.trained).collect();
        let of: Vec<NodeId> = trained.iter().map(|(_, id)| *id).collect();
        let gradients = grad(graph, scaled, &of)?;
        let gradients = self.optimiser.clip(graph, &gradients, self.scale)?;
        let pace = match self.paced {
            false => None,
            true => Some(graph.input(Training::PACE, &[], Visibility::Public, Role::Data)?),
        };
        let mut memory = Vec::new();
        for ((parameter, w), g) in trained.iter().zip(gradients) {
            let mut remembered = Vec::new();
            for what in self.optimiser.memory() {
                let name = format!("{}: {what}", parameter.name);
                let shape = dims(&parameter.shape);
                let id = graph.input_of(&name, &shape, Visibility::Secret, Role::Data, DType::Fixed)?;
                remembered.push(id);
                let (shape, init) = (parameter.shape.clone(), Init::Constant(0.0));
                memory.push(Parameter { name, shape, init, trained: false });
            }
            let optimiser = self.optimiser.for_rank(parameter.shape.len());
            let (next, kept) = optimiser.update(graph, (*w, g, &remembered), self.scale, pace)?;
            graph.keep(next, &parameter.name)?;
            for (what, value) in self.optimiser.memory().iter().zip(kept) {
                graph.keep(value, &format!("{}: {what}", parameter.name))?;
            }
        }
        for (name, value) in updates {
            graph.keep(value, &name)?;
        }
        let parameters = parameters.into_iter().map(|(parameter, _)| parameter).collect();
        Ok(Step { loss, output, parameters, memory })
    }
}

impl Step {
    /// Adds to a graph what the first step needs: parameters from public inputs named `initial NAME`, and zeros to remember.
    ///
    /// # Errors
    /// If the graph has something of these names.
    pub fn start(&self, graph: &mut Graph) -> Result<Start, GraphError> {
        self.start_from(graph, "", &[])
    }

    /// As [`Step::start`], but these parameters begin at private values of a member: its inputs, named likewise.
    ///
    /// # Errors
    /// As [`Step::start`].
    pub fn start_from(&self, graph: &mut Graph, owner: &str, private: &[&str]) -> Result<Start, GraphError> {
        let (mut inputs, mut places) = (Vec::new(), Vec::new());
        for (place, parameter) in self.parameters.iter().enumerate() {
            let name = format!("initial {}", parameter.name);
            let is_private = private.contains(&parameter.name.as_str());
            let of = if is_private { Visibility::Private(graph.owner(owner)) } else { Visibility::Public };
            let id = graph.input(&name, &dims(&parameter.shape), of, Role::Data)?;
            graph.keep(id, &parameter.name)?;
            if !is_private {
                inputs.push((name, parameter.clone()));
                places.push(place);
            }
        }
        for memory in &self.memory {
            let zero = number(graph, 0.0)?;
            let zeros = graph.add(Expand { shape: dims(&memory.shape) }, &[zero], "")?;
            graph.keep(zeros, &memory.name)?;
        }
        Ok(Start { inputs, places })
    }
}

impl Start {
    /// The initial values from a seed, by input.
    pub fn values(&self, seed: u64) -> tacita_graph::Inputs {
        let numbered = self.places.iter().zip(&self.inputs);
        // seeds apart by an odd constant, so that no two parameters begin alike
        numbered
            .map(|(&at, (name, p))| {
                let seed = seed.wrapping_add((at as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95));
                (name.clone(), p.init.values(&p.shape, seed))
            })
            .collect()
    }
}
