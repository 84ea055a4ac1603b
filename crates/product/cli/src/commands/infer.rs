//! `tacita infer`.

use ndarray::ArrayD;
use tacita::Options;
use tacita::graph::{DType, Graph, Op};
use tacita::onnx::ImportOptions;

use crate::arguments::InferArguments;
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::{files, samples, summary};

/// Runs the model, writes what is to be written.
pub fn run(arguments: &InferArguments, quiet: bool) -> Result<Answer, Failure> {
    let model = files::model(
        &arguments.model,
        &ImportOptions { argmax: arguments.argmax, input_range: arguments.range, ..ImportOptions::default() },
    )?;
    let insecure_fixed_seed = arguments.insecure.seed();
    let options = Options { insecure_fixed_seed, ..arguments.local.options() };
    let samples = samples::read(&arguments.samples, &model, options.precision)?;
    let count = samples.shape()[0];
    let labels = arguments.labels.as_deref().map(|text| samples::labels(text, count)).transpose()?;
    let (sizes, asked) = arguments.sizes.given()?;
    let (sizes, parts) = files::parts(&arguments.model, &model, samples.shape(), (&sizes, asked))?;
    let timeline = &arguments.timeline;
    files::check_outputs(&[arguments.output.as_deref(), arguments.report.as_deref(), timeline.as_deref()])?;

    let indices = reveals_indices(model.template.example());
    let bar = Bar::new(quiet);
    let result =
        tacita::infer(&model, &samples, labels.as_deref(), (&sizes, &parts), indices, &options, &mut |p| {
            bar.update(&p)
        });
    drop(bar);
    let inference = result.map_err(|error| Failure::from(error).about(&arguments.model))?;

    let report = json(&inference.report);
    if let Some(path) = &arguments.output {
        write(path, &inference.output, indices)?;
    }
    if let Some(path) = &arguments.report {
        files::write(path, format!("{report}\n").as_bytes())?;
    }
    if let Some(path) = timeline {
        files::write(path, inference.timeline.trace().as_bytes())?;
    }

    let mut text = summary::setting(&inference.report);
    if let Some(scale) = arguments.samples.scale {
        text += &format!("samples {scale}\n");
    }
    text += "\n";
    text += &summary::summary(&inference.report, summary::Process::OfAll);
    if indices || inference.output.ndim() == 2 {
        text += &format!("\nlabels    {}\n", summary::first(&summary::labels(&inference.output, indices)));
    }
    if model.outputs.len() > 1 {
        let (kept, others) = (&model.outputs[0], model.outputs[1..].join(", "));
        text += &format!("note: the output is {kept}; {others} were revealed too and are not written\n");
    }
    for (what, path) in [("output", &arguments.output), ("report", &arguments.report), ("timeline", timeline)]
    {
        if let Some(path) = path {
            text += &format!("{what:9} {}\n", path.display());
        }
    }
    text += &summary::accuracy(&inference.report).unwrap_or_default();
    Ok(Answer { text, json: report })
}

/// Whether the first output is an index, by `--argmax` or because the model ends so.
fn reveals_indices(graph: &Graph) -> bool {
    let first = graph.nodes().iter().find(|node| matches!(node.op, Op::Reveal(_)));
    first.is_some_and(|node| node.ty.dtype == DType::Int)
}

fn write(path: &std::path::Path, output: &ArrayD<f64>, indices: bool) -> Result<(), Failure> {
    if indices {
        tacita_data::write_i64(path, output.mapv(|index| index as i64).view())?;
    } else {
        tacita_data::write_f32(path, output.view())?;
    }
    Ok(())
}
