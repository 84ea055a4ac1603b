//! `tacita dealer`.

use std::num::NonZeroUsize;
use std::path::Path;

use tacita::onnx::Sizes;
use tacita::{Identity, Parts, ServeOptions, Served, SessionFile};

use crate::arguments::DealerArguments;
use crate::failure::Failure;
use crate::print::Answer;
use crate::progress::Bar;
use crate::stop::Stop;
use crate::{batch, files, monitor};

/// Serves sessions until it is asked to stop.
pub fn run(arguments: &DealerArguments, quiet: bool) -> Result<Answer, Failure> {
    let files = arguments.sessions.iter().map(|path| Ok(SessionFile::read(path)?));
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    let (Some(first), Some(path)) = (files.first(), arguments.sessions.first()) else {
        return Err(Failure::usage("a dealer needs a session: give --session FILE"));
    };
    let name = arguments.name.as_ref().unwrap_or(&first.dealer.name);
    for (file, path) in files.iter().zip(&arguments.sessions) {
        if file.dealer.name != *name {
            let (dealer, path) = (&file.dealer.name, path.display());
            return Err(Failure::usage(format!("{path}: its dealer is {dealer}, not {name}")));
        }
        if file.dealer.certificate != first.dealer.certificate {
            return Err(Failure::usage(format!("{}: its dealer has another certificate", path.display())));
        }
    }
    let identity =
        first.identity(name, &arguments.key(name)).map_err(|error| Failure::from(error).about(path))?;
    if let (Some(base), Some(graph), Some(samples)) = (&arguments.ahead, &arguments.graph, arguments.samples)
    {
        let open = arguments.sizes.iter().map(|(name, size)| (name.clone(), size.get())).collect();
        return ahead(first, &identity, graph, (samples, arguments.batch, open), base, quiet);
    }
    let insecure_fixed_seed = arguments.insecure.seed();
    let stop = Stop::install()?;
    if let Some(address) = &arguments.metrics.metrics {
        let shown = monitor::start(address, &stop)?;
        eprintln!("metrics at http://{shown}/metrics");
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let at_once = usize::from(arguments.at_once);
    let share = || (cores() / at_once.min(files.len())).clamp(1, 256);
    let options = ServeOptions {
        listen: arguments.place.listen.clone(),
        threads: arguments.threads.map_or_else(share, usize::from),
        sessions: at_once,
        once: arguments.once,
        grace: arguments.grace,
        insecure_fixed_seed,
        ..ServeOptions::default()
    };
    let (mut sessions, mut evaluations) = (0, 0);
    tacita::serve(&files, identity, &options, stop.flag(), &mut |served| {
        match served {
            Served::Opened { .. } => sessions += 1,
            Served::Dealt { .. } => evaluations += 1,
            _ => {}
        }
        if let Some(line) = line(served) {
            eprintln!("{line}");
        }
    })?;
    let text = format!("stopped after {sessions} sessions and {evaluations} evaluations\n");
    let json = serde_json::json!({ "sessions": sessions, "evaluations": evaluations }).to_string();
    Ok(Answer { text, json })
}

/// Deals to files.
fn ahead(
    file: &SessionFile,
    identity: &Identity,
    path: &Path,
    (samples, asked, open): (NonZeroUsize, Option<NonZeroUsize>, Sizes),
    base: &Path,
    quiet: bool,
) -> Result<Answer, Failure> {
    let template = files::template(path)?;
    let about = |error: tacita::Error| Failure::from(error).about(path);
    let asked = asked.map(NonZeroUsize::get);
    let parts = Parts::choose(&template, &open, samples.get(), asked, batch::usual).map_err(about)?;
    let batch = parts.batch();
    let bar = Bar::new(quiet);
    let sizes = (samples.get(), batch);
    let dealt = tacita::deal_ahead(file, identity, (&template, &open), sizes, base, &mut |done, all| {
        bar.count(done, all)
    })?;
    drop(bar);
    let mut text = format!(
        "dealt for {samples} samples of graph {}, {batch} at a time, {} evaluations\n",
        tacita::hex(&template.digest()),
        dealt.evaluations
    );
    for (member, path, bytes) in &dealt.files {
        text += &format!("{:10} for {member}, {}\n", path.display(), crate::tables::bytes(*bytes));
    }
    text += "give each member its file, which only that member can read, and keep none: each serves once\n";
    let of = |(member, path, bytes): &(String, std::path::PathBuf, u64)| serde_json::json!({ "member": member, "path": path.display().to_string(), "bytes": bytes });
    let files: Vec<_> = dealt.files.iter().map(of).collect();
    let json = serde_json::json!({
        "samples": samples, "batch": batch, "evaluations": dealt.evaluations, "files": files,
        "graph_digest": tacita::hex(&template.digest()),
    });
    Ok(Answer { text, json: json.to_string() })
}

/// What is said of an event, in a line.
fn line(served: &Served) -> Option<String> {
    Some(match served {
        Served::Listening { address } => format!("listening on {address}"),
        Served::Opened { session, .. } => format!("session {session}: all members are here"),
        Served::Dealt { .. } => return None,
        Served::Closed { session, evaluations } => {
            format!("session {session}: the members left after {evaluations} evaluations")
        }
        Served::Failed { session: Some(session), error, .. } => format!("session {session} failed: {error}"),
        Served::Failed { session: None, error, .. } => format!("a session did not come about: {error}"),
    })
}
