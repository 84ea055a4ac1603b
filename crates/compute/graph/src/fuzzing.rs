//! What holds for any bytes that may be a graph. The fuzz targets and the replay of their corpora call these functions,
//! and nothing else does: a failed assertion is a mistake in what they look at.

use crate::testing::TARGET;
use crate::{Graph, GraphError, lower, optimize, seal_body, warnings};

/// Elements of all values of a graph beyond which [`graph_lower`] leaves it: a graph may say much in few bytes.
const ELEMENTS: usize = 1 << 18;

/// What is shown to people is a line without control characters, which terminals would obey.
fn assert_line(error: &GraphError) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// Reads bytes as a graph: as a file if the first is even, as a body under a right checksum if it is odd. What is read
/// encodes to the same bytes, and has the same digest once read again.
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

/// What a program does with a graph short of data works or is an error, and the graph that comes of it can be read back.
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
