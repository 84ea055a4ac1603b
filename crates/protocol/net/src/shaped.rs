//! Links with the latency and rate of a network, for tests and estimates.

use std::time::Duration;

use crate::{Endpoint, Limits, memory};

/// A network in which every directed link, the dealer's included, has the same latency and rate.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shape {
    /// One way.
    pub latency: Duration,
    /// Of each directed link. Zero or infinite is without limit.
    pub bits_per_second: f64,
}

/// As [`memory`](crate::memory()), but a frame is there when its link has carried all earlier ones, then it, and
/// then the latency has passed: at `max(now, link free) + bytes / rate + latency`. Bytes include the header.
pub fn shaped(names: &[&str], limits: &Limits, shape: Shape) -> Vec<Endpoint> {
    memory::connect(names, limits, Some(shape))
}
