//! The cosines and sines of multiples of masks.

use std::ops::Range;

use tacita_ring::FourierSum;

use crate::blocks::Unit;
use crate::error::CorrelationError;
use crate::masks::Masks;
use crate::out::Out;
use crate::spec::RingMask;

/// Elements whose cosines and sines lie together: those of a group fit a core's cache.
pub const GROUP: usize = 512;

pub fn deal<M: Masks>(
    mask: &RingMask,
    sum: &FourierSum,
    elements: &Range<usize>,
    masks: &mut M,
    out: &Out<'_>,
) -> Result<Vec<u64>, CorrelationError> {
    let r = mask.numbers(elements.end, masks)?;
    let r = &r.data()[elements.clone()];
    out.tiles(r.len(), Unit::Words(sum.words()), &|range, out| {
        for (r, out) in r[range].chunks(GROUP).zip(out.chunks_mut(GROUP * sum.words())) {
            sum.cosines(r, out);
        }
        Ok(())
    })
}
