//! Sessions whose members all live in this process.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tacita_mpc::Config;
use tacita_net::{Endpoint, Limits, Shape, loopback, memory, shaped};

use crate::consent::Consent;
use crate::error::Error;
use crate::local_members::{LocalMembers, Member};
use crate::members::Members;
use crate::options::{Link, Options};
use crate::serve;
use crate::session::Session;

/// Links the members as the options say and starts them.
pub(crate) fn start(options: &Options) -> Result<LocalMembers, Error> {
    let (endpoints, names, config) = link(options)?;
    let parties = options.parties;
    let members = endpoints.into_iter().zip(names).enumerate().map(|(index, (endpoint, name))| Member {
        index,
        name,
        parties,
        endpoint,
        config: config.clone(),
        threads: if index == parties { options.dealer_threads } else { options.threads },
        recipes: false,
        speaks: index == 0,
        ahead: None,
    });
    LocalMembers::start(members.collect())
}

/// All members' ends of the links, their names (the dealer's after the parties'), and their settings.
fn link(options: &Options) -> Result<(Vec<Endpoint>, Vec<String>, Config), Error> {
    options.check()?;
    let mut all = options.party_names();
    all.push("dealer".to_owned());
    all.extend(options.data_owners.iter().cloned());
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let limits = Limits { inbound: options.dealer_ahead.max(16 << 20), ..Limits::default() };
    let endpoints = match options.link {
        Link::Memory => memory(&names, &limits),
        Link::Loopback => loopback(&names, &limits)?,
        Link::Shaped { latency_ms, mbit } => {
            let latency = Duration::from_secs_f64(latency_ms / 1e3);
            shaped(&names, &limits, Shape { latency, bits_per_second: mbit * 1e6 })
        }
    };
    let mut config = Config {
        timeout: options.timeout,
        dealer_ahead: options.dealer_ahead,
        // as between machines
        overlap: matches!(options.link, Link::Shaped { .. }),
        ..Config::default()
    };
    config.hooks.insecure_fixed_seed = options.insecure_fixed_seed;
    Ok((endpoints, all, config))
}

/// The dealer's thread, which ends when its session's members have left.
struct Dealing(Option<JoinHandle<()>>);

impl Drop for Dealing {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl Session {
    /// A session for each computing party, and a dealer, over memory links: a program runs once for each, on a thread each, as it
    /// runs between machines. Sessions are in the order of the parties: alice, bob, carol, …
    ///
    /// # Security
    /// All members run in this process, so nothing is protected from whoever controls it. For the same reason nobody is asked for
    /// consent until [`Session::consent_to`] says otherwise.
    ///
    /// # Errors
    /// As [`Session::local`].
    pub fn local_each(parties: usize) -> Result<Vec<Session>, Error> {
        Session::each_with_options(&Options { parties, link: Link::Memory, ..Options::default() })
    }

    /// As [`Session::local_each`], with these settings. Sessions of data owners follow those of the parties.
    ///
    /// # Errors
    /// As [`Session::with_options`].
    pub fn each_with_options(options: &Options) -> Result<Vec<Session>, Error> {
        let (endpoints, names, config) = link(options)?;
        let parties = options.parties;
        let members = Members { parties: options.party_names(), data_owners: options.data_owners.clone() };
        let mut dealing = None;
        let mut joining = Vec::new();
        for (index, (endpoint, name)) in endpoints.into_iter().zip(names).enumerate() {
            let config = config.clone();
            if index == parties {
                let (session, threads) = ((members.clone(), options.precision), options.dealer_threads);
                let deal = move || {
                    // members are told of an error by the dealer itself
                    let _ = serve::deal(session, endpoint, config, threads, &mut |_| ());
                };
                dealing = Some(spawn(&name, deal)?);
                continue;
            }
            let (threads, recipes) = (options.threads, index == 0);
            let member = Member {
                index,
                name: name.clone(),
                parties,
                endpoint,
                config,
                threads,
                recipes,
                speaks: true,
                ahead: None,
            };
            // each waits for all others
            joining.push(spawn(&name, move || LocalMembers::start(vec![member]))?);
        }
        let dealer: Arc<dyn Send + Sync> = Arc::new(Dealing(dealing));
        let mut sessions = Vec::with_capacity(joining.len());
        for thread in joining {
            let ended = || Error::Internal("a member ended before the session opened".into());
            let local = thread.join().map_err(|_| ended())??;
            let mut session = Session::new(members.clone(), options.precision, local);
            session.consent_to(Consent::EverythingThisProgramReveals);
            session._dealer = Some(dealer.clone());
            sessions.push(session);
        }
        Ok(sessions)
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Error> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(run).map_err(|e| Error::Internal(format!("no thread for a member: {e}")))
}
