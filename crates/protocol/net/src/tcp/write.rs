//! Writing frames as TLS records.

use crate::frame::{Frame, FrameHeader};
use crate::tls::{Connection, RECORD, TlsWriter};

/// Turns frames into records.
pub(super) struct FrameWriter<C> {
    tls: TlsWriter<C>,
    /// A buffer that joins the header and the beginning of the payload, to go in one record.
    first: Vec<u8>,
}

impl<C: Connection> FrameWriter<C> {
    pub(super) fn new(tls: TlsWriter<C>) -> Self {
        Self { tls, first: vec![0; RECORD] }
    }

    /// Seals a frame's header and as much of the payload as fits in the same record; the buffer has room.
    fn seal_first(&mut self, frame: &Frame) -> Result<(), String> {
        let bytes = frame.payload.bytes();
        let end = FrameHeader::BYTES + bytes.len().min(RECORD - FrameHeader::BYTES);
        self.first[..FrameHeader::BYTES].copy_from_slice(&frame.header.encode());
        self.first[FrameHeader::BYTES..end].copy_from_slice(&bytes[..end - FrameHeader::BYTES]);
        self.tls.seal(&self.first[..end])
    }

    /// Seals a frame of one record, and writes to the socket once. Returns whether all of it is written.
    pub(super) fn begin(&mut self, frame: &Frame) -> Result<bool, String> {
        self.seal_first(frame)?;
        self.tls.write()?;
        Ok(!self.tls.is_pending())
    }

    /// Writes frames to the last byte.
    pub(super) fn write(&mut self, frames: &[Frame], give_up: &impl Fn() -> bool) -> Result<(), String> {
        for frame in frames {
            if self.tls.room() == 0 {
                self.drain(give_up)?;
            }
            self.seal_first(frame)?;
            let mut rest = frame.payload.bytes().get(RECORD - FrameHeader::BYTES..).unwrap_or_default();
            while !rest.is_empty() {
                if self.tls.room() == 0 {
                    self.drain(give_up)?;
                }
                let (now, later) = rest.split_at(rest.len().min(self.tls.room()));
                self.tls.seal(now)?;
                rest = later;
            }
        }
        self.drain(give_up)
    }

    /// Writes the sealed bytes.
    pub(super) fn drain(&mut self, give_up: &impl Fn() -> bool) -> Result<(), String> {
        while self.tls.is_pending() {
            if !self.tls.write()? && give_up() {
                return Err("the time to send what was posted is over".to_owned());
            }
        }
        Ok(())
    }

    /// Writes the end of the connection.
    pub(super) fn close(&mut self, give_up: &impl Fn() -> bool) -> Result<(), String> {
        self.tls.seal_close()?;
        self.drain(give_up)
    }
}
