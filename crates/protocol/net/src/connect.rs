//! Connects one member of a session with all others.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;

use crate::gather::{Caller, Ends, Gathering, admit, endpoint, listen, refused_stranger};
use crate::preamble::{Answer, Preamble, TERMS};
use crate::roster::check_dates;
use crate::tls::{self, Failed, Identity, TlsStream};
use crate::{Endpoint, Limits, MemberId, NetError, Roster};

/// The first and the longest pause between two attempts to reach a peer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// The longest wait for the reasons of connected peers when a member does not come. Peers began to wait at about the
/// same time; a trusted dealer begins when the first member comes.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The longest time that one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// Connects this member with all others of the roster. It listens, at `listen` or else at its own address, for the
/// members that dial it, and dials the others repeatedly until [`Limits::connect`] is over.
///
/// # Errors
/// [`System`](NetError::System) if it cannot listen, [`Certificate`](NetError::Certificate) if a peer's certificate is
/// outside its validity period, [`Handshake`](NetError::Handshake) if a peer shows another certificate,
/// [`Refused`](NetError::Refused) if a peer expects another session, and [`Timeout`](NetError::Timeout) with the names
/// of the members that did not come. The members connected by then are told the reason.
pub fn connect(
    roster: &Roster,
    me: MemberId,
    identity: &Identity,
    listen_at: Option<&str>,
    limits: &Limits,
) -> Result<Endpoint, NetError> {
    let is_dialled = roster.peers(me).any(|peer| roster.dials(peer, me));
    let own = roster.peer(me);
    let listener = match (is_dialled, listen_at.or(own.address.as_deref())) {
        (false, _) => None,
        (true, Some(address)) => Some(listen(address)?),
        (true, None) => {
            let cause = "others dial it, and it has no address: give one with --listen".to_owned();
            return Err(NetError::System { doing: format!("connecting {}", own.name), cause });
        }
    };
    connect_on(roster, me, identity, listener, limits)
}

/// The shared state of the connecting threads.
#[derive(Default)]
struct Meeting {
    gathering: Gathering,
    dialled: BTreeMap<usize, Ends>,
    failure: Option<NetError>,
    /// The last member refused, and the reason.
    stranger: Option<(SocketAddr, String)>,
    /// For each peer that we dial, the reason why it could not be reached so far.
    unreached: BTreeMap<usize, String>,
}

/// As [`connect`], with an existing listener.
pub(crate) fn connect_on(
    roster: &Roster,
    me: MemberId,
    identity: &Identity,
    listener: Option<TcpListener>,
    limits: &Limits,
) -> Result<Endpoint, NetError> {
    let name = &roster.peer(me).name;
    let broken = |cause: String| NetError::System { doing: format!("connecting {name}"), cause };
    if roster.terms.len() > TERMS {
        return Err(broken(format!("terms of {} bytes, and {TERMS} are taken", roster.terms.len())));
    }
    if identity.certificate() != roster.peer(me).certificate {
        return Err(broken(format!("its certificate is not the one that the session names for {name}")));
    }
    check_dates(identity.certificate()).map_err(broken)?;
    roster.check_peers(me)?;
    let attempt = attempt()?;
    let until = Instant::now() + limits.connect;
    let meeting = Mutex::new(Meeting::default());
    let done = AtomicBool::new(false);
    let diallers: Vec<MemberId> = roster.peers(me).filter(|peer| roster.dials(*peer, me)).collect();
    let dialled: Vec<MemberId> = roster.peers(me).filter(|peer| roster.dials(me, *peer)).collect();
    let certificates = roster.certificates();

    let missing = thread::scope(|scope| {
        if let Some(listener) = &listener {
            scope.spawn(|| {
                let take = |caller: Caller| receive(roster, me, caller, &meeting);
                let refuse = |address, cause| lock(&meeting).stranger = Some((address, cause));
                admit(listener, identity, &certificates, &|| done.load(Ordering::Relaxed), &take, &refuse);
            });
        }
        for &peer in &dialled {
            let (meeting, done) = (&meeting, &done);
            scope.spawn(move || dial(roster, (me, peer), identity, attempt, meeting, done, until));
        }
        let missing = loop {
            {
                let meeting = lock(&meeting);
                let missing = meeting.gathering.missing(diallers.iter().copied()).or_else(|| {
                    dialled.iter().copied().find(|peer| !meeting.dialled.contains_key(&peer.index()))
                });
                if missing.is_none() || meeting.failure.is_some() || Instant::now() >= until {
                    break missing;
                }
            }
            thread::sleep(Duration::from_micros(500));
        };
        done.store(true, Ordering::Relaxed);
        missing
    });

    let mut meeting = meeting.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failure =
        meeting.failure.take().or_else(|| missing.map(|peer| absent(roster, peer, &meeting, limits)));
    let mut ends = meeting.gathering.take();
    ends.append(&mut meeting.dialled);
    let endpoint = endpoint(roster, me, ends, limits)?;
    match failure {
        None => {
            tracing::debug!(member = name, "connected with all members");
            Ok(endpoint)
        }
        Some(error) => {
            endpoint.abort(&last_words(&error), "", 0);
            let told = match &error {
                // a peer that has already stopped may know the cause better than this member
                NetError::Timeout { .. } => endpoint.wait_aborted(LAST_WORDS),
                _ => None,
            };
            Err(match (error, told) {
                (NetError::Timeout { peer, because, waited, doing }, Some(told)) => {
                    NetError::Timeout { peer, because: format!("{because}, and {told}"), waited, doing }
                }
                (error, _) => error,
            })
        }
    }
}

