//! Tests of what broken or hostile peers do to a link: alice does it, bob must survive it with an error that
//! names her. And what alice sees of bob below TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::server::UnbufferedServerConnection;

use crate::inbox::Inbox;
use crate::link::Link;
use crate::tcp::TcpLink;
use crate::tls::{Identity, RECORD, TlsReader, TlsWriter, accept, dial};
use crate::{Endpoint, Frame, FrameHeader, FrameKind, Limits, MemberId, NetError};

const SECOND: Duration = Duration::from_secs(1);
const ALICE: MemberId = MemberId(0);

fn soon() -> Instant {
    Instant::now() + 5 * SECOND
}

/// Two ends of a TCP connection.
fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let dialing = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (dialing, listener.accept().unwrap().0)
}

type Accepted = Result<(usize, TlsReader<UnbufferedServerConnection>), String>;

/// A handshake: `dialer` expects `acceptor`, and `acceptor` admits `admitted`.
fn handshake(
    dialer: &Identity,
    expected: &Identity,
    acceptor: &Identity,
    admitted: &Identity,
) -> (Result<TlsWriter, String>, Accepted) {
    let (dialing, accepting) = sockets();
    thread::scope(|scope| {
        let dialed = scope.spawn(|| dial(dialing, dialer, &expected.certificate, soon()));
        let accepted = accept(accepting, acceptor, std::slice::from_ref(&admitted.certificate), soon());
        (dialed.join().unwrap(), accepted)
    })
}

/// Bob's endpoint, and what alice has of her link to him.
fn alice_and_bob(limits: &Limits) -> (TlsWriter, TlsReader<UnbufferedServerConnection>, Endpoint) {
    let (alice, bob) = (Identity::ephemeral().unwrap(), Identity::ephemeral().unwrap());
    let (from_alice, to_bob) = handshake(&alice, &bob, &bob, &alice);
    let (from_bob, to_alice) = handshake(&bob, &alice, &alice, &bob);
    let inbox = Arc::new(Inbox::new(2));
    let link = TcpLink::start(0, "alice", from_bob.unwrap(), to_bob.unwrap().1, &inbox, limits).unwrap();
    let names = Arc::from(["alice".to_owned(), "bob".to_owned()]);
    let links = vec![Some(Box::new(link) as Box<dyn Link>), None];
    let bob = Endpoint::new(MemberId(1), names, limits.clone(), inbox, links);
    (from_alice.unwrap(), to_alice.unwrap().1, bob)
}

fn send(writer: &mut TlsWriter, bytes: &[u8]) {
    for bytes in bytes.chunks(RECORD) {
        writer.seal(bytes).unwrap();
        while writer.is_pending() {
            writer.write().unwrap();
        }
    }
}

fn header(length: u64) -> [u8; FrameHeader::BYTES] {
    FrameHeader { evaluation: 1, task: 2, step: 3, kind: FrameKind::Opening, length }.encode()
}

#[test]
fn a_frame_of_2_to_the_60_is_refused() {
    let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
    send(&mut alice, &header(1 << 60));
    let error = bob.receive(ALICE, 5 * SECOND).unwrap_err();
    assert_eq!(error, NetError::TooLong { peer: "alice".into(), length: 1 << 60, limit: 1 << 30 });
    // The error stays, and nothing more is sent to her.
    assert_eq!(bob.receive(ALICE, SECOND).unwrap_err(), error);
    assert!(bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Control, vec![1_u64])).is_err());
}

#[test]
fn garbage_is_malformed() {
    let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
    send(&mut alice, &[0xee; 1000]);
    let error = bob.receive(ALICE, 5 * SECOND).unwrap_err();
    assert!(matches!(&error, NetError::Malformed { peer, .. } if peer == "alice"), "{error}");
}

#[test]
fn garbage_below_tls_is_malformed() {
    let (alice, _reader, bob) = alice_and_bob(&Limits::default());
    alice.socket().write_all(&[0xee; 1000]).unwrap();
    let error = bob.receive(ALICE, 5 * SECOND).unwrap_err();
    assert!(matches!(&error, NetError::Malformed { peer, .. } if peer == "alice"), "{error}");
}

#[test]
fn a_flipped_bit_below_tls_is_malformed() {
    let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
    alice.seal(&header(0)).unwrap();
    alice.flip_last_bit();
    alice.write().unwrap();
    let error = bob.receive(ALICE, 5 * SECOND).unwrap_err();
    assert!(matches!(&error, NetError::Malformed { peer, .. } if peer == "alice"), "{error}");
}

