//! Layers on tensors: training loops that a program writes itself.

use std::collections::BTreeMap;

use ndarray::{ArrayD, arr0};
use tacita_graph::ops::Detach;
use tacita_graph::{Graph, Op, Role, Visibility};
use tacita_nn::{Layer, Loss, Net, Optimiser, Parameter};
use tacita_session::{Error, Gradients, Session, Tensor};

/// A network in a session, whose parameters are tensors. They begin at public values from a seed, alike at all members, and are
/// kept in shares from the first step on.
///
/// ```
/// use ndarray::arr2;
/// use tacita_nn::{Linear, Loss, Optimiser, Reduction, Relu, Sequential};
/// use tacita_session::Session;
/// use tacita_train::{Module, OptimiserState, loss};
///
/// let session = Session::local(2)?;
/// let x = session.input("x", "alice", &[4, 1], arr2(&[[-1.0], [0.0], [1.0], [2.0]]))?;
/// let y = session.input("y", "bob", &[4, 1], arr2(&[[-3.0], [-1.0], [1.0], [3.0]]))?;
/// let mut model = Module::new(Linear::new(1, 1), 7);
/// let mut optimiser = OptimiserState::new(Optimiser::sgd(0.2));
/// let mut last = f64::INFINITY;
/// for _ in 0..30 {
///     let loss = loss(Loss::Mse(Reduction::Mean), &model.forward(&session, &x)?, &y)?;
///     optimiser.step(&session, &mut model, loss.backward()?)?;
///     last = session.reveal(&loss, &["alice"])?.expect("alice is here").sum();
/// }
/// assert!(last < 0.01, "{last}");
/// # Ok::<(), tacita_session::Error>(())
/// ```
pub struct Module {
    layer: Box<dyn Layer>,
    seed: u64,
    training: bool,
    /// In the order in which the layers ask for them; none before the first use.
    parameters: Vec<(Parameter, Tensor)>,
    /// The buffers' values after the next step, by name.
    updates: Vec<(String, Tensor)>,
}

impl Module {
    /// A network that is to be trained. The seed is public: initial values are no secret.
    pub fn new(layer: impl Layer + 'static, seed: u64) -> Module {
        let (parameters, updates) = (vec![], vec![]);
        Module { layer: Box::new(layer), seed, training: true, parameters, updates }
    }

    /// Whether layers such as dropout act as in training, from here on.
    pub fn set_training(&mut self, training: bool) {
        self.training = training;
    }

    /// The output for an input. The first call makes the parameters.
    ///
    /// # Errors
    /// If the input does not fit, is of another session, or a layer is frozen: a network with private values of an owner is a
    /// [`Model`](tacita_session::Model).
    pub fn forward(&mut self, session: &Session, x: &Tensor) -> Result<Tensor, Error> {
        if self.parameters.is_empty() {
            self.begin(session, x)?;
        }
        let names: Vec<String> =
            self.parameters.iter().map(|(parameter, _)| parameter.name.clone()).collect();
        let tensors: Vec<&Tensor> = self.parameters.iter().map(|(_, tensor)| tensor).collect();
        let mut updated = vec![];
        let mut results = x.build(&tensors, |graph, nodes| {
            let given = names.iter().cloned().zip(nodes[1..].iter().copied()).collect();
            let mut net = Net::with_parameters(graph, self.training, given);
            let mut results = vec![self.layer.forward(&mut net, nodes[0])?];
            for (name, node) in net.updates() {
                updated.push(name.clone());
                results.push(*node);
            }
            Ok(results)
        })?;
        let output = results.remove(0);
        if self.training {
            self.updates = updated.into_iter().zip(results).collect();
        }
        Ok(output)
    }

    /// Makes the parameters that the layers ask for.
    fn begin(&mut self, session: &Session, x: &Tensor) -> Result<(), Error> {
        let mut scratch = Graph::new();
        let input = scratch.input_of("x", &x.shape(), Visibility::Secret, Role::Data, x.dtype())?;
        let mut net = Net::new(&mut scratch, true);
        self.layer.forward(&mut net, input)?;
        let parameters: Vec<Parameter> = net.parameters().cloned().collect();
        let frozen = |op: &Op| matches!(op, Op::Input(input) if input.role == Role::Parameter);
        if let Some(node) = scratch.nodes().iter().find(|node| frozen(&node.op)) {
            return Err(Error::Usage(format!(
                "`{}` is of a frozen layer: use the owner's network as a model of the session",
                node.name
            )));
        }
        for (at, parameter) in parameters.into_iter().enumerate() {
            // seeds apart by an odd constant, so that no two parameters begin alike
            let seed = self.seed.wrapping_add((at as u64 + 1).wrapping_mul(0xd134_2543_de82_ef95));
            let values = parameter.init.values(&parameter.shape, seed);
            let tensor = session.public("", &parameter.shape, values)?;
            let tensor = if parameter.trained { tensor.requires_grad() } else { tensor };
            self.parameters.push((parameter, tensor));
        }
        Ok(())
    }

