//! What holds for any bytes that may be a model. The fuzz target and the replay of its corpus call this, and nothing else
//! does: a failed assertion is a mistake in what it looks at.

use tacita_graph::Graph;

use crate::{ImportOptions, import_bytes};

/// Importing gives a graph that can be encoded and read back, or an error that is a line.
pub fn onnx_import(bytes: &[u8]) {
    match import_bytes(bytes, &ImportOptions::default()) {
        Ok(model) => {
            let encoded = model.graph.encode();
            let again = Graph::decode(&encoded).expect("a graph that was built can be read back");
            assert_eq!(again.encode(), encoded);
            for (name, value) in &model.parameters {
                let node = model.graph.inputs().into_iter().map(|id| model.graph.node(id));
                let input = node.into_iter().find(|node| node.name == *name);
                let sizes = input.and_then(|input| input.ty.sizes());
                assert_eq!(sizes.as_deref(), Some(value.shape()), "a weight is an input of its shape");
                assert!(value.iter().all(|number| number.is_finite()));
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(char::is_control), "not one line: {text:?}");
        }
    }
}
