//! Accepts the connections of the members that dial this one.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;

use crate::inbox::Inbox;
use crate::link::Link;
use crate::preamble::Preamble;
use crate::roster::check_dates;
use crate::tcp::TcpLink;
use crate::tls::{self, Failed, Identity, TlsReader, TlsStream, TlsWriter};
use crate::{Endpoint, Limits, MemberId, NetError, Roster};

/// The longest time that a stranger may take to state its request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The number of strangers that are heard at once.
const STRANGERS: usize = 64;
/// The intervals at which a listener checks for connections: at first, and when none has come for a while.
const GLANCES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// Both connections of a link: the one to write to, and the one to read from.
pub(crate) enum Ends {
    Dialled(Box<(TlsWriter<UnbufferedClientConnection>, TlsReader<UnbufferedClientConnection>)>),
    Accepted(Box<(TlsWriter<UnbufferedServerConnection>, TlsReader<UnbufferedServerConnection>)>),
}

/// A caller with a known certificate, and its message.
pub(crate) struct Caller {
    /// Index of the certificate.
    pub who: usize,
    pub preamble: Preamble,
    pub stream: TlsStream<UnbufferedServerConnection>,
    /// The time until which an answer makes sense.
    pub until: Instant,
}

/// Listens until told to stop. A thread of its own hears each connection, so that no stranger delays another. `caller`
/// gets the callers with one of the certificates, `stranger` the address of all others and the reason.
pub(crate) fn admit(
    listener: &TcpListener,
    identity: &Identity,
    certificates: &[CertificateDer<'static>],
    stop: &(dyn Fn() -> bool + Sync),
    caller: &(dyn Fn(Caller) + Sync),
    stranger: &(dyn Fn(SocketAddr, String) + Sync),
) {
    let heard = AtomicUsize::new(0);
    // open connections that are being heard, by number
    let open: Mutex<BTreeMap<usize, TcpStream>> = Mutex::default();
    let opened = || open.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut number, mut glance) = (0, GLANCES.0);
    thread::scope(|scope| {
        while !stop() {
            let Ok((socket, address)) = listener.accept() else {
                thread::sleep(glance);
                glance = (glance * 2).min(GLANCES.1);
                continue;
            };
            glance = GLANCES.0;
            let place = Place::take(&heard);
            if place.0.load(Ordering::Relaxed) > STRANGERS {
                continue; // closes it: whoever means us tries again
            }
            number += 1;
            if let Ok(socket) = socket.try_clone() {
                opened().insert(number, socket);
            }
            let opened = &opened;
            let hear = move || {
                let found = hear(socket, identity, certificates);
                opened().remove(&number);
                match found {
                    Ok(found) => caller(found),
                    Err(Failed::Lost(cause) | Failed::Wrong(cause)) => {
                        tracing::info!(%address, cause, "refused a connection");
                        stranger(address, cause);
                    }
                }
                drop(place);
            };
            // without a thread this connection is dropped; the stranger tries again
            if thread::Builder::new().name("caller".to_owned()).spawn_scoped(scope, hear).is_err() {
                opened().remove(&number);
            }
        }
        // a connection without a request by now keeps nobody waiting
        for socket in opened().values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    });
}

/// A permit to hear one stranger, returned when dropped.
struct Place<'a>(&'a AtomicUsize);

impl Place<'_> {
    fn take(heard: &AtomicUsize) -> Place<'_> {
        heard.fetch_add(1, Ordering::Relaxed);
        Place(heard)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hear(
    socket: TcpStream,
    identity: &Identity,
    certificates: &[CertificateDer<'static>],
) -> Result<Caller, Failed> {
    let until = Instant::now() + PATIENCE;
    socket
        .set_nonblocking(false)
        .and_then(|()| socket.set_nodelay(true))
        .map_err(|error| Failed::Lost(error.to_string()))?;
    let (who, mut stream) = tls::accept(socket, identity, certificates, until)?;
    check_dates(&certificates[who]).map_err(Failed::Wrong)?;
    let preamble = Preamble::read(|into| stream.read(into, until))?;
    Ok(Caller { who, preamble, stream, until })
}

/// The addition to a timeout about a stranger that came while a member did not.
pub(crate) fn refused_stranger(address: SocketAddr, cause: &str) -> String {
    format!("; {address} came and was refused: {cause}")
}

/// A listening socket, at a free port if the address names port 0.
pub(crate) fn listen(address: &str) -> Result<TcpListener, NetError> {
    let fail = |error: std::io::Error| NetError::System {
        doing: format!("listening on {address}"),
        cause: match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "the port is in use, perhaps by another tacita: end that, or listen elsewhere with --listen"
                    .to_owned()
            }
            std::io::ErrorKind::AddrNotAvailable => {
                "this machine has no such address: give one of its own with --listen, such as 0.0.0.0:PORT"
                    .to_owned()
            }
            _ => error.to_string(),
        },
    };
    let listener = TcpListener::bind(address).map_err(fail)?;
    listener.set_nonblocking(true).map_err(fail)?;
    Ok(listener)
}

