//! What holds for any bytes that may be a model or a template. The fuzz targets and the replay of their corpora call this, and
//! nothing else does: a failed assertion is a mistake in what it looks at.

use tacita_graph::Graph;

use crate::{ImportError, ImportOptions, Template, import_bytes};

fn assert_line(error: &ImportError) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// Importing gives a template that can be encoded and read back, or an error that is a line.
pub fn onnx_import(bytes: &[u8]) {
    match import_bytes(bytes, &ImportOptions::default()) {
        Ok(model) => {
            let encoded = model.template.encode();
            let again = Template::decode(&encoded).expect("a template that was made can be read back");
            assert_eq!(again.encode(), encoded);
            let graph = model.template.example();
            assert_eq!(again.example().digest(), graph.digest(), "with weights and without, it is one graph");
            let encoded = graph.encode();
            assert_eq!(Graph::decode(&encoded).expect("a graph can be read back").encode(), encoded);
            for (name, value) in &model.parameters {
                let node = graph.inputs().into_iter().map(|id| graph.node(id));
                let input = node.into_iter().find(|node| node.name == *name);
                let sizes = input.map(|input| input.ty.shape.clone());
                assert_eq!(sizes.as_deref(), Some(value.shape()), "a weight is an input of its shape");
                assert!(value.to_f64().iter().all(|number| number.is_finite()));
            }
        }
        Err(error) => assert_line(&error),
    }
}

/// Reads bytes as a graph file: as a file if the first is even; else as a body of a graph or a template, as the second says,
/// under a right checksum. What is read encodes to the same bytes.
pub fn template_decode(bytes: &[u8]) -> Option<Template> {
    use tacita_graph::encoding::{Content, seal};
    let (&choice, rest) = bytes.split_first()?;
    let file = match choice % 4 {
        1 => seal(Content::Graph, rest),
        3 => seal(Content::Template, rest),
        _ => rest.to_vec(),
    };
    match Template::decode(&file) {
        Ok(template) => {
            assert_eq!(template.encode(), file);
            template.digest();
            template.reveals();
            Some(template)
        }
        Err(error) => {
            assert_line(&error);
            None
        }
    }
}
