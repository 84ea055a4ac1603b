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

#[cfg(test)]
mod tests {
    use tacita::graph::{Role, Visibility, ops};

    use super::*;

    /// `channels` numbers a sample, of which the square is revealed.
    fn graph(batch: Dim, channels: usize) -> Graph {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let shape = [batch, Dim::Known(channels)];
        let x = graph.input("x", &shape, Visibility::Private(alice), Role::Data).unwrap();
        let y = graph.add(ops::Mul {}, &[x, x], "").unwrap();
        graph.reveal(y, &[alice], "y").unwrap();
        graph
    }

    fn choice(batch: Dim, channels: usize, asked: usize, samples: usize) -> Result<usize, u8> {
        let graph = graph(batch, channels);
        let fixed = fixed(&graph, &[batch, Dim::Known(channels)]);
        choose(Path::new("m"), &graph, fixed, NonZeroUsize::new(asked), |graph| usual(graph, samples))
            .map_err(|failure| failure.code)
    }

    #[test]
    fn what_is_asked_for_or_what_fits() {
        assert_eq!(choice(Dim::Batch, 3, 7, 100), Ok(7));
        assert_eq!(
            [1, 64, 65, 1000].map(|samples| choice(Dim::Batch, 3, 0, samples)),
            [Ok(1), Ok(64), Ok(32), Ok(32)]
        );
        // three values of 2^22 elements a sample
        assert_eq!(choice(Dim::Batch, 1 << 22, 0, 1000), Ok(5));
        assert_eq!(choice(Dim::Batch, 1 << 27, 0, 1000), Ok(1));
        assert_eq!(choice(Dim::Known(4), 3, 0, 8), Ok(4));
        assert_eq!(choice(Dim::Known(4), 3, 4, 8), Ok(4));
        assert_eq!(choice(Dim::Known(4), 3, 2, 8), Err(2));
    }
}
