//! Links with the latency and rate of a network, for tests and estimates.

use std::time::Duration;

use crate::{Endpoint, Limits, memory};

/// A network in which every directed link, the dealer's included, has the same latency and rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shape {
    /// One-way latency.
    pub latency: Duration,
    /// The rate of each directed link. Zero or infinite means unlimited.
    pub bits_per_second: f64,
}

/// As [`memory`](crate::memory()), with simulated delays: a frame arrives at `max(now, link free) + bytes / rate +
/// latency`, where the link is free once it has carried all earlier frames. Bytes include the header.
pub fn shaped(names: &[&str], limits: &Limits, shape: Shape) -> Vec<Endpoint> {
    memory::connect(names, limits, Some(shape))
}
