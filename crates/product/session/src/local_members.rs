//! The members of a session that live in this process: all of them, or one. Each is a thread with a state of its own,
//! and nothing but its own inputs and the public ones reaches it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tacita_graph::{Inputs, NodeId, Visibility};
use tacita_mpc::{Config, DataOwner, Dealer, Dealt, KeptValues, LeafKey, MpcError, Outcome, Party, Provider};
use tacita_net::{Endpoint, Interrupter, MemberId};

use crate::error::Error;
use crate::prepared::{Prepared, Weights, leaves};
use crate::recipe;

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

/// The reports of the members here on an evaluation.
pub(crate) struct Finished {
    /// By member.
    pub outcomes: BTreeMap<usize, Outcome>,
    /// The dealer's, if it lives here.
    pub dealt: Option<Dealt>,
}

/// Messages from other members, by member.
type Said = Vec<(MemberId, Vec<u8>)>;

enum Command {
    Evaluate {
        job: Arc<Prepared>,
        inputs: Inputs,
        reply: Sender<Message>,
        /// Whether every member here can begin: nothing is sent before.
        begin: Receiver<bool>,
    },
    Abandon {
        cause: String,
        reply: Sender<()>,
    },
    Exchange {
        topic: String,
        bytes: Vec<u8>,
        reply: Sender<Result<Said, Error>>,
    },
    /// Asks for what is kept in shares; who computes nothing has nothing.
    Kept {
        reply: Sender<KeptValues>,
    },
    /// Gives what was kept before.
    Keep {
        values: KeptValues,
        reply: Sender<()>,
    },
    /// Drops values kept under these names, and these weights.
    Forget {
        kept: Vec<String>,
        weights: Vec<LeafKey>,
        reply: Sender<()>,
    },
}

enum Message {
    /// Whether a member's inputs can be used.
    Ready(Result<(), Error>),
    Progress(Progress),
    Member(usize, Box<Result<Outcome, Error>>),
    Dealer(usize, Box<Result<Dealt, Error>>),
}

/// A member's thread and the way to it; both go when the world ends.
struct Handle {
    index: usize,
    name: String,
    /// Whether it is a computing party.
    computes: bool,
    interrupter: Interrupter,
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

/// The error of asking somebody who is gone.
fn ended() -> Error {
    Error::Internal("a member of the session has ended".into())
}

impl Handle {
    fn ask(&self, command: Command) -> Result<(), Error> {
        self.commands.as_ref().ok_or_else(ended)?.send(command).map_err(|_| ended())
    }
}

/// A member that has its links and has not joined yet.
pub(crate) struct Member {
    pub index: usize,
    pub name: String,
    pub parties: usize,
    pub endpoint: Endpoint,
    pub config: Config,
    pub threads: usize,
    /// Sends a dealer that is elsewhere what it deals for.
    pub recipes: bool,
    /// Tells how far an evaluation is: of several members here one speaks for all.
    pub speaks: bool,
    /// The source of dealt values if no dealer takes part.
    pub ahead: Option<Box<dyn Provider>>,
}

/// The members that live in this process.
pub(crate) struct LocalMembers {
    members: Vec<Handle>,
    /// Plans whose weights the owners hold encoded.
    supplied: BTreeSet<[u8; 32]>,
}

impl LocalMembers {
    /// Starts these members, a thread each, and waits until they have joined their session.
    pub fn start(members: Vec<Member>) -> Result<LocalMembers, Error> {
        let (opened, ready) = channel();
        let mut handles = Vec::new();
        for member in members {
            let (sender, commands) = channel();
            let (opened, interrupter) = (opened.clone(), member.endpoint.interrupter());
            let (index, name) = (member.index, member.name.clone());
            let computes = index < member.parties;
            let thread = std::thread::Builder::new()
                .name(name.clone())
                .spawn(move || member.run(&commands, &opened))
                .map_err(|e| Error::Internal(format!("no thread for a member: {e}")))?;
            let (commands, thread) = (Some(sender), Some(thread));
            handles.push(Handle { index, name, computes, interrupter, commands, thread });
        }
        drop(opened);
        for _ in 0..handles.len() {
            ready
                .recv()
                .map_err(|_| Error::Internal("a member ended before the session opened".into()))??;
        }
        Ok(LocalMembers { members: handles, supplied: BTreeSet::new() })
    }

    /// Handles that stop the members from another thread.
    pub fn interrupters(&self) -> Vec<Interrupter> {
        self.members.iter().map(|member| member.interrupter.clone()).collect()
    }

