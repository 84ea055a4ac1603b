//! A daemon's listening socket: accepts connections for any of its sessions, and gathers them until one is complete.

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::connect::last_words;
use crate::gather::{Caller, Gathering, admit, endpoint, listen, refused_stranger};
use crate::preamble::Answer;
use crate::roster::check_dates;
use crate::tls::Identity;
use crate::{Endpoint, Limits, MemberId, NetError, Roster};

/// The interval at which incomplete sessions are checked.
const GLANCE: Duration = Duration::from_millis(100);

/// A session that is complete or failed: the index of its roster, and its links or the error.
pub type Reached = Result<(usize, Endpoint), (usize, NetError)>;

/// A daemon's listening socket, for many sessions, consecutive or concurrent.
///
/// A member that comes twice was restarted: its newer connections replace the older ones. If a session is incomplete
/// [`Limits::connect`] after its first member came, the members present are told who is missing.
pub struct Reception {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    rosters: Vec<(Roster, MemberId)>,
    /// Every certificate of every roster, with the roster and the member.
    known: Vec<(usize, MemberId)>,
    limits: Limits,
    /// The number of endpoints that may be alive at once, and a token that each holds.
    sessions: usize,
    alive: Arc<()>,
    stop: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    gatherings: Vec<Gathering>,
    /// Members of each roster that were refused and have not come again since, with the reason.
    refused: Vec<BTreeMap<MemberId, String>>,
    /// The last caller that was no member: the time and the reason.
    stranger: Option<(Instant, SocketAddr, String)>,
    reached: VecDeque<Reached>,
}

impl Reception {
    /// Listens for these rosters' members; this daemon is the given member of each. At most `sessions` endpoints are
    /// alive at once; a caller for a further one is asked to come again.
    ///
    /// # Errors
    /// [`System`](NetError::System) if it cannot listen, or its certificate differs from the rosters'.
    pub fn open(
        address: &str,
        identity: Identity,
        rosters: Vec<(Roster, MemberId)>,
        limits: Limits,
        sessions: usize,
    ) -> Result<Reception, NetError> {
        let broken = |cause: String| NetError::System { doing: format!("listening on {address}"), cause };
        for (roster, me) in &rosters {
            if roster.peer(*me).certificate != identity.certificate() {
                let name = &roster.peer(*me).name;
                return Err(broken(format!(
                    "its certificate is not the one that the session names for {name}"
                )));
            }
        }
        check_dates(identity.certificate()).map_err(broken)?;
        let listener = listen(address)?;
        let local = listener.local_addr().map_err(|error| broken(error.to_string()))?;
        let places = rosters.iter().enumerate();
        let known: Vec<_> =
            places.flat_map(|(at, (roster, me))| roster.peers(*me).map(move |peer| (at, peer))).collect();
        let gatherings = rosters.iter().map(|_| Gathering::default()).collect();
        let refused = rosters.iter().map(|_| BTreeMap::new()).collect();
        // sessions that can never succeed while this daemon runs
        let reached = rosters.iter().enumerate();
        let reached =
            reached.filter_map(|(at, (roster, me))| Some(Err((at, roster.check_peers(*me).err()?))));
        let reached = reached.collect();
        let shared = Arc::new(Shared {
            rosters,
            known,
            limits,
            sessions,
            alive: Arc::new(()),
            stop: AtomicBool::new(false),
            state: Mutex::new(State { gatherings, refused, stranger: None, reached }),
            changed: Condvar::new(),
        });
        let listening = shared.clone();
        let thread = std::thread::Builder::new()
            .name("reception".to_owned())
            .spawn(move || listening.run(&listener, &identity))
            .map_err(|error| broken(error.to_string()))?;
        Ok(Reception { shared, address: local, thread: Some(thread) })
    }

