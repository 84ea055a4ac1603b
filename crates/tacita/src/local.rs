//! All members of a session in one process: each computing party and the dealer is a thread with a state of its own,
//! and nothing but its own inputs reaches it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tacita_graph::{Graph, Inputs, NodeId, Owner, RingId, RingOp, RingProgram, encode_some_leaves};
use tacita_mpc::{Config, Dealer, Dealt, LeafKey, Leaves, MpcError, Outcome, Party, Plan};
use tacita_net::{Endpoint, Limits, Shape, loopback, memory, shaped};
use tacita_ring::RingTensor;

use crate::error::Error;
use crate::options::{Link, Options};

/// A graph ready to be evaluated by the members of a session, batch size fixed.
pub struct Prepared {
    pub(crate) graph: Graph,
    pub(crate) plan: Plan,
    /// Inputs that every evaluation needs, by node; of the others the owner keeps what it made of them.
    fresh: Vec<bool>,
}

impl Prepared {
    /// Lowers and plans a graph whose batch is known.
    pub(crate) fn new(graph: Graph, names: &[String], precision: u32) -> Result<Prepared, Error> {
        let program = Arc::new(tacita_graph::lower(&graph, precision)?);
        let keys = leaf_keys(&graph, &program);
        let fresh = fresh(&graph, &program);
        let plan = Plan::new(program, names, keys)?;
        Ok(Prepared { graph, plan, fresh })
    }

    /// The graph that is evaluated.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Its plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// Persistent leaves are identified by the computation that gives them and their scale, so a batch of another size
/// finds them opened.
fn leaf_keys(graph: &Graph, program: &RingProgram) -> BTreeMap<RingId, LeafKey> {
    let digests = graph.node_digests();
    program
        .ids()
        .filter(|id| matches!(program.node(*id).op, RingOp::Input { persistent: true }))
        .map(|id| {
            let node = program.node(id);
            let mut hasher = blake3::Hasher::new_derive_key("tacita persistent leaf v1");
            hasher.update(&digests[node.origin.index()]);
            if let tacita_graph::RingKind::Ring { frac } = node.kind {
                hasher.update(&frac.to_le_bytes());
            }
            (id, *hasher.finalize().as_bytes())
        })
        .collect()
}

/// The nodes that leaves of a single evaluation are computed from.
fn fresh(graph: &Graph, program: &RingProgram) -> Vec<bool> {
    let mut fresh = vec![false; graph.nodes().len()];
    for leaf in program.nodes.iter().filter(|node| matches!(node.op, RingOp::Input { persistent: false })) {
        fresh[leaf.origin.index()] = true;
    }
    for id in graph.ids().rev().filter(|id| graph.node(*id).ty.visibility.is_clear()) {
        if fresh[id.index()] {
            graph.node(id).inputs.iter().for_each(|input| fresh[input.index()] = true);
        }
    }
    fresh
}

/// How far an evaluation is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// The node that was last worked on.
    pub node: NodeId,
}

/// What all members report of an evaluation.
pub(crate) struct Finished {
    pub outcomes: Vec<Outcome>,
    pub dealt: Dealt,
}

enum Command {
    Evaluate { job: Arc<Prepared>, inputs: Inputs, reply: Sender<Message> },
}

enum Message {
    Progress(Progress),
    Party(usize, Box<Result<Outcome, Error>>),
    Dealer(Box<Result<Dealt, Error>>),
}

