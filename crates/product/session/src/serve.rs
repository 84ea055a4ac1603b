//! The dealer as a daemon: it listens, and deals for whichever session has all its members there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tacita_graph::Inputs;
use tacita_identity::{Identity, SessionFile};
use tacita_mpc::{Config, Dealer, Dealt, Leaves, Request};
use tacita_net::{Endpoint, Interrupter, Reception};

use crate::connect::{WatchForTests, config, dealer_roster, limits};
use crate::error::Error;
use crate::members::Members;
use crate::prepared::{Prepared, Weights, leaves};
use crate::recipe;

/// How often the daemon looks whether it was asked to stop.
const GLANCE: Duration = Duration::from_millis(200);

/// Settings that a dealer chooses for itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ServeOptions {
    /// Where to listen, if not at the dealer's address in the session files.
    pub listen: Option<String>,
    /// Threads of each session's kernels.
    pub threads: usize,
    /// Sessions that are served at once; further ones are asked to come again.
    pub sessions: usize,
    /// Ends after the first session, with its error if it failed.
    pub once: bool,
    /// How long running sessions may go on once the daemon is asked to stop.
    pub grace: Duration,
    /// For tests, as in [`crate::ConnectOptions`].
    pub insecure_fixed_seed: Option<[u8; 32]>,
    /// For tests, as in [`crate::ConnectOptions`].
    #[doc(hidden)]
    pub watch_for_tests: WatchForTests,
}

impl Default for ServeOptions {
    fn default() -> ServeOptions {
        let grace = Duration::from_secs(30);
        ServeOptions {
            listen: None,
            threads: 1,
            sessions: 64,
            once: false,
            grace,
            insecure_fixed_seed: None,
            watch_for_tests: WatchForTests::default(),
        }
    }
}

/// Events of the daemon. Sessions are counted from 1.
#[derive(Debug)]
pub enum Served {
    /// It takes connections.
    Listening {
        /// Where.
        address: String,
    },
    /// All members of a session are there.
    Opened {
        /// Its number.
        session: u64,
        /// Of which of the files.
        file: usize,
    },
    /// An evaluation was dealt for.
    Dealt {
        /// The session's number.
        session: u64,
        /// Payload bytes that were sent.
        bytes: u64,
        /// Seconds it took, waits for slow receivers included.
        seconds: f64,
    },
    /// The members left.
    Closed {
        /// The session's number.
        session: u64,
        /// Evaluations that were dealt for.
        evaluations: u64,
    },
    /// A session failed, or its members did not all come.
    Failed {
        /// The session's number; none if it never opened.
        session: Option<u64>,
        /// Of which of the files.
        file: usize,
        /// Why.
        error: Error,
    },
}

