//! Tests of what broken or hostile peers do to a link: alice does it, bob must survive it with an error that
//! names her. And what alice sees of bob below TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;

use crate::connect::connect_on;
use crate::inbox::Inbox;
use crate::link::Link;
use crate::tcp::TcpLink;
use crate::tls::{Failed, Identity, RECORD, TlsReader, TlsStream, TlsWriter, accept, dial};
use crate::{Endpoint, Frame, FrameHeader, FrameKind, Limits, MemberId, NetError, Peer, Reception, Roster};

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

type Client = UnbufferedClientConnection;
type Server = UnbufferedServerConnection;
type Dialled = Result<TlsStream<Client>, Failed>;
type Accepted = Result<(usize, TlsStream<Server>), Failed>;

/// A handshake: `dialer` expects `acceptor`, and `acceptor` admits `admitted`.
fn handshake(
    dialer: &Identity,
    expected: &Identity,
    acceptor: &Identity,
    admitted: &Identity,
) -> (Dialled, Accepted) {
    let (dialing, accepting) = sockets();
    thread::scope(|scope| {
        let dialed = scope.spawn(|| dial(dialing, dialer, &expected.certificate, soon()));
        let accepted = accept(accepting, acceptor, std::slice::from_ref(&admitted.certificate), soon());
        (dialed.join().unwrap(), accepted)
    })
}

/// Bob's endpoint, and what alice, who dialled, has of her link to him.
fn alice_and_bob(limits: &Limits) -> (TlsWriter<Client>, TlsReader<Client>, Endpoint) {
    let (alice, bob) = (Identity::ephemeral().unwrap(), Identity::ephemeral().unwrap());
    let (from_alice, to_bob) = handshake(&alice, &bob, &bob, &alice);
    let (to_alice, from_bob) = handshake(&alice, &bob, &bob, &alice);
    let inbox = Arc::new(Inbox::new(2, limits.silence));
    let writer = from_bob.unwrap().1.into_writer().unwrap();
    let reader = to_bob.unwrap().1.into_reader().unwrap();
    let link = TcpLink::start(0, "alice", writer, reader, &inbox, limits).unwrap();
    let names = Arc::from(["alice".to_owned(), "bob".to_owned()]);
    let links = vec![Some(Box::new(link) as Box<dyn Link>), None];
    let bob = Endpoint::new(MemberId(1), names, limits.clone(), inbox, links);
    (from_alice.unwrap().into_writer().unwrap(), to_alice.unwrap().into_reader().unwrap(), bob)
}