    /// The listening address.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next session that is complete or has failed. `None` if there is none within that time.
    pub fn next(&self, timeout: Duration) -> Option<Reached> {
        let until = Instant::now() + timeout;
        let mut state = self.shared.lock();
        loop {
            self.shared.expire(&mut state);
            if let Some(reached) = state.reached.pop_front() {
                return Some(reached);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let wait = self.shared.changed.wait_timeout(state, left.min(GLANCE));
            state = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Reception {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, listener: &TcpListener, identity: &Identity) {
        let certificate =
            |&(at, member): &(usize, MemberId)| self.rosters[at].0.peer(member).certificate.clone();
        let certificates: Vec<_> = self.known.iter().map(certificate).map(Into::into).collect();
        let stop = || self.stop.load(Ordering::Relaxed);
        admit(
            listener,
            identity,
            &certificates,
            &stop,
            &|caller| self.receive(&certificates, caller),
            &|address, cause| self.lock().stranger = Some((Instant::now(), address, cause)),
        );
    }

    /// Finds the session that a caller requests, answers, and takes the connection in.
    fn receive(&self, certificates: &[rustls::pki_types::CertificateDer<'static>], mut caller: Caller) {
        // one organisation may be in several sessions
        let certificate = &certificates[caller.who];
        let candidates: Vec<(usize, MemberId)> = (self.known.iter().zip(certificates))
            .filter(|(_, known)| *known == certificate)
            .map(|(place, _)| *place)
            .collect();
        let meant = candidates.iter().find(|(at, _)| self.rosters[*at].0.terms == caller.preamble.terms);
        let answer = match meant.or(candidates.first()) {
            None => Answer::Refused("no session names it".to_owned()),
            Some(&(at, member)) => {
                let (roster, me) = &self.rosters[at];
                let (mine, theirs) = (&roster.peer(*me).name, &roster.peer(member).name);
                match caller.preamble.difference(mine, theirs, &roster.mode, &roster.terms) {
                    Some(reason) => {
                        tracing::warn!(peer = theirs, reason, "refused a member");
                        self.lock().refused[at].insert(member, reason.clone());
                        Answer::Refused(reason)
                    }
                    None if Arc::strong_count(&self.alive) > self.sessions => {
                        Answer::Later(format!("{mine} serves {} sessions already", self.sessions))
                    }
                    None => Answer::Accepted,
                }
            }
        };
        let sent = answer.send(&mut caller.stream, caller.until);
        let (Ok(()), Answer::Accepted, Some(&(at, member))) = (sent, answer, meant) else { return };
        let (roster, me) = &self.rosters[at];
        let mut state = self.lock();
        if state.gatherings[at].put(member, caller).is_err() {
            return;
        }
        state.refused[at].remove(&member);
        if state.gatherings[at].missing(roster.peers(*me)).is_none() {
            let ends = state.gatherings[at].take();
            let endpoint = endpoint(roster, *me, ends, &self.limits);
            let reached = endpoint.map(|endpoint| (at, endpoint.holding(self.alive.clone())));
            state.reached.push_back(reached.map_err(|error| (at, error)));
            self.changed.notify_all();
        }
    }

    /// Gives up sessions with missing members.
    fn expire(&self, state: &mut State) {
        for (at, (roster, me)) in self.rosters.iter().enumerate() {
            let gathering = &mut state.gatherings[at];
            if gathering.age() < self.limits.connect {
                continue;
            }
            let Some(missing) = gathering.missing(roster.peers(*me)) else { continue };
            let name = |member: MemberId| roster.peer(member).name.clone();
            let error = match state.refused[at].pop_first() {
                Some((member, reason)) => NetError::Refused { peer: name(member), reason },
                None => {
                    let (peer, waited) = (name(missing), self.limits.connect);
                    // from this attempt, or so shortly before it that it may belong to this session
                    let recent = gathering.age() + self.limits.connect;
                    let stranger = state.stranger.as_ref().filter(|(when, ..)| when.elapsed() <= recent);
                    let because = stranger.map(|(_, address, cause)| refused_stranger(*address, cause));
                    let because = because.unwrap_or_default();
                    NetError::Timeout { peer, because, waited, doing: "waiting for" }
                }
            };
            state.refused[at].clear();
            if let Ok(endpoint) = endpoint(roster, *me, gathering.take(), &self.limits) {
                endpoint.abort(&last_words(&error), "", 0);
            }
            state.reached.push_back(Err((at, error)));
        }
    }
}
