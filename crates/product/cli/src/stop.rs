//! A request to stop, by a signal: whoever waits is told why, so that it can tell its peers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

type Hook = Box<dyn FnOnce(&str) + Send>;

/// Whether this process was asked to stop, and why. Clones are of one request.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// The same as whether there is a cause, for loops that look often.
    set: Arc<AtomicBool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    cause: Option<String>,
    hooks: BTreeMap<u64, Hook>,
    next: u64,
}

/// Keeps what was given to [`Stop::on`]; dropping it takes it back.
#[must_use = "what was registered is taken back when this is dropped"]
pub struct Watch {
    stop: Stop,
    number: u64,
}

impl Stop {
    /// Takes SIGTERM and SIGINT (Ctrl-C) from here on: the first sets the cause, a second ends the process as if nobody
    /// had taken it. Where there are no such signals, nothing is taken.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn install() -> Result<Stop, Failure> {
        let stop = Stop::default();
        stop.take_signals()
            .map_err(|error| Failure::system(format!("signals cannot be handled: {error}")))?;
        Ok(stop)
    }

    #[cfg(unix)]
    fn take_signals(&self) -> std::io::Result<()> {
        use signal_hook::consts::{SIGINT, SIGTERM};

        for signal in [SIGTERM, SIGINT] {
            // in the handler itself and before the flag is set, so that a second one works whatever the threads do
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&self.0.set))?;
            signal_hook::flag::register(signal, Arc::clone(&self.0.set))?;
        }
        let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
        let stop = self.clone();
        std::thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in &mut signals {
                stop.set(if signal == SIGINT { "stopped by SIGINT (Ctrl-C)" } else { "stopped by SIGTERM" });
            }
        })?;
        Ok(())
    }

    #[cfg(not(unix))]
    fn take_signals(&self) -> std::io::Result<()> {
        Ok(())
    }

    /// Asks to stop, with the cause that is told. Only the first has an effect.
    pub fn set(&self, cause: &str) {
        let hooks = {
            let mut state = self.state();
            if state.cause.is_some() {
                return;
            }
            state.cause = Some(cause.to_owned());
            self.0.set.store(true, Ordering::SeqCst);
            std::mem::take(&mut state.hooks)
        };
        // unlocked, so that a hook may ask for the cause
        for hook in hooks.into_values() {
            hook(cause);
        }
    }

    /// Why to stop; none if nobody asked.
    pub fn cause(&self) -> Option<String> {
        self.state().cause.clone()
    }

    /// True from the moment somebody asked.
    pub fn flag(&self) -> &AtomicBool {
        &self.0.set
    }

    /// Calls `hook` once with the cause when somebody asks, at once if somebody has. It runs on the thread that takes
    /// signals and must not block.
    pub fn on(&self, hook: impl FnOnce(&str) + Send + 'static) -> Watch {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        match state.cause.clone() {
            None => drop(state.hooks.insert(number, Box::new(hook))),
            Some(cause) => {
                drop(state);
                hook(&cause);
            }
        }
        Watch { stop: self.clone(), number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.state().hooks.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn everybody_is_told_the_first_cause_once() {
        let stop = Stop::default();
        let (sender, told) = channel();
        let tell = |name: &'static str| {
            let (sender, stop_within) = (sender.clone(), stop.clone());
            stop.on(move |cause| {
                assert_eq!(stop_within.cause().as_deref(), Some(cause));
                sender.send(format!("{name}: {cause}")).unwrap();
            })
        };
        let (_a, b, _c) = (tell("a"), tell("b"), tell("c"));
        drop(b);
        assert!(!stop.flag().load(Ordering::SeqCst) && stop.cause().is_none());
        stop.set("first");
        stop.set("second");
        let _late = tell("d");
        let all: Vec<String> = told.try_iter().collect();
        assert_eq!(all, ["a: first", "c: first", "d: first"]);
        assert!(stop.flag().load(Ordering::SeqCst));
    }

    #[cfg(unix)]
    #[test]
    fn a_signal_is_a_cause() {
        let stop = Stop::install().unwrap();
        let (sender, told) = channel();
        let _watch = stop.on(move |cause| sender.send(cause.to_owned()).unwrap());
        signal_hook::low_level::raise(signal_hook::consts::SIGTERM).unwrap();
        let cause = told.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(cause.contains("SIGTERM"), "{cause}");
    }
}