fn send(writer: &mut TlsWriter<Client>, bytes: &[u8]) {
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
    let limits = Limits { inbound: 1500, ..Limits::default() };
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
fn who_should_listen_and_speaks_is_not_written_to() {
    let [alice, bob] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    for speaks in [false, true] {
        let (dialed, accepted) = handshake(&alice, &bob, &bob, &alice);
        let (mut dialed, (_, mut accepted)) = (dialed.unwrap(), accepted.unwrap());
        dialed.send(&[1], soon()).unwrap();
        let dialed = dialed.into_reader().unwrap();
        if speaks {
            // a record of which not all comes
            dialed.socket().write_all(&[0x17, 3, 3, 0, 50, 1]).unwrap();
        }
        accepted.read(&mut [0], soon()).unwrap();
        assert!(accepted.read(&mut [0], Instant::now() + SECOND / 4).is_err(), "no more comes");
        accepted.send(&[2], soon()).unwrap();
        assert_eq!(accepted.into_writer().is_err(), speaks);
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

fn is_wrong(failed: Option<Failed>, word: &str) -> bool {
    matches!(failed, Some(Failed::Wrong(cause)) if cause.contains(word))
}

#[test]
fn a_stolen_certificate_without_its_key_is_refused() {
    let [alice, bob, eve] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let thief = eve.with_certificate_of(&alice);
    let (dialed, accepted) = handshake(&thief, &bob, &bob, &alice);
    assert!(dialed.is_err() && is_wrong(accepted.err(), "BadSignature"));
    let thief = eve.with_certificate_of(&bob);
    let (dialed, accepted) = handshake(&alice, &bob, &thief, &alice);
    assert!(accepted.is_err() && is_wrong(dialed.err(), "BadSignature"));
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
        let more = alice.socket().read(&mut [0; 99]);
        assert!(more.is_err(), "{words} words take more than {wire} bytes: {more:?}");
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

/// Two members of a session of three by the same roster, on ports of their own; `change` makes the second's differ.
fn rosters(change: impl Fn(&mut Roster)) -> ([Identity; 2], Roster, Roster, TcpListener) {
    let identities: [Identity; 2] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let listener = crate::gather::listen("127.0.0.1:0").unwrap();
    let members = identities.iter().zip(["alice", "bob"]).map(|(identity, name)| Peer {
        name: name.to_owned(),
        address: Some(listener.local_addr().unwrap().to_string()),
        certificate: identity.certificate().to_vec(),
    });
    let (members, terms) = (members.collect(), b"one\ntwo\n".to_vec());
    let roster = Roster { members, dealer: MemberId(9), absent: None, terms, mode: "a dealer".to_owned() };
    let mut other = roster.clone();
    change(&mut other);
    (identities, roster, other, listener)
}

/// What both get when they connect.
fn meet(change: impl Fn(&mut Roster), limits: &Limits) -> [Result<Endpoint, NetError>; 2] {
    let ([alice, bob], first, second, listener) = rosters(change);
    thread::scope(|scope| {
        let other = scope.spawn(|| connect_on(&second, MemberId(1), &bob, None, limits));
        let one = connect_on(&first, MemberId(0), &alice, Some(listener), limits);
        [one, other.join().unwrap()]
    })
}

fn quick() -> Limits {
    Limits { connect: SECOND, heartbeat: SECOND / 20, silence: SECOND / 2, ..Limits::default() }
}

#[test]
fn members_of_the_same_mind_connect() {
    let [alice, bob] = meet(|_| (), &quick()).map(Result::unwrap);
    bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Control, vec![7_u64])).unwrap();
    assert_eq!(alice.receive(MemberId(1), SECOND).unwrap().payload.words(), [7]);
    alice.post(MemberId(1), Frame::new(0, 0, 0, FrameKind::Control, vec![8_u64])).unwrap();
    assert_eq!(bob.receive(ALICE, SECOND).unwrap().payload.words(), [8]);
}

#[test]
fn other_terms_are_refused_at_both_ends_by_their_line() {
    for ended in meet(|roster| roster.terms = b"one\ntow\n".to_vec(), &quick()) {
        let error = ended.map(drop).unwrap_err().to_string();
        assert!(error.contains("line 2: `two` at alice, `tow` at bob"), "{error}");
    }
    for ended in meet(|roster| roster.mode = "a file".to_owned(), &quick()) {
        assert!(ended.map(drop).unwrap_err().to_string().contains("bob runs the session with a file"));
    }
}

#[test]
fn a_member_that_never_comes_is_named_with_the_stranger_that_came() {
    let ([alice, _], roster, _, listener) = rosters(|_| ());
    let address = listener.local_addr().unwrap();
    let start = Instant::now();
    let error = thread::scope(|scope| {
        let waiting = scope.spawn(|| connect_on(&roster, ALICE, &alice, Some(listener), &quick()));
        let mut stranger = TcpStream::connect(address).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        waiting.join().unwrap().map(drop).unwrap_err()
    });
    assert!(matches!(&error, NetError::Timeout { peer, .. } if peer == "bob"), "{error}");
    assert!(error.to_string().contains("127.0.0.1") && start.elapsed() < 3 * SECOND, "{error}");
}

#[test]
fn a_member_with_another_certificate_is_told_so_at_once() {
    let eve = Identity::ephemeral().unwrap();
    let ([_, bob], roster, _, listener) = rosters(|_| ());
    let start = Instant::now();
    thread::scope(|scope| {
        // Eve listens in Alice's place
        scope.spawn(|| {
            let mut wrong = roster.clone();
            wrong.members[0].certificate = eve.certificate().to_vec();
            let limits = Limits { connect: SECOND / 2, ..quick() };
            assert!(connect_on(&wrong, ALICE, &eve, Some(listener), &limits).is_err());
        });
        let limits = Limits { connect: 5 * SECOND, ..quick() };
        let error = connect_on(&roster, MemberId(1), &bob, None, &limits).map(drop).unwrap_err();
        assert!(matches!(&error, NetError::Handshake { peer, .. } if peer.starts_with("alice")), "{error}");
        assert!(start.elapsed() < 2 * SECOND);
    });
}

/// Somebody whose certificate was valid until 2020.
fn expired() -> Identity {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut old = rcgen::CertificateParams::new(["old".to_owned()]).unwrap();
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let certificate = old.self_signed(&key).unwrap();
    Identity::new(certificate.der(), &key.serialize_der()).unwrap()
}

#[test]
fn a_certificate_that_is_not_the_sessions_or_expired_is_refused_before_anything_is_sent() {
    let ([_, bob], roster, _, _) = rosters(|_| ());
    let error = connect_on(&roster, ALICE, &bob, None, &quick()).map(drop).unwrap_err();
    assert!(error.to_string().contains("not the one that the session names for alice"), "{error}");
    let expired = expired();
    let mut roster = roster;
    roster.members[0].certificate = expired.certificate().to_vec();
    for (me, identity) in [(0, &expired), (1, &bob)] {
        let error = connect_on(&roster, MemberId(me), identity, None, &quick()).map(drop).unwrap_err();
        assert!(error.to_string().contains("expired on"), "{error}");
    }
}

#[test]
fn a_port_in_use_is_said_to_be() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = crate::gather::listen(&taken.local_addr().unwrap().to_string()).unwrap_err();
    assert!(error.to_string().contains("in use"), "{error}");
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let [alice, bob]: [rcgen::KeyPair; 2] = std::array::from_fn(|_| rcgen::KeyPair::generate().unwrap());
    let certificate = rcgen::CertificateParams::new(["a".to_owned()]).unwrap().self_signed(&alice).unwrap();
    assert!(Identity::new(certificate.der(), &alice.serialize_der()).is_ok());
    let error = Identity::new(certificate.der(), &bob.serialize_der()).unwrap_err();
    assert!(error.to_string().contains("not the certificate's"), "{error}");
}

#[test]
fn silence_is_an_error_and_a_heartbeat_is_none() {
    let [alice, bob] = meet(|_| (), &quick()).map(Result::unwrap);
    // Bob says nothing for longer than silence may last, but his heartbeats come.
    let error = alice.receive(MemberId(1), SECOND).unwrap_err();
    assert!(matches!(error, NetError::Timeout { .. }), "{error}");
    drop(bob);
    // Here nobody sends heartbeats.
    let (_writer, _reader, bob) = alice_and_bob(&quick());
    let start = Instant::now();
    let error = bob.receive(ALICE, 10 * SECOND).unwrap_err();
    assert!(matches!(&error, NetError::Silent { peer, .. } if peer == "alice"), "{error}");
    assert!(start.elapsed() < 3 * SECOND);
}

#[test]
fn a_member_that_waits_says_for_whom() {
    let [alice, bob] = meet(|_| (), &quick()).map(Result::unwrap);
    bob.set_place("fc1", 3);
    thread::scope(|scope| {
        scope.spawn(move || bob.receive(ALICE, SECOND).unwrap_err());
        thread::sleep(SECOND / 2);
        let (chain, _) = alice.chain_for_tests(MemberId(1));
        assert_eq!((chain[0].1.node.as_str(), chain[0].1.round), ("fc1", 3));
        assert_eq!(chain[0].1.waits.map(|(whom, _)| whom), Some(0));
    });
}

#[test]
fn an_interrupted_member_says_why_and_can_tell_the_others() {
    let [alice, bob] = meet(|_| (), &quick()).map(Result::unwrap);
    let interrupter = alice.interrupter();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SECOND / 10);
            interrupter.interrupt("asked to stop by SIGTERM");
        });
        let error = alice.receive(MemberId(1), 10 * SECOND).unwrap_err();
        assert_eq!(error, NetError::Interrupted { cause: "asked to stop by SIGTERM".into() });
    });
    alice.abort("asked to stop by SIGTERM", "", 0);
    let error = bob.receive(ALICE, SECOND).unwrap_err();
    assert_eq!(error.to_string(), "alice stopped the session: asked to stop by SIGTERM");
}