/// A member's thread and the way to it; both go when the world ends.
struct Handle {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// The members' threads.
pub(crate) struct World {
    names: Vec<String>,
    members: Vec<Handle>,
    /// Plans whose weights the owners hold encoded.
    supplied: BTreeSet<[u8; 32]>,
}

impl World {
    /// Starts all members and waits until their session is open.
    pub fn start(options: &Options) -> Result<World, Error> {
        options.check()?;
        let names = options.party_names();
        let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
        all.push("dealer");
        let limits = Limits { inbound: options.dealer_ahead.max(16 << 20), ..Limits::default() };
        let endpoints = match options.link {
            Link::Memory => memory(&all, &limits),
            Link::Loopback => loopback(&all, &limits)?,
            Link::Shaped { latency_ms, mbit } => {
                let latency = Duration::from_secs_f64(latency_ms / 1e3);
                shaped(&all, &limits, Shape { latency, bits_per_second: mbit * 1e6 })
            }
        };
        let config =
            Config { timeout: options.timeout, dealer_ahead: options.dealer_ahead, ..Config::default() };
        let (opened, ready) = channel();
        let mut members = Vec::new();
        for (index, endpoint) in endpoints.into_iter().enumerate() {
            let (sender, commands) = channel();
            let (config, opened, threads) = (config.clone(), opened.clone(), options.threads);
            let name = all[index].to_owned();
            let dealer = index == names.len();
            let builder = std::thread::Builder::new().name(name.clone());
            let handle = builder
                .spawn(move || {
                    let member = Member { index, name, endpoint, config, threads };
                    if dealer { member.deal(&commands, &opened) } else { member.compute(&commands, &opened) }
                })
                .map_err(|e| Error::Internal(format!("no thread for a member: {e}")))?;
            members.push(Handle { commands: Some(sender), thread: Some(handle) });
        }
        drop(opened);
        for _ in 0..all.len() {
            ready
                .recv()
                .map_err(|_| Error::Internal("a member ended before the session opened".into()))??;
        }
        Ok(World { names, members, supplied: BTreeSet::new() })
    }

