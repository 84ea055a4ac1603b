//! A session: parties connected, seeds exchanged, ready to evaluate.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, Dimension, IxDyn};
use tacita_graph::{Dim, Graph, Inputs, NodeId, Op, Owner, RingKind, RingOp, Role, Visibility};
use tacita_mpc::{Cost, NodeMeasure, Revealed, Times};
use tacita_onnx::ImportOptions;

use crate::error::Error;
use crate::local::{Finished, Prepared, Progress, World};
use crate::model::Model;
use crate::options::Options;
use crate::tensor::{Shared, Tensor};

/// What one evaluation gave and cost.
pub struct Evaluation {
    /// By reveal node: the value as each receiver got it, in the order of the node's owners.
    pub revealed: BTreeMap<NodeId, Vec<(String, ArrayD<f64>)>>,
    /// Wall times, the slowest party's.
    pub times: Times,
    /// Rounds and bytes as the meters counted them.
    pub cost: Cost,
    /// By node of the prepared graph.
    pub nodes: Vec<NodeMeasure>,
    /// Bytes sent online on all links between computing parties, framing and encryption included.
    pub wire_bytes: u64,
    /// Seconds that the dealer took to deal, waits for slow receivers included.
    pub dealer_seconds: f64,
}

/// A session of two or more computing parties and a dealer, all in this process.
///
/// Tensors are lazy: operations build nodes of a graph and cannot fail on the network; [`Session::reveal`] computes.
///
/// ```
/// use ndarray::arr1;
/// use tacita::Session;
///
/// let mut session = Session::local(2)?;
/// let salary = session.input("salary", "alice", &[3], arr1(&[10.0, 20.0, 30.0]).into_dyn())?;
/// let factor = session.input("factor", "bob", &[3], arr1(&[1.0, 0.5, -2.0]).into_dyn())?;
/// let total = (salary * factor).sum(&[0]);
/// let answer = session.reveal(&total, &["alice"])?;
/// assert!((answer[[]] - -40.0).abs() < 0.001);
/// # Ok::<(), tacita::Error>(())
/// ```
pub struct Session {
    options: Options,
    world: World,
    workspace: Shared,
    prepared: BTreeMap<([u8; 32], usize), Arc<Prepared>>,
    /// Hashes of the parameters that were used: a parameter keeps its value, and its mask, as long as the session.
    bound: BTreeMap<String, blake3::Hash>,
}

impl Session {
    /// Opens a session of `parties` computing parties (alice, bob, carol, …) and a dealer in this process, connected by
    /// memory links, one thread each.
    ///
    /// # Security
    /// All roles run in this process, so nothing is protected from whoever controls it.
    ///
    /// # Errors
    /// If the number of parties is none that can compute, or a member cannot start.
    pub fn local(parties: usize) -> Result<Session, Error> {
        Session::with_options(Options { parties, link: crate::Link::Memory, ..Options::default() })
    }

    /// Opens a local session with these settings.
    ///
    /// # Errors
    /// As [`Session::local`], and if links cannot be made.
    pub fn with_options(options: Options) -> Result<Session, Error> {
        let world = World::start(&options)?;
        Ok(Session {
            options,
            world,
            workspace: Shared::default(),
            prepared: BTreeMap::new(),
            bound: BTreeMap::new(),
        })
    }

