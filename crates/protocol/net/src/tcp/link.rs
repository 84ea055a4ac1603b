//! A member's side of a link: it starts the threads and hands frames to the lane.

use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::lane::Lane;
use super::read::read;
use crate::Limits;
use crate::frame::{Frame, FrameHeader};
use crate::inbox::Inbox;
use crate::link::{Link, Room};
use crate::tls::{Connection, RECORD, RECORD_OVERHEAD, TlsReader, TlsWriter};

/// One member's side of the link to one peer.
pub(crate) struct TcpLink<C> {
    lane: Arc<Lane<C>>,
    /// The socket on which the peer's frames come.
    inward: TcpStream,
}

impl<C: Connection> TcpLink<C> {
    /// Starts the threads of a link to a peer.
    pub fn start(
        peer: usize,
        name: &str,
        writer: TlsWriter<C>,
        mut reader: TlsReader<C>,
        inbox: &Arc<Inbox>,
        limits: &Limits,
    ) -> std::io::Result<Self> {
        let inward = reader.socket().try_clone()?;
        let lane = Arc::new(Lane::new(writer, inbox.clone(), limits.heartbeat)?);
        let writing = lane.clone();
        thread::Builder::new().name(format!("to {name}")).spawn(move || writing.run())?;
        let (receiving, limits) = (inbox.clone(), limits.clone());
        reader.tell(inbox.watch(peer));
        thread::Builder::new()
            .name(format!("from {name}"))
            .spawn(move || read(reader, peer, &receiving, &limits))?;
        Ok(Self { lane, inward })
    }
}

impl<C: Connection> Link for TcpLink<C> {
    fn post(&self, frame: Frame) -> bool {
        self.lane.post(frame)
    }

    fn wait_room(&self, ahead: usize, until: Instant) -> Room {
        self.lane.wait(until, |state| state.held <= ahead)
    }

    fn flush(&self, until: Instant) -> Room {
        // A lane that closes still has to send its farewell. It is dead once it has, and the process may end.
        self.lane.wait(until, |state| state.held == 0 && state.close.is_none())
    }

    fn abort(&self, frame: Frame, until: Instant) {
        self.lane.clear();
        self.lane.post(frame);
        self.close(until);
    }

    fn close(&self, until: Instant) {
        self.lane.close(until);
    }

    /// A frame begins a record of its own.
    fn wire_bytes(&self, payload: usize) -> u64 {
        let bytes = FrameHeader::BYTES + payload;
        (bytes + bytes.div_ceil(RECORD) * RECORD_OVERHEAD) as u64
    }
}

impl<C> Drop for TcpLink<C> {
    fn drop(&mut self) {
        // The reader then finds the end of the stream. The call fails only if the connection is gone already.
        let _ = self.inward.shutdown(Shutdown::Both);
    }
}
