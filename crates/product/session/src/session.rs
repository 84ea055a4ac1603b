//! A session: parties connected, seeds exchanged, ready to evaluate.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndarray::ArrayD;
use tacita_graph::{
    DType, Graph, GraphError, Inputs, Interval, NodeId, Op, Role, Value, Visibility, functions, ops,
};
use tacita_mpc::{KeptValues, LeafKey};
use tacita_net::Interrupter;

use crate::consent::{Allowance, Consent, Provenance};
use crate::data::Data;
use crate::error::Error;
use crate::estimate::{Estimate, estimate_prepared};
use crate::evaluation::{Evaluation, collect};
use crate::local_members::{LocalMembers, Progress};
use crate::local_session;
use crate::members::Members;
use crate::model::Model;
use crate::options::{Link, Options};
use crate::prepared::Prepared;
use crate::step::{Step, Target};
use crate::tensor::Tensor;
use crate::workspace::Workspace;

/// Graphs that a session holds prepared: one that is not among the last so many is prepared again.
const MAX_PREPARED: usize = 32;

/// A session of two or more computing parties and a trusted dealer: all in this process ([`Session::local`]), or each on its
/// own machine ([`Session::connect`]), where every member runs the same program and gives its own data.
///
/// Tensors are lazy: operations build nodes of a graph and cannot fail on the network; [`Session::reveal`] and
/// [`Session::run`] compute. Several threads may use one session: evaluations take turns.
///
/// ```
/// use ndarray::arr1;
/// use tacita_session::Session;
///
/// let session = Session::local(2)?;
/// let salary = session.input("salary", "alice", &[3], arr1(&[10.0, 20.0, 30.0]))?;
/// let factor = session.input("factor", "bob", &[3], arr1(&[1.0, 0.5, -2.0]))?;
/// let total = (salary * factor).sum(&[0]);
/// let answer = session.reveal(&total, &["alice"])?.expect("alice is here");
/// assert!((answer[[]] - -40.0).abs() < 0.001);
/// # Ok::<(), tacita_session::Error>(())
/// ```
pub struct Session {
    members: Members,
    precision: u32,
    workspace: Arc<Workspace>,
    /// The members that live here.
    here: BTreeSet<String>,
    computing: Vec<String>,
    interrupters: Vec<Interrupter>,
    /// For one evaluation at a time.
    engine: Mutex<Engine>,
    /// Samples, and samples of a batch, that were dealt for ahead.
    pub(crate) dealt: Option<(usize, usize)>,
    /// A dealer of this process that is none of the members here; it has to outlive them.
    pub(crate) _dealer: Option<Arc<dyn Send + Sync>>,
}

