//! Inspection: the meaning of one frame, for tests of the traffic on the links.

use tacita_correlations::{Item, StreamId, Use};
use tacita_program::NodeId;

use crate::plan::{PERSISTENT, Plan};

/// The meaning of a frame: see [`Plan::inspect`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The graph node that it is for.
    pub node: Option<NodeId>,
    /// The stream of the mask that an opening is under.
    pub mask: StreamId,
    /// The opened item.
    pub opening: Option<Item>,
    /// The round of an opening, counted from 0.
    pub round: u32,
    /// The item that a correction is for.
    pub item: Option<Item>,
}

impl Plan {
    /// The meaning of an evaluation's frame, an opening or a correction, for tests of the traffic on the links.
    #[doc(hidden)]
    pub fn inspect(&self, evaluation: u64, task: u32, step: u16) -> Inspection {
        if let Some(index) = task.checked_sub(PERSISTENT) {
            let id = self.persistent().nth(index as usize);
            let key = id.and_then(|id| self.keys.get(&id)).copied().unwrap_or_default();
            let (mask, opening) = (StreamId::Persistent(key), id.map(|id| self.masked_as(id)));
            let node = id.map(|id| self.node(id).origin);
            return Inspection { node, mask, opening, round: 0, item: None };
        }
        let found = &self.tasks[task as usize];
        Inspection {
            node: Some(self.node(found.node).origin),
            mask: StreamId::Evaluation { evaluation, task, purpose: Use::Mask(step) },
            opening: found.steps.openings.get(step as usize).map(|opening| opening.item),
            round: found.start + u32::from(step),
            item: found.steps.dealt.get(step as usize).map(|dealt| dealt.item),
        }
    }
}
