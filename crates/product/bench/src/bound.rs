//! Lower bounds on an evaluation's time on this machine: the arithmetic of its products, its bytes, its rounds.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tacita_mpc::Plan;
use tacita_net::{Endpoint, Frame, FrameKind, Limits, MemberId};
use tacita_ring::{Generator, RingTensor, Seed, Sign, matmul_into};

use tacita::Error;
use tacita::{Link, Options};

/// Side of the matrices whose product is timed: they fit the cache, and the kernel is at its best.
const SIDE: usize = 512;
/// Products that are timed; the fastest counts.
const PRODUCTS: usize = 15;
/// Frames that are sent for the rate, and words of each: a megabyte.
const FRAMES: u32 = 64;
const WORDS: usize = 1 << 17;
/// Times that all of them are sent; the fastest counts.
const SENDINGS: usize = 5;
/// Round trips that are timed together.
const TRIPS: u32 = 200;
/// How long an end of a link that is measured waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);

/// How fast this machine is, one thing at a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Operations on ring elements in matrix products, a second and thread; a multiply-add is two.
    pub operations_per_second: f64,
    /// Bytes that a link takes one way a second; none for memory links, on which nothing is copied.
    pub bytes_per_second: Option<f64>,
    /// Seconds from sending a small message to its arrival.
    pub latency: f64,
}

/// Seconds that an evaluation takes at these rates for each of three things, nothing else counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Matrix products and convolutions of all members, on the cores that they can use.
    pub arithmetic: f64,
    /// Payload of the dealer and all parties.
    pub bytes: f64,
    /// Rounds.
    pub rounds: f64,
    /// The sum. If everything overlapped, the largest of the three would be the bound.
    pub total: f64,
}

impl Rates {
    /// Measures, in less than a second.
    ///
    /// # Errors
    /// If the link cannot be made.
    pub fn measure(link: Link) -> Result<Rates, Error> {
        let operations_per_second = product_rate();
        Ok(match link {
            Link::Memory => Rates { operations_per_second, bytes_per_second: None, latency: 0.0 },
            Link::Shaped { latency_ms, mbit } => Rates {
                operations_per_second,
                bytes_per_second: Some(mbit * 1e6 / 8.0),
                latency: latency_ms / 1e3,
            },
            Link::Loopback => {
                let (rate, latency) = loopback_rates()?;
                Rates { operations_per_second, bytes_per_second: Some(rate), latency }
            }
        })
    }

    /// The bound for a plan. Links of a network work side by side and the busiest counts; those within this machine share its
    /// cores, of which one that is busy takes two.
    pub fn bound(&self, plan: &Plan, options: &Options) -> Bound {
        let all = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = all.min(options.parties * options.threads + options.dealer_threads);
        let operations = 2.0 * plan.multiply_adds() as f64;
        let arithmetic = operations / (self.operations_per_second * cores as f64);
        let cost = plan.cost();
        let latency = f64::from(cost.rounds) * self.latency;
        let (bytes, rounds) = match (options.link, self.bytes_per_second) {
            (Link::Shaped { .. }, Some(rate)) => {
                let bytes = plan.predict(0.0, 8.0 * rate).together;
                (bytes, plan.predict(self.latency, 8.0 * rate).together - bytes)
            }
            (Link::Loopback, Some(rate)) => {
                let bytes = cost.online_bytes.iter().sum::<u64>() + cost.offline_bytes;
                (bytes as f64 / (rate * (all as f64 / 2.0).max(1.0)), latency)
            }
            _ => (0.0, latency),
        };
        Bound { arithmetic, bytes, rounds, total: arithmetic + bytes + rounds }
    }
}

/// Operations a second of the fastest of some products.
fn product_rate() -> f64 {
    let random = |stream: u8| {
        let data = Generator::new(&Seed::from_bytes([0; 32]), &[stream]).vec(SIDE * SIDE);
        RingTensor::new(vec![SIDE, SIDE], data)
    };
    let (a, b, mut out) = (random(1), random(2), RingTensor::zeros(&[SIDE, SIDE]));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let mut fastest = move || {
        let one = || {
            let begun = Instant::now();
            matmul_into(&mut out, &a, &b, Sign::Plus);
            begun.elapsed().as_secs_f64()
        };
        std::iter::repeat_with(one).take(PRODUCTS).fold(f64::INFINITY, f64::min)
    };
    let seconds = match pool {
        Ok(pool) => pool.install(fastest),
        // the system refuses threads, and so no product gets more than one
        Err(_) => fastest(),
    };
    2.0 * (SIDE * SIDE * SIDE) as f64 / seconds
}