    /// The session's settings.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A private input of a party: nobody else learns it.
    ///
    /// # Errors
    /// If the name is taken, the owner is no party, or the data is of another shape.
    pub fn input(
        &mut self,
        name: &str,
        owner: &str,
        shape: &[usize],
        data: ArrayD<f64>,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), shape, data, Role::Data)
    }

    /// A private input that lives as long as the session, such as a weight: opened under its mask only once.
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn parameter(
        &mut self,
        name: &str,
        owner: &str,
        shape: &[usize],
        data: ArrayD<f64>,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), shape, data, Role::Parameter)
    }

    /// A value that everybody knows.
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn public(&mut self, name: &str, shape: &[usize], data: ArrayD<f64>) -> Result<Tensor, Error> {
        self.leaf(name, None, shape, data, Role::Data)
    }

    fn leaf(
        &mut self,
        name: &str,
        owner: Option<&str>,
        shape: &[usize],
        data: ArrayD<f64>,
        role: Role,
    ) -> Result<Tensor, Error> {
        if data.shape() != shape {
            let got = data.shape();
            return Err(Error::Input(format!(
                "input `{name}` is declared {shape:?} and its data is {got:?}"
            )));
        }
        check_finite(name, &data)?;
        let visibility = match owner {
            Some(owner) => Visibility::Private(self.party(owner)?),
            None => Visibility::Public,
        };
        let dims: Vec<Dim> = shape.iter().map(|&size| Dim::Known(size)).collect();
        let id = self.workspace.graph.borrow_mut().input(name, &dims, visibility, role)?;
        self.workspace.inputs.borrow_mut().insert(name.to_owned(), data);
        Ok(Tensor::new(&self.workspace, id))
    }

    fn party(&self, name: &str) -> Result<Owner, Error> {
        let names = self.options.party_names();
        if !names.iter().any(|n| n == name) {
            return Err(Error::Usage(format!("{name} is none of the parties {}", names.join(", "))));
        }
        Ok(self.workspace.graph.borrow_mut().owner(name))
    }

    /// A model of `owner`, whose weights become that party's private inputs.
    ///
    /// # Errors
    /// If the file cannot be read or the model is refused; the error names the node.
    pub fn model(&mut self, path: impl AsRef<Path>, owner: &str) -> Result<Model, Error> {
        self.party(owner)?;
        let options = ImportOptions { weights_owner: owner.to_owned(), ..ImportOptions::default() };
        Model::new(&self.workspace, tacita_onnx::import(path.as_ref(), &options)?)
    }

    /// Computes a tensor and opens it to the named parties: the one step that communicates. Returns what the first of
    /// them received.
    ///
    /// # Errors
    /// If a receiver is no party, a value is out of range, or the protocol fails.
    pub fn reveal(&mut self, tensor: &Tensor, to: &[&str]) -> Result<ArrayD<f64>, Error> {
        let mut owners = to.iter().map(|name| self.party(name)).collect::<Result<Vec<_>, _>>()?;
        owners.sort_unstable();
        owners.dedup();
        let mut graph = self.workspace.graph.borrow().clone();
        if !std::rc::Rc::ptr_eq(tensor.workspace(), &self.workspace) {
            return Err(Error::Usage("the tensor belongs to another session".into()));
        }
        graph.reveal(tensor.id(), &owners, "result")?;
        let prepared = self.prepare(&graph, 1)?;
        let workspace = self.workspace.clone();
        let evaluation = self.evaluate(&prepared, &workspace.inputs.borrow(), &mut |_| ())?;
        let first = evaluation.revealed.into_values().next().and_then(|values| values.into_iter().next());
        first.map(|(_, value)| value).ok_or_else(|| Error::Internal("nothing was revealed".into()))
    }

    /// Makes a graph with reveals ready for this session: prunes, rewrites, lowers and plans it. `batch` fixes a
    /// symbolic batch.
    ///
    /// # Errors
    /// If the graph cannot be run privately by these parties.
    pub fn prepare(&mut self, graph: &Graph, batch: usize) -> Result<Arc<Prepared>, Error> {
        let key = (graph.digest(), batch);
        if let Some(found) = self.prepared.get(&key) {
            return Ok(found.clone());
        }
        let bound = bind(graph, batch)?;
        let prepared = Arc::new(Prepared::new(bound, &self.options.party_names(), self.options.precision)?);
        self.prepared.insert(key, prepared.clone());
        Ok(prepared)
    }

    /// Evaluates a prepared graph; each party is given its own of the `inputs` and no other.
    ///
    /// # Errors
    /// If an input is missing, out of range or not a number, a parameter has another value than before, or the protocol
    /// fails. The session cannot be used after an
    /// error.
    pub fn evaluate(
        &mut self,
        prepared: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, Error> {
        self.bind_parameters(prepared.graph(), inputs)?;
        let finished = self.world.evaluate(prepared, inputs, progress)?;
        collect(prepared, finished)
    }

    /// Weights are opened once under a mask that is bound to their value, so another value needs another name.
    fn bind_parameters(&mut self, graph: &Graph, inputs: &Inputs) -> Result<(), Error> {
        for id in graph.inputs() {
            let node = graph.node(id);
            let (Op::Input(input), Some(value)) = (&node.op, inputs.get(&node.name)) else { continue };
            if input.role == Role::Parameter {
                let hash = fingerprint(value);
                if *self.bound.entry(node.name.clone()).or_insert(hash) != hash {
                    let name = &node.name;
                    return Err(Error::Input(format!(
                        "the parameter `{name}` has another value than before: open a new session, or give it a new name"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Refuses what is not a number, with its place.
pub(crate) fn check_finite(name: &str, data: &ArrayD<f64>) -> Result<(), Error> {
    if data.iter().all(|number| number.is_finite()) {
        return Ok(()); // indices are slow to count: only once something is wrong
    }
    match data.indexed_iter().find(|(_, number)| !number.is_finite()) {
        None => Ok(()),
        Some((index, number)) => {
            let index = index.slice();
            Err(Error::Input(format!(
                "input `{name}` holds {number} at {index:?}: only finite numbers can be shared"
            )))
        }
    }
}

/// A value's hash, shape included.
fn fingerprint(value: &ArrayD<f64>) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    value.shape().iter().for_each(|&size| {
        hasher.update(&(size as u64).to_le_bytes());
    });
    match value.as_slice() {
        Some(numbers) => {
            hasher.update(bytemuck::cast_slice(numbers));
        }
        None => value.iter().for_each(|number| {
            hasher.update(&number.to_le_bytes());
        }),
    }
    hasher.finalize()
}

/// The graph with its batch fixed, pruned and rewritten.
pub(crate) fn bind(graph: &Graph, batch: usize) -> Result<Graph, Error> {
    let bound = if graph.has_symbolic_batch() { graph.with_batch(batch)? } else { graph.clone() };
    Ok(tacita_graph::optimize(&bound.prune()?)?)
}

fn collect(prepared: &Prepared, finished: Finished) -> Result<Evaluation, Error> {
    let program = prepared.plan.program();
    let mut revealed = BTreeMap::new();
    let names = prepared.graph.owners();
    let (cost, nodes) = tacita_mpc::measure(&prepared.plan, &finished.outcomes, &finished.dealt);
    for id in program.reveals() {
        let node = program.node(id);
        let RingOp::Reveal { to } = &node.op else { continue };
        let value = program.node(node.inputs[0]);
        let mut values = Vec::new();
        for owner in to {
            let name = &names[owner.0 as usize];
            let party = prepared.plan.party(name).ok_or_else(|| Error::Usage(format!("no party {name}")))?;
            let opened = finished.outcomes[party].revealed.get(&id);
            let data = match (opened, value.kind) {
                (Some(Revealed::Ring(tensor)), RingKind::Ring { frac }) => {
                    tacita_ring::decode(tensor.data(), frac)
                }
                (Some(Revealed::Bits(bits)), _) => {
                    bits.to_ring(0).into_iter().map(|bit| bit as f64).collect()
                }
                _ => return Err(Error::Internal(format!("{name} was to receive a value and did not"))),
            };
            let array = ArrayD::from_shape_vec(IxDyn(&value.shape), data);
            values.push((name.clone(), array.map_err(|e| Error::Internal(e.to_string()))?));
        }
        revealed.insert(node.origin, values);
    }
    let slowest = |part: fn(&Times) -> std::time::Duration| {
        finished.outcomes.iter().map(|o| part(&o.times)).max().unwrap_or_default()
    };
    let times =
        Times { setup: slowest(|t| t.setup), offline: slowest(|t| t.offline), online: slowest(|t| t.online) };
    let wire_bytes =
        finished.outcomes.iter().map(|o| o.traffic.in_phase(tacita_net::Phase::Online).sent.wire).sum();
    let dealer_seconds = finished.dealt.time.as_secs_f64();
    Ok(Evaluation { revealed, times, cost, nodes, wire_bytes, dealer_seconds })
}
