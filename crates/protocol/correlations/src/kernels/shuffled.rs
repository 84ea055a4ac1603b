//! Negated masks in the order of a party's permutation.

use crate::error::CorrelationError;
use crate::item::Item;
use crate::masks::Masks;
use crate::shuffle::Shuffle;

pub fn value<M: Masks>(
    step: u16,
    party: usize,
    shuffle: Shuffle,
    masks: &M,
) -> Result<Vec<u64>, CorrelationError> {
    let order = shuffle.permutation(&masks.permutation(party, shuffle.draws())?);
    let item = Item::Ring(shuffle.elements());
    let mut out = shuffle.permuted(&masks.step(step, item, 0..item.words())?, &order);
    out.iter_mut().for_each(|a| *a = a.wrapping_neg());
    Ok(out)
}
