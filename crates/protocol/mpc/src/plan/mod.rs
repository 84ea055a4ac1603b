//! A plan: the values that are opened, the tasks and their order, the items that are dealt.
//!
//! Every node of the program is a *task*; a value that is opened under a mask of its own has a second task, its
//! opening. A linear image of opened values is opened already, under the same image of the masks, and needs nothing.
//! All of this follows from the program, the members' names and the keys of weights, so every member derives the
//! same plan.
//!
//! `Plan::with_data_owners` lists the steps, a file each: `checks`, `members`, `forms`, `widths`, `tasks`, `schedule`.

mod checks;
mod digest;
mod forms;
mod inspect;
mod members;
mod schedule;
mod tasks;
mod widths;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tacita_program::{NodeId, Owner, RingId, RingNode, RingOp, VerifiedProgram, Visibility};

use crate::error::MpcError;
use crate::primitives;
use crate::values::Values;
use tacita_correlations::{CorrelationError, Item, StreamId, Use};

use checks::{check_messages, check_sizes};
use digest::digest;
use forms::forms;
use members::check_parties;
use tasks::Tasks;
use widths::widths;

pub(crate) use forms::Form;
pub use forms::LeafKey;
pub use inspect::Inspection;
pub(crate) use members::mask_streams;
pub(crate) use tasks::{PERSISTENT, Task, TaskKind};

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
        program: Arc<VerifiedProgram>,
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
        mut program: Arc<VerifiedProgram>,
        names: &[String],
        data_owners: &[String],
        keys: BTreeMap<RingId, LeafKey>,
    ) -> Result<Plan, MpcError> {
        let parties = names.len();
        check_parties(parties)?;
        let owners = members::owners(&program, names, data_owners)?;
        if !data_owners.is_empty() {
            // no computing party knows a data owner's values
            Arc::make_mut(&mut program).hide(|owner: Owner| owners[usize::from(owner.0)] > parties);
        }
        check_sizes(&program)?;
        // a data owner's leaf reaches the parties as an opening, whichever task uses it
        let is_apart = |id: RingId| match program.nodes[id.0 as usize].visibility {
            Visibility::Private(owner) => owners[owner.0 as usize] > parties,
            Visibility::Public | Visibility::Secret => false,
        };
        let form = forms(&program, &keys, is_apart);
        let widths = widths(&program, &form, is_apart);
        let values = Values { program: &program, owners: &owners, parties, form: &form };
        let Tasks { mut tasks, open_task, uses } = tasks::tasks(values, &widths, is_apart);
        check_messages(&program, &tasks)?;
        let rounds = schedule::set_starts(&mut tasks);
        let order = schedule::order(&tasks);
        schedule::set_receivers(&mut tasks, &order, parties);
        Ok(Plan {
            dependents: schedule::dependents(&tasks),
            expired_masks: schedule::expired_masks(&program, &form, &tasks, &order),
            digest: digest(&program, names, data_owners, &keys),
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
            rounds,
        })
    }

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
    pub(crate) fn opened_as(&self, id: RingId) -> Item {
        let open = self.open_task[id.0 as usize].map(|task| &self.tasks[task as usize].steps.openings[..]);
        match open {
            Some([opening]) => opening.item,
            _ => primitives::item(self.node(id)),
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

    /// The streams, by index in [`tacita_correlations::Streams`], that add up to the mask of an opened value: those of all
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

    /// `id` and all nodes of which its mask is a linear image, in ascending order.
    pub(crate) fn mask_sources(&self, id: RingId) -> BTreeSet<RingId> {
        forms::mask_sources(&self.program, &self.form, id)
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
