//! A pool of buffers from received payloads. A fresh buffer costs a page fault for every 4 KiB, which takes longer than
//! decrypting the data that fills it.

use std::sync::{Mutex, PoisonError};

/// The size of the smallest pooled buffer, in words; smaller ones are cheap to allocate.
const LEAST: usize = 1 << 13;
/// The total size of pooled buffers, in words.
const MOST: usize = 8 << 20;

/// Free buffers of one endpoint. Their content is not erased: this member was allowed to see it.
#[derive(Default)]
pub struct Buffers(Mutex<Vec<Vec<u64>>>);

impl Buffers {
    /// A buffer of `len` words with arbitrary content: the smallest pooled one that is large enough, or a fresh one.
    pub(crate) fn take(&self, len: usize) -> Vec<u64> {
        if len >= LEAST {
            let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let fits = free.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
            if let Some((at, _)) = fits.min_by_key(|(_, buffer)| buffer.capacity()) {
                let mut buffer = free.swap_remove(at);
                drop(free);
                buffer.resize(len, 0);
                return buffer;
            }
        }
        vec![0; len]
    }

    /// Returns the words of a payload that is no longer needed, for a later one.
    pub fn give(&self, words: Vec<u64>) {
        if !(LEAST..=MOST).contains(&words.capacity()) {
            return;
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept: usize = free.iter().map(Vec::capacity).sum();
        while kept + words.capacity() > MOST
            && let Some(at) = (0..free.len()).min_by_key(|&at| free[at].capacity())
            && free[at].capacity() < words.capacity()
        {
            kept -= free.swap_remove(at).capacity();
        }
        if kept + words.capacity() <= MOST {
            free.push(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_fits_is_used_again() {
        let buffers = Buffers::default();
        let (small, large) = (vec![7; LEAST], vec![7; 3 * LEAST]);
        let at = (small.as_ptr(), large.as_ptr());
        buffers.give(large);
        buffers.give(small);
        let taken = buffers.take(LEAST - 1);
        assert_eq!((taken.len(), taken.iter().sum::<u64>()), (LEAST - 1, 0), "too small to be kept");
        let (first, second) = (buffers.take(LEAST), buffers.take(2 * LEAST));
        assert_eq!((first.as_ptr(), second.as_ptr()), at);
        assert_eq!((first.len(), second.len()), (LEAST, 2 * LEAST));
        assert_eq!(buffers.take(LEAST).iter().sum::<u64>(), 0, "none is left");
    }

    #[test]
    fn no_more_than_so_much_is_kept() {
        let buffers = Buffers::default();
        for len in [MOST / 2, MOST / 4, MOST / 4, MOST / 8, MOST + 1] {
            buffers.give(vec![0; len]);
        }
        let kept = buffers.0.lock().unwrap().iter().map(Vec::capacity).sum::<usize>();
        assert_eq!(kept, MOST, "neither the one that is smaller than all nor the one that is too large");
        buffers.give(vec![0; MOST / 2]);
        let kept = buffers.0.lock().unwrap().iter().map(Vec::capacity).collect::<Vec<_>>();
        assert_eq!(kept, [MOST / 2, MOST / 2], "it takes the place of smaller ones");
    }
}