#[test]
fn an_abort_is_its_senders_whatever_it_says() {
    let [alice, bob] = meet(|_| (), &quick()).map(Result::unwrap);
    bob.abort("carol stopped the session: all is lost", "fc1", 7);
    let error = alice.receive(MemberId(1), SECOND).unwrap_err();
    let text = "bob stopped the session at `fc1`, round 7: carol stopped the session: all is lost";
    assert_eq!(error.to_string(), text);
}

/// A dealer's reception and two members of each of these sessions.
#[test]
fn a_reception_serves_sessions_at_once_and_one_after_another() {
    let [alice, bob] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let probe = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = probe.local_addr().unwrap().to_string();
    drop(probe);
    let members = [("alice", &alice), ("dealer", &bob)].map(|(name, identity)| Peer {
        name: name.to_owned(),
        address: Some(address.clone()),
        certificate: identity.certificate().to_vec(),
    });
    let roster = |number: u8| Roster {
        members: members.to_vec(),
        dealer: MemberId(1),
        absent: None,
        terms: vec![number],
        mode: "a dealer".to_owned(),
    };
    let rosters = (0..2).map(|number| (roster(number), MemberId(1))).collect();
    let reception = Reception::open(&address, bob.clone(), rosters, quick(), 2).unwrap();
    // strangers begin a message that is too long, more of them than are listened to at once: nobody else is to notice
    for _ in 0..100 {
        let mut stranger = TcpStream::connect(&address).unwrap();
        stranger.write_all(&[0x16, 3, 1, 0, 4, 1, 9, 0, 0]).unwrap();
        let _ = stranger.read_to_end(&mut vec![]);
    }
    let join = |number: u8| connect_on(&roster(number), ALICE, &alice, None, &quick());
    let mut alive = vec![];
    for number in [0, 1] {
        let here = join(number).unwrap();
        let (at, there) = reception.next(SECOND).unwrap().map_err(|(_, error)| error).unwrap();
        assert_eq!(at, usize::from(number));
        alive.push((here, there));
    }
    // two are all it takes; a third waits for one of them to end
    thread::scope(|scope| {
        let third = scope.spawn(|| join(0));
        thread::sleep(SECOND / 4);
        assert!(reception.next(Duration::ZERO).is_none());
        alive.pop();
        let (at, there) = reception.next(SECOND).unwrap().map_err(|(_, error)| error).unwrap();
        let here = third.join().unwrap().unwrap();
        here.post(MemberId(1), Frame::new(0, 0, 0, FrameKind::Control, vec![3_u64])).unwrap();
        assert_eq!((at, there.receive(ALICE, SECOND).unwrap().payload.words()), (0, &[3][..]));
    });
    let mut unknown = roster(7);
    unknown.terms = vec![9];
    let error = connect_on(&unknown, ALICE, &alice, None, &quick()).map(drop).unwrap_err();
    assert!(matches!(&error, NetError::Refused { peer, .. } if peer == "dealer"), "{error}");
}

