//! When an operation is split among threads.

use rayon::prelude::*;

/// Fewest elements for which splitting an elementwise pass pays: about 50 µs of work on one core.
const LARGE: usize = 1 << 17;

/// Whether the current rayon pool has threads to share `elements` steps of streaming work with.
pub(crate) fn worthwhile(elements: usize) -> bool {
    elements >= LARGE && rayon::current_num_threads() > 1
}

/// Elements a task takes, so that each thread gets a few tasks.
pub(crate) fn chunk(elements: usize) -> usize {
    elements.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(64).max(LARGE / 8)
}

/// Runs `f` on `out`, whole or in chunks on several threads; `f` also gets the index of its first element.
pub(crate) fn for_each_chunk(out: &mut [u64], f: impl Fn(usize, &mut [u64]) + Sync) {
    if worthwhile(out.len()) {
        let chunk = chunk(out.len());
        out.par_chunks_mut(chunk).enumerate().for_each(|(i, part)| f(i * chunk, part));
    } else {
        f(0, out);
    }
}

/// Runs `f` on the parts of `out` of `length` elements, on several threads if they are `work` steps together.
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
