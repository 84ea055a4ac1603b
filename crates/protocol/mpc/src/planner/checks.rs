//! Checks: the sizes that a plan refuses.

use tacita_program::{RingProgram, Visibility};

use crate::error::{MpcError, unsupported};
use crate::plan::Task;

/// Bytes of the largest message that links take by default, [`tacita_net::Limits::max_frame`].
const LARGEST_MESSAGE: u64 = 1 << 30;

/// Bytes that the values which every member computes may take together.
const MOST_PUBLIC: u64 = 4 << 30;

/// Refuses values too large to hold: a few bytes of a graph that a peer sent may name any size.
pub(super) fn check_sizes(program: &RingProgram) -> Result<(), MpcError> {
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

/// Refuses tasks with a message that no link takes.
pub(super) fn check_messages(program: &RingProgram, tasks: &[Task]) -> Result<(), MpcError> {
    let Some(task) = tasks.iter().find(|task| task.steps.largest_message() > LARGEST_MESSAGE) else {
        return Ok(());
    };
    let node = &program.nodes[task.node.0 as usize];
    let name = program.node_names.get(node.origin.index()).map_or("", String::as_str);
    let reason = format!(
        "it needs a message of {} bytes, and no link takes more than {LARGEST_MESSAGE}: use a smaller batch",
        task.steps.largest_message()
    );
    Err(unsupported(name, node.op.name(), reason))
}
