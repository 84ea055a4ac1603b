//! The schedule: in which round and order tasks start, which party receives their corrections, how long masks last.

use std::collections::BTreeMap;

use tacita_correlations::Correlation;
use tacita_program::{RingId, RingProgram};

use crate::form::{Form, mask_sources};
use crate::plan::Task;

/// Sets each task's first round. Returns the number of rounds.
pub(super) fn set_starts(tasks: &mut [Task]) -> u32 {
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
    rounds
}

/// The tasks in the order in which they start.
pub(super) fn order(tasks: &[Task]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..tasks.len() as u32).collect();
    order.sort_by_key(|&t| (tasks[t as usize].start, t));
    order
}

/// Gives the corrections of each task, in this order, to the party with the fewest bytes so far.
pub(super) fn set_receivers(tasks: &mut [Task], order: &[u32], parties: usize) {
    let mut load = vec![0u64; parties];
    for &t in order {
        let lightest = (0..parties).min_by_key(|&p| (load[p], p)).unwrap_or(0);
        tasks[t as usize].receiver = lightest;
        load[lightest] += tasks[t as usize].steps.dealt_bytes();
    }
}

/// For each task, the tasks that wait for it.
pub(super) fn dependents(tasks: &[Task]) -> Vec<Vec<u32>> {
    let mut dependents = vec![vec![]; tasks.len()];
    for (t, task) in tasks.iter().enumerate() {
        for &earlier in &task.after {
            dependents[earlier as usize].push(t as u32);
        }
    }
    dependents
}

/// For each position of `order`, the masks that no later task of the dealer needs.
pub(super) fn expired_masks(
    program: &RingProgram,
    form: &[Form],
    tasks: &[Task],
    order: &[u32],
) -> Vec<Vec<RingId>> {
    let mut last = BTreeMap::new();
    for (position, &t) in order.iter().enumerate() {
        let task = &tasks[t as usize];
        for value in task.steps.dealt.iter().flat_map(Correlation::values) {
            for source in mask_sources(program, form, RingId(value.0)) {
                last.insert(source, position);
            }
        }
    }
    let mut expired = vec![vec![]; order.len()];
    for (source, position) in last {
        expired[position].push(source);
    }
    expired
}