/// A ClientHello of TLS 1.2, byte by byte: what says 1.3 is an extension that it does not have. OpenSSL answers it with a
/// ServerHello of 1.2.
fn tls_12_client_hello() -> Vec<u8> {
    let extension =
        |kind: u16, body: &[u8]| [&kind.to_be_bytes()[..], &(body.len() as u16).to_be_bytes(), body].concat();
    let extensions = [
        extension(10, &[0, 4, 0x00, 0x1d, 0x00, 0x17]), // groups: x25519, P-256
        extension(11, &[1, 0]),                         // points: uncompressed
        extension(13, &[0, 4, 0x04, 0x03, 0x08, 0x04]), // signatures: ECDSA on P-256, RSA-PSS
        extension(16, &[&[0, 9, 8][..], b"tacita/1"].concat()),
    ]
    .concat();
    let suites = [0, 4, 0xc0, 0x2b, 0xc0, 0x2f]; // ECDHE with AES-128-GCM
    let length = (extensions.len() as u16).to_be_bytes();
    let body = [&[3, 3][..], &[7; 32], &[0], &suites, &[1, 0], &length, &extensions].concat();
    record(1, &body)
}

/// What a server that speaks TLS 1.2 and nothing newer answers.
fn tls_12_server_hello() -> Vec<u8> {
    record(2, &[&[3, 3][..], &[7; 32], &[0], &[0xc0, 0x2b], &[0], &[0, 0]].concat())
}

