//! A session: parties connected, seeds exchanged, ready to evaluate.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use ndarray::{ArrayD, Dimension};
use tacita_graph::{
    DType, Graph, GraphError, Inputs, Interval, NodeId, Op, Owner, Role, Value, Visibility, dims, functions,
    ops,
};
use tacita_mpc::KeptValues;

use crate::error::Error;
use crate::evaluation::{Evaluation, collect};
use crate::local_members::{LocalMembers, Progress};
use crate::local_session;
use crate::members::Members;
use crate::model::Model;
use crate::options::Options;
use crate::prepared::Prepared;
use crate::tensor::{Shared, Tensor};

/// Graphs that a session holds prepared: one that is not among the last so many is prepared again.
const MAX_PREPARED: usize = 32;

/// A session of two or more computing parties and a dealer: all in this process ([`Session::local`]), or each on its
/// own machine ([`Session::connect`]), where every member runs the same program and gives its own data.
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
/// let answer = session.reveal(&total, &["alice"])?.expect("alice is here");
/// assert!((answer[[]] - -40.0).abs() < 0.001);
/// # Ok::<(), tacita::Error>(())
/// ```
pub struct Session {
    members: Members,
    precision: u32,
    local: LocalMembers,
    workspace: Shared,
    /// By digest and batch, the last ones that were asked for; the latest at the end.
    prepared: Vec<([u8; 32], Arc<Prepared>)>,
    /// The parameters that were used: a parameter keeps its value, and its mask, as long as the session.
    bound: BTreeMap<String, Value>,
    /// Samples, and samples of a batch, that were dealt for ahead.
    pub(crate) dealt: Option<(usize, usize)>,
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
        let local = local_session::start(&options)?;
        let members = Members { parties: options.party_names(), data_owners: options.data_owners };
        Ok(Session::new(members, options.precision, local))
    }

    pub(crate) fn new(members: Members, precision: u32, local: LocalMembers) -> Session {
        let (workspace, prepared, bound) = (Shared::default(), Vec::new(), BTreeMap::new());
        Session { members, precision, local, workspace, prepared, bound, dealt: None }
    }

    /// Fractional bits of fixed-point values.
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// The computing parties, who may own inputs and receive results.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.members.parties.iter().map(String::as_str)
    }

    /// Members that may own inputs and receive results, and compute nothing.
    pub fn data_owners(&self) -> impl Iterator<Item = &str> {
        self.members.data_owners.iter().map(String::as_str)
    }

    /// What stops this session from another thread, such as one that waits for a signal: the peers are told the cause,
    /// and whoever waits in this session gets an error.
    pub fn interrupters(&self) -> Vec<tacita_net::Interrupter> {
        self.local.interrupters()
    }

    /// A private input of a party or data owner: nobody else learns it. The data is given where the owner is, and `None` elsewhere.
    ///
    /// # Errors
    /// If the name is taken, the owner is no party, the data is of another shape, missing, or somebody else's.
    pub fn input(
        &mut self,
        name: &str,
        owner: &str,
        shape: &[usize],
        data: impl Into<Option<ArrayD<f64>>>,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into(), Role::Data)
    }

    /// As [`Session::input`], of numbers that are declared to lie in this range. All members declare the same: it is public. What
    /// can leave the representable range follows from it, and comparisons may cost less.
    ///
    /// # Errors
    /// As [`Session::input`], and if the range is empty or not finite. Data outside of it is refused when something that depends
    /// on it is revealed.
    pub fn input_within(
        &mut self,
        name: &str,
        owner: &str,
        shape: &[usize],
        range: RangeInclusive<f64>,
        data: impl Into<Option<ArrayD<f64>>>,
    ) -> Result<Tensor, Error> {
        let range = Interval { min: *range.start(), max: *range.end() };
        self.leaf(name, Some(owner), (shape, DType::Fixed, Some(range)), data.into(), Role::Data)
    }

    /// As [`Session::input`], of integers below 2^62 in absolute value, or of bits. Both are exact: nothing is rounded.
    ///
    /// # Errors
    /// As [`Session::input`]. Data that is of another kind is refused when something that depends on it is revealed.
    pub fn input_of(
        &mut self,
        name: &str,
        owner: &str,
        shape: &[usize],
        dtype: DType,
        data: impl Into<Option<ArrayD<f64>>>,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, dtype, None), data.into(), Role::Data)
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
        data: impl Into<Option<ArrayD<f64>>>,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into(), Role::Parameter)
    }

    /// A value that everybody knows.
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn public(&mut self, name: &str, shape: &[usize], data: ArrayD<f64>) -> Result<Tensor, Error> {
        self.leaf(name, None, (shape, DType::Fixed, None), Some(data), Role::Data)
    }

    /// Numbers that nobody knows, no party and not the dealer, uniform from `low` to below `high`. They are drawn anew in
    /// every evaluation: whoever reveals something of this tensor twice reveals of two draws.
    ///
    /// # Errors
    /// If `low` is not below `high`, or the shape is one that no value may have.
    pub fn uniform(&mut self, low: f64, high: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::uniform(graph, &dims(shape), low, high, ""))
    }

    /// Numbers that nobody knows, of the normal distribution, at most 6.2 deviations from the mean at 16 fractional bits. Drawn
    /// anew in every evaluation, as those of [`Session::uniform`].
    ///
    /// # Errors
    /// If mean or deviation is not finite, or the shape is one that no value may have.
    pub fn normal(&mut self, mean: f64, deviation: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::normal(graph, &dims(shape), mean, deviation, ""))
    }

    /// Bits that nobody knows, each 1 with this probability. Drawn anew in every evaluation, as the numbers of
    /// [`Session::uniform`]. Fair bits cost nothing.
    ///
    /// # Errors
    /// If it is no probability, or the shape is one that no value may have.
    pub fn bernoulli(&mut self, probability: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::bernoulli(graph, &dims(shape), probability, ""))
    }

    fn draw(&self, function: impl FnOnce(&mut Graph) -> Result<NodeId, GraphError>) -> Result<Tensor, Error> {
        let id = function(&mut self.workspace.graph.borrow_mut())?;
        Ok(Tensor::new(&self.workspace, id))
    }

    fn leaf(
        &mut self,
        name: &str,
        owner: Option<&str>,
        (shape, dtype, range): (&[usize], DType, Option<Interval>),
        data: Option<ArrayD<f64>>,
        role: Role,
    ) -> Result<Tensor, Error> {
        owner.map_or(Ok(()), |owner| self.check_member(owner))?;
        let here = owner.is_none_or(|owner| self.local.has(owner));
        match &data {
            Some(data) if data.shape() != shape => {
                let got = data.shape();
                return Err(Error::Input(format!(
                    "input `{name}` is declared {shape:?} and its data is {got:?}"
                )));
            }
            Some(_) if !here => {
                let owner = owner.unwrap_or_default();
                return Err(Error::Usage(format!(
                    "the data of `{name}` is {owner}'s alone: give None here, and the data at {owner}"
                )));
            }
            Some(data) => check_finite(name, data)?,
            None if here => {
                let owner = owner.unwrap_or("everybody");
                return Err(Error::Input(format!("no data for `{name}`, which {owner} has to give here")));
            }
            None => {}
        }
        // owners are numbered as they come, and so only those of inputs that all members have
        let visibility = match owner {
            Some(owner) => Visibility::Private(self.owner(owner)?),
            None => Visibility::Public,
        };
        let input = ops::Input { shape: dims(shape), visibility, role, range, dtype };
        let id = self.workspace.graph.borrow_mut().add(input, &[], name)?;
        if let Some(data) = data {
            self.workspace.inputs.borrow_mut().insert(name.to_owned(), data);
        }
        Ok(Tensor::new(&self.workspace, id))
    }

    fn check_member(&self, name: &str) -> Result<(), Error> {
        match self.members.index(name) {
            Some(_) => Ok(()),
            None => Err(Error::Usage(format!("{name} is none of the members {}", self.members.list()))),
        }
    }

    fn owner(&self, name: &str) -> Result<Owner, Error> {
        self.check_member(name)?;
        Ok(self.workspace.graph.borrow_mut().owner(name))
    }

    /// A model of `owner`, whose weights become that member's private inputs. The owner gives the ONNX file; where the
    /// owner is not, the graph that `tacita export-graph` wrote of it is enough.
    ///
    /// # Errors
    /// If the file cannot be read or the model is refused; the error names the node.
    pub fn model(&mut self, path: impl AsRef<Path>, owner: &str) -> Result<Model, Error> {
        self.check_member(owner)?;
        Model::read(&self.workspace, path.as_ref(), owner, self.local.has(owner))
    }

    /// Computes a tensor and opens it to the named parties: the one step that communicates. Returns what the first of
    /// those who are here received, `None` if none of them is.
    ///
    /// # Errors
    /// If a receiver is no party, a value is out of range, or the protocol fails.
    pub fn reveal(&mut self, tensor: &Tensor, to: &[&str]) -> Result<Option<ArrayD<f64>>, Error> {
        let mut owners = to.iter().map(|name| self.owner(name)).collect::<Result<Vec<_>, _>>()?;
        owners.sort_unstable();
        owners.dedup();
        let mut graph = self.workspace.graph.borrow().clone();
        if !std::rc::Rc::ptr_eq(tensor.workspace(), &self.workspace) {
            return Err(Error::Usage("the tensor belongs to another session".into()));
        }
        graph.reveal(tensor.id(), &owners, "result")?;
        let prepared = self.prepare(&graph)?;
        let workspace = self.workspace.clone();
        let evaluation = self.evaluate(&prepared, &workspace.inputs.borrow(), &mut |_| ())?;
        let first = evaluation.revealed.into_values().next().and_then(|values| values.into_iter().next());
        Ok(first.map(|(_, value)| value))
    }

    /// Sends some bytes that everybody may know to all other members but the dealer, under a topic that all of them name,
    /// and receives theirs, by name.
    ///
    /// # Errors
    /// If the session is local, or a member does not answer.
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let said = self.local.exchange(topic, bytes)?;
        Ok(said
            .into_iter()
            .filter_map(|(id, bytes)| Some((self.members.name(id.index())?.to_owned(), bytes)))
            .collect())
    }

    /// What each computing party here keeps in shares, by party and name.
    ///
    /// # Errors
    /// If a member has ended.
    pub fn kept(&self) -> Result<BTreeMap<String, KeptValues>, Error> {
        self.local.kept()
    }

    /// Gives each computing party here what it kept before.
    pub fn keep(&mut self, values: BTreeMap<String, KeptValues>) -> Result<(), Error> {
        self.local.keep(values)
    }

    /// Samples, and samples of a batch, that correlations were dealt for ahead, if they were.
    pub fn dealt_ahead(&self) -> Option<(usize, usize)> {
        self.dealt
    }

    /// The computing parties that live here.
    pub fn computing_here(&self) -> Vec<String> {
        self.local.computing().map(str::to_owned).collect()
    }

    /// As [`Session::exchange`]; where all members are here there is nobody to tell, and nothing is heard.
    pub fn tell(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        if self.is_of_several_machines() { self.exchange(topic, bytes) } else { Ok(vec![]) }
    }

    /// Whether other members than those here take part, the dealer not counted.
    pub fn is_of_several_machines(&self) -> bool {
        self.members.names().any(|name| !self.local.has(name))
    }

    /// Whether a member lives here.
    pub fn is_here(&self, name: &str) -> bool {
        self.local.has(name)
    }

    /// Leaves the session and tells all others why, so that nobody takes it for a success.
    pub fn abandon(&mut self, cause: &str) {
        self.local.abandon(cause);
    }

    /// Makes a graph with reveals ready for this session: prunes, rewrites, lowers and plans it.
    ///
    /// # Errors
    /// If the graph cannot be run privately by these parties.
    pub fn prepare(&mut self, graph: &Graph) -> Result<Arc<Prepared>, Error> {
        let key = graph.digest();
        let prepared = match self.prepared.iter().position(|(other, _)| *other == key) {
            Some(at) => self.prepared.remove(at).1,
            None => {
                let bound = bind(graph)?;
                Arc::new(Prepared::new(bound, &self.members, self.precision)?)
            }
        };
        if self.prepared.len() == MAX_PREPARED {
            self.prepared.remove(0);
        }
        self.prepared.push((key, prepared.clone()));
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
        let finished = self.local.evaluate(prepared, inputs, progress)?;
        collect(prepared, &self.members, finished)
    }

    /// Weights are opened once under a mask that is bound to their value, so another value needs another name.
    fn bind_parameters(&mut self, graph: &Graph, inputs: &Inputs) -> Result<(), Error> {
        for id in graph.inputs() {
            let node = graph.node(id);
            let (Op::Input(input), Some(value)) = (&node.op, inputs.get(&node.name)) else { continue };
            if input.role == Role::Parameter {
                let bound = self.bound.entry(node.name.clone()).or_insert_with(|| value.clone());
                if !bound.is_same(value) {
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
pub fn check_finite(name: &str, data: &ArrayD<f64>) -> Result<(), Error> {
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

/// The graph pruned and rewritten.
pub fn bind(graph: &Graph) -> Result<Graph, Error> {
    Ok(tacita_graph::optimize(&graph.prune()?)?)
}
