//! `tacita export-graph`.

use serde::Serialize;
use tacita::graph::Op;
use tacita::onnx::BATCH;

use crate::arguments::ExportArguments;
use crate::failure::Failure;
use crate::files;
use crate::print::{Answer, json};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Exported {
    graph_digest: String,
    file: String,
    bytes: usize,
    owners: Vec<String>,
    reveals: Vec<ToBeRevealed>,
    notes: Vec<String>,
}

/// A reveal of a template, some of whose sizes may be open.
#[derive(Serialize)]
struct ToBeRevealed {
    value: String,
    to: Vec<String>,
    shape: String,
}

/// Writes the graph.
pub fn run(arguments: &ExportArguments) -> Result<Answer, Failure> {
    let model = files::model(&arguments.model, &arguments.owners.import_options())?;
    let (mut sizes, batch) = arguments.sizes.given()?;
    sizes.extend(batch.map(|batch| (BATCH.to_owned(), batch)));
    let about = |error| Failure::from(tacita::Error::from(error)).about(&arguments.model);
    let template = model.template.fixed(&sizes).map_err(about)?;
    let bytes = template.encode();
    let (graph, shapes) = (template.example(), template.reveals());
    files::write(&arguments.output, &bytes)?;
    let owners = graph.owners().to_vec();
    let reveals = graph
        .reveals()
        .into_iter()
        .zip(shapes)
        .map(|(id, shape)| {
            let node = graph.node(id);
            let to = match &node.op {
                Op::Reveal(reveal) => reveal.to.iter().map(|to| owners[to.0 as usize].clone()).collect(),
                _ => vec![],
            };
            ToBeRevealed { value: graph.label(id), to, shape }
        })
        .collect();
    let exported = Exported {
        graph_digest: tacita::hex(&template.digest()),
        file: arguments.output.display().to_string(),
        bytes: bytes.len(),
        owners,
        reveals,
        notes: model.notes,
    };
    Ok(Answer { text: text(&exported), json: json(&exported) })
}

fn text(exported: &Exported) -> String {
    let mut text = format!("graph {}\n", exported.graph_digest);
    for ToBeRevealed { value, to, shape } in &exported.reveals {
        text += &format!("to be revealed to {}: {value} {shape}\n", to.join(", "));
    }
    for note in &exported.notes {
        text += &format!("note: {note}\n");
    }
    text + &format!("{}: {} bytes, without weights\n", exported.file, exported.bytes)
}
