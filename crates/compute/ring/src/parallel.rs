//! The decision to split an operation among threads.

use rayon::prelude::*;

/// The least number of elements for which splitting an elementwise pass pays: about 50 µs of work on one core.
const LARGE: usize = 1 << 17;

/// Whether the current rayon pool has several threads and `elements` steps of streaming work are enough to share.
pub(crate) fn worthwhile(elements: usize) -> bool {
    elements >= LARGE && rayon::current_num_threads() > 1
}

/// The number of elements in a task, chosen so that each thread gets a few tasks.
pub(crate) fn chunk(elements: usize) -> usize {
    elements.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(64).max(LARGE / 8)
}

/// Runs `f` on `out`, whole or in chunks on several threads; `f` also takes the index of its first element.
pub(crate) fn for_each_chunk(out: &mut [u64], f: impl Fn(usize, &mut [u64]) + Sync) {
    if worthwhile(out.len()) {
        let chunk = chunk(out.len());
        out.par_chunks_mut(chunk).enumerate().for_each(|(i, part)| f(i * chunk, part));
    } else {
        f(0, out);
    }
}

/// Runs `f` on parts of `out` with `length` elements, on several threads if the parts together need enough of the
/// `work` steps.
pub(crate) fn for_each_part(
    out: &mut [u64],
    length: usize,
    work: usize,
    f: impl Fn(usize, &mut [u64]) + Sync,
) {
    if worthwhile(work) {
        out.par_chunks_mut(length).enumerate().for_each(|(i, part)| f(i, part));
    } else {
        out.chunks_mut(length).enumerate().for_each(|(i, part)| f(i, part));
    }
}
