//! What evaluators in the clear take where a private evaluation draws what nobody knows.

use tacita_ring::{Generator, Seed};

/// The words of a graph's draw: uniform, and the same whenever they are asked for. They protect nothing.
pub fn words(draw: u32, len: usize) -> Vec<u64> {
    let seed = Seed::from_bytes(*b"tacita draws in the clear, ver 1");
    Generator::new(&seed, &draw.to_le_bytes()).vec(len)
}

/// A word as a number from 0 to 1, below 1.
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 / (1u64 << 53) as f64
}
