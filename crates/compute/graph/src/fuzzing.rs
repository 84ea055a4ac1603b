//! Properties that hold for any bytes given as a graph. Only the fuzz targets and the replay of their corpora call
//! these functions; a failed assertion is a bug in the code under test.

use crate::testing::TARGET;
use crate::{Graph, GraphError, lower, optimize, seal_body, warnings};

/// [`graph_lower`] skips a graph with more elements than this: a few bytes can describe a large graph.
const ELEMENTS: usize = 1 << 18;

/// Text shown to people must be one line without control characters, which terminals would obey.
fn assert_line(error: &GraphError) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// Reads bytes as a graph: as a file if the first byte is even, as a body under a correct checksum if it is odd. A
/// graph that was read encodes to the same bytes, and keeps its digest when it is read again.
pub fn graph_decode(bytes: &[u8]) -> Option<Graph> {
    let (&choice, rest) = bytes.split_first()?;
    let file = if choice % 2 == 0 { rest.to_vec() } else { seal_body(rest) };
    match Graph::decode(&file) {
        Ok(graph) => {
            assert_eq!(graph.encode(), file);
            let names = graph.nodes().iter().map(|node| &node.name).chain(graph.owners());
            assert!(names.into_iter().all(|name| !crate::hides(name)));
            graph.digest();
            Some(graph)
        }
        Err(error) => {
            assert_line(&error);
            None
        }
    }
}

/// Runs every step that needs no data. Each step succeeds or returns an error, and the resulting graph can be read
/// back.
pub fn graph_lower(bytes: &[u8]) {
    let Some(graph) = graph_decode(bytes) else { return };
    let _ = warnings(&graph, 16);
    let done = || {
        let elements: usize = graph.nodes().iter().map(|node| node.ty.shape.iter().product::<usize>()).sum();
        if elements > ELEMENTS {
            return Ok(());
        }
        let optimized = optimize(&graph)?;
        assert_eq!(Graph::decode(&optimized.encode())?.digest(), optimized.digest());
        lower(&optimized, 16, &TARGET).map(drop)
    };
    if let Err(error) = done() {
        assert_line(&error);
    }
}
