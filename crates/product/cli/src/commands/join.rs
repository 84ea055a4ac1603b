//! `tacita join`.

use std::path::Path;

use tacita::graph::Graph;
use tacita::onnx::{Model, Template};
use tacita::{Allowance, ConnectOptions, Consent, Part, SessionFile, disclosures};
use tacita_data::Staged;

use super::train;
use crate::arguments::{JoinArguments, SampleArguments};
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::stop::Stop;
use crate::{batch, files, monitor, samples, summary};

/// Joins the session, evaluates, writes what is to be written once every member has what it wanted.
pub fn run(arguments: &JoinArguments, quiet: bool) -> Result<Answer, Failure> {
    if arguments.train.is_some() {
        return train::join(arguments, quiet);
    }
    let own = &arguments.training.own;
    if own.checkpoints.is_some() || own.curves.is_some() || own.save_model.is_some() {
        return Err(Failure::usage(
            "--checkpoints, --curves and --save-model are of a training: give --train CONFIG.toml",
        ));
    }
    let file = SessionFile::read(&arguments.session)?;
    let me = arguments.name.as_str();
    let identity = file.identity(me, &arguments.key())?;
    let model = model(arguments)?;
    let graph = model.template.example();
    owners_are_members(graph, &file)?;
    // what a member states itself with --model it agrees to by stating it; a graph from elsewhere it has to agree to
    let consent = match arguments.graph {
        Some(_) => {
            let allowed = allowed(arguments)?;
            // before anybody is met; the session asks again
            tacita::consent(graph, me, &allowed)?;
            Consent::Listed(allowed)
        }
        None => Consent::to_reveals_of(graph),
    };
    let samples = match &arguments.input {
        Some(input) => {
            let samples = SampleArguments { input: input.clone(), scale: arguments.scale };
            Some(samples::read(&samples, &model, file.precision_bits)?)
        }
        None => None,
    };
    let labels = match (&arguments.labels, &samples) {
        (Some(text), Some(samples)) => Some(samples::labels(text, samples.shape()[0])?),
        (Some(text), None) => Some(tacita_data::read_labels(&text.parse()?)?),
        (None, _) => None,
    };
    files::check_outputs(&[arguments.output.as_deref(), arguments.report.as_deref()])?;
    receives(graph, me, arguments)?;

    eprint!("{}", announcement(&model.template, &file, me));
    let (stop, options) = ready(arguments)?;
    let options = ConnectOptions { consent, ..options };
    let (sizes, batch) = arguments.sizes.given()?;
    let part = Part {
        template: model.template.clone(),
        sizes,
        parameters: own_parameters(&model, me),
        samples,
        batch,
        usual_batch: batch::usual,
        labels,
        notes: model.notes.clone(),
    };
    let bar = Bar::new(quiet);
    let mut watch = None;
    let joined = tacita::join(
        &file,
        me,
        &identity,
        &options,
        part,
        |session| {
            let interrupters = session.interrupters();
            let interrupt = move |cause: &str| interrupters.iter().for_each(|one| one.interrupt(cause));
            watch = Some(stop.on(interrupt));
        },
        &mut |p| bar.update(&p),
    );
    drop(bar);
    let joined = joined?;

    let report = json(&joined.report);
    let mut text = text(&joined, arguments);
    if let Some(accuracy) = joined.report.accuracy {
        text += &format!("accuracy  {}\n", crate::tables::percent(accuracy));
    }
    match stage(&joined, &report, arguments) {
        Ok(staged) => {
            joined.finish()?;
            staged.into_iter().try_for_each(Staged::commit)?;
        }
        Err(failure) => {
            joined.abandon(&format!("{me} cannot write what it received, and was told why"));
            return Err(failure);
        }
    }
    Ok(Answer { text, json: report })
}

/// What the member agrees to reveal of its data.
pub fn allowed(arguments: &JoinArguments) -> Result<Vec<Allowance>, Failure> {
    Ok(arguments.allow_reveal.iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>()?)
}

/// Takes signals, shows metrics if asked to; the settings of the connection.
pub fn ready(arguments: &JoinArguments) -> Result<(Stop, ConnectOptions), Failure> {
    let insecure_fixed_seed = arguments.insecure.seed();
    let stop = Stop::install()?;
    if let Some(address) = &arguments.metrics.metrics {
        let shown = monitor::start(address, &stop)?;
        eprintln!("metrics at http://{shown}/metrics");
    }
    let threads = arguments.threads.map_or_else(
        || std::thread::available_parallelism().map_or(1, |cores| cores.get().min(256)),
        usize::from,
    );
    let options = ConnectOptions {
        listen: arguments.place.listen.clone(),
        threads,
        correlations: arguments.correlations.clone(),
        insecure_fixed_seed,
        ..ConnectOptions::default()
    };
    Ok((stop, options))
}

