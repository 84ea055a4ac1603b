//! Sources: shares that are read by position, a tile at a time.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use tacita_net::Buffers;

use crate::error::CorrelationError;
use crate::item::Item;
use crate::narrow;
use crate::streams::{StreamId, Streams};

/// Words that were received. Their buffer is used again for others.
struct Received {
    words: Vec<u64>,
    buffers: Arc<Buffers>,
}

impl Drop for Received {
    fn drop(&mut self) {
        self.buffers.give(std::mem::take(&mut self.words));
    }
}

/// Room for what is generated a tile at a time. The thread reuses it: a fresh buffer would be zeroed first. It does
/// not come from the buffers that products keep, which are fifty times as large: each would grow to the largest.
#[derive(Default)]
pub struct Scratch(Vec<u64>);

/// Buffers that a thread keeps: as many as it fills at once.
const KEPT: usize = 8;

thread_local! {
    static FREE: RefCell<Vec<Vec<u64>>> = const { RefCell::new(Vec::new()) };
}

impl Scratch {
    /// So many words, which hold anything.
    fn take(&mut self, len: usize) -> &mut [u64] {
        if self.0.len() < len {
            if self.0.capacity() == 0 {
                self.0 = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
            }
            self.0.resize(len.max(self.0.len()), 0);
        }
        &mut self.0[..len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        if buffer.capacity() > 0 {
            FREE.with_borrow_mut(|free| {
                if free.len() < KEPT {
                    free.push(buffer);
                }
            });
        }
    }
}

/// An array that is read by position: from memory if it was received, else from its stream, so that what is used a tile
/// at a time is never all there.
pub struct Source<'a> {
    received: Option<Received>,
    streams: &'a Streams,
    holder: usize,
    id: StreamId,
}

impl<'a> Source<'a> {
    /// The stream that `holder` shares with this member.
    pub fn stream(streams: &'a Streams, holder: usize, id: StreamId) -> Source<'a> {
        Source { received: None, streams, holder, id }
    }

    /// What was received in the stream's place, and where its buffer goes afterwards.
    pub fn received(self, words: Vec<u64>, buffers: &Arc<Buffers>) -> Source<'a> {
        Source { received: Some(Received { words, buffers: buffers.clone() }), ..self }
    }

    /// The words of a range; in `scratch` unless they lie in memory.
    ///
    /// # Errors
    /// If the range reaches beyond what was received, or this member shares no seed with the holder.
    pub fn read<'s>(
        &'s self,
        range: Range<usize>,
        scratch: &'s mut Scratch,
    ) -> Result<&'s [u64], CorrelationError> {
        match &self.received {
            Some(Received { words, .. }) => {
                let missing =
                    || CorrelationError::Range { start: range.start, end: range.end, length: words.len() };
                words.get(range.clone()).ok_or_else(missing)
            }
            None => {
                let words = scratch.take(range.len());
                self.streams.fill(self.holder, self.id, range.start, words)?;
                Ok(words)
            }
        }
    }

    /// A range of elements of which the low `bits` bits are shared, each widened to a word. It starts at a whole word.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn elements(
        &self,
        range: &Range<usize>,
        bits: u32,
        scratch: &mut Scratch,
    ) -> Result<Vec<u64>, CorrelationError> {
        let (start, item) = (Item::holding(range.start, bits).words(), Item::holding(range.len(), bits));
        Ok(narrow::unpack(item, self.read(start..start + item.words(), scratch)?))
    }
}
