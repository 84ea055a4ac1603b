//! A task at a party: what a primitive sees of the party that runs it.
//!
//! `held` reads the values that the party holds, `dealt` its shares of correlations, `opening` sends and receives.

mod dealt;
mod held;
mod opening;

use tacita_correlations::{StreamId, Use};
use tacita_program::RingId;

use crate::error::MpcError;
use crate::evaluation::Evaluation;
use crate::plan::Plan;

/// A task at a party.
#[derive(Clone, Copy)]
pub(crate) struct TaskContext<'a> {
    pub eval: &'a Evaluation<'a>,
    pub task: u32,
    /// The opening and the dealt item that count as the first, of a part of the task.
    first: (u16, usize),
}

impl<'a> TaskContext<'a> {
    pub fn new(eval: &'a Evaluation<'a>, task: u32) -> Self {
        TaskContext { eval, task, first: (0, 0) }
    }

    /// A part of the task, which begins with this opening and this dealt item.
    pub fn part(self, step: u16, item: usize) -> Self {
        TaskContext { first: (self.first.0 + step, self.first.1 + item), ..self }
    }

    pub fn plan(&self) -> &'a Plan {
        self.eval.plan
    }

    /// Whether this is the party that adds what is public to its shares.
    pub fn first(&self) -> bool {
        self.eval.me == 0
    }

    fn stream(&self, purpose: Use) -> StreamId {
        StreamId::Evaluation { evaluation: self.eval.number, task: self.task, purpose }
    }
}

fn missing(what: &str, id: RingId) -> MpcError {
    MpcError::Internal(format!("{what} of ring node {} is not there", id.0))
}