/// Writes what is to be written, not yet under its names.
fn stage(joined: &tacita::Joined, report: &str, arguments: &JoinArguments) -> Result<Vec<Staged>, Failure> {
    let mut staged: Vec<Staged> = vec![];
    if let (Some(path), Some(output)) = (&arguments.output, &joined.output) {
        staged.push(match joined.indices {
            true => tacita_data::stage_i64(path, output.mapv(|index| index as i64).view())?,
            false => tacita_data::stage_f32(path, output.view())?,
        });
    }
    if let Some(path) = &arguments.report {
        staged.push(Staged::write(path, |file| file.write_all(format!("{report}\n").as_bytes()))?);
    }
    Ok(staged)
}

/// The computation, and the weights if they are here.
fn model(arguments: &JoinArguments) -> Result<Model, Failure> {
    match (&arguments.graph, &arguments.model) {
        (None, None) => Err(Failure::usage(
            "what is to be computed? give --graph GRAPH, as `tacita export-graph` wrote it, or --model M.onnx where the weights are",
        )),
        (Some(path), None) => of_graph(path),
        (None, Some(path)) => files::model(path, &arguments.owners.import_options()),
        (Some(graph), Some(path)) => {
            let weights = files::model(path, &arguments.owners.import_options())?;
            let model = of_graph(graph)?;
            Ok(Model { parameters: weights.parameters, notes: weights.notes, ..model })
        }
    }
}

fn of_graph(path: &Path) -> Result<Model, Failure> {
    tacita::model_of_template(files::template(path)?).map_err(|error| Failure::from(error).about(path))
}

/// The weights, if this member owns them.
fn own_parameters(model: &Model, me: &str) -> tacita::graph::Inputs {
    use tacita::graph::Visibility;
    let mut parameters = tacita::graph::Inputs::new();
    let graph = model.template.example();
    for id in graph.inputs() {
        let node = graph.node(id);
        let mine = matches!(node.ty.visibility, Visibility::Private(owner) if graph.owners()[owner.0 as usize] == me);
        if let (true, Some(value)) = (mine, model.parameters.get(&node.name)) {
            parameters.insert(node.name.clone(), value.clone());
        }
    }
    parameters
}

fn owners_are_members(graph: &Graph, file: &SessionFile) -> Result<(), Failure> {
    let is_member =
        |name: &String| file.parties.iter().chain(&file.owners).any(|member| member.name == *name);
    match graph.owners().iter().find(|owner| !is_member(owner)) {
        None => Ok(()),
        Some(owner) => Err(Failure::usage(format!(
            "the graph has data or results of {owner}, who is no member of the session ({}): export it again with other \
             owners, or make another session file",
            file.names()
        ))),
    }
}

/// Refuses an output at who receives nothing.
fn receives(graph: &Graph, me: &str, arguments: &JoinArguments) -> Result<(), Failure> {
    let receives = disclosures(graph).iter().any(|disclosure| disclosure.to.iter().any(|to| to == me));
    match (receives, &arguments.output, &arguments.labels) {
        (false, Some(_), _) => {
            Err(Failure::usage(format!("{me} receives nothing of this graph: leave --output out")))
        }
        (false, None, Some(_)) => {
            Err(Failure::usage(format!("{me} receives nothing to compare with labels: leave --labels out")))
        }
        _ => Ok(()),
    }
}

/// What a member is told before its first byte is sent.
fn announcement(template: &Template, file: &SessionFile, me: &str) -> String {
    let mut text = format!("session {} as {me}, with {}\n", tacita::hex(&file.hash[..8]), file.names());
    text += &format!("graph {}\n", tacita::hex(&template.digest()));
    for (disclosure, shape) in disclosures(template.example()).into_iter().zip(template.reveals()) {
        text += &format!(
            "will be revealed to {}: {} {}, computed from data of {}\n",
            disclosure.to.join(", "),
            disclosure.value,
            shape,
            if disclosure.of.is_empty() { "nobody".to_owned() } else { disclosure.of.join(", ") },
        );
        if disclosure.kept {
            text += "  and of what was kept in shares, which may be of anybody's data\n";
        }
    }
    text + "nothing else is revealed to anyone\n"
}

fn text(joined: &tacita::Joined, arguments: &JoinArguments) -> String {
    let mut text = summary::setting(&joined.report);
    text += "\n";
    text += &summary::summary(&joined.report, summary::Process::OfOne);
    if let Some(output) = &joined.output
        && (joined.indices || output.ndim() == 2)
    {
        text += &format!("\nlabels    {}\n", summary::first(&summary::labels(output, joined.indices)));
    }
    let written = |path: &Option<std::path::PathBuf>, what: &str| {
        path.as_deref().map(|path: &Path| format!("{what:9} {}\n", path.display())).unwrap_or_default()
    };
    text += &written(&arguments.output, "output");
    text += &written(&arguments.report, "report");
    text
}
