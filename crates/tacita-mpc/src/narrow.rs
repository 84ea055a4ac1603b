//! Elements of 8, 16 or 32 bits packed into words, for shares of which only the low bits matter.

use std::ops::Range;

use crate::error::MpcError;
use crate::steps::Item;
use crate::streams::{Scratch, Source};

/// Packs values, reduced to the item's width, into words; what is left of the last is zero.
#[inline(always)]
pub(crate) fn pack(item: Item, words: &mut [u64], values: &[u64]) {
    if let Some(last) = words.last_mut() {
        *last = 0;
    }
    match item {
        Item::Narrow { width: 8, .. } => store(bytemuck::cast_slice_mut(words), values, |v| v as u8),
        Item::Narrow { width: 16, .. } => store(bytemuck::cast_slice_mut(words), values, |v| v as u16),
        Item::Narrow { .. } => store(bytemuck::cast_slice_mut(words), values, |v| v as u32),
        Item::Ring(_) | Item::Bits(_) => store(words, values, |v| v),
    }
}

/// A range of elements of a packed source, which starts at a whole word, each widened to a word.
pub(crate) fn read(
    source: &Source<'_>,
    range: &Range<usize>,
    bits: u32,
    scratch: &mut Scratch,
) -> Result<Vec<u64>, MpcError> {
    let (start, item) = (Item::holding(range.start, bits).words(), Item::holding(range.len(), bits));
    let words = source.read(start..start + item.words(), scratch)?;
    Ok(match item {
        Item::Narrow { elements, width: 8 } => widen::<u8>(words, elements),
        Item::Narrow { elements, width: 16 } => widen::<u16>(words, elements),
        Item::Narrow { elements, .. } => widen::<u32>(words, elements),
        Item::Ring(_) | Item::Bits(_) => words.to_vec(),
    })
}

fn widen<T: bytemuck::AnyBitPattern + Into<u64>>(words: &[u64], elements: usize) -> Vec<u64> {
    bytemuck::cast_slice::<u64, T>(words)[..elements].iter().map(|&v| v.into()).collect()
}

/// `value -= share`, element by element at the item's width.
pub(crate) fn subtract(item: Item, value: &mut [u64], share: &[u64]) {
    match item {
        Item::Narrow { width: 8, .. } => {
            let (v, s): (&mut [u8], &[u8]) = (bytemuck::cast_slice_mut(value), bytemuck::cast_slice(share));
            v.iter_mut().zip(s).for_each(|(v, s)| *v = v.wrapping_sub(*s));
        }
        Item::Narrow { width: 16, .. } => {
            let (v, s): (&mut [u16], &[u16]) = (bytemuck::cast_slice_mut(value), bytemuck::cast_slice(share));
            v.iter_mut().zip(s).for_each(|(v, s)| *v = v.wrapping_sub(*s));
        }
        Item::Narrow { .. } => {
            let (v, s): (&mut [u32], &[u32]) = (bytemuck::cast_slice_mut(value), bytemuck::cast_slice(share));
            v.iter_mut().zip(s).for_each(|(v, s)| *v = v.wrapping_sub(*s));
        }
        Item::Ring(_) => value.iter_mut().zip(share).for_each(|(v, s)| *v = v.wrapping_sub(*s)),
        Item::Bits(_) => value.iter_mut().zip(share).for_each(|(v, s)| *v ^= s),
    }
}

#[inline(always)]
fn store<T>(target: &mut [T], values: &[u64], convert: impl Fn(u64) -> T) {
    for (target, &value) in target.iter_mut().zip(values) {
        *target = convert(value);
    }
}
