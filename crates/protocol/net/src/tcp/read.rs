//! Reading frames from a peer into the inbox.

use std::net::Shutdown;

use crate::frame::{AbortNotice, Frame, FrameHeader, FrameKind, Place};
use crate::inbox::{End, Inbox};
use crate::tls::{Connection, Plaintext, ReadError, TlsReader};
use crate::{Limits, Payload};

/// Bytes of a frame after which the reader notes how many have come.
pub(crate) const PIECE: usize = 1 << 16;

/// The reader's thread: puts frames from a peer into the inbox.
pub(super) fn read<C: Connection>(mut reader: TlsReader<C>, from: usize, inbox: &Inbox, limits: &Limits) {
    let end = loop {
        if let Err(end) = read_frame(&mut reader, from, inbox, limits) {
            break end;
        }
    };
    inbox.end(from, end);
    // The rest of the peer's bytes is refused. The call fails only if the connection is gone already.
    let _ = reader.socket().shutdown(Shutdown::Both);
}

/// Reads a frame into the inbox. Nothing is allocated for it before its header is checked and there is room.
pub(crate) fn read_frame(
    reader: &mut impl Plaintext,
    from: usize,
    inbox: &Inbox,
    limits: &Limits,
) -> Result<(), End> {
    let mut header = [0; FrameHeader::BYTES];
    reader.read_exact(&mut header).map_err(|error| match error {
        ReadError::Closed { read: 0 } => End::Closed,
        ReadError::Ended { read: 0 } => End::Cut("without a word".to_owned()),
        ReadError::Closed { read } | ReadError::Ended { read } => {
            End::Cut(format!("after {read} bytes of a header"))
        }
        ReadError::Lost(cause) => End::Cut(cause),
        ReadError::Garbage(cause) => End::Malformed(cause),
    })?;
    let header = FrameHeader::decode(&header).map_err(|error| End::Malformed(error.to_string()))?;
    // Frames about the session itself are short and wait for no room.
    let (limit, is_queued) = match header.kind {
        FrameKind::Abort => (AbortNotice::BYTES, false),
        FrameKind::Heartbeat => (Place::BYTES, false),
        _ => (limits.max_frame, true),
    };
    let length = usize::try_from(header.length).unwrap_or(usize::MAX);
    if length > limit {
        return Err(End::TooLong { length: header.length, limit: limit as u64 });
    }
    if is_queued && !inbox.wait_admission(from, length, limits.inbound) {
        return Err(End::Closed);
    }
    let mut words = inbox.buffers.take(length.div_ceil(8));
    let bytes = &mut bytemuck::cast_slice_mut(&mut words)[..length];
    let mut there = 0;
    for piece in bytes.chunks_mut(PIECE) {
        if length > PIECE {
            inbox.put_partial(from, there, length);
        }
        reader.read_exact(piece).map_err(|error| match error {
            ReadError::Closed { read } | ReadError::Ended { read } => {
                End::Cut(format!("after {} of a frame's {length} bytes", there + read))
            }
            ReadError::Lost(cause) => End::Cut(cause),
            ReadError::Garbage(cause) => End::Malformed(cause),
        })?;
        there += piece.len();
    }
    if length > PIECE {
        inbox.put_partial(from, 0, 0);
    }
    let mut payload = Payload::from_padded(words, length);
    if header.kind == FrameKind::Control {
        payload = payload.into_secret();
    }
    if header.kind == FrameKind::Heartbeat {
        inbox.put_place(from, Place::from_payload(&payload));
        return Ok(());
    }
    if !inbox.put(from, None, Frame { header, payload }) {
        return Err(End::Closed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::fuzzing::Bytes;
    use crate::inbox::Arrival;
    use proptest::prelude::*;

    /// Reads all these bytes. Returns the frames, and how they end.
    fn parse(bytes: &[u8], limits: &Limits) -> (Vec<Frame>, End) {
        let (mut source, inbox, mut frames) =
            (Bytes(bytes), Inbox::new(1, Duration::from_secs(10)), Vec::new());
        loop {
            if let Err(end) = read_frame(&mut source, 0, &inbox, limits) {
                return (frames, end);
            }
            match inbox.take(0, Instant::now()) {
                Arrival::Frame(frame) => frames.push(frame),
                Arrival::Abort(_, notice) => return (frames, End::Malformed(notice.cause)),
                _ => panic!("a frame was put in"),
            }
        }
    }

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let bytes = proptest::collection::vec(any::<u8>(), 0..200);
        let frame = (any::<u64>(), any::<u32>(), any::<u16>(), 0..5_usize, bytes).prop_map(
            |(evaluation, task, step, kind, bytes)| {
                Frame::new(evaluation, task, step, FrameKind::ALL[kind], bytes)
            },
        );
        proptest::collection::vec(frame, 0..8)
    }

    fn encode(frames: &[Frame]) -> Vec<u8> {
        frames.iter().flat_map(|frame| [&frame.header.encode()[..], frame.payload.bytes()].concat()).collect()
    }

    proptest! {
        #[test]
        fn frames_come_back(frames in frames()) {
            prop_assert_eq!(parse(&encode(&frames), &Limits::default()), (frames, End::Closed));
        }

        #[test]
        fn cut_frames_are_cut(frames in frames(), at: proptest::sample::Index) {
            let bytes = encode(&frames);
            let kept = at.index(bytes.len() + 1);
            let (read, end) = parse(&bytes[..kept], &Limits::default());
            prop_assert_eq!(&read[..], &frames[..read.len()]);
            let whole = encode(&read).len() == kept;
            prop_assert!(matches!((whole, end), (true, End::Closed) | (false, End::Cut(_))));
        }

        #[test]
        fn any_bytes_end_somehow(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), plausible: bool) {
            if plausible && bytes.len() >= FrameHeader::BYTES {
                bytes[14] = 1 + bytes[14] % 6;
                bytes[15] = 0;
                bytes[17..24].fill(0);
            }
            let limits = Limits { max_frame: 200, inbound: 100, ..Limits::default() };
            let (frames, _) = parse(&bytes, &limits);
            prop_assert!(frames.iter().all(|frame| frame.payload.len() <= limits.max_frame));
        }
    }
}