/// The connections of one member so far.
struct Pair {
    attempt: [u8; 16],
    writer: Option<TlsWriter<UnbufferedServerConnection>>,
    reader: Option<TlsReader<UnbufferedServerConnection>>,
}

/// The members that have come for one session.
#[derive(Default)]
pub(crate) struct Gathering {
    pairs: BTreeMap<usize, Pair>,
    /// The time at which the first came.
    since: Option<Instant>,
}

impl Gathering {
    /// Takes a connection in. A member's new attempt replaces its old one: the member was restarted.
    pub fn put(&mut self, member: MemberId, caller: Caller) -> Result<(), Failed> {
        self.since.get_or_insert_with(Instant::now);
        let attempt = caller.preamble.attempt;
        let fresh = || Pair { attempt, writer: None, reader: None };
        let pair = self.pairs.entry(member.index()).or_insert_with(fresh);
        if pair.attempt != attempt {
            *pair = fresh();
        }
        match caller.preamble.writes {
            true => pair.reader = Some(caller.stream.into_reader()?),
            false => pair.writer = Some(caller.stream.into_writer()?),
        }
        Ok(())
    }

    /// The time since the first came.
    pub fn age(&self) -> Duration {
        self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The first of these members without both connections.
    pub fn missing(&self, wanted: impl Iterator<Item = MemberId>) -> Option<MemberId> {
        let there = |member: &MemberId| {
            self.pairs.get(&member.index()).is_some_and(|pair| pair.writer.is_some() && pair.reader.is_some())
        };
        wanted.into_iter().find(|member| !there(member))
    }

    /// Removes and returns all members with both connections.
    pub fn take(&mut self) -> BTreeMap<usize, Ends> {
        self.since = None;
        let pairs = std::mem::take(&mut self.pairs).into_iter();
        pairs
            .filter_map(|(member, pair)| {
                Some((member, Ends::Accepted(Box::new((pair.writer?, pair.reader?)))))
            })
            .collect()
    }
}

/// Starts the links of a member.
pub(crate) fn endpoint(
    roster: &Roster,
    me: MemberId,
    mut ends: BTreeMap<usize, Ends>,
    limits: &Limits,
) -> Result<Endpoint, NetError> {
    let names: Arc<[String]> = roster.members.iter().map(|member| member.name.clone()).collect();
    let inbox = Arc::new(Inbox::new(names.len(), limits.silence));
    let mut links: Vec<Option<Box<dyn Link>>> = vec![];
    for (peer, name) in names.iter().enumerate() {
        let link = match ends.remove(&peer) {
            None => None,
            Some(Ends::Dialled(ends)) => {
                let (writer, reader) = *ends;
                Some(TcpLink::start(peer, name, writer, reader, &inbox, limits).map(boxed))
            }
            Some(Ends::Accepted(ends)) => {
                let (writer, reader) = *ends;
                Some(TcpLink::start(peer, name, writer, reader, &inbox, limits).map(boxed))
            }
        };
        links.push(link.transpose().map_err(|error| NetError::System {
            doing: "starting a link's threads".to_owned(),
            cause: error.to_string(),
        })?);
    }
    Ok(Endpoint::new(me, names, limits.clone(), inbox, links))
}

fn boxed(link: impl Link + 'static) -> Box<dyn Link> {
    Box::new(link)
}
