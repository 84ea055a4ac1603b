//! `tacita train`, and what `tacita join --train` shares with it.

use std::path::Path;

use tacita::{ConnectOptions, Consent, Options, SessionFile, TestFigures, TrainConfig, TrainReport, Trained};
use tacita_data::Staged;

use super::join;
use crate::arguments::{JoinArguments, TrainArguments, TrainingArguments};
use crate::curves::{self, Series};
use crate::failure::Failure;
use crate::files;
use crate::print::{Answer, json};
use crate::progress::TrainBar;
use crate::tables;

/// Trains, writes what is to be written.
pub fn run(arguments: &TrainArguments, quiet: bool) -> Result<Answer, Failure> {
    let config = TrainConfig::read(&arguments.config)?;
    let own = &arguments.training;
    check(own, &config, None, arguments.report.as_deref())?;
    let insecure_fixed_seed = arguments.insecure.seed();
    let options = Options { insecure_fixed_seed, ..arguments.local.options() };
    let bar = TrainBar::new(quiet);
    let trained = tacita::train(&config, &options, &own.options(), &mut |p| bar.update(p));
    drop(bar);
    let trained = trained.map_err(|error| Failure::from(error).about(&arguments.config))?;
    finish(trained, own, arguments.report.as_deref())
}

/// Takes part in a training between machines.
pub fn join(arguments: &JoinArguments, quiet: bool) -> Result<Answer, Failure> {
    let path = arguments.train.as_deref().unwrap_or(Path::new(""));
    let file = SessionFile::read(&arguments.session)?;
    let me = arguments.name.as_str();
    let identity = file.identity(me, &arguments.key())?;
    let config = TrainConfig::read(path)?;
    config.check_members(&file)?;
    let allowed = join::allowed(arguments)?;
    // before anybody is met; the session asks again
    config.consent(me, &allowed)?;
    let own = &arguments.training.own;
    check(own, &config, Some(me), arguments.report.as_deref())?;
    eprint!("{}", announcement(&config, &file, me));
    let (stop, options) = join::ready(arguments)?;
    let options = ConnectOptions { consent: Consent::Listed(allowed), ..options };
    let bar = TrainBar::new(quiet);
    let mut watch = None;
    let trained = tacita::join_training(
        &file,
        (me, &identity),
        &options,
        &config,
        &own.options(),
        |interrupters| {
            let interrupt = move |cause: &str| interrupters.iter().for_each(|one| one.interrupt(cause));
            watch = Some(stop.on(interrupt));
        },
        &mut |p| bar.update(p),
    );
    drop(bar);
    finish(trained?, own, arguments.report.as_deref())
}

/// What a member is told before its first byte is sent.
fn announcement(config: &TrainConfig, file: &SessionFile, me: &str) -> String {
    let mut text = format!("session {} as {me}, with {}\n", tacita::hex(&file.hash[..8]), file.names());
    let owners: Vec<&str> = config.data.iter().map(|data| data.owner.as_str()).collect();
    text += &format!("training on data of {}\n", owners.join(", "));
    for (value, to) in config.reveals() {
        let of = match value {
            "loss" => "of every batch",
            "model" => "all parameters, in the end",
            _ if config.test_every_epoch => "of the test rows, after every epoch",
            _ => "of the test rows, in the end",
        };
        text += &format!("will be revealed to {}: {value}, {of}\n", to.join(", "));
    }
    text + "nothing else is revealed to anyone\n"
}

/// Fails now if an output makes no sense or could not be written in the end. `me` is the only member here.
fn check(
    own: &TrainingArguments,
    config: &TrainConfig,
    me: Option<&str>,
    report: Option<&Path>,
) -> Result<(), Failure> {
    if let Some(path) = &own.save_model {
        Form::of(path)?;
        let receives = config.reveal.model.iter().any(|to| me.is_none_or(|me| me == to));
        if !receives {
            let who = me.unwrap_or("nobody here");
            return Err(Failure::usage(format!(
                "{who} does not learn the model: leave --save-model out, or list who does under [reveal] as `model`"
            )));
        }
    }
    files::check_outputs(&[own.curves.as_deref(), own.save_model.as_deref(), report])
}

/// Writes what is to be written, once every member has what it wanted.
fn finish(trained: Trained, own: &TrainingArguments, report: Option<&Path>) -> Result<Answer, Failure> {
    let text = text(&trained.report, own, report);
    let answer = Answer { text, json: json(&trained.report) };
    let staged = stage(&trained, own, report, &answer.json);
    match staged {
        Ok(staged) => {
            trained.finish()?;
            staged.into_iter().try_for_each(Staged::commit)?;
            Ok(answer)
        }
        Err(failure) => {
            trained.abandon("a member cannot write what it received, and was told why");
            Err(failure)
        }
    }
}

/// In which form a model is written.
enum Form {
    Onnx,
    Safetensors,
}

