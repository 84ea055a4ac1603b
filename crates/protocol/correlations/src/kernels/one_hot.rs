//! The one-hot positions of masks.

use crate::error::CorrelationError;
use crate::item::Item;
use crate::masks::Masks;
use crate::spec::RingMask;

pub fn value<M: Masks>(
    mask: &RingMask,
    bits: u32,
    item: Item,
    masks: &mut M,
) -> Result<Vec<u64>, CorrelationError> {
    let mut out = vec![0; item.words()];
    let mask = mask.numbers(out.len() >> bits, masks)?;
    for (hot, r) in out.chunks_exact_mut(1 << bits).zip(mask.data()) {
        hot[(r % (1 << bits)) as usize] = 1;
    }
    Ok(out)
}