/// Bytes a second one way, and half the time of a round trip.
fn loopback_rates() -> Result<(f64, f64), Error> {
    let mut ends = tacita_net::loopback(&["alice", "bob"], &Limits::default())?.into_iter();
    let (Some(alice), Some(bob)) = (ends.next(), ends.next()) else {
        return Err(Error::Internal("a link of fewer than two ends".into()));
    };
    let answering = std::thread::spawn(move || answer(&bob));
    let to_bob = MemberId(1);
    let send = |words: &std::sync::Arc<Vec<u64>>, last: bool| {
        alice.post(to_bob, Frame::new(0, 0, u16::from(last), FrameKind::Opening, words.clone()))
    };
    let small = std::sync::Arc::new(vec![7_u64; 8]);
    let large = std::sync::Arc::new(vec![7_u64; WORDS]);
    let mut trips = f64::INFINITY;
    let mut seconds = f64::INFINITY;
    for _ in 0..SENDINGS {
        let begun = Instant::now();
        for _ in 0..TRIPS {
            send(&small, true)?;
            alice.receive(to_bob, PATIENCE)?;
        }
        trips = trips.min(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        for frame in 1..=FRAMES {
            send(&large, frame == FRAMES)?;
        }
        alice.receive(to_bob, PATIENCE)?;
        seconds = seconds.min(begun.elapsed().as_secs_f64());
    }
    drop(alice);
    answering.join().map_err(|_| Error::Internal("the end of a link failed".into()))?;
    let bytes = f64::from(FRAMES) * (8 * WORDS) as f64;
    Ok((bytes / seconds, trips / f64::from(2 * TRIPS)))
}

/// Answers frames that are marked as the last with an empty one, until the other end goes.
fn answer(bob: &Endpoint) {
    let alice = MemberId(0);
    while let Ok(frame) = bob.receive(alice, PATIENCE) {
        let empty = Frame::new(0, 0, 0, FrameKind::Control, Vec::<u64>::new());
        if frame.header.step == 1 && bob.post(alice, empty).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use tacita_graph::ops::MatMul;
    use tacita_graph::{Graph, Role, Visibility, dims, lower};

    use super::*;

    /// Products of 7×7 matrices: of what two parties own, of a secret with itself, of a secret and what a party owns.
    fn products(parties: &[&str]) -> Plan {
        let mut graph = Graph::new();
        let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
        let [x, w] = [(alice, "x"), (bob, "w")].map(|(owner, name)| {
            graph.input(name, &dims(&[7, 7]), Visibility::Private(owner), Role::Data).unwrap()
        });
        let y = graph.add(MatMul, &[x, w], "y").unwrap();
        let y = graph.add(MatMul, &[y, y], "square").unwrap();
        let y = graph.add(MatMul, &[y, w], "z").unwrap();
        graph.reveal(y, &[alice], "answer").unwrap();
        let names: Vec<String> = parties.iter().map(|name| (*name).to_owned()).collect();
        Plan::new(Arc::new(lower(&graph, 16, &tacita_mpc::TARGET).unwrap()), &names, BTreeMap::new()).unwrap()
    }

    #[test]
    fn a_bound_is_arithmetic_and_bytes_and_rounds() {
        let link = Link::Shaped { latency_ms: 10.0, mbit: 8.0 };
        let options = Options { threads: 1, link, ..Options::default() };
        let rates = Rates { operations_per_second: 1e9, bytes_per_second: Some(1e6), latency: 0.01 };
        let plan = products(&["alice", "bob"]);
        // alice, bob, dealer; twice each party, dealer; each party, dealer
        let adds = 7 * 7 * 7 * (3 + 5 + 3);
        assert_eq!(plan.multiply_adds(), adds);
        let bound = rates.bound(&plan, &options);
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(3);
        assert_eq!(bound.arithmetic, 2.0 * adds as f64 / (1e9 * cores as f64));
        assert_eq!(bound.rounds, 0.01 * f64::from(plan.rounds()));
        assert_eq!(bound.total, bound.arithmetic + bound.bytes + bound.rounds);
        let cost = plan.cost();
        let most = *cost.online_bytes.iter().max().unwrap();
        assert!(bound.bytes >= most as f64 / 1e6);
        assert!(bound.bytes <= (most + cost.offline_bytes) as f64 / 1e6 * 1.000_001);
        assert_eq!(products(&["alice", "bob", "carol"]).multiply_adds(), 7 * 7 * 7 * (3 + 7 + 4));
    }

    #[test]
    fn rates_are_those_of_a_machine() {
        let rates = Rates::measure(Link::Loopback).unwrap();
        // the slowest machine that anyone uses, and the fastest that there is
        assert!((1e7..1e13).contains(&rates.operations_per_second), "{rates:?}");
        assert!((1e6..1e12).contains(&rates.bytes_per_second.unwrap()), "{rates:?}");
        assert!((1e-7..1.0).contains(&rates.latency), "{rates:?}");
        assert_eq!(Rates::measure(Link::Memory).unwrap().bytes_per_second, None);
    }
}
