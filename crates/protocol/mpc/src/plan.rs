//! From a ring program to a plan: which values are opened, in which order tasks run, what is dealt, what it costs.
//!
//! Every node of the program is a *task*; a value that is opened under a mask of its own has a second task, its
//! opening. A linear image of opened values is opened already, under the same image of the masks, and needs nothing.
//! All of this follows from the program and the number of parties alone, so every member derives the same plan.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tacita_program::{NodeId, RingId, RingNode, RingOp, RingProgram, RingType, Visibility};

use crate::error::MpcError;
use crate::primitives;
use crate::steps::{Item, Opening, Receivers, Sender, Steps};
use crate::streams::{StreamId, Use};

/// Names the value of a persistent leaf for the length of a session: another value needs another key.
pub type LeafKey = [u8; 32];

/// Bytes of the largest message that links take by default, [`tacita_net::Limits::max_frame`].
const LARGEST_MESSAGE: u64 = 1 << 30;

/// Bytes that all values together may take that every member computes.
const MOST_PUBLIC: u64 = 4 << 30;

/// How a value is held when the online phase uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every member knows it.
    Public,
    /// Additive or XOR shares, never opened.
    Share,
    /// Shares, then opened under a mask of its own.
    Opened,
    /// Opened once for the session (a weight).
    Persistent,
    /// A linear image of opened values, on openings and masks.
    Derived,
}

impl Form {
    fn has_opening(self) -> bool {
        matches!(self, Form::Opened | Form::Persistent | Form::Derived)
    }
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Computes the node.
    Run,
    /// Opens the node's value under a fresh mask.
    Open,
}

/// What a frame is: see [`Plan::inspect`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The graph node that it is for.
    pub node: Option<NodeId>,
    /// The stream of the mask that an opening is under.
    pub mask: StreamId,
    /// What is opened.
    pub opening: Option<Item>,
    /// The round of an opening, counted from 0.
    pub round: u32,
    /// The item that a correction is for.
    pub item: Option<Item>,
}

/// Task numbers from here on are openings of persistent leaves, before the plan's own tasks.
pub(crate) const PERSISTENT: u32 = 1 << 31;

/// One unit of the schedule.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub node: RingId,
    pub kind: TaskKind,
    pub after: Vec<u32>,
    pub steps: Steps,
    /// First round in which it runs; openings posted then belong to round `start + 1` as people count.
    pub start: u32,
    /// The computing party that receives the dealer's corrections; the others expand their seeds.
    pub receiver: usize,
}

/// A program prepared for a number of parties.
pub struct Plan {
    pub(crate) program: Arc<RingProgram>,
    /// The computing parties: members 0, 1, …; the dealer is the member after them.
    pub(crate) names: Vec<String>,
    /// Data owners, who compute nothing: the members after the dealer.
    pub(crate) data_owners: Vec<String>,
    /// By owner of the program, which member that is.
    pub(crate) owners: Vec<usize>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) form: Vec<Form>,
    pub(crate) open_task: Vec<Option<u32>>,
    pub(crate) keys: BTreeMap<RingId, LeafKey>,
    /// Tasks as they start, which is also the order of the dealer's corrections.
    pub(crate) order: Vec<u32>,
    /// Tasks that use a node's value.
    pub(crate) uses: Vec<u32>,
    /// For each position of `order`, masks no later task of the dealer needs.
    pub(crate) expired_masks: Vec<Vec<RingId>>,
    /// Tasks that wait for a task.
    pub(crate) dependents: Vec<Vec<u32>>,
    rounds: u32,
    digest: [u8; 32],
}

impl Plan {
    /// Plans `program` for the computing parties called `names`. `keys` identifies the values of persistent leaves.
    ///
    /// # Errors
    /// [`MpcError::Unsupported`] if an owner or receiver is none of the parties, fewer than two parties compute, or a value
    /// is so large that no link takes its opening.
    pub fn new(
        program: Arc<RingProgram>,
        names: &[String],
        keys: BTreeMap<RingId, LeafKey>,
    ) -> Result<Plan, MpcError> {
        Plan::with_data_owners(program, names, &[], keys)
    }

