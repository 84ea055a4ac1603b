//! Tasks: the units of a plan's schedule.

use tacita_program::RingId;

use crate::steps::Steps;

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