/// The members here, and the memory of their evaluations.
struct Engine {
    local: LocalMembers,
    /// By digest, the last ones that were asked for; the latest at the end.
    prepared: Vec<([u8; 32], Arc<Prepared>)>,
    /// The parameters that were used: a parameter keeps its value, and its mask, as long as the session.
    bound: BTreeMap<String, Option<Value>>,
    /// The weights that members hold, each with the parameters that it is computed from.
    weights: BTreeMap<LeafKey, BTreeSet<String>>,
    consent: Consent,
    /// The provenance of values kept in shares, by name.
    provenance: BTreeMap<String, Provenance>,
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
        let here = members.names().filter(|name| local.has(name)).map(str::to_owned).collect();
        let computing = local.computing().map(str::to_owned).collect();
        let interrupters = local.interrupters();
        let engine = Engine {
            local,
            prepared: vec![],
            bound: BTreeMap::new(),
            weights: BTreeMap::new(),
            consent: Consent::default(),
            provenance: BTreeMap::new(),
        };
        let workspace = Arc::default();
        let engine = Mutex::new(engine);
        Session {
            members,
            precision,
            workspace,
            here,
            computing,
            interrupters,
            engine,
            dealt: None,
            _dealer: None,
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        // an evaluation that panicked has ended its members, and so the next one fails
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Handles that stop this session from another thread, such as one that waits for a signal: the peers are told the cause,
    /// and whoever waits in this session gets an error.
    pub fn interrupters(&self) -> Vec<Interrupter> {
        self.interrupters.clone()
    }

    /// The reveals of its own data to others that the member here agrees to. Everything else is refused before anything is
    /// sent. A local session asks nobody: whoever runs it has everybody's data.
    pub fn consent_to(&self, consent: Consent) {
        self.engine().consent = consent;
    }

    /// Agrees to one more reveal of the own data: `NAME`, or `NAME:RECEIVER`.
    ///
    /// # Errors
    /// If the text is empty.
    pub fn allow(&self, reveal: &str) -> Result<(), Error> {
        let allowance: Allowance = reveal.parse()?;
        self.engine().consent.add(allowance);
        Ok(())
    }

    /// A private input of a party or data owner: nobody else learns it. The data, an array of floats, is given where the owner
    /// is, and `None::<Value>` elsewhere.
    ///
    /// An input without a name is numbered in each evaluation. A name is free again once no tensor is computed from its input, so
    /// that a loop uses the same one in every step.
    ///
    /// # Errors
    /// If the name is taken, the owner is no party, the data is of another shape, missing, or somebody else's.
    pub fn input(&self, name: &str, owner: &str, shape: &[usize], data: impl Data) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into_value(), Role::Data)
    }

    /// As [`Session::input`], of numbers that are declared to lie in this range. All members declare the same: it is public. What
    /// can leave the representable range follows from it, and comparisons may cost less.
    ///
    /// # Errors
    /// As [`Session::input`], and if the range is empty or not finite. Data outside of it is refused when something that depends
    /// on it is revealed.
    pub fn input_within(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        range: RangeInclusive<f64>,
        data: impl Data,
    ) -> Result<Tensor, Error> {
        let range = Interval { min: *range.start(), max: *range.end() };
        self.leaf(name, Some(owner), (shape, DType::Fixed, Some(range)), data.into_value(), Role::Data)
    }

    /// As [`Session::input`], of integers below 2^62 in absolute value, or of bits. Both are exact: nothing is rounded.
    ///
    /// # Errors
    /// As [`Session::input`]. Data that is of another kind is refused when something that depends on it is revealed.
    pub fn input_of(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        dtype: DType,
        data: impl Data,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, dtype, None), data.into_value(), Role::Data)
    }

    /// A private input that lives as long as the session, such as a weight: its masked value is sent only once. Its name stands
    /// for this value for ever, also after [`Session::forget`].
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn parameter(
        &self,
        name: &str,
        owner: &str,
        shape: &[usize],
        data: impl Data,
    ) -> Result<Tensor, Error> {
        self.leaf(name, Some(owner), (shape, DType::Fixed, None), data.into_value(), Role::Parameter)
    }

    /// A value that everybody knows.
    ///
    /// # Errors
    /// As [`Session::input`].
    pub fn public(&self, name: &str, shape: &[usize], data: impl Data) -> Result<Tensor, Error> {
        self.leaf(name, None, (shape, DType::Fixed, None), data.into_value(), Role::Data)
    }

    /// Numbers that nobody knows, no party and not the dealer, uniform from `low` to below `high`. They are drawn once.
    ///
    /// # Errors
    /// If `low` is not below `high`, or the shape is one that no value may have.
    pub fn uniform(&self, low: f64, high: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::uniform(graph, shape, low, high, ""))
    }

    /// Numbers that nobody knows, of the normal distribution, at most 6.2 deviations from the mean at 16 fractional bits. They are
    /// drawn once.
    ///
    /// # Errors
    /// If mean or deviation is not finite, or the shape is one that no value may have.
    pub fn normal(&self, mean: f64, deviation: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::normal(graph, shape, mean, deviation, ""))
    }

    /// Bits that nobody knows, each 1 with this probability. They are drawn once. Fair bits cost nothing.
    ///
    /// # Errors
    /// If it is no probability, or the shape is one that no value may have.
    pub fn bernoulli(&self, probability: f64, shape: &[usize]) -> Result<Tensor, Error> {
        self.draw(|graph| functions::bernoulli(graph, shape, probability, ""))
    }

    fn draw(&self, function: impl FnOnce(&mut Graph) -> Result<NodeId, GraphError>) -> Result<Tensor, Error> {
        Ok(self.build(&[], |graph, _| Ok(vec![function(graph)?]))?.remove(0))
    }

    /// The results of whatever `build` adds to the graph, given the nodes of these tensors: the general form of every operation
    /// and function.
    ///
    /// # Errors
    /// Those of `build`, and if a tensor is of another session.
    pub fn build(
        &self,
        inputs: &[&Tensor],
        build: impl FnOnce(&mut Graph, &[NodeId]) -> Result<Vec<NodeId>, GraphError>,
    ) -> Result<Vec<Tensor>, Error> {
        self.workspace.apply(inputs, build)
    }

    fn leaf(
        &self,
        name: &str,
        owner: Option<&str>,
        (shape, dtype, range): (&[usize], DType, Option<Interval>),
        data: Option<Value>,
        role: Role,
    ) -> Result<Tensor, Error> {
        owner.map_or(Ok(()), |owner| self.check_member(owner))?;
        let here = owner.is_none_or(|owner| self.is_here(owner));
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
            Some(data) => check_finite(name, data.first_not_finite())?,
            None if here => {
                let owner = owner.unwrap_or("everybody");
                return Err(Error::Input(format!("no data for `{name}`, which {owner} has to give here")));
            }
            None => {}
        }
        // the workspace knows the owner's number
        let visibility = Visibility::Public;
        let input = ops::Input { shape: shape.to_vec(), visibility, role, range, dtype };
        self.workspace.input(name, owner, input, data)
    }

    fn check_member(&self, name: &str) -> Result<(), Error> {
        match self.members.index(name) {
            Some(_) => Ok(()),
            None => Err(Error::Usage(format!("{name} is none of the members {}", self.members.list()))),
        }
    }

    /// A model of `owner`, whose weights become that member's private inputs. The owner gives the ONNX file; where the
    /// owner is not, the graph that `tacita export-graph` wrote of it is enough.
    ///
    /// # Errors
    /// If the file cannot be read or the model is refused; the error names the node.
    pub fn model(&self, path: impl AsRef<Path>, owner: &str) -> Result<Model, Error> {
        self.check_member(owner)?;
        Model::read(&self.workspace, path.as_ref(), owner, self.is_here(owner))
    }

    /// Computes a tensor and opens it to the named members. Returns what the first of those who are here received, `None` if
    /// none of them is. The reveal is called `result`.
    ///
    /// # Errors
    /// If a receiver is no member, consent is missing, a value is out of range, or the protocol fails; also if the value holds
    /// integers from 2^53 on, which [`Session::run`] gives exactly.
    pub fn reveal(&self, tensor: &Tensor, to: &[&str]) -> Result<Option<ArrayD<f64>>, Error> {
        let value = self.run(&[(tensor, to)], &[])?.remove(0);
        match value {
            Some(Value::I64(numbers)) if numbers.iter().any(|x| x.unsigned_abs() > 1 << 53) => Err(
                Error::Input("the result has integers beyond 2^53: `Session::run` gives them exactly".into()),
            ),
            value => Ok(value.map(|value| value.to_f64())),
        }
    }

    /// One evaluation: computes these tensors, opens each to its receivers, and keeps those of `keep` in shares, besides what the
    /// program holds of what is computed on the way. Returns for each reveal what the first of its receivers who are here got.
    /// The reveals are called `result`, `result 2` and so on.
    ///
    /// # Errors
    /// As [`Session::reveal`]; also if a tensor of `keep` has other fractional bits than the session. After an error of an input,
    /// which is found before anything is sent, the session goes on.
    pub fn run(&self, reveal: &[(&Tensor, &[&str])], keep: &[&Tensor]) -> Result<Vec<Option<Value>>, Error> {
        let evaluation = self.run_with(reveal, keep, &mut |_| ())?.0;
        let first = |values: Vec<(String, Value)>| values.into_iter().next().map(|(_, value)| value);
        Ok(evaluation.revealed.into_values().map(first).collect())
    }

    /// As [`Session::run`], with progress, and with what it cost. Reveals are in the order in which they were given.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_with(
        &self,
        reveal: &[(&Tensor, &[&str])],
        keep: &[&Tensor],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Evaluation, Arc<Prepared>), Error> {
        if reveal.is_empty() && keep.iter().all(|tensor| tensor.is_kept()) {
            let to_do = "nothing to reveal, and what is to be kept is kept";
            return Err(Error::Usage(to_do.into()));
        }
        let mut engine = self.engine();
        let step = self.step(reveal, keep)?;
        let prepared = engine.prepare(&step.graph, &self.members, self.precision)?;
        let evaluation = engine.evaluate(self, &prepared, &step.inputs, progress)?;
        let free = self.workspace.lock().commit(step.kept)?;
        engine.forget_kept(&free)?;
        Ok((evaluation, prepared))
    }

    /// Estimates the cost of revealing these tensors now, and lists the receivers. Nothing runs.
    ///
    /// # Errors
    /// As [`Session::run`], but for what happens while it runs.
    pub fn estimate(&self, reveal: &[(&Tensor, &[&str])]) -> Result<Estimate, Error> {
        let mut engine = self.engine();
        let step = self.step(reveal, &[])?;
        let prepared = engine.prepare(&step.graph, &self.members, self.precision)?;
        estimate_prepared(&step.graph, &prepared, &self.members, Link::Memory)
    }

    /// The graph of an evaluation.
    fn step(&self, reveal: &[(&Tensor, &[&str])], keep: &[&Tensor]) -> Result<Step, Error> {
        for (tensor, to) in reveal {
            self.workspace.check(&[tensor])?;
            if to.is_empty() {
                return Err(Error::Usage("a reveal to nobody: name a receiver".into()));
            }
            to.iter().try_for_each(|name| self.check_member(name))?;
        }
        self.workspace.check(keep)?;
        let state = self.workspace.lock();
        let target = |(tensor, to): &(&Tensor, &[&str])| -> Target {
            (tensor.handle().id(&state), to.iter().map(|name| (*name).to_owned()).collect())
        };
        let reveal: Vec<Target> = reveal.iter().map(target).collect();
        let keep: Vec<NodeId> = keep.iter().map(|tensor| tensor.handle().id(&state)).collect();
        Step::new(&state, &reveal, &keep, self.precision)
    }

    /// Forgets parameters that no tensor is computed from any more: members drop what they hold of them. The names stay taken,
    /// as a mask serves one value.
    ///
    /// # Errors
    /// If there is no such parameter, or it is in use.
    pub fn forget(&self, parameters: &[&str]) -> Result<(), Error> {
        let mut engine = self.engine();
        {
            let state = self.workspace.lock();
            parameters.iter().try_for_each(|name| state.check_unused(name))?;
        }
        engine.forget_parameters(parameters)
    }

    /// Sends some bytes that everybody may know to all other members but the dealer, under a topic that all of them name,
    /// and receives theirs, by name.
    ///
    /// # Errors
    /// If the session is local, or a member does not answer.
    pub fn exchange(&self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let said = self.engine().local.exchange(topic, bytes)?;
        Ok(said
            .into_iter()
            .filter_map(|(id, bytes)| Some((self.members.name(id.index())?.to_owned(), bytes)))
            .collect())
    }

    /// The values that each computing party here keeps in shares, by party and name.
    ///
    /// # Errors
    /// If a member has ended.
    pub fn kept(&self) -> Result<BTreeMap<String, KeptValues>, Error> {
        self.engine().local.kept()
    }

    /// Gives each computing party here what it kept before. It may depend on anybody's data.
    ///
    /// # Errors
    /// If a member has ended.
    pub fn keep(&self, values: BTreeMap<String, KeptValues>) -> Result<(), Error> {
        let mut engine = self.engine();
        for name in values.values().flat_map(BTreeMap::keys) {
            engine.provenance.insert(name.clone(), Provenance::unknown());
        }
        engine.local.keep(values)
    }

    /// Samples, and samples of a batch, that correlations were dealt for ahead, if they were.
    pub fn dealt_ahead(&self) -> Option<(usize, usize)> {
        self.dealt
    }

    /// The computing parties that live here.
    pub fn computing_here(&self) -> Vec<String> {
        self.computing.clone()
    }

    /// As [`Session::exchange`]; where all members are here there is nobody to tell, and nothing is heard.
    ///
    /// # Errors
    /// As [`Session::exchange`].
    pub fn tell(&self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        if self.is_of_several_machines() { self.exchange(topic, bytes) } else { Ok(vec![]) }
    }

    /// Whether other members than those here take part, the dealer not counted.
    pub fn is_of_several_machines(&self) -> bool {
        self.members.names().any(|name| !self.here.contains(name))
    }

    /// Whether a member lives here.
    pub fn is_here(&self, name: &str) -> bool {
        self.here.contains(name)
    }

    /// Leaves the session and tells all others why, so that nobody takes it for a success.
    pub fn abandon(&self, cause: &str) {
        self.engine().local.abandon(cause);
    }

    /// Makes a graph with reveals ready for this session: prunes, rewrites, lowers and plans it.
    ///
    /// # Errors
    /// If the graph cannot be run privately by these parties.
    pub fn prepare(&self, graph: &Graph) -> Result<Arc<Prepared>, Error> {
        self.engine().prepare(graph, &self.members, self.precision)
    }

    /// Evaluates a prepared graph; each party is given its own of the `inputs` and no other. Consent is asked for before
    /// anything is sent: see [`Session::consent_to`].
    ///
    /// # Errors
    /// If consent is missing, an input is missing, out of range or not a number, a parameter has another value than before, or
    /// the protocol fails. The session cannot be used after an error of the protocol.
    pub fn evaluate(
        &self,
        prepared: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, Error> {
        self.engine().evaluate(self, prepared, inputs, progress)
    }
}

