//! Links over TCP and TLS between members in one process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::server::UnbufferedServerConnection;

use crate::inbox::Inbox;
use crate::link::Link;
use crate::tcp::TcpLink;
use crate::tls::{self, Identity, TlsReader, TlsWriter};
use crate::{Endpoint, Limits, MemberId, NetError};

type Reader = TlsReader<UnbufferedServerConnection>;

/// The longest that one stranger may keep a member from accepting its peers.
const PATIENCE: Duration = Duration::from_secs(2);

/// Endpoints of a session whose members live in this process, in order of `names`, linked over TCP on 127.0.0.1
/// and TLS 1.3. Keys and certificates are made here, used at both ends of every connection and never written
/// anywhere; each member accepts exactly its peers' certificates.
///
/// # Errors
/// [`System`](NetError::System) if no port or thread is to be had, [`Handshake`](NetError::Handshake) and
/// [`Timeout`](NetError::Timeout) if the members do not connect in [`Limits::connect`].
pub fn loopback(names: &[&str], limits: &Limits) -> Result<Vec<Endpoint>, NetError> {
    let until = Instant::now() + limits.connect;
    let system = |doing: &str, cause: String| NetError::System { doing: doing.to_owned(), cause };
    let mut members = Vec::new();
    for _ in names {
        let identity = Identity::ephemeral().map_err(|cause| system("making a certificate", cause))?;
        let listener = listen().map_err(|error| system("listening on 127.0.0.1", error.to_string()))?;
        members.push((identity, listener));
    }
    let certificates: Vec<_> = members.iter().map(|(identity, _)| identity.certificate.clone()).collect();

    let failed = AtomicBool::new(false);
    let give_up = || failed.load(Ordering::Relaxed) || Instant::now() >= until;
    let mut joined = Vec::new();
    thread::scope(|scope| {
        let accepting: Vec<_> = (0..names.len())
            .map(|me| {
                let (identity, (listener, _)) = (&members[me].0, &members[me].1);
                let (certificates, give_up) = (&certificates, &give_up);
                scope.spawn(move || {
                    accept_all(me, identity, listener, certificates, names, (limits, until), give_up)
                })
            })
            .collect();
        let dialed: Result<Vec<_>, _> =
            members.iter().enumerate().map(|(me, _)| dial_all(me, &members, names, until)).collect();
        if dialed.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        let accepted: Vec<_> = accepting.into_iter().map(|accepting| accepting.join()).collect();
        for (writers, readers) in dialed?.into_iter().zip(accepted) {
            let readers = readers.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            joined.push((writers, readers));
        }
        Ok(())
    })?;

    let all: Arc<[String]> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut endpoints = Vec::new();
    for (me, (writers, readers)) in joined.into_iter().enumerate() {
        let inbox = Arc::new(Inbox::new(names.len()));
        let mut links = Vec::new();
        for (peer, ends) in writers.into_iter().zip(readers).enumerate() {
            links.push(match ends {
                (Some(writer), Some(reader)) => {
                    let link = TcpLink::start(peer, names[peer], writer, reader, &inbox, limits)
                        .map_err(|error| system("starting a link's threads", error.to_string()))?;
                    Some(Box::new(link) as Box<dyn Link>)
                }
                _ => None,
            });
        }
        endpoints.push(Endpoint::new(MemberId::at(me), all.clone(), limits.clone(), inbox, links));
    }
    Ok(endpoints)
}

fn listen() -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    Ok((listener, address))
}

/// Connects to every peer: the writing ends, by peer.
fn dial_all(
    me: usize,
    members: &[(Identity, (TcpListener, SocketAddr))],
    names: &[&str],
    until: Instant,
) -> Result<Vec<Option<TlsWriter>>, NetError> {
    let dial = |(peer, (identity, (_, address))): (usize, &(Identity, (TcpListener, SocketAddr)))| {
        if peer == me {
            return Ok(None);
        }
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        TcpStream::connect_timeout(address, left)
            .and_then(|socket| socket.set_nodelay(true).map(|()| socket))
            .map_err(|error| error.to_string())
            .and_then(|socket| tls::dial(socket, &members[me].0, &identity.certificate, until))
            .map(Some)
            .map_err(|cause| NetError::Handshake { peer: names[peer].to_owned(), cause })
    };
    members.iter().enumerate().map(dial).collect()
}

/// Waits for every peer to connect: the reading ends, by peer. Strangers are refused and forgotten.
fn accept_all(
    me: usize,
    identity: &Identity,
    listener: &TcpListener,
    certificates: &[CertificateDer<'static>],
    names: &[&str],
    (limits, until): (&Limits, Instant),
    give_up: &impl Fn() -> bool,
) -> Result<Vec<Option<Reader>>, NetError> {
    let mut readers: Vec<Option<Reader>> = certificates.iter().map(|_| None).collect();
    let mut refused = None;
    while let Some(missing) = (0..names.len()).find(|peer| *peer != me && readers[*peer].is_none()) {
        if give_up() {
            let peer = names[missing].to_owned();
            let waited = limits.connect;
            return Err(refused.unwrap_or(NetError::Timeout { peer, waited, doing: "waiting for" }));
        }
        match listener.accept() {
            Ok((socket, address)) => {
                let until = until.min(Instant::now() + PATIENCE);
                match accept(socket, identity, certificates, until) {
                    Ok((peer, reader)) if peer != me => {
                        readers[peer].get_or_insert(reader);
                    }
                    Ok(_) => {}
                    Err(cause) => refused = Some(NetError::Handshake { peer: address.to_string(), cause }),
                }
            }
            Err(_) => thread::sleep(Duration::from_micros(200)),
        }
    }
    Ok(readers)
}

fn accept(
    socket: TcpStream,
    identity: &Identity,
    certificates: &[CertificateDer<'static>],
    until: Instant,
) -> Result<(usize, Reader), String> {
    let prepare = socket.set_nonblocking(false).and_then(|()| socket.set_nodelay(true));
    prepare.map_err(|error| error.to_string())?;
    tls::accept(socket, identity, certificates, until)
}
