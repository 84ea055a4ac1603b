//! Properties that hold for any bytes that a peer or a stranger can send. Only the fuzz targets and the replay of their
//! corpora call these functions; a failed assertion is a bug in the code under test.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;

use crate::frame::{AbortNotice, Place};
use crate::inbox::{Arrival, End, Inbox};
use crate::preamble::{Answer, Preamble};
use crate::tcp::{PIECE, read_frame};
use crate::tls::{self, Failed, Identity, Plaintext, ReadError};
use crate::{FrameHeader, FrameKind, Limits, Payload};

/// The longest frame that [`frames`] admits: longer than a single read.
pub const MAX_FRAME: usize = PIECE + 4096;
/// The inbound limit in [`frames`]: small, so that it is reached.
pub const INBOUND: usize = 1 << 12;

/// A source that holds all its plaintext.
pub(crate) struct Bytes<'a>(pub &'a [u8]);

impl Plaintext for Bytes<'_> {
    fn read_exact(&mut self, into: &mut [u8]) -> Result<(), ReadError> {
        let (now, later) =
            self.0.split_at_checked(into.len()).ok_or(ReadError::Closed { read: self.0.len() })?;
        into.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

/// Text shown to people must be one line without control characters, which terminals would obey.
fn assert_line(text: &str) {
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// Reads a stream of frames from a peer. The frames read encode to the same bytes in the same order, the inbox never
/// holds more than the limits allow, and the stream ends as its last bytes determine.
pub fn frames(bytes: &[u8]) {
    let limits = Limits { max_frame: MAX_FRAME, inbound: INBOUND, ..Limits::default() };
    let (mut source, inbox) = (Bytes(bytes), Inbox::new(2, Duration::from_secs(10)));
    let (mut queued, mut abort) = (VecDeque::new(), None);
    let end = loop {
        let before = source.0;
        let header = before.first_chunk().map(FrameHeader::decode);
        if let Some(Ok(header)) = header {
            // a reader without room waits for the member, which is this thread
            while !inbox.has_room(0, header.length as usize, INBOUND) {
                take(&inbox, &mut queued);
            }
        }
        if let Err(end) = read_frame(&mut source, 0, &inbox, &limits) {
            check_end(&end, before, header);
            break end;
        }
        let Some(Ok(FrameHeader { kind, .. })) = header else { panic!("a frame without a header") };
        let read = &before[..before.len() - source.0.len()];
        match kind {
            FrameKind::Heartbeat => {}
            FrameKind::Abort => {
                abort.get_or_insert(AbortNotice::from_payload(&Payload::from(&read[FrameHeader::BYTES..])));
            }
            _ => queued.push_back(read),
        }
        assert!(inbox.chain(0, 1).0.len() <= 2);
    };
    inbox.end(0, end.clone());
    while !queued.is_empty() {
        take(&inbox, &mut queued);
    }
    match (inbox.take(0, Instant::now()), abort) {
        (Arrival::Abort(0, notice), Some(expected)) => assert_eq!(notice, expected),
        (Arrival::End(told), None) => assert_eq!(told, end),
        _ => panic!("a stream that does not end as it did"),
    }
}

/// Takes a frame and checks that it is the first queued one.
fn take(inbox: &Inbox, queued: &mut VecDeque<&[u8]>) {
    let (Arrival::Frame(frame), Some(bytes)) = (inbox.take(0, Instant::now()), queued.pop_front()) else {
        panic!("a frame was queued")
    };
    let (header, payload) = bytes.split_at(FrameHeader::BYTES);
    assert!(frame.header.encode() == header && frame.payload.bytes() == payload);
    assert!(payload.len() <= MAX_FRAME);
    let padding = &bytemuck::cast_slice::<u64, u8>(frame.payload.words())[payload.len()..];
    assert!(padding.len() < 8 && padding.iter().all(|byte| *byte == 0));
}

/// Whether this end is valid for a stream that ends before these bytes.
fn check_end(end: &End, rest: &[u8], header: Option<Result<FrameHeader, crate::HeaderError>>) {
    match (end, header) {
        (End::Closed, None) => assert!(rest.is_empty()),
        (End::Cut(what), None) => assert_line(what),
        (End::Cut(what), Some(Ok(header))) => {
            assert_line(what);
            assert!(((rest.len() - FrameHeader::BYTES) as u64) < header.length);
        }
        (End::TooLong { length, limit }, Some(Ok(header))) => {
            assert!(*length == header.length && length > limit && *limit <= MAX_FRAME as u64);
        }
        (End::Malformed(what), Some(Err(_))) => assert_line(what),
        (end, header) => panic!("{end:?} after {header:?}"),
    }
}

/// The small messages of links, each parsed from all of the bytes. A message that parses shows as one line, encodes
/// within its limit, and decodes to itself.
pub fn messages(bytes: &[u8]) {
    if let Some(first) = bytes.first_chunk()
        && let Ok(header) = FrameHeader::decode(first)
    {
        assert_eq!(header.encode(), *first);
    }
    let payload = Payload::from(bytes);
    let notice = AbortNotice::from_payload(&payload);
    assert_line(&notice.node);
    assert_line(&notice.cause);
    let frame = notice.to_frame();
    assert!(frame.payload.len() <= AbortNotice::BYTES);
    let again = AbortNotice::from_payload(&frame.payload);
    assert!(again.round == notice.round && notice.node.starts_with(&again.node));
    assert!(notice.cause.starts_with(&again.cause));

    let place = Place::from_payload(&payload);
    assert_line(&place.node);
    let frame = place.to_frame();
    assert!(frame.payload.len() <= Place::BYTES);
    let again = Place::from_payload(&frame.payload);
    assert!(again.round == place.round && again.waits == place.waits && place.node.starts_with(&again.node));

    preamble(bytes);
    chain(bytes);
}

/// A complete slice, for readers of single fields.
fn reader(mut bytes: &[u8]) -> impl FnMut(&mut [u8]) -> Result<(), Failed> {
    move |into| {
        let (now, later) =
            bytes.split_at_checked(into.len()).ok_or_else(|| Failed::Lost("it ends".to_owned()))?;
        into.copy_from_slice(now);
        bytes = later;
        Ok(())
    }
}

fn preamble(bytes: &[u8]) {
    match Preamble::read(reader(bytes)) {
        Ok(preamble) => {
            let encoded = preamble.encode();
            assert!(bytes.starts_with(&encoded));
            assert!(Preamble::read(reader(&encoded[..encoded.len() - 1])).is_err());
            let difference = |mode: &str, terms: &[u8]| {
                preamble.difference("alice", "bob", mode, terms).unwrap_or_default()
            };
            assert_eq!(difference(&preamble.mode, &preamble.terms), "");
            for told in [difference("a dealer", &preamble.terms), difference("a dealer", b"version = 1\n")] {
                assert_line(&told);
                assert!(told.len() < 2000, "{} bytes", told.len());
            }
        }
        Err(Failed::Lost(why) | Failed::Wrong(why)) => assert_line(&why),
    }
    match Answer::read(reader(bytes)) {
        Ok(answer) => {
            if let Answer::Refused(reason) | Answer::Later(reason) = &answer {
                assert_line(reason);
            }
            let again = Answer::read(reader(&answer.encode()));
            match (&answer, again) {
                (Answer::Accepted, Ok(Answer::Accepted)) => {}
                (Answer::Refused(long), Ok(Answer::Refused(cut)))
                | (Answer::Later(long), Ok(Answer::Later(cut))) => assert!(long.starts_with(&cut)),
                (_, other) => panic!("{answer:?} came back as {other:?}"),
            }
        }
        Err(Failed::Lost(why) | Failed::Wrong(why)) => assert_line(&why),
    }
}

/// Following the chain of waiting members terminates for arbitrary heartbeats of three peers.
fn chain(bytes: &[u8]) {
    let inbox = Inbox::new(4, Duration::from_secs(10));
    for (peer, said) in (1..4).zip(bytes.chunks(bytes.len().div_ceil(3).max(1))) {
        inbox.put_place(peer, Place::from_payload(&Payload::from(said)));
    }
    for peer in 1..4 {
        assert!((1..4).contains(&inbox.chain(peer, 0).0.len()));
    }
}

/// The first bytes from an unknown other end, to the acceptor (even first byte) or to the dialler. Without an expected
/// certificate the handshake fails, and the reason is one line.
pub fn handshake(bytes: &[u8]) {
    static LISTENER: LazyLock<TcpListener> =
        LazyLock::new(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port of this machine"));
    static IDENTITIES: LazyLock<[Identity; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Identity::ephemeral().expect("randomness")));
    let Some((&role, said)) = bytes.split_first() else { return };
    let address = LISTENER.local_addr().expect("it listens");
    let mut stranger = TcpStream::connect(address).expect("it listens");
    // no more than the system buffers while nobody reads
    stranger.write_all(&said[..said.len().min(1 << 16)]).expect("there is room");
    stranger.shutdown(Shutdown::Write).expect("it is connected");
    let (socket, _) = LISTENER.accept().expect("somebody dialled");
    let [own, peer] = &*IDENTITIES;
    let peer = CertificateDer::from(peer.certificate().to_vec());
    let until = Instant::now() + Duration::from_secs(10);
    let failed = match role % 2 {
        0 => tls::accept(socket, own, &[peer], until).err(),
        _ => tls::dial(socket, own, &peer, until).err(),
    };
    let Some(Failed::Lost(why) | Failed::Wrong(why)) = failed else { panic!("a stranger was let in") };
    assert_line(&why);
}

/// Reads the dates of a certificate: they are valid, or the reason is one line.
pub fn certificate_dates(der: &[u8]) {
    if let Err(why) = crate::roster::check_dates(der) {
        assert_line(&why);
    }
}