impl Engine {
    fn prepare(&mut self, graph: &Graph, members: &Members, precision: u32) -> Result<Arc<Prepared>, Error> {
        let key = graph.digest();
        let prepared = match self.prepared.iter().position(|(other, _)| *other == key) {
            Some(at) => self.prepared.remove(at).1,
            None => Arc::new(Prepared::new(bind(graph)?, members, precision)?),
        };
        if self.prepared.len() == MAX_PREPARED {
            self.prepared.remove(0);
        }
        self.prepared.push((key, prepared.clone()));
        Ok(prepared)
    }

    fn evaluate(
        &mut self,
        session: &Session,
        prepared: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, Error> {
        let graph = prepared.graph();
        if session.is_of_several_machines() {
            let here = session.here.iter();
            here.into_iter().try_for_each(|me| self.consent.check(graph, &self.provenance, me))?;
        }
        self.check_parameters(graph, inputs)?;
        let finished = self.local.evaluate(prepared, inputs, progress)?;
        self.bind_parameters(prepared, inputs);
        for (name, provenance) in Provenance::of_kept(graph, &self.provenance) {
            self.provenance.insert(name, provenance);
        }
        collect(prepared, &session.members, finished)
    }

    /// Weights are sent once under a mask that is bound to their value, so another value needs another name.
    fn check_parameters(&self, graph: &Graph, inputs: &Inputs) -> Result<(), Error> {
        for (name, value) in parameters(graph, inputs) {
            let refuse = |why: &str| {
                Err(Error::Input(format!(
                    "the parameter `{name}` {why}: open a new session, or give it a new name"
                )))
            };
            match self.bound.get(name) {
                Some(Some(bound)) if !bound.is_same(value) => {
                    return refuse("has another value than before");
                }
                Some(None) => return refuse("was forgotten"),
                _ => {}
            }
        }
        Ok(())
    }

    fn bind_parameters(&mut self, prepared: &Prepared, inputs: &Inputs) {
        for (name, value) in parameters(prepared.graph(), inputs) {
            self.bound.entry(name.to_owned()).or_insert_with(|| Some(value.clone()));
        }
        for (key, names) in prepared.weights() {
            self.weights.entry(key).or_insert(names);
        }
    }

    fn forget_kept(&mut self, names: &[String]) -> Result<(), Error> {
        if names.is_empty() {
            return Ok(());
        }
        names.iter().for_each(|name| {
            self.provenance.remove(name);
        });
        self.local.forget(names, &[])
    }

    fn forget_parameters(&mut self, names: &[&str]) -> Result<(), Error> {
        for name in names {
            self.bound.insert((*name).to_owned(), None);
        }
        let of = |parameters: &BTreeSet<String>| names.iter().any(|name| parameters.contains(*name));
        let keys: Vec<LeafKey> =
            self.weights.iter().filter(|(_, names)| of(names)).map(|(key, _)| *key).collect();
        keys.iter().for_each(|key| {
            self.weights.remove(key);
        });
        self.local.forget(&[], &keys)
    }
}

/// The parameters of a graph that have a value here.
fn parameters<'a>(graph: &'a Graph, inputs: &'a Inputs) -> impl Iterator<Item = (&'a str, &'a Value)> {
    graph.inputs().into_iter().filter_map(|id| {
        let node = graph.node(id);
        let is_parameter = matches!(&node.op, Op::Input(input) if input.role == Role::Parameter);
        let value = inputs.get(&node.name).filter(|_| is_parameter)?;
        Some((node.name.as_str(), value))
    })
}

/// Refuses what is not a number, with its place: the first number of an input that is not finite, if there is one.
///
/// # Errors
/// [`Error::Input`] naming the input, the number and its index.
pub fn check_finite(name: &str, found: Option<(Vec<usize>, f64)>) -> Result<(), Error> {
    match found {
        None => Ok(()),
        Some((index, number)) => Err(Error::Input(format!(
            "input `{name}` holds {number} at {index:?}: only finite numbers can be shared"
        ))),
    }
}

/// The graph pruned and rewritten.
///
/// # Errors
/// If a name becomes too long.
pub fn bind(graph: &Graph) -> Result<Graph, Error> {
    Ok(tacita_graph::optimize(&graph.prune()?)?)
}