/// The message to connected peers. It leaves out the remedy for a missing member, which they know themselves.
pub(crate) fn last_words(error: &NetError) -> String {
    match error {
        NetError::Timeout { peer, because, .. } => format!("{peer} did not come{because}"),
        other => other.to_string(),
    }
}

/// The members that did not come, with the known reasons.
fn absent(roster: &Roster, peer: MemberId, meeting: &Meeting, limits: &Limits) -> NetError {
    let mut because = String::new();
    if let Some(cause) = meeting.unreached.get(&peer.index()) {
        let address = roster.peer(peer).address.as_deref().unwrap_or("no address");
        because += &format!(" at {address} ({cause})");
    }
    if let Some((address, cause)) = &meeting.stranger {
        because += &refused_stranger(*address, cause);
    }
    let peer = roster.peer(peer).name.clone();
    NetError::Timeout { peer, because, waited: limits.connect, doing: "waiting for" }
}

/// Answers one dialler, and takes its connection in.
fn receive(roster: &Roster, me: MemberId, mut caller: Caller, meeting: &Mutex<Meeting>) {
    let member = MemberId::at(caller.who);
    let (mine, theirs) = (&roster.peer(me).name, &roster.peer(member).name);
    let difference = match roster.dials(member, me) && Some(member) != roster.absent {
        true => caller.preamble.difference(mine, theirs, &roster.mode, &roster.terms),
        false => Some(format!("{theirs} does not dial {mine} in this session")),
    };
    let answer = difference.clone().map_or(Answer::Accepted, Answer::Refused);
    let sent = answer.send(&mut caller.stream, caller.until);
    let mut meeting = lock(meeting);
    if let Some(reason) = difference {
        let peer = theirs.clone();
        meeting.failure.get_or_insert(NetError::Refused { peer, reason });
    } else if sent.is_ok() {
        // if the connection is lost meanwhile, the dialler makes it again
        let _ = meeting.gathering.put(member, caller);
    }
}

