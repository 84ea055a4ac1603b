//! Bytes that may be a graph: reading them never panics, what is read encodes to the same bytes, and everything
//! short of data that a program does with it either works or returns an error.
//!
//! The first byte chooses: an even one takes the rest as a file, an odd one as a body under a right checksum.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tacita_graph::{Graph, Node, lower, optimize, seal_body, warnings};

fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    let bytes = if choice % 2 == 0 { rest.to_vec() } else { seal_body(rest) };
    let Ok(graph) = Graph::decode(&bytes) else { return };
    assert_eq!(graph.encode(), bytes);
    graph.digest();
    let _ = warnings(&graph, 16);
    let Ok(sized) = graph.with_batch(2) else { return };
    let elements = |node: &Node| node.ty.sizes().unwrap_or_default().iter().product::<usize>();
    if sized.nodes().iter().all(|node| elements(node) <= 1 << 16)
        && let Ok(optimized) = optimize(&sized)
    {
        let _ = lower(&optimized, 16);
    }
});