    /// As [`Plan::new`], with members that own inputs or receive results and compute nothing ([`crate::DataOwner`]).
    ///
    /// # Errors
    /// As [`Plan::new`], where an owner or receiver may also be one of these.
    pub fn with_data_owners(
        mut program: Arc<RingProgram>,
        names: &[String],
        data_owners: &[String],
        keys: BTreeMap<RingId, LeafKey>,
    ) -> Result<Plan, MpcError> {
        let parties = names.len();
        if !(2..=64).contains(&parties) {
            return Err(unsupported(
                "session",
                "parties",
                format!("{parties} computing parties; 2 to 64 can"),
            ));
        }
        let owners = program
            .owners
            .iter()
            .map(|owner| {
                let party = names.iter().position(|name| name == owner);
                let apart = || data_owners.iter().position(|name| name == owner);
                party.or_else(|| apart().map(|at| parties + 1 + at)).ok_or_else(|| {
                    let members = [names, data_owners].concat().join(", ");
                    unsupported(owner, "owner", format!("{owner} is none of the members {members}"))
                })
            })
            .collect::<Result<Vec<usize>, _>>()?;
        if !data_owners.is_empty() {
            share_what_data_owners_know(Arc::make_mut(&mut program), &owners, parties);
        }
        let nodes = &program.nodes;
        check_sizes(&program)?;
        // a data owner's leaf reaches the parties as an opening, whoever uses it
        let is_apart = |id: RingId| match nodes[id.0 as usize].visibility {
            Visibility::Private(owner) => owners[owner.0 as usize] > parties,
            _ => false,
        };
        let form = forms(&program, &keys, is_apart);
        let widths = widths(&program, &form, is_apart);

        let mut tasks = Vec::with_capacity(2 * nodes.len());
        let mut run_task = Vec::with_capacity(nodes.len());
        let mut open_task = vec![None; nodes.len()];
        let mut uses = vec![0; nodes.len()];
        for (i, node) in nodes.iter().enumerate() {
            let id = RingId(i as u32);
            let wants_opening = demands(&program, node);
            let mut after = BTreeSet::new();
            for (position, input) in node.inputs.iter().enumerate() {
                let at = input.0 as usize;
                let by_opening = wants_opening[position] || form[i] == Form::Derived;
                after.insert(match open_task[at] {
                    Some(open) if by_opening || is_apart(*input) => open,
                    _ => run_task[at],
                });
            }
            for input in node.inputs.iter().collect::<BTreeSet<_>>() {
                uses[input.0 as usize] += 1;
            }
            run_task.push(tasks.len() as u32);
            let steps = primitives::steps(&program, &owners, parties, id);
            tasks.push(Task {
                node: id,
                kind: TaskKind::Run,
                after: after.into_iter().collect(),
                steps,
                start: 0,
                receiver: 0,
            });
            if form[i] == Form::Opened {
                open_task[i] = Some(tasks.len() as u32);
                uses[i] += 1;
                let from = match node.visibility {
                    Visibility::Private(owner) => Sender::Owner(owners[owner.0 as usize]),
                    _ => Sender::All,
                };
                let item = match node.ty {
                    RingType::Ring { .. } => Item::holding(primitives::elements(node), widths[i]),
                    RingType::Bits { .. } => primitives::item(node),
                };
                let opening = Opening { item, from, to: Receivers::All };
                tasks.push(Task {
                    node: id,
                    kind: TaskKind::Open,
                    after: vec![run_task[i]],
                    steps: Steps { dealt: vec![], openings: vec![opening] },
                    start: 0,
                    receiver: 0,
                });
            }
        }

        if let Some(task) = tasks.iter().find(|task| task.steps.largest_message() > LARGEST_MESSAGE) {
            let node = &nodes[task.node.0 as usize];
            let name = program.node_names.get(node.origin.index()).map_or("", String::as_str);
            let reason = format!(
                "it needs a message of {} bytes, and no link takes more than {LARGEST_MESSAGE}: use a smaller batch",
                task.steps.largest_message()
            );
            return Err(unsupported(name, node.op.name(), reason));
        }

        let mut rounds = 0;
        for t in 0..tasks.len() {
            let start = tasks[t]
                .after
                .iter()
                .map(|&a| tasks[a as usize].start + tasks[a as usize].steps.openings.len() as u32)
                .max()
                .unwrap_or(0);
            tasks[t].start = start;
            rounds = rounds.max(start + tasks[t].steps.openings.len() as u32);
        }
        let mut order: Vec<u32> = (0..tasks.len() as u32).collect();
        order.sort_by_key(|&t| (tasks[t as usize].start, t));
        let mut load = vec![0u64; parties];
        for &t in &order {
            let lightest = (0..parties).min_by_key(|&p| (load[p], p)).unwrap_or(0);
            tasks[t as usize].receiver = lightest;
            load[lightest] += tasks[t as usize].steps.dealt_bytes();
        }

        let mut dependents = vec![vec![]; tasks.len()];
        for (t, task) in tasks.iter().enumerate() {
            for &earlier in &task.after {
                dependents[earlier as usize].push(t as u32);
            }
        }
        let mut plan = Plan {
            dependents,
            program,
            names: names.to_vec(),
            data_owners: data_owners.to_vec(),
            owners,
            tasks,
            form,
            open_task,
            keys,
            order,
            uses,
            expired_masks: vec![],
            rounds,
            digest: [0; 32],
        };
        plan.expired_masks = plan.expiries();
        plan.digest = plan.hash();
        Ok(plan)
    }