/// Deals for the sessions of these files, one after another and at once, until `stop` is set (or after the first, with
/// `once`). All files name the same dealer, with the same certificate.
///
/// # Errors
/// If the daemon cannot listen; with `once`, the session's error.
pub fn serve(
    files: &[SessionFile],
    identity: Identity,
    options: &ServeOptions,
    stop: &AtomicBool,
    say: &mut dyn FnMut(&Served),
) -> Result<(), Error> {
    let first = files.first().ok_or_else(|| Error::Usage("a dealer needs a session file".into()))?;
    let rosters = files.iter().map(dealer_roster).collect();
    let listen = match options.listen.as_deref().or(first.dealer.address.as_deref()) {
        Some(listen) => listen,
        None => {
            return Err(Error::Usage("the session file gives the dealer no address: use --listen".into()));
        }
    };
    let reception = Reception::open(listen, identity.for_links()?, rosters, limits(first), options.sessions)?;
    say(&Served::Listening { address: reception.local_addr().to_string() });

    let mut running: BTreeMap<u64, Interrupter> = BTreeMap::new();
    let (said, heard): (Sender<Served>, Receiver<Served>) = channel();
    let (mut count, mut stopping, mut outcome) = (0, None, None);
    std::thread::scope(|scope| {
        loop {
            let arrived = match stopping {
                None => reception.next(GLANCE),
                Some(_) => {
                    std::thread::sleep(GLANCE);
                    None
                }
            };
            match arrived {
                None => {}
                Some(Err((file, error))) => {
                    let served = Served::Failed { session: None, file, error: error.into() };
                    say(&served);
                    if let Served::Failed { error, .. } = served {
                        outcome.get_or_insert(Err(error));
                    }
                }
                Some(Ok((file, endpoint))) => {
                    count += 1;
                    running.insert(count, endpoint.interrupter());
                    say(&Served::Opened { session: count, file });
                    let said = said.clone();
                    let settings =
                        config(&files[file], options.insecure_fixed_seed, &options.watch_for_tests);
                    scope.spawn(move || {
                        let session = (Members::of(&files[file]), files[file].precision_bits);
                        let mut say = |dealt: &Dealt| {
                            let bytes = dealt.traffic.in_phase(tacita_net::Phase::Offline).sent.payload;
                            let seconds = dealt.time.as_secs_f64();
                            let _ = said.send(Served::Dealt { session: count, bytes, seconds });
                        };
                        let ended = deal(session, endpoint, settings, options.threads, &mut say);
                        let _ = said.send(match ended {
                            Ok(evaluations) => Served::Closed { session: count, evaluations },
                            Err(error) => Served::Failed { session: Some(count), file, error },
                        });
                    });
                }
            }
            for served in heard.try_iter() {
                say(&served);
                match served {
                    Served::Closed { session, .. } => {
                        running.remove(&session);
                        outcome.get_or_insert(Ok(()));
                    }
                    Served::Failed { session: Some(session), error, .. } => {
                        running.remove(&session);
                        outcome.get_or_insert(Err(error));
                    }
                    _ => {}
                }
            }
            if stopping.is_none() && (stop.load(Ordering::Relaxed) || options.once && outcome.is_some()) {
                stopping = Some(Instant::now());
            }
            if let Some(since) = stopping {
                if running.is_empty() {
                    break;
                }
                if since.elapsed() > options.grace {
                    for session in running.values() {
                        session.interrupt("the dealer was asked to stop");
                    }
                }
            }
        }
    });
    match outcome {
        Some(outcome) if options.once => outcome,
        _ => Ok(()),
    }
}

/// Deals for one session until its parties leave it. Returns how many evaluations that were.
pub(crate) fn deal(
    (members, precision): (Members, u32),
    endpoint: Endpoint,
    settings: Config,
    threads: usize,
    say: &mut dyn FnMut(&Dealt),
) -> Result<u64, Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).use_current_thread().build();
    let _pool = pool.map_err(|e| Error::Internal(format!("no thread pool: {e}")))?;
    let mut dealer = Dealer::connect(endpoint, members.parties.len(), settings)?;
    let (prepared, made, weights) = (BTreeMap::new(), BTreeMap::new(), Weights::new());
    let mut plans = Plans { precision, members, prepared, made, weights };
    let mut evaluations = 0;
    while let Some(request) = dealer.request()? {
        let (prepared, public) = match plans.make(&request) {
            Ok(made) => made,
            Err(error) => {
                dealer.abort(&error.to_string());
                return Err(error);
            }
        };
        let dealt = dealer.deal(&prepared.plan, &public)?;
        evaluations += 1;
        say(&dealt);
    }
    Ok(evaluations)
}

/// The plans that a session's dealer made from the parties' recipes.
struct Plans {
    precision: u32,
    members: Members,
    /// By their hash.
    prepared: BTreeMap<[u8; 32], Prepared>,
    /// Which of them an evaluation without public inputs is of: parties send it once.
    made: BTreeMap<[u8; 32], [u8; 32]>,
    weights: Weights,
}

impl Plans {
    /// The plan and the public leaves that a request is about.
    fn make(&mut self, request: &Request) -> Result<(&Prepared, Leaves), Error> {
        let (hash, public) = match &request.recipe {
            Some(bytes) => {
                let (hash, public) = recipe::decode_again(bytes, &self.members, &mut self.prepared)?;
                if public.is_empty() {
                    self.made.insert(request.digest, hash);
                }
                (hash, public)
            }
            None => {
                let none = || Error::Disagreement("the parties did not send the graph to deal for".into());
                (*self.made.get(&request.digest).ok_or_else(none)?, Inputs::new())
            }
        };
        let gone = || Error::Internal("a graph that was prepared is gone".into());
        let prepared = self.prepared.get(&hash).ok_or_else(gone)?;
        let (here, there) = (self.precision, prepared.precision);
        if here != there {
            return Err(Error::Disagreement(format!(
                "the parties compute with {there} fractional bits, the session has {here}"
            )));
        }
        let (leaves, new) = leaves(prepared, None, public, &self.weights)?;
        self.weights.extend(new);
        Ok((prepared, leaves))
    }
}