    /// Whether a member of this name lives here.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }

    /// Sends some bytes that everybody may know to all parties and owners, and receives theirs. For a world of one.
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Said, Error> {
        let (reply, replies) = channel();
        let member = self.members.first().ok_or_else(ended)?;
        member.ask(Command::Exchange { topic: topic.to_owned(), bytes: bytes.to_vec(), reply })?;
        replies.recv().map_err(|_| ended())?
    }

    /// The values that each computing party here keeps in shares, by name.
    pub fn kept(&self) -> Result<BTreeMap<String, KeptValues>, Error> {
        let parties = self.members.iter().filter(|member| member.computes);
        parties
            .map(|member| {
                let (reply, replies) = channel();
                member.ask(Command::Kept { reply })?;
                Ok((member.name.clone(), replies.recv().map_err(|_| ended())?))
            })
            .collect()
    }

    /// Gives each computing party here what it kept before.
    pub fn keep(&mut self, mut values: BTreeMap<String, KeptValues>) -> Result<(), Error> {
        for member in self.members.iter().filter(|member| member.computes) {
            let (reply, replies) = channel();
            let values = values.remove(&member.name).unwrap_or_default();
            member.ask(Command::Keep { values, reply })?;
            replies.recv().map_err(|_| ended())?;
        }
        Ok(())
    }

    /// Every member here drops values kept under these names, and these weights.
    pub fn forget(&mut self, kept: &[String], weights: &[LeafKey]) -> Result<(), Error> {
        if !weights.is_empty() {
            // which plans need them is not noted
            self.supplied.clear();
        }
        for member in &self.members {
            let (reply, replies) = channel();
            member.ask(Command::Forget { kept: kept.to_vec(), weights: weights.to_vec(), reply })?;
            replies.recv().map_err(|_| ended())?;
        }
        Ok(())
    }

    /// The computing parties that live here.
    pub fn computing(&self) -> impl Iterator<Item = &str> {
        self.members.iter().filter(|member| member.computes).map(|member| member.name.as_str())
    }

    /// Every member here leaves the session and tells all others why.
    pub fn abandon(&mut self, cause: &str) {
        let (reply, replies) = channel();
        for commands in self.members.iter().filter_map(|member| member.commands.as_ref()) {
            // who has ended has told them
            let _ = commands.send(Command::Abandon { cause: cause.to_owned(), reply: reply.clone() });
        }
        drop(reply);
        replies.into_iter().for_each(drop);
    }

