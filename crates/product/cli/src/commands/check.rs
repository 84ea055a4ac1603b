//! `tacita check`.

use ndarray::{Axis, Slice};
use serde::Serialize;
use tacita::onnx::{BATCH, ImportOptions, Sizes, Template};
use tacita::{Checked, Options, Parts, Proposal};

use crate::arguments::CheckArguments;
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::tables::{number, numbers, rendered, table, words};
use crate::{batch, files, samples};

/// Samples that are used unless the user says.
const USUAL: usize = 64;

/// What is printed with `--json`.
#[derive(Serialize)]
struct Answered {
    #[serde(flatten)]
    checked: Checked,
    samples_given: usize,
    notes: Vec<String>,
}

/// Compares fixed point with floating point.
pub fn run(arguments: &CheckArguments) -> Result<Answer, Failure> {
    let import = ImportOptions { input_range: arguments.range, ..ImportOptions::default() };
    let model = files::model(&arguments.model, &import)?;
    let precision = arguments.precision.bits.into();
    let all = samples::read(&arguments.samples, &model, precision)?;
    let given = all.shape()[0];
    let (sizes, batch) = arguments.sizes.given()?;
    let template = &model.template;
    let about = |error: tacita::Error| Failure::from(error).about(&arguments.model);
    let mut sizes = template.sizes_of(all.shape(), &sizes).map_err(|error| about(error.into()))?;
    sizes.remove(BATCH);
    let asked = arguments.most.map(usize::from).or(batch);
    let usual = |template: &Template, sizes: &Sizes, rows: usize| {
        rows.min(USUAL).min(batch::that_fits(template, sizes))
    };
    let used = Parts::choose(template, &sizes, given, asked, usual).map_err(about)?.batch();
    let some = all.slice_axis(Axis(0), Slice::from(..used)).to_owned();
    let options = Options { precision, ..Options::default() };
    let checked = tacita::check(&model, &some, &sizes, &options);
    let checked = checked.map_err(|error| Failure::from(error).about(&arguments.model))?;

    let mut notes = vec![];
    if used < given {
        notes.push(format!("only the first {used} of {given} samples were used; --samples takes more"));
    }
    notes.push("errors and headroom are those of these samples: others may have larger ones".to_owned());
    let answered = Answered { checked, samples_given: given, notes };
    Ok(Answer { text: text(&answered), json: json(&answered) })
}

fn text(answered: &Answered) -> String {
    let checked = &answered.checked;
    let columns = [
        words("name"),
        words("op"),
        numbers("largest"),
        numbers("error, at most"),
        numbers("on average"),
        numbers("headroom"),
        numbers("largest proven"),
    ];
    let mut rows = table(&columns);
    for node in &checked.nodes {
        rows.add_row([
            node.name.clone(),
            node.op.clone(),
            number(node.max_abs),
            number(node.max_abs_error),
            number(node.mean_abs_error),
            format!("{:.1} bits", node.headroom_bits),
            node.proven_bits.map_or("none".to_owned(), |bits| number(bits.exp2())),
        ]);
    }
    let mut text = format!(
        "graph {}\n{} samples, {} fractional bits, values below 2^{}\n\n{}\n",
        checked.graph_digest,
        checked.samples,
        checked.precision_bits,
        checked.range_bits,
        rendered(&rows),
    );
    text += &format!("error     at most {} in what is revealed\n", number(checked.max_abs_error));
    let least = checked.nodes.iter().map(|node| node.headroom_bits).fold(f64::INFINITY, f64::min);
    text += &format!("headroom  {least:.1} bits where it is least\n");
    let proposals = [("proposal", Some(&checked.proposal)), ("or", checked.alternative.as_ref())];
    for (what, proposal) in proposals {
        if let Some(Proposal { precision_bits, range_bits, because, .. }) = proposal {
            let because = because.replace("; ", ";\n          ");
            text +=
                &format!("{what:9} --precision {precision_bits}, values below 2^{range_bits}: {because}\n");
        }
    }
    for note in &answered.notes {
        text += &format!("note: {note}\n");
    }
    text
}
