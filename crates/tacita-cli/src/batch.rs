//! How many samples are evaluated together unless the user says.

use std::num::NonZeroUsize;
use std::path::Path;

use tacita::graph::{Dim, Graph};

use crate::failure::Failure;

/// Up to here all samples are one batch.
const WHOLE: usize = 64;
/// A batch of more samples than that; larger ones save little.
const USUAL: usize = 32;
/// Elements of all values together that a batch may have: what is alive of them at several parties takes a few bytes
/// each, so some gigabytes at most.
const ELEMENTS: u64 = 1 << 26;

/// The batch that a file fixes.
pub fn fixed(graph: &Graph, shape: &[Dim]) -> Option<usize> {
    match shape.first() {
        Some(Dim::Known(batch)) if !graph.has_symbolic_batch() => Some(*batch),
        _ => None,
    }
}

/// The batch to use: what was asked for or what fits. It must be the model's if that fixes one.
///
/// # Errors
/// If another is asked for than the model fixes.
pub fn choose(
    path: &Path,
    graph: &Graph,
    fixed: Option<usize>,
    asked: Option<NonZeroUsize>,
    usual: impl FnOnce(&Graph) -> usize,
) -> Result<usize, Failure> {
    match (fixed, asked) {
        (Some(fixed), Some(asked)) if fixed != asked.get() => {
            let hint = "leave --batch out, or export the model with a symbolic first axis";
            Err(Failure::usage(format!(
                "{}: the model fixes its batch at {fixed}, not {asked}: {hint}",
                path.display()
            )))
        }
        (Some(fixed), _) => Ok(fixed),
        (None, Some(asked)) => Ok(asked.get()),
        (None, None) => Ok(usual(graph)),
    }
}

/// The usual batch for that many samples.
pub fn usual(graph: &Graph, samples: usize) -> usize {
    let usual = if samples <= WHOLE { samples } else { USUAL };
    usual.min(that_fits(graph)).max(1)
}

/// The largest batch of a reasonable size, at least 1.
pub fn that_fits(graph: &Graph) -> usize {
    let elements = |batch: usize| -> Option<u64> {
        let graph = graph.with_batch(batch).ok()?;
        Some(
            graph
                .nodes()
                .iter()
                .filter_map(|node| node.ty.sizes())
                .map(|s| s.iter().product::<usize>() as u64)
                .sum(),
        )
    };
    match (elements(1), elements(2)) {
        (Some(one), Some(two)) if two > one => usize::try_from(ELEMENTS / (two - one)).unwrap_or(1).max(1),
        _ => 1,
    }
}
