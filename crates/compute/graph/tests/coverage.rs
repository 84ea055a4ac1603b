//! Random graphs are only worth what they reach: every operation, every ring operation, useful error bounds.

use std::collections::BTreeMap;

use tacita_graph::testing::TARGET;
use tacita_graph::testing::{Case, random_case};
use tacita_graph::*;

#[test]
fn random_graphs_reach_every_operation() {
    let mut ops: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ring: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut elements, mut certain) = (0usize, 0usize);
    for seed in 0..1800 {
        let Case { graph, inputs } = random_case(seed, 12);
        graph.nodes().iter().for_each(|node| *ops.entry(node.op.name()).or_default() += 1);
        let graph = optimize(&graph).unwrap();
        for node in graph.nodes().iter().filter(|node| !node.ty.visibility.is_clear()) {
            *ops.entry(node.op.name()).or_default() += 1;
        }
        let program = lower(&graph, 16, &TARGET).unwrap();
        program.nodes.iter().for_each(|node| *ring.entry(node.op.name()).or_default() += 1);
        for bound in error_bounds(&graph, &inputs, 16).unwrap().values().flatten() {
            elements += 1;
            certain += usize::from(*bound < 0.1);
        }
    }
    assert_eq!(ops.len(), 79, "{ops:?}");
    assert_eq!(ring.len(), 40, "{ring:?}");
    assert!(ring.values().all(|&count| count >= 50), "{ring:?}");
    assert!(certain * 10 > elements * 9, "{certain} of {elements} bounds say something");
}