impl Form {
    fn of(path: &Path) -> Result<Form, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("onnx") => Ok(Form::Onnx),
            Some("safetensors") => Ok(Form::Safetensors),
            _ => {
                let path = path.display();
                Err(Failure::usage(format!("{path}: a model is written as .onnx or .safetensors")))
            }
        }
    }
}

fn stage(
    trained: &Trained,
    own: &TrainingArguments,
    report: Option<&Path>,
    json: &str,
) -> Result<Vec<Staged>, Failure> {
    let mut staged = vec![];
    if let Some(path) = &own.curves {
        staged.push(curves::stage(path, &series(&trained.report))?);
    }
    if let (Some(path), Some(model)) = (&own.save_model, &trained.model) {
        staged.push(match Form::of(path)? {
            Form::Onnx => {
                let bytes = trained.onnx()?.unwrap_or_default();
                Staged::write(path, |file| file.write_all(&bytes))?
            }
            Form::Safetensors => {
                let about = format!("trained by Tacita in {} steps", trained.report.steps);
                let tensors = model.iter().map(|(name, value)| (name.clone(), value.to_f64())).collect();
                tacita_data::stage_safetensors(path, &tensors, tacita_data::Width::F32, &about)?
            }
        });
    }
    if let Some(path) = report {
        staged.push(Staged::write(path, |file| file.write_all(format!("{json}\n").as_bytes()))?);
    }
    Ok(staged)
}

/// The curves of a training: losses, and the figures of its tests.
fn series(report: &TrainReport) -> Vec<Series> {
    let mut series = vec![Series {
        name: "loss".to_owned(),
        along: "step".to_owned(),
        points: report.losses.iter().map(|&(step, loss)| (step as f64, loss)).collect(),
        smoothed: true,
    }];
    for (at, name) in ["accuracy", "AUC", "test loss"].into_iter().enumerate() {
        let of = |test: &TestFigures| [test.accuracy, test.auc, test.loss][at];
        let points = report.tests.iter().filter_map(|test| Some((test.step as f64, of(test)?))).collect();
        series.push(Series { name: name.to_owned(), along: "step".to_owned(), points, smoothed: false });
    }
    series.retain(|series| !series.points.is_empty());
    series
}

fn text(report: &TrainReport, own: &TrainingArguments, written: Option<&Path>) -> String {
    let mut text = format!(
        "{} parties and a dealer over {}, {} fractional bits, {}\n\n",
        report.parties, report.transport, report.precision_bits, report.cpu
    );
    let mut line = |what: &str, value: String| text += &format!("{what:10} {value}\n");
    let from = report.resumed_from.map(|step| format!(", resumed from step {step}")).unwrap_or_default();
    line("steps", format!("{} of {} rows, of {}{from}", report.steps, report.batch, report.rows));
    line(
        "a step",
        format!(
            "{}, {} rounds, {} online a party, {} dealt",
            tables::seconds(report.seconds_per_step),
            report.rounds_per_step,
            tables::bytes(report.online_bytes_per_step),
            tables::bytes(report.offline_bytes_per_step)
        ),
    );
    line(
        "time",
        format!(
            "{}, {} of it setup",
            tables::seconds(report.seconds.total),
            tables::seconds(report.seconds.setup)
        ),
    );
    line("memory", tables::bytes(report.peak_rss_bytes));
    if let Some(loss) = report.final_loss {
        line("loss", format!("{loss:.4}, of the last batch"));
    }
    if let Some(test) = report.tests.last() {
        line("test rows", report.test_rows.to_string());
        for figure in figures(test) {
            line(figure.0, figure.1);
        }
    }
    for (what, path) in
        [("curves", own.curves.as_deref()), ("model", own.save_model.as_deref()), ("report", written)]
    {
        if let Some(path) = path {
            line(what, path.display().to_string());
        }
    }
    if let Some(confusion) = report.tests.last().and_then(|test| test.confusion.as_ref()) {
        text += &format!("\n{}", matrix(confusion));
    }
    text += "\n";
    text += &tables::reveals(&report.reveals, "revealed");
    if let Some(accuracy) = report.accuracy {
        text += &format!("accuracy: {}\n", tables::percent(accuracy));
    }
    text
}

/// The figures of a test that are one number.
fn figures(test: &TestFigures) -> Vec<(&'static str, String)> {
    let accuracy = test.accuracy.map(|value| ("accuracy", tables::percent(value)));
    let auc = test.auc.map(|value| ("AUC", format!("{value:.3}")));
    let loss = test.loss.map(|value| ("test loss", format!("{value:.4}")));
    [accuracy, auc, loss].into_iter().flatten().collect()
}

/// A confusion matrix as a table: a line for each class, a column for what its rows were taken for.
fn matrix(confusion: &[Vec<u64>]) -> String {
    let mut text = String::from("class \\ said");
    (0..confusion.len()).for_each(|class| text += &format!("{class:>8}"));
    text += "\n";
    for (class, row) in confusion.iter().enumerate() {
        text += &format!("{class:<12}");
        row.iter().for_each(|count| text += &format!("{count:>8}"));
        text += "\n";
    }
    text
}
