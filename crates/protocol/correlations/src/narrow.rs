//! Elements of 8, 16 or 32 bits packed into words, for shares of which only the low bits matter: the arithmetic of items.

use tacita_ring::Sign;
use tacita_ring::simd::dispatch;

use crate::item::Item;

/// Packs values, reduced to the item's width, into words; what is left of the last is zero.
#[inline(always)]
pub fn pack(item: Item, words: &mut [u64], values: &[u64]) {
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

/// Values, packed as the item's elements are.
pub fn packed(item: Item, values: &[u64]) -> Vec<u64> {
    if !matches!(item, Item::Narrow { .. }) {
        return values.to_vec();
    }
    let mut words = vec![0; values.len().div_ceil(item.lanes())];
    pack(item, &mut words, values);
    words
}

/// The elements, each widened to a word.
pub fn unpack(item: Item, words: &[u64]) -> Vec<u64> {
    match item {
        Item::Narrow { elements, width: 8 } => widen::<u8>(words, elements),
        Item::Narrow { elements, width: 16 } => widen::<u16>(words, elements),
        Item::Narrow { elements, .. } => widen::<u32>(words, elements),
        Item::Ring(_) | Item::Bits(_) => words.to_vec(),
    }
}

/// [`unpack`], which copies only what is packed.
pub fn unpacked(item: Item, words: Vec<u64>) -> Vec<u64> {
    if matches!(item, Item::Narrow { .. }) { unpack(item, &words) } else { words }
}

fn widen<T: bytemuck::AnyBitPattern + Into<u64>>(words: &[u64], elements: usize) -> Vec<u64> {
    bytemuck::cast_slice::<u64, T>(words)[..elements].iter().map(|&v| v.into()).collect()
}

/// `values ± others`, element by element as the item's are added. The words may be any part of the item's.
pub fn combine(item: Item, values: &mut [u64], others: &[u64], sign: Sign) {
    dispatch(
        #[inline(always)]
        || match (item, sign) {
            (Item::Narrow { width: 8, .. }, Sign::Plus) => each(values, others, u8::wrapping_add),
            (Item::Narrow { width: 8, .. }, Sign::Minus) => each(values, others, u8::wrapping_sub),
            (Item::Narrow { width: 16, .. }, Sign::Plus) => each(values, others, u16::wrapping_add),
            (Item::Narrow { width: 16, .. }, Sign::Minus) => each(values, others, u16::wrapping_sub),
            (Item::Narrow { .. }, Sign::Plus) => each(values, others, u32::wrapping_add),
            (Item::Narrow { .. }, Sign::Minus) => each(values, others, u32::wrapping_sub),
            (Item::Ring(_), Sign::Plus) => each(values, others, u64::wrapping_add),
            (Item::Ring(_), Sign::Minus) => each(values, others, u64::wrapping_sub),
            (Item::Bits(_), _) => each(values, others, |v: u64, o| v ^ o),
        },
    );
}

#[inline(always)]
fn each<T: bytemuck::Pod>(values: &mut [u64], others: &[u64], f: impl Fn(T, T) -> T) {
    let (values, others): (&mut [T], &[T]) = (bytemuck::cast_slice_mut(values), bytemuck::cast_slice(others));
    values.iter_mut().zip(others).for_each(|(v, o)| *v = f(*v, *o));
}

#[inline(always)]
fn store<T>(target: &mut [T], values: &[u64], convert: impl Fn(u64) -> T) {
    for (target, &value) in target.iter_mut().zip(values) {
        *target = convert(value);
    }
}