/// Dials a peer until both connections are accepted.
fn dial(
    roster: &Roster,
    (me, to): (MemberId, MemberId),
    identity: &Identity,
    attempt: [u8; 16],
    meeting: &Mutex<Meeting>,
    done: &AtomicBool,
    until: Instant,
) {
    let peer = roster.peer(to);
    let fail = |error: NetError| {
        lock(meeting).failure.get_or_insert(error);
    };
    let Some(address) = &peer.address else {
        let cause = "the session gives it no address".to_owned();
        return fail(NetError::Handshake { peer: peer.name.clone(), cause });
    };
    let certificate = CertificateDer::from(peer.certificate.clone());
    let preamble =
        |writes| Preamble { writes, attempt, mode: roster.mode.clone(), terms: roster.terms.clone() };
    let (mut pause, end) = (PAUSES.0, until);
    loop {
        let until = until.min(Instant::now() + ATTEMPT);
        let lane = |writes| lane(address, identity, &certificate, &preamble(writes), until);
        // in parallel, since each takes several round trips
        let (out, back) = thread::scope(|scope| {
            let back = scope.spawn(|| lane(false));
            (lane(true), back.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let ends = match (out, back) {
            (Ok(out), Ok(back)) => {
                let both = out.into_writer().and_then(|out| Ok((out, back.into_reader()?)));
                both.map_err(Unreached::from)
            }
            // a peer that refuses one of them does not wait for the other, which then fails with a lost connection
            (Err(one), Err(other)) if one.may_pass() => Err(other),
            (Err(failed), _) | (_, Err(failed)) => Err(failed),
        };
        let cause = match ends {
            Ok(ends) => {
                lock(meeting).dialled.insert(to.index(), Ends::Dialled(Box::new(ends)));
                return;
            }
            Err(Unreached::Refused(reason)) => {
                return fail(NetError::Refused { peer: peer.name.clone(), reason });
            }
            Err(Unreached::Failed(Failed::Wrong(cause))) => {
                return fail(NetError::Handshake { peer: format!("{} at {address}", peer.name), cause });
            }
            Err(Unreached::Later(cause) | Unreached::Failed(Failed::Lost(cause))) => cause,
        };
        tracing::debug!(member = roster.peer(me).name, peer = peer.name, cause, "not connected yet");
        lock(meeting).unreached.insert(to.index(), cause);
        thread::sleep(pause.min(until.saturating_duration_since(Instant::now())));
        pause = (pause * 2).min(PAUSES.1);
        // after one attempt, so that a peer learns about a difference even if another peer has refused this member
        // first
        if done.load(Ordering::Relaxed) || Instant::now() >= end {
            return;
        }
    }
}

/// The reason why a connection with a peer was not made.
pub(crate) enum Unreached {
    Failed(Failed),
    Refused(String),
    Later(String),
}

impl Unreached {
    /// Whether a later attempt may succeed.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Later(_) | Self::Failed(Failed::Lost(_)))
    }
}

impl From<Failed> for Unreached {
    fn from(failed: Failed) -> Self {
        Self::Failed(failed)
    }
}

/// Makes one connection.
pub(crate) fn lane(
    address: &str,
    identity: &Identity,
    certificate: &CertificateDer<'static>,
    preamble: &Preamble,
    until: Instant,
) -> Result<TlsStream<UnbufferedClientConnection>, Unreached> {
    let lost = |error: std::io::Error| Failed::Lost(error.to_string());
    let resolved = address.to_socket_addrs().map_err(lost)?.next();
    let resolved = resolved.ok_or_else(|| Failed::Lost("the name has no address".to_owned()))?;
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let socket = TcpStream::connect_timeout(&resolved, left).map_err(lost)?;
    socket.set_nodelay(true).map_err(lost)?;
    let mut stream = tls::dial(socket, identity, certificate, until)?;
    stream.send(&preamble.encode(), until)?;
    match Answer::read(|into| stream.read(into, until))? {
        Answer::Accepted => Ok(stream),
        Answer::Refused(reason) => Err(Unreached::Refused(reason)),
        Answer::Later(reason) => Err(Unreached::Later(reason)),
    }
}

/// A fresh random identifier for this member's connections.
fn attempt() -> Result<[u8; 16], NetError> {
    let mut bytes = [0; 16];
    rustls::crypto::aws_lc_rs::default_provider().secure_random.fill(&mut bytes).map_err(|_| {
        NetError::System { doing: "drawing a random number".to_owned(), cause: "there is none".to_owned() }
    })?;
    Ok(bytes)
}

fn lock(meeting: &Mutex<Meeting>) -> MutexGuard<'_, Meeting> {
    meeting.lock().unwrap_or_else(PoisonError::into_inner)
}
