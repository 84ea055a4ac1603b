//! Tasks: one that computes each node, and one that opens each value with a mask of its own.

use std::collections::BTreeSet;

use tacita_correlations::Item;
use tacita_program::{RingId, RingType, Visibility};

use super::forms::demands;
use crate::form::Form;
use crate::plan::{Task, TaskKind};
use crate::primitives;
use crate::sizes::{elements, item};
use crate::steps::{Opening, Receivers, Sender, Steps};
use crate::values::Values;

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
        let wants_masked = demands(program, node);
        let mut after = BTreeSet::new();
        for (position, input) in node.inputs.iter().enumerate() {
            let at = input.0 as usize;
            let by_masked = wants_masked[position] || form[i] == Form::Derived;
            after.insert(match open_task[at] {
                Some(open) if by_masked || is_apart(*input) => open,
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
        if form[i] == Form::Masked {
            open_task[i] = Some(tasks.len() as u32);
            uses[i] += 1;
            let from = match node.visibility {
                Visibility::Private(owner) => Sender::Owner(owners[owner.0 as usize]),
                Visibility::Public | Visibility::Secret => Sender::All,
            };
            let opened = match node.ty {
                RingType::Ring { .. } => Item::holding(elements(node), widths[i]),
                RingType::Bits { .. } => item(node),
            };
            let opening = Opening { item: opened, from, to: Receivers::All };
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