/// A handshake message in a record.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[kind], &length[1..], body].concat();
    [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

/// The alert `protocol_version`, after the version in the record, which is not looked at.
const WRONG_VERSION: [u8; 4] = [0, 2, 2, 70];

/// What comes until the other end closes.
fn rest(mut socket: &TcpStream) -> Vec<u8> {
    let mut bytes = vec![];
    socket.set_read_timeout(Some(20 * SECOND)).unwrap();
    // closed with unread bytes is a reset
    let _ = socket.read_to_end(&mut bytes);
    bytes
}

/// Comes to this address as no member would, in all ways, and sees that it is turned away each time. Returns a connection
/// that says nothing, still open.
fn strangers(address: &str, host: &Identity, guest: &Identity) -> TcpStream {
    let connect = || TcpStream::connect(address).unwrap();
    let silent = connect();
    for plain in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xee; 1000], b""] {
        let mut socket = connect();
        socket.write_all(plain).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(rest(&socket).len() <= 7, "at most an alert");
    }
    let mut old = connect();
    old.write_all(&tls_12_client_hello()).unwrap();
    assert!(rest(&old).ends_with(&WRONG_VERSION));
    let eve = Identity::ephemeral().unwrap();
    for wrong in [eve.with_certificate_of(guest), eve] {
        let dialed = dial(connect(), &wrong, &host.certificate, soon());
        assert!(matches!(dialed.err(), Some(Failed::Wrong(cause)) if cause.contains("alert")));
    }
    // a member whose certificate and key are right, and who then says what nobody can mean
    let mut guest = dial(connect(), guest, &host.certificate, soon()).unwrap();
    guest.send(&[0xff; 100], soon()).unwrap();
    assert!(guest.read(&mut [0], soon()).is_err());
    silent
}

#[test]
fn strangers_of_every_kind_are_refused_and_disturb_no_member_who_waits() {
    let ([alice, bob], roster, _, listener) = rosters(|_| ());
    let address = listener.local_addr().unwrap().to_string();
    let limits = Limits { connect: 20 * SECOND, ..quick() };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| connect_on(&roster, ALICE, &alice, Some(listener), &limits));
        let _silent = strangers(&address, &alice, &bob);
        let start = Instant::now();
        let bob = connect_on(&roster, MemberId(1), &bob, None, &limits).unwrap();
        let alice = waiting.join().unwrap().unwrap();
        assert!(start.elapsed() < 4 * SECOND, "who says nothing keeps nobody waiting");
        bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Control, vec![7_u64])).unwrap();
        assert_eq!(alice.receive(MemberId(1), 5 * SECOND).unwrap().payload.words(), [7]);
    });
}

#[test]
fn strangers_of_every_kind_are_refused_and_disturb_no_dealer() {
    let ([alice, bob], roster, _, listener) = rosters(|roster| roster.dealer = ALICE);
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let roster = Roster { dealer: ALICE, ..roster };
    let limits = Limits { connect: 20 * SECOND, ..quick() };
    let sessions = vec![(roster.clone(), ALICE)];
    let reception = Reception::open(&address, alice.clone(), sessions, limits.clone(), 1).unwrap();
    let _silent = strangers(&address, &alice, &bob);
    let bob = connect_on(&roster, MemberId(1), &bob, None, &limits).unwrap();
    let (_, alice) = reception.next(20 * SECOND).unwrap().map_err(|(_, error)| error).unwrap();
    let start = Instant::now();
    drop(reception);
    assert!(start.elapsed() < 4 * SECOND, "who says nothing keeps nobody waiting");
    bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Control, vec![7_u64])).unwrap();
    assert_eq!(alice.receive(MemberId(1), 5 * SECOND).unwrap().payload.words(), [7]);
}