    /// What identifies the value of a persistent leaf.
    pub fn leaf_key(&self, id: RingId) -> Option<&LeafKey> {
        self.keys.get(&id)
    }

    /// The index of the computing party of this name.
    pub fn party(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// All members' names, the dealer's as `dealer`, in the order of their indices.
    pub(crate) fn member_names(&self) -> Vec<&str> {
        let names = self.names.iter().map(String::as_str);
        names.chain(["dealer"]).chain(self.data_owners.iter().map(String::as_str)).collect()
    }

    /// Number of computing parties.
    pub fn parties(&self) -> usize {
        self.names.len()
    }

    /// Rounds of the online phase.
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// What all members must agree on: program, parties, order of corrections.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The program.
    pub fn program(&self) -> &RingProgram {
        &self.program
    }

    /// What a frame of an evaluation's opening or correction is, for tests that look at what crosses the links.
    #[doc(hidden)]
    pub fn inspect(&self, evaluation: u64, task: u32, step: u16) -> Inspection {
        if let Some(index) = task.checked_sub(PERSISTENT) {
            let id = self.persistent().nth(index as usize);
            let key = id.and_then(|id| self.keys.get(&id)).copied().unwrap_or_default();
            let (mask, opening) = (StreamId::Persistent(key), id.map(|id| self.opened_as(id)));
            let node = id.map(|id| self.node(id).origin);
            return Inspection { node, mask, opening, round: 0, item: None };
        }
        let found = &self.tasks[task as usize];
        Inspection {
            node: Some(self.node(found.node).origin),
            mask: StreamId::Evaluation { evaluation, task, purpose: Use::Mask(step) },
            opening: found.steps.openings.get(step as usize).map(|opening| opening.item),
            round: found.start + u32::from(step),
            item: found.steps.dealt.get(step as usize).copied(),
        }
    }

    /// The stream of the mask under which a value of its own opening is opened.
    pub(crate) fn mask_stream(&self, evaluation: u64, id: RingId) -> Result<StreamId, MpcError> {
        let none = || MpcError::Internal(format!("ring node {} has no mask of its own", id.0));
        match (self.form(id), self.open_task[id.0 as usize]) {
            (Form::Persistent, _) => {
                self.keys.get(&id).map(|key| StreamId::Persistent(*key)).ok_or_else(none)
            }
            (_, Some(task)) => Ok(StreamId::Evaluation { evaluation, task, purpose: Use::Mask(0) }),
            _ => Err(none()),
        }
    }

    /// As what a value of its own opening is opened: so many of its low bits.
    pub(crate) fn opened_as(&self, id: RingId) -> Item {
        let open = self.open_task[id.0 as usize].map(|task| &self.tasks[task as usize].steps.openings[..]);
        match open {
            Some([opening]) => opening.item,
            _ => primitives::item(self.node(id)),
        }
    }

    /// The program's node.
    pub(crate) fn node(&self, id: RingId) -> &RingNode {
        &self.program.nodes[id.0 as usize]
    }

    pub(crate) fn form(&self, id: RingId) -> Form {
        self.form[id.0 as usize]
    }

    /// The name of a graph node.
    pub(crate) fn name(&self, node: NodeId) -> &str {
        self.program.node_names.get(node.index()).map_or("", String::as_str)
    }

    /// The name of a task's graph node.
    pub(crate) fn task_name(&self, task: u32) -> &str {
        let node = self.node(self.tasks[task as usize].node);
        self.name(node.origin)
    }

    /// The member that owns a private node.
    pub(crate) fn owner(&self, id: RingId) -> Option<usize> {
        match self.node(id).visibility {
            Visibility::Private(owner) => Some(self.owners[owner.0 as usize]),
            _ => None,
        }
    }

    /// Whether a node is a leaf of a data owner.
    pub(crate) fn is_data_owners(&self, id: RingId) -> bool {
        self.owner(id).is_some_and(|owner| owner > self.parties())
    }

    /// The streams, by index in [`crate::streams::Streams`], that add up to the mask of an opened value: of all parties,
    /// of the party that owns it, or of the data owner that does.
    pub(crate) fn mask_streams(&self, id: RingId) -> Range<usize> {
        mask_streams(self.owner(id), self.parties())
    }

    /// The one of these streams that is this party's; none if its share of the mask is zero.
    pub(crate) fn own_mask_stream(&self, id: RingId, me: usize) -> Option<usize> {
        match self.owner(id) {
            Some(owner) if owner > self.parties() => Some(self.mask_streams(id).start + me),
            Some(owner) => (owner == me).then_some(me),
            None => Some(me),
        }
    }

    /// Persistent leaves that products use: opened once a session, in this order.
    pub(crate) fn persistent(&self) -> impl Iterator<Item = RingId> + '_ {
        (0..self.form.len()).filter(|&i| self.form[i] == Form::Persistent).map(|i| RingId(i as u32))
    }