    /// Evaluates a job with each owner's inputs given to that owner alone; weights only the first time. Every member here encodes
    /// its inputs before anything is sent: if one cannot be used, that is the error, and the session goes on.
    pub fn evaluate(
        &mut self,
        job: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Finished, Error> {
        let again = self.supplied.contains(&job.plan.digest());
        let shares = self.split(job, inputs, again)?;
        let (reply, replies) = channel();
        let mut gates = Vec::with_capacity(self.members.len());
        for (member, inputs) in self.members.iter().zip(shares) {
            let (gate, begin) = channel();
            let command = Command::Evaluate { job: job.clone(), inputs, reply: reply.clone(), begin };
            member.ask(command)?;
            gates.push(gate);
        }
        drop(reply);
        let mut unusable = None;
        for _ in &gates {
            match replies.recv().map_err(|_| ended())? {
                Message::Ready(Ok(())) => {}
                Message::Ready(Err(error)) => unusable = unusable.or(Some(error)),
                Message::Progress(_) | Message::Member(..) | Message::Dealer(..) => {
                    return Err(Error::Internal("a member began before the others were ready".into()));
                }
            }
        }
        for gate in gates {
            // a member that has ended says so below
            let _ = gate.send(unusable.is_none());
        }
        if let Some(error) = unusable {
            return Err(error);
        }
        self.supplied.insert(job.plan.digest());
        let mut finished = Finished { outcomes: BTreeMap::new(), dealt: None };
        let mut failure: Option<Error> = None;
        let mut fail = |error: Error| match &failure {
            // the cause, not the consequence that another member saw
            Some(first) if !is_consequence(first) => {}
            _ => failure = Some(error),
        };
        let mut silent: BTreeSet<usize> = self.members.iter().map(|member| member.index).collect();
        for message in replies {
            match message {
                Message::Ready(_) => {}
                Message::Progress(p) => progress(p),
                Message::Member(index, result) => match *result {
                    Ok(outcome) => {
                        silent.remove(&index);
                        finished.outcomes.insert(index, outcome);
                    }
                    Err(error) => fail(error),
                },
                Message::Dealer(index, result) => match *result {
                    Ok(dealt) => {
                        silent.remove(&index);
                        finished.dealt = Some(dealt);
                    }
                    Err(error) => fail(error),
                },
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if silent.is_empty() {
            Ok(finished)
        } else {
            Err(Error::Internal("a member ended without a word".into()))
        }
    }

    /// The inputs for each member here: its own and the public ones; for the dealer only the public ones. Not `again`
    /// what it keeps as long as the session.
    fn split(&self, job: &Prepared, inputs: &Inputs, again: bool) -> Result<Vec<Inputs>, Error> {
        let graph = &job.graph;
        let mut shares = vec![Inputs::new(); self.members.len()];
        for id in graph.inputs() {
            let node = graph.node(id);
            if again && !job.fresh[id.index()] {
                continue;
            }
            let missing = || Error::Input(format!("no value for the input `{}`", node.name));
            match node.ty.visibility {
                Visibility::Private(owner) => {
                    let owner = &graph.owners()[owner.0 as usize];
                    // another machine's input is none of ours
                    if let Some(at) = self.members.iter().position(|member| member.name == *owner) {
                        let value = inputs.get(&node.name).ok_or_else(missing)?;
                        shares[at].insert(node.name.clone(), value.clone());
                    }
                }
                // the parties keep it
                Visibility::Secret => {}
                Visibility::Public => {
                    let value = inputs.get(&node.name).ok_or_else(missing)?;
                    shares.iter_mut().for_each(|share| {
                        share.insert(node.name.clone(), value.clone());
                    });
                }
            }
        }
        Ok(shares)
    }
}

/// Whether an error tells of somebody else's.
fn is_consequence(error: &Error) -> bool {
    matches!(error, Error::Protocol(MpcError::Net { .. } | MpcError::Poisoned { .. }))
}

impl Drop for LocalMembers {
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

/// A member in its session.
enum Joined {
    Party(Box<Party>),
    Dealer(Box<Dealer>),
    DataOwner(Box<DataOwner>),
}

impl Member {
    /// The member's thread. Kernels run in a pool of its own, of which this thread is one.
    fn run(self, commands: &Receiver<Command>, opened: &Sender<Result<(), Error>>) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).use_current_thread().build();
        let pool = pool.map_err(|e| Error::Internal(format!("no thread pool: {e}")));
        let (index, name) = (self.index, self.name.clone());
        let (recipes, speaks) = (self.recipes, self.speaks);
        let joined = pool.and_then(|pool| Ok((pool, self.join()?)));
        let (_pool, mut joined) = match joined {
            Ok(joined) => joined,
            Err(error) => {
                // nobody listens any more if another member failed first
                let _ = opened.send(Err(error));
                return;
            }
        };
        if opened.send(Ok(())).is_err() {
            return;
        }
        let mut state =
            State { index, name, recipes, speaks, described: BTreeSet::new(), weights: Weights::new() };
        for command in commands {
            match command {
                Command::Evaluate { job, inputs, reply, begin } => {
                    state.evaluate(&mut joined, &job, inputs, &reply, &begin);
                }
                Command::Forget { kept, weights, reply } => {
                    weights.iter().for_each(|key| {
                        state.weights.remove(key);
                    });
                    if let Joined::Party(party) = &mut joined {
                        party.forget(&kept, &weights);
                    }
                    let _ = reply.send(());
                }
                Command::Abandon { cause, reply } => {
                    match &mut joined {
                        Joined::Party(party) => party.abort(&cause),
                        Joined::DataOwner(owner) => owner.abort(&cause),
                        Joined::Dealer(dealer) => dealer.abort(&cause),
                    }
                    let _ = reply.send(());
                }
                Command::Kept { reply } => {
                    let kept = match &joined {
                        Joined::Party(party) => party.kept().clone(),
                        _ => KeptValues::new(),
                    };
                    let _ = reply.send(kept);
                }
                Command::Keep { values, reply } => {
                    if let Joined::Party(party) = &mut joined {
                        party.keep(values);
                    }
                    let _ = reply.send(());
                }
                Command::Exchange { topic, bytes, reply } => {
                    let said = match &mut joined {
                        Joined::Party(party) => party.exchange(&topic, &bytes).map_err(Error::from),
                        Joined::DataOwner(owner) => owner.exchange(&topic, &bytes).map_err(Error::from),
                        Joined::Dealer(_) => {
                            Err(Error::Internal("a dealer takes no part in exchanges".into()))
                        }
                    };
                    let _ = reply.send(said);
                }
            }
        }
    }

    fn join(self) -> Result<Joined, Error> {
        let Member { index, parties, endpoint, config, ahead, .. } = self;
        Ok(match (index.cmp(&parties), ahead) {
            (Ordering::Less, None) => Joined::Party(Box::new(Party::connect(endpoint, parties, config)?)),
            (Ordering::Less, Some(ahead)) => {
                Joined::Party(Box::new(Party::connect_ahead(endpoint, parties, config, ahead)?))
            }
            (Ordering::Equal, _) => Joined::Dealer(Box::new(Dealer::connect(endpoint, parties, config)?)),
            (Ordering::Greater, None) => {
                Joined::DataOwner(Box::new(DataOwner::connect(endpoint, parties, config)?))
            }
            (Ordering::Greater, Some(ahead)) => {
                Joined::DataOwner(Box::new(DataOwner::connect_ahead(endpoint, parties, config, ahead)?))
            }
        })
    }
}

/// The state of a member's thread between evaluations.
struct State {
    index: usize,
    name: String,
    recipes: bool,
    speaks: bool,
    /// Plans that the dealer was sent.
    described: BTreeSet<[u8; 32]>,
    weights: Weights,
}

impl State {
    fn evaluate(
        &mut self,
        joined: &mut Joined,
        job: &Prepared,
        inputs: Inputs,
        reply: &Sender<Message>,
        begin: &Receiver<bool>,
    ) {
        let (viewer, recipe) = match joined {
            Joined::Dealer(_) => (None, Ok(None)),
            Joined::DataOwner(_) => (Some(self.name.as_str()), Ok(None)),
            Joined::Party(_) => (Some(self.name.as_str()), self.recipe(job, &inputs)),
        };
        let encoded = recipe.and_then(|recipe| Ok((recipe, leaves(job, viewer, inputs, &self.weights)?)));
        let (recipe, leaves) = match encoded {
            Ok((recipe, (leaves, new))) => {
                let ready = reply.send(Message::Ready(Ok(())));
                if ready.is_err() || !begin.recv().unwrap_or(false) {
                    return;
                }
                self.weights.extend(new);
                (recipe, leaves)
            }
            Err(error) => {
                let _ = reply.send(Message::Ready(Err(error)));
                return;
            }
        };
        match joined {
            Joined::Dealer(dealer) => {
                let result = dealer.deal(&job.plan, &leaves).map_err(Error::from);
                let _ = reply.send(Message::Dealer(self.index, Box::new(result)));
            }
            Joined::DataOwner(owner) => {
                // it takes no part in the steps between, and sees nothing of them
                if let (true, Some(first)) = (self.speaks, job.plan.program().nodes.first()) {
                    let begun = Progress { done: 0, total: 1, node: first.origin };
                    let _ = reply.send(Message::Progress(begun));
                }
                let result = owner.evaluate(&job.plan, &leaves).map_err(Error::from);
                let _ = reply.send(Message::Member(self.index, Box::new(result)));
            }
            Joined::Party(party) => {
                if recipe.is_some() {
                    self.described.insert(job.plan.digest());
                }
                let mut report = self.reporter(job, reply);
                let result = party.evaluate(&job.plan, &leaves, recipe.as_deref(), &mut report);
                let _ = reply.send(Message::Member(self.index, Box::new(result.map_err(Error::from))));
            }
        }
    }

    /// The recipe for a dealer elsewhere that does not have the plan yet.
    fn recipe(&self, job: &Prepared, inputs: &Inputs) -> Result<Option<Vec<u8>>, Error> {
        let public = job.public_inputs().next().is_some();
        let new = !self.described.contains(&job.plan.digest());
        (self.recipes && (new || public)).then(|| recipe::encode(job, inputs)).transpose()
    }

    /// Passes progress on, not too often.
    fn reporter<'a>(
        &self,
        job: &'a Prepared,
        reply: &'a Sender<Message>,
    ) -> impl FnMut(tacita_mpc::Progress) + use<'a> {
        let (speaks, mut last) = (self.speaks, Instant::now());
        move |p| {
            if speaks && (last.elapsed() > Duration::from_millis(50) || p.done == p.total) {
                last = Instant::now();
                let node = job.plan.program().node(p.node).origin;
                let _ = reply.send(Message::Progress(Progress { done: p.done, total: p.total, node }));
            }
        }
    }
}