    /// Evaluates a job with each owner's inputs given to that owner alone; weights only the first time.
    pub fn evaluate(
        &mut self,
        job: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, Error> {
        let again = !self.supplied.insert(job.plan.digest());
        let shares = split(job, inputs, &self.names, again)?;
        let (reply, replies) = channel();
        for (member, inputs) in self.members.iter().zip(shares) {
            let command = Command::Evaluate { job: job.clone(), inputs, reply: reply.clone() };
            let sent = member.commands.as_ref().map(|sender| sender.send(command).is_ok());
            if sent != Some(true) {
                return Err(Error::Internal("a member of the session has ended".into()));
            }
        }
        drop(reply);
        let mut outcomes: Vec<Option<Outcome>> = self.names.iter().map(|_| None).collect();
        let mut dealt = None;
        let mut failure: Option<Error> = None;
        let mut fail = |error: Error| match &failure {
            // the cause, not the consequence that another member saw
            Some(first) if !is_consequence(first) => {}
            _ => failure = Some(error),
        };
        for message in replies {
            match message {
                Message::Progress(p) => progress(p),
                Message::Party(index, result) => match *result {
                    Ok(outcome) => outcomes[index] = Some(outcome),
                    Err(error) => fail(error),
                },
                Message::Dealer(result) => match *result {
                    Ok(done) => dealt = Some(done),
                    Err(error) => fail(error),
                },
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        match (outcomes.into_iter().collect::<Option<Vec<_>>>(), dealt) {
            (Some(outcomes), Some(dealt)) => Ok(Finished { outcomes, dealt }),
            _ => Err(Error::Internal("a member ended without a word".into())),
        }
    }
}

/// Whether an error tells of somebody else's.
fn is_consequence(error: &Error) -> bool {
    matches!(error, Error::Protocol(MpcError::Net { .. } | MpcError::Poisoned { .. }))
}

impl Drop for World {
    fn drop(&mut self) {
        for member in &mut self.members {
            member.commands = None;
        }
        for member in &mut self.members {
            if let Some(thread) = member.thread.take() {
                let _ = thread.join();
            }
        }
    }
}

/// What each member is given: its own inputs and the public ones; the dealer only the public ones. Not `again` what it
/// keeps as long as the session.
fn split(job: &Prepared, inputs: &Inputs, names: &[String], again: bool) -> Result<Vec<Inputs>, Error> {
    let graph = &job.graph;
    let mut shares = vec![Inputs::new(); names.len() + 1];
    for id in graph.inputs() {
        let node = graph.node(id);
        if again && !job.fresh[id.index()] {
            continue;
        }
        let value = inputs
            .get(&node.name)
            .ok_or_else(|| Error::Input(format!("no value for the input `{}`", node.name)))?;
        match node.ty.visibility {
            tacita_graph::Visibility::Private(owner) => {
                let owner = &graph.owners()[owner.0 as usize];
                let index = names.iter().position(|name| name == owner);
                let index = index.ok_or_else(|| Error::Usage(format!("{owner} is none of the parties")))?;
                shares[index].insert(node.name.clone(), value.clone());
            }
            _ => shares.iter_mut().for_each(|share| {
                share.insert(node.name.clone(), value.clone());
            }),
        }
    }
    Ok(shares)
}

struct Member {
    index: usize,
    name: String,
    endpoint: Endpoint,
    config: Config,
    threads: usize,
}

/// Joins the session and says whether it worked. Kernels run in a pool of the member's own, of which its thread is one.
fn join<T>(
    threads: usize,
    connect: impl FnOnce() -> Result<T, Error>,
    opened: &Sender<Result<(), Error>>,
) -> Option<(rayon::ThreadPool, T)> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build();
    let joined = pool
        .map_err(|e| Error::Internal(format!("no thread pool: {e}")))
        .and_then(|pool| Ok((pool, connect()?)));
    // nobody listens any more if another member failed first
    match joined {
        Ok(joined) => opened.send(Ok(())).is_ok().then_some(joined),
        Err(error) => {
            let _ = opened.send(Err(error));
            None
        }
    }
}

impl Member {
    fn compute(self, commands: &Receiver<Command>, opened: &Sender<Result<(), Error>>) {
        let index = self.index;
        let connect = || Party::connect(self.endpoint, self.config).map_err(Error::from);
        let Some((_pool, mut party)) = join(self.threads, connect, opened) else { return };
        let mut weights = BTreeMap::new();
        for Command::Evaluate { job, inputs, reply } in commands {
            let encoded = leaves(&job, Some(&self.name), inputs, &mut weights);
            if encoded.is_err() {
                // the error itself may name a private value: it is for its owner alone
                party.abort(&format!("an input of {} cannot be used; {} was told why", self.name, self.name));
            }
            let result = encoded.and_then(|leaves| {
                let mut last = Instant::now();
                let outcome = party.evaluate(&job.plan, &leaves, &mut |p| {
                    if index == 0 && (last.elapsed() > Duration::from_millis(50) || p.done == p.total) {
                        last = Instant::now();
                        let node = job.plan.program().node(p.node).origin;
                        let _ =
                            reply.send(Message::Progress(Progress { done: p.done, total: p.total, node }));
                    }
                });
                Ok(outcome?)
            });
            let _ = reply.send(Message::Party(index, Box::new(result)));
        }
    }

    fn deal(self, commands: &Receiver<Command>, opened: &Sender<Result<(), Error>>) {
        let connect = || Dealer::connect(self.endpoint, self.config).map_err(Error::from);
        let Some((_pool, mut dealer)) = join(self.threads, connect, opened) else { return };
        let mut weights = BTreeMap::new();
        for Command::Evaluate { job, inputs, reply } in commands {
            let encoded = leaves(&job, None, inputs, &mut weights);
            if encoded.is_err() {
                dealer.abort("a public input cannot be used");
            }
            let result = encoded.and_then(|public| Ok(dealer.deal(&job.plan, &public)?));
            let _ = reply.send(Message::Dealer(Box::new(result)));
        }
    }
}

/// The leaves that a member knows, encoded; weights only once. The numbers that they are made from go.
fn leaves(
    job: &Prepared,
    name: Option<&str>,
    inputs: Inputs,
    weights: &mut BTreeMap<LeafKey, Arc<RingTensor>>,
) -> Result<Leaves, Error> {
    let (graph, program) = (&job.graph, job.plan.program());
    let viewer = name.and_then(|name| graph.owners().iter().position(|owner| owner == name));
    let viewer = viewer.map(|index| Owner(index as u16));
    let known = |id: RingId| job.plan.leaf_key(id).and_then(|key| weights.get(key)).cloned();
    let mut leaves: Leaves = program.ids().filter_map(|id| Some((id, known(id)?))).collect();
    let fresh = encode_some_leaves(graph, program, viewer, &inputs, |id| !leaves.contains_key(&id))
        .map_err(|e| Error::Input(e.to_string()))?;
    for (id, value) in fresh {
        let value = Arc::new(value);
        if let Some(key) = job.plan.leaf_key(id) {
            weights.insert(*key, value.clone());
        }
        leaves.insert(id, value);
    }
    Ok(leaves)
}