    /// Leaves that exist in shares alone, kept by earlier evaluations.
    pub(crate) fn secret_leaves(&self) -> impl Iterator<Item = RingId> + '_ {
        self.program.ids().filter(|&id| {
            let node = self.node(id);
            matches!(node.op, RingOp::Input { .. }) && node.visibility == Visibility::Secret
        })
    }

    /// `id` and all nodes that its mask is a linear image of, in order.
    pub(crate) fn mask_sources(&self, id: RingId) -> BTreeSet<RingId> {
        let mut found = BTreeSet::new();
        let mut todo = vec![id];
        while let Some(next) = todo.pop() {
            if found.insert(next) && self.form(next) == Form::Derived {
                todo.extend(&self.node(next).inputs);
            }
        }
        found
    }

    /// Bytes of corrections that each party receives before the dealer first has to wait for anyone, if it may be `ahead`
    /// bytes ahead of each: what parties may wait for before they start.
    pub(crate) fn corrections(&self, ahead: u64) -> Vec<u64> {
        let mut received = vec![0; self.parties()];
        for &t in &self.order {
            let task = &self.tasks[t as usize];
            for item in &task.steps.dealt {
                if received.iter().any(|&bytes| bytes > ahead) {
                    return received;
                }
                received[task.receiver] += item.bytes();
            }
        }
        received
    }

    fn expiries(&self) -> Vec<Vec<RingId>> {
        let mut last = BTreeMap::new();
        for (position, &t) in self.order.iter().enumerate() {
            let task = &self.tasks[t as usize];
            if !task.steps.dealt.is_empty() {
                for input in &self.node(task.node).inputs {
                    for source in self.mask_sources(*input) {
                        last.insert(source, position);
                    }
                }
            }
        }
        let mut expired = vec![vec![]; self.order.len()];
        for (source, position) in last {
            expired[position].push(source);
        }
        expired
    }

    fn hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("tacita plan v3");
        hasher.update(&self.program.digest());
        for names in [&self.names, &self.data_owners] {
            hasher.update(&(names.len() as u64).to_le_bytes());
            for name in names {
                hasher.update(&(name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
            }
        }
        for (id, key) in &self.keys {
            hasher.update(&id.0.to_le_bytes());
            hasher.update(key);
        }
        *hasher.finalize().as_bytes()
    }
}