#[test]
fn a_truncated_frame_is_cut() {
    for kept in [1, FrameHeader::BYTES, FrameHeader::BYTES + 50] {
        let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
        let frame = [&header(100)[..], &[7; 100]].concat();
        send(&mut alice, &frame);
        send(&mut alice, &frame[..kept]);
        drop(alice);
        assert_eq!(bob.receive(ALICE, 5 * SECOND).unwrap().payload.bytes(), [7; 100]);
        let error = bob.receive(ALICE, 5 * SECOND).unwrap_err();
        assert!(matches!(&error, NetError::Cut { peer, .. } if peer == "alice"), "{error}");
    }
}

#[test]
fn a_stalled_frame_times_out() {
    let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
    send(&mut alice, &header(100));
    let error = bob.receive(ALICE, SECOND / 10).unwrap_err();
    assert!(matches!(&error, NetError::Timeout { peer, .. } if peer == "alice"), "{error}");
}

#[test]
fn an_inbox_is_bounded() {
    let limits = Limits { inbound: 1000, ..Limits::default() };
    let (mut alice, _reader, bob) = alice_and_bob(&limits);
    let frame = [&header(400)[..], &[7; 400]].concat();
    send(&mut alice, &frame.repeat(30));
    assert_eq!(bob.wait_buffered(ALICE, 5000, 5 * SECOND), Ok(800));
    for _ in 0..30 {
        assert!(bob.buffered(ALICE) <= 800);
        bob.receive(ALICE, SECOND).unwrap();
    }
}

#[test]
fn new_keys_are_followed() {
    let (mut alice, _reader, bob) = alice_and_bob(&Limits::default());
    for round in 0..5 {
        alice.refresh_keys();
        send(&mut alice, &[&header(1)[..], &[round]].concat());
        assert_eq!(bob.receive(ALICE, SECOND).unwrap().payload.bytes(), [round]);
    }
}

#[test]
fn another_certificate_is_refused_by_either_end() {
    let [alice, bob, eve] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let (dialed, accepted) = handshake(&alice, &bob, &bob, &alice);
    assert!(dialed.is_ok() && accepted.is_ok_and(|(who, _)| who == 0));
    // Eve dials.
    let (dialed, accepted) = handshake(&eve, &bob, &bob, &alice);
    assert!(dialed.is_err() && accepted.is_err());
    // Eve answers.
    let (dialed, accepted) = handshake(&alice, &bob, &eve, &alice);
    assert!(dialed.is_err() && accepted.is_err());
}

#[test]
fn a_stolen_certificate_without_its_key_is_refused() {
    let [alice, bob, eve] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let thief = eve.with_certificate_of(&alice);
    let (dialed, accepted) = handshake(&thief, &bob, &bob, &alice);
    assert!(dialed.is_err() && accepted.err().unwrap().contains("BadSignature"));
    let thief = eve.with_certificate_of(&bob);
    let (dialed, accepted) = handshake(&alice, &bob, &thief, &alice);
    assert!(accepted.is_err() && dialed.err().unwrap().contains("BadSignature"));
}

#[test]
fn the_meter_knows_what_is_on_the_wire() {
    let (_writer, alice, bob) = alice_and_bob(&Limits::default());
    for words in [0, 1, 2044, 2045, 2046, 5000, 100_000] {
        bob.meter().reset();
        bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Opening, vec![1_u64; words])).unwrap();
        let wire = bob.meter().snapshot().total().sent.wire;
        let mut bytes = vec![0; wire as usize];
        alice.socket().set_read_timeout(Some(5 * SECOND)).unwrap();
        alice.socket().read_exact(&mut bytes).unwrap();
        alice.socket().set_read_timeout(Some(SECOND / 50)).unwrap();
        assert!(alice.socket().read(&mut [0]).is_err(), "{words} words take more than {wire} bytes");
    }
}

#[test]
fn a_plain_tcp_client_is_refused() {
    let [alice, bob] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let (mut dialing, accepting) = sockets();
    dialing.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let accepted = accept(accepting, &bob, std::slice::from_ref(&alice.certificate), soon());
    assert!(accepted.is_err());
    // She gets at most an alert.
    let mut answer = Vec::new();
    let _ = dialing.read_to_end(&mut answer);
    assert!(answer.len() <= 7, "{answer:?}");
}

#[test]
fn a_silent_client_is_given_up() {
    let [alice, bob] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let (_dialing, accepting) = sockets();
    let (start, until) = (Instant::now(), Instant::now() + SECOND / 10);
    let accepted = accept(accepting, &bob, std::slice::from_ref(&alice.certificate), until);
    assert!(accepted.is_err() && start.elapsed() < SECOND);
}
