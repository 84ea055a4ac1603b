//! `tacita dealer`.

use tacita::{ServeOptions, Served, SessionFile};

use crate::arguments::DealerArguments;
use crate::failure::Failure;
use crate::monitor;
use crate::print::Answer;
use crate::stop::Stop;

/// Serves sessions until it is asked to stop.
pub fn run(arguments: &DealerArguments) -> Result<Answer, Failure> {
    if arguments.ahead.is_some() {
        return Err(Failure::usage("--ahead: dealing ahead to files is not there yet; leave it out"));
    }
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