/// Refuses values that nobody should have to hold: a few bytes of a graph that a peer sent may name any size.
fn check_sizes(program: &RingProgram) -> Result<(), MpcError> {
    let mut public = 0_u64;
    for node in &program.nodes {
        let bytes = node.shape.iter().try_fold(8_u64, |bytes, &size| bytes.checked_mul(size as u64));
        if node.visibility == Visibility::Public {
            public = public.saturating_add(bytes.unwrap_or(u64::MAX));
        }
        if bytes.is_none_or(|bytes| bytes > LARGEST_MESSAGE) || public > MOST_PUBLIC {
            let name = program.node_names.get(node.origin.index()).map_or("", String::as_str);
            let reason = format!(
                "it has {} elements: a value may take {LARGEST_MESSAGE} bytes and all public ones {MOST_PUBLIC}; use a smaller batch",
                node.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
            );
            return Err(unsupported(name, node.op.name(), reason));
        }
    }
    Ok(())
}

fn unsupported(node: &str, op: &str, reason: String) -> MpcError {
    MpcError::Unsupported { node: node.to_owned(), op: op.to_owned(), reason }
}

/// Whether a node is a linear map of its non-public inputs.
fn is_linear(program: &RingProgram, node: &RingNode) -> bool {
    let public = |id: &RingId| program.nodes[id.0 as usize].visibility == Visibility::Public;
    node.op.is_linear() || (node.op.is_bilinear() && node.inputs.iter().any(public))
}

/// For each input of a node, whether the node computes on its opening.
fn demands(program: &RingProgram, node: &RingNode) -> Vec<bool> {
    let computes = match node.op {
        RingOp::Truncate { .. }
        | RingOp::LessThanZero { .. }
        | RingOp::OneHotArgmax { .. }
        | RingOp::Select { .. }
        | RingOp::Bucketize { .. }
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::AndBits
        | RingOp::EqualZero { .. }
        | RingOp::RoundedUp { .. }
        | RingOp::OneHot { .. }
        | RingOp::LessThanPairs { .. }
        | RingOp::SelectLargest { .. } => true,
        RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } => !is_linear(program, node),
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Add
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
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::Sort { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::Random { .. } => false,
    };
    // the factor of a rescaling is multiplied as a share
    let share = matches!(node.op, RingOp::SelectScale { .. }).then_some(1);
    let inputs = node.inputs.iter().enumerate();
    inputs
        .map(|(i, input)| {
            let secret = program.nodes[input.0 as usize].visibility != Visibility::Public;
            computes && secret && share != Some(i)
        })
        .collect()
}

/// How many low bits of its inputs' openings a node computes on, if it does.
fn bits_used(op: &RingOp) -> u32 {
    match op {
        // the sign is the bit above
        RingOp::LessThanZero { bits }
        | RingOp::OneHotArgmax { bits }
        | RingOp::LessThanPairs { bits }
        | RingOp::Bucketize { bits, .. } => bits + 1,
        RingOp::EqualZero { bits } | RingOp::OneHot { bits } => *bits,
        RingOp::Input { .. }
        | RingOp::Constant { .. }
        | RingOp::ConstantTensor { .. }
        | RingOp::Add
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
        | RingOp::Truncate { .. }
        | RingOp::Select { .. }
        | RingOp::NotBits
        | RingOp::XorBits
        | RingOp::AndBits
        | RingOp::RoundedUp { .. }
        | RingOp::Sort { .. }
        | RingOp::SelectLargest { .. }
        | RingOp::Reveal { .. }
        | RingOp::Keep
        | RingOp::FourierSum { .. }
        | RingOp::Exponential { .. }
        | RingOp::BitToArithmetic { .. }
        | RingOp::SelectScale { .. }
        | RingOp::Random { .. } => 64,
    }
}

