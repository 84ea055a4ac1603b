//! How many samples are evaluated together unless the user says.

use tacita::graph::Node;
use tacita::onnx::{BATCH, Sizes, Template};

/// Up to here all samples are one batch.
const WHOLE: usize = 64;
/// A batch of more samples than that; larger ones save little.
const USUAL: usize = 32;
/// Elements of all values together that a batch may have: what is alive of them at several parties takes a few bytes
/// each, so some gigabytes at most.
const ELEMENTS: u64 = 1 << 26;

/// The usual batch for that many samples.
pub fn usual(template: &Template, sizes: &Sizes, samples: usize) -> usize {
    let usual = if samples <= WHOLE { samples } else { USUAL };
    usual.min(that_fits(template, sizes)).max(1)
}

/// The largest batch of a reasonable size, at least 1.
pub fn that_fits(template: &Template, sizes: &Sizes) -> usize {
    let elements = |batch: usize| -> Option<u64> {
        let mut sizes = sizes.clone();
        sizes.insert(BATCH.to_owned(), batch);
        let graph = template.at(&sizes).ok()?;
        let elements = |node: &Node| node.ty.shape.iter().product::<usize>() as u64;
        Some(graph.nodes().iter().map(elements).sum())
    };
    // of 2 and 3: at 1 a graph may be another
    match (elements(2), elements(3)) {
        (Some(two), Some(three)) if three > two => {
            usize::try_from(ELEMENTS / (three - two)).unwrap_or(1).max(1)
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use tacita::onnx::{ImportOptions, import_bytes};

    use super::*;

    /// LeNet: some 36,000 elements a sample.
    #[test]
    fn what_fits() {
        let bytes = include_bytes!("../../../../models/lenet.onnx");
        let template = import_bytes(bytes, &ImportOptions::default()).unwrap().template;
        let usual = |samples| usual(&template, &Sizes::new(), samples);
        assert_eq!([1, 64, 65, 1000].map(usual), [1, 64, 32, 32]);
        let most = that_fits(&template, &Sizes::new());
        assert!((1000..4000).contains(&most), "{most}");
    }
}
