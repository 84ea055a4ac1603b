//! A plan: the values that are opened, the tasks and their order, the items that are dealt.
//!
//! Every node of the program is a *task*; a value that is opened under a mask of its own has a second task, its
//! opening. A linear image of masked values is a masked value already, under the same image of the masks, and needs nothing.
//! All of this follows from the program, the members' names and the keys of weights, so every member derives the
//! same plan.
//!
//! The module `planner` makes plans.

pub(crate) mod inspect;
mod task;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tacita_correlations::{CorrelationError, Item, StreamId, Use};
use tacita_program::{NodeId, RingId, RingNode, RingOp, VerifiedProgram, Visibility};

use crate::form::{Form, LeafKey};
use crate::members::mask_streams;
use crate::sizes::item;
use crate::values::Values;

pub(crate) use task::{PERSISTENT, Task, TaskKind};

/// A program prepared for a number of parties.
pub struct Plan {
    pub(crate) program: Arc<VerifiedProgram>,
    /// The computing parties: members 0, 1, …; the dealer is the member after them.
    pub(crate) names: Vec<String>,
    /// Data owners, which compute nothing: the members after the dealer.
    pub(crate) data_owners: Vec<String>,
    /// The member that each owner of the program is.
    pub(crate) owners: Vec<usize>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) form: Vec<Form>,
    pub(crate) open_task: Vec<Option<u32>>,
    pub(crate) keys: BTreeMap<RingId, LeafKey>,
    /// Tasks in the order in which they start and the dealer sends their corrections.
    pub(crate) order: Vec<u32>,
    /// For each node, how many tasks use its value.
    pub(crate) uses: Vec<u32>,
    /// For each position of `order`, the masks that no later task of the dealer needs.
    pub(crate) expired_masks: Vec<Vec<RingId>>,
    /// For each task, the tasks that wait for it.
    pub(crate) dependents: Vec<Vec<u32>>,
    pub(crate) rounds: u32,
    pub(crate) digest: [u8; 32],
}

impl Plan {
    /// The key that identifies the value of a persistent leaf.
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

    /// The hash of everything that all members must agree on: program, members' names, keys of persistent leaves.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The program.
    pub fn program(&self) -> &VerifiedProgram {
        &self.program
    }

    /// The stream of the mask of a value that is opened under its own mask.
    pub(crate) fn mask_stream(&self, evaluation: u64, id: RingId) -> Result<StreamId, CorrelationError> {
        let none = || CorrelationError::Missing { what: "mask of its own", value: id.0 };
        match (self.form(id), self.open_task[id.0 as usize]) {
            (Form::Persistent, _) => {
                self.keys.get(&id).map(|key| StreamId::Persistent(*key)).ok_or_else(none)
            }
            (_, Some(task)) => Ok(StreamId::Evaluation { evaluation, task, purpose: Use::Mask(0) }),
            _ => Err(none()),
        }
    }

    /// The item that is sent when this value is opened: a few of its low bits, or all.
    pub(crate) fn masked_as(&self, id: RingId) -> Item {
        let open = self.open_task[id.0 as usize].map(|task| &self.tasks[task as usize].steps.openings[..]);
        match open {
            Some([opening]) => opening.item,
            _ => item(self.node(id)),
        }
    }

    /// The program's values.
    pub(crate) fn values(&self) -> Values<'_> {
        Values { program: &self.program, owners: &self.owners, parties: self.parties(), form: &self.form }
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
        self.values().owner(id)
    }

    /// Whether a node is a leaf of a data owner.
    pub(crate) fn is_data_owners(&self, id: RingId) -> bool {
        self.owner(id).is_some_and(|owner| owner > self.parties())
    }

    /// The streams, by index in [`Streams`](tacita_correlations::Streams), that add up to the mask of an opened value: those of all
    /// parties, of the party that owns it, or of the data owner that owns it.
    pub(crate) fn mask_streams(&self, id: RingId) -> Range<usize> {
        mask_streams(self.owner(id), self.parties())
    }

    /// This party's stream among these; none if its share of the mask is zero.
    pub(crate) fn own_mask_stream(&self, id: RingId, me: usize) -> Option<usize> {
        match self.owner(id) {
            Some(owner) if owner > self.parties() => Some(self.mask_streams(id).start + me),
            Some(owner) => (owner == me).then_some(me),
            None => Some(me),
        }
    }

    /// Persistent leaves that are opened, in the order in which a session opens them.
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

    /// Bytes of corrections that each party receives before the dealer first has to wait for a member, if it may be `ahead`
    /// bytes ahead of each. Parties may wait for so many before they start.
    pub(crate) fn corrections(&self, ahead: u64) -> Vec<u64> {
        let mut received = vec![0; self.parties()];
        for &t in &self.order {
            let task = &self.tasks[t as usize];
            for dealt in &task.steps.dealt {
                if received.iter().any(|&bytes| bytes > ahead) {
                    return received;
                }
                received[task.receiver] += dealt.item.bytes();
            }
        }
        received
    }
}