#[test]
fn a_member_that_speaks_tls_1_2_is_refused_by_who_dials_it() {
    let ([_, bob], roster, _, listener) = rosters(|_| ());
    listener.set_nonblocking(false).unwrap();
    thread::scope(|scope| {
        let old = scope.spawn(|| {
            let mut socket = listener.accept().unwrap().0;
            assert!(socket.read(&mut [0; 4096]).unwrap() > 0);
            socket.write_all(&tls_12_server_hello()).unwrap();
            rest(&socket)
        });
        let limits = Limits { connect: 20 * SECOND, ..quick() };
        let error = connect_on(&roster, MemberId(1), &bob, None, &limits).map(drop).unwrap_err();
        assert!(
            matches!(&error, NetError::Handshake { peer, .. } if peer.starts_with("alice at 127")),
            "{error}"
        );
        assert!(old.join().unwrap().ends_with(&WRONG_VERSION));
    });
}

#[test]
fn who_was_refused_is_why_a_dealers_session_does_not_come_about() {
    let identities: [Identity; 3] = std::array::from_fn(|_| Identity::ephemeral().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let members = identities.iter().zip(["alice", "bob", "dealer"]).map(|(identity, name)| Peer {
        name: name.to_owned(),
        address: (name == "dealer").then(|| address.clone()),
        certificate: identity.certificate().to_vec(),
    });
    let dealer = MemberId(2);
    let (members, terms) = (members.collect(), b"one\ntwo\n".to_vec());
    let roster = Roster { members, dealer, absent: None, terms, mode: String::new() };
    let limits = Limits { connect: SECOND, ..quick() };
    let [alice, bob, host] = &identities;
    let sessions = vec![(roster.clone(), dealer)];
    let reception = Reception::open(&address, host.clone(), sessions, limits.clone(), 1).unwrap();
    let lane = |identity, writes, terms: &[u8]| {
        let (mode, terms) = (String::new(), terms.to_vec());
        let preamble = crate::preamble::Preamble { writes, attempt: [0; 16], mode, terms };
        let until = Instant::now() + 5 * SECOND;
        crate::connect::lane(&address, identity, &host.certificate, &preamble, until)
    };
    // bob's file is another; alice's is right, and she waits
    assert!(lane(bob, true, b"one\ntow\n").is_err());
    let waiting = [lane(alice, true, &roster.terms), lane(alice, false, &roster.terms)];
    assert!(waiting.iter().all(Result::is_ok));
    let (_, error) = reception.next(10 * SECOND).unwrap().map(drop).unwrap_err();
    let text = "no session with bob: the session files differ in line 2: `two` at dealer, `tow` at bob";
    assert!(error.to_string().starts_with(text), "{error}");
    // and so is a stranger, if there is no better reason
    let _waiting = [lane(alice, true, &roster.terms), lane(alice, false, &roster.terms)];
    assert!(
        dial(
            TcpStream::connect(&address).unwrap(),
            &Identity::ephemeral().unwrap(),
            &host.certificate,
            soon()
        )
        .is_err()
    );
    let (_, error) = reception.next(10 * SECOND).unwrap().map(drop).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("waiting for bob took") && text.contains("127.0.0.1"), "{error}");
}

#[test]
fn a_dealers_session_with_an_expired_member_fails_from_the_start() {
    let ([_, bob], mut roster, _, listener) = rosters(|_| ());
    drop(listener);
    roster.members[0].certificate = expired().certificate().to_vec();
    let sessions = vec![(roster, MemberId(1))];
    let reception = Reception::open("127.0.0.1:0", bob, sessions, quick(), 1).unwrap();
    let (_, error) = reception.next(Duration::ZERO).unwrap().map(drop).unwrap_err();
    assert!(error.to_string().starts_with("alice: its certificate expired on"), "{error}");
}

#[test]
fn the_last_words_of_a_member_are_heard_although_the_way_to_it_is_broken() {
    let (mut alice, reader, bob) = alice_and_bob(&Limits::default());
    // what bob sends is answered by a reset before alice's abort is here
    drop(reader);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SECOND / 20);
            let notice =
                crate::frame::AbortNotice { node: String::new(), round: 0, cause: "no disk".to_owned() };
            let frame = notice.to_frame();
            send(&mut alice, &[&frame.header.encode()[..], frame.payload.bytes()].concat());
        });
        let post = || bob.post(ALICE, Frame::new(0, 0, 0, FrameKind::Control, vec![1_u64]));
        let error = std::iter::repeat_with(post).find_map(Result::err).unwrap();
        assert_eq!(error.to_string(), "alice stopped the session: no disk");
    });
}
