//! Tasks: one that computes each node, and one that opens each value with a mask of its own.

use std::collections::BTreeSet;

use tacita_program::{RingId, RingType, Visibility};

use super::forms::{Form, demands};
use crate::primitives;
use crate::steps::{Opening, Receivers, Sender, Steps};
use crate::values::Values;
use tacita_correlations::Item;

/// The work of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// Computes the node.
    Run,
    /// Opens the node's value under a fresh mask.
    Open,
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
    /// First round in which it runs, counted from 0.
    pub start: u32,
    /// The computing party that receives the dealer's corrections; the others expand their seeds.
    pub receiver: usize,
}

/// The tasks of a program, each after those that it waits for.
pub(super) struct Tasks {
    pub tasks: Vec<Task>,
    /// For each node, the task that opens its value.
    pub open_task: Vec<Option<u32>>,
    /// For each node, how many tasks use its value.
    pub uses: Vec<u32>,
}

/// Lists the tasks of a program, without start and receiver. `is_apart` tells whether a node is a leaf of a data owner.
pub(super) fn tasks(values: Values<'_>, widths: &[u32], is_apart: impl Fn(RingId) -> bool) -> Tasks {
    let Values { program, owners, form, .. } = values;
    let nodes = &program.nodes;
    let mut tasks = Vec::with_capacity(2 * nodes.len());
    let mut run_task = Vec::with_capacity(nodes.len());
    let mut open_task = vec![None; nodes.len()];
    let mut uses = vec![0; nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        let id = RingId(i as u32);
        let wants_opening = demands(program, node);
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
        let steps = primitives::steps(&values, id);
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
                Visibility::Public | Visibility::Secret => Sender::All,
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
    Tasks { tasks, open_task, uses }
}