    /// The parameters by name, as PyTorch names them: `0.weight`. None before the first [`Module::forward`].
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.parameters.iter().map(|(parameter, tensor)| (parameter.name.as_str(), tensor))
    }
}

/// The loss of outputs and targets: one number.
///
/// # Errors
/// If shapes do not fit, or the tensors are of two sessions.
pub fn loss(loss: Loss, output: &Tensor, target: &Tensor) -> Result<Tensor, Error> {
    let build = |graph: &mut Graph, nodes: &[_]| Ok(vec![loss.of(graph, nodes[0], nodes[1])?]);
    Ok(output.build(&[target], build)?.remove(0))
}

/// An optimiser, and what it remembers of each parameter.
pub struct OptimiserState {
    optimiser: Optimiser,
    steps: u64,
    /// By parameter.
    memory: BTreeMap<String, Vec<Tensor>>,
}

impl OptimiserState {
    /// An optimiser that has taken no step.
    pub fn new(optimiser: Optimiser) -> OptimiserState {
        OptimiserState { optimiser, steps: 0, memory: BTreeMap::new() }
    }

    /// Takes a step, in one evaluation: forward pass, derivatives, update. Afterwards the parameters, what is remembered and the
    /// loss are kept in shares, so that to reveal the loss takes one round.
    ///
    /// # Errors
    /// If a gradient does not fit, or the evaluation fails.
    pub fn step(
        &mut self,
        session: &Session,
        module: &mut Module,
        gradients: Gradients,
    ) -> Result<(), Error> {
        self.steps += 1;
        let trained: Vec<(usize, Tensor)> = module
            .parameters
            .iter()
            .enumerate()
            .filter(|(_, (parameter, _))| parameter.trained)
            .filter_map(|(at, (_, tensor))| Some((at, gradients.scaled(tensor)?.clone())))
            .collect();
        let kinds = self.optimiser.memory();
        for (at, _) in &trained {
            let Parameter { name, shape, .. } = &module.parameters[*at].0;
            if !self.memory.contains_key(name) {
                let zeros = || session.public("", shape, ArrayD::<f64>::zeros(shape.as_slice()));
                let zeros = kinds.iter().map(|_| zeros()).collect::<Result<_, _>>()?;
                self.memory.insert(name.clone(), zeros);
            }
        }
        let names: Vec<String> =
            trained.iter().map(|(at, _)| module.parameters[*at].0.name.clone()).collect();
        let pace = self.optimiser.pace(self.steps);
        let pace = match pace == 1.0 && !matches!(self.optimiser.rule, tacita_nn::Rule::Adam { .. }) {
            true => None,
            false => Some(session.public("", &[], arr0(pace))?),
        };
        let mut inputs: Vec<&Tensor> = trained.iter().map(|(at, _)| &module.parameters[*at].1).collect();
        inputs.extend(trained.iter().map(|(_, gradient)| gradient));
        inputs.extend(names.iter().flat_map(|name| &self.memory[name]));
        inputs.extend(module.updates.iter().map(|(_, tensor)| tensor));
        inputs.extend(&pace);
        let (count, each) = (trained.len(), kinds.len());
        let updates = module.updates.len();
        let results = session.build(&inputs, |graph, nodes| {
            let (parameters, rest) = nodes.split_at(count);
            let (gradients, rest) = rest.split_at(count);
            let (memory, rest) = rest.split_at(count * each);
            let (buffers, pace) = rest.split_at(updates);
            let gradients = self.optimiser.clip(graph, gradients, Gradients::SCALE)?;
            let mut results = vec![];
            for (at, (&w, g)) in parameters.iter().zip(gradients).enumerate() {
                let optimiser = self.optimiser.for_rank(graph.node(w).ty.rank());
                let remembered = &memory[at * each..(at + 1) * each];
                let state = (w, g, remembered);
                let (next, kept) = optimiser.update(graph, state, Gradients::SCALE, pace.first().copied())?;
                results.push(next);
                results.extend(kept);
            }
            results.extend(buffers);
            results.into_iter().map(|id| graph.add(Detach {}, &[id], "")).collect()
        })?;
        // what is held would be kept
        let kept_loss = gradients.loss().clone();
        drop((gradients, pace));
        let mut results = results.into_iter();
        for ((at, gradient), name) in trained.into_iter().zip(names) {
            drop(gradient);
            module.parameters[at].1 = results.next().ok_or_else(missing)?.requires_grad();
            self.memory.insert(name, results.by_ref().take(each).collect());
        }
        for ((name, _), tensor) in std::mem::take(&mut module.updates).into_iter().zip(results) {
            if let Some((_, buffer)) = module.parameters.iter_mut().find(|(p, _)| p.name == name) {
                *buffer = tensor;
            }
        }
        let mut keep: Vec<&Tensor> = module.parameters.iter().map(|(_, tensor)| tensor).collect();
        keep.extend(self.memory.values().flatten());
        keep.push(&kept_loss);
        session.run(&[], &keep).map(drop)
    }
}

fn missing() -> Error {
    Error::Internal("an optimiser without a result".into())
}