/// How many low bits of each value's opening are used: those of a comparison are few if the range is proven to be narrow. A
/// linear image has as many right as what it is an image of. Where a share is made of an opening, all are.
fn widths(program: &RingProgram, form: &[Form], is_apart: impl Fn(RingId) -> bool) -> Vec<u32> {
    let mut widths = vec![0; program.nodes.len()];
    for (i, node) in program.nodes.iter().enumerate().rev() {
        for (input, opened) in node.inputs.iter().zip(demands(program, node)) {
            let at = input.0 as usize;
            let used = match form[i] {
                Form::Derived => widths[i],
                _ if opened => bits_used(&node.op),
                // the share is there
                _ if form[at] != Form::Derived && !is_apart(*input) => 0,
                _ => 64,
            };
            widths[at] = widths[at].max(used);
        }
    }
    widths
}

/// The streams that add up to the mask of a value of this owner, among so many parties. Every party has a stream with the
/// dealer, under its own index, and after these every data owner has one with each party, which the dealer knows too.
pub(crate) fn mask_streams(owner: Option<usize>, parties: usize) -> Range<usize> {
    match owner {
        None => 0..parties,
        Some(owner) if owner > parties => {
            let first = parties + (owner - parties - 1) * parties;
            first..first + parties
        }
        Some(owner) => owner..owner + 1,
    }
}

/// What one data owner knows and is computed from its leaves is, for those who compute, a secret like any other.
fn share_what_data_owners_know(program: &mut RingProgram, owners: &[usize], parties: usize) {
    for node in &mut program.nodes {
        let is_leaf = matches!(node.op, RingOp::Input { .. });
        if let Visibility::Private(owner) = node.visibility
            && !is_leaf
            && owners[owner.0 as usize] > parties
        {
            node.visibility = Visibility::Secret;
        }
    }
}

/// Whether a node's elements are those of its input, in other places, repeated, or with zeros between.
fn moves_all(program: &RingProgram, node: &RingNode) -> bool {
    use RingOp::{Broadcast, Gather, Pad, Reshape, Transpose};
    let moves = matches!(node.op, Broadcast | Reshape | Transpose { .. } | Gather { .. } | Pad { .. });
    let ring = matches!(node.ty, RingType::Ring { .. });
    let input = node.inputs.first().map(|input| &program.nodes[input.0 as usize]);
    let as_many = |input: &RingNode| primitives::words(node) >= primitives::words(input);
    moves && ring && input.is_some_and(|input| input.visibility != Visibility::Public && as_many(input))
}

fn forms(
    program: &RingProgram,
    keys: &BTreeMap<RingId, LeafKey>,
    is_apart: impl Fn(RingId) -> bool,
) -> Vec<Form> {
    let nodes = &program.nodes;
    let mut demanded: Vec<bool> = program.ids().map(is_apart).collect();
    for node in nodes {
        for (input, wanted) in node.inputs.iter().zip(demands(program, node)) {
            demanded[input.0 as usize] |= wanted;
        }
    }
    // of what only moves elements, and leaves none out, the opening is that of what is moved: sent once for all its images
    for (at, node) in nodes.iter().enumerate().rev() {
        if demanded[at] && moves_all(program, node) {
            demanded[node.inputs[0].0 as usize] = true;
        }
    }
    let mut form = vec![Form::Share; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let ring = matches!(node.ty, RingType::Ring { .. });
        form[i] = if node.visibility == Visibility::Public {
            Form::Public
        } else if ring
            && !node.inputs.is_empty()
            && is_linear(program, node)
            && node.inputs.iter().all(|input| {
                let f = form[input.0 as usize];
                f == Form::Public || f.has_opening()
            })
        {
            Form::Derived
        } else if demanded[i] {
            match node.op {
                RingOp::Input { persistent: true } if keys.contains_key(&RingId(i as u32)) => {
                    Form::Persistent
                }
                _ => Form::Opened,
            }
        } else {
            Form::Share
        };
    }
    // a derived opening that nothing uses is a sharing like any other
    let mut used = demanded;
    for i in (0..nodes.len()).rev() {
        if form[i] == Form::Derived {
            if used[i] {
                for input in &nodes[i].inputs {
                    used[input.0 as usize] = true;
                }
            } else {
                form[i] = Form::Share;
            }
        }
    }
    form
}
