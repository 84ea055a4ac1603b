//! The same computation over every kind of link.

mod common;

use std::time::{Duration, Instant};

use common::{Case, NAMES, fixed_seed, recording};
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::random_case;
use tacita_graph::{Graph, Inputs, Role, Visibility, dims, ops};
use tacita_mpc::{Config, Hooks, Revealed, world};
use tacita_net::{Endpoint, Limits, Shape, loopback, memory, shaped};

#[test]
fn the_same_seeds_give_the_same_bits_over_memory_tls_and_shaped_links() {
    let names = ["alice", "bob", "carol", "dealer"];
    let limits = Limits::default();
    for seed in 0..4 {
        let random = random_case(seed, 10);
        let case = Case::new(&random.graph, 3, 16);
        let (own, public) = case.leaves(&random.inputs);
        let hooks = Hooks { insecure_fixed_seed: Some(fixed_seed(seed)), ..Hooks::default() };
        let config = Config { hooks, ..Config::default() };
        let reveals = |endpoints: Vec<Endpoint>| -> Vec<Vec<Revealed>> {
            let mut runs = world::run_over(endpoints, &case.plan, &own, &public, &config, 2).unwrap();
            let outcomes = runs.pop().unwrap().0;
            outcomes.into_iter().map(|outcome| outcome.revealed.into_values().collect()).collect()
        };
        let shape = Shape { latency: Duration::from_micros(300), bits_per_second: 1e9 };
        let expected = reveals(memory(&names, &limits));
        assert!(expected == reveals(loopback(&names, &limits).unwrap()), "graph {seed} over TLS");
        assert!(expected == reveals(shaped(&names, &limits, shape)), "graph {seed} over shaped links");
    }
}

#[test]
fn a_dealer_that_may_hardly_be_ahead_deadlocks_nobody() {
    let names = ["alice", "bob", "carol", "dealer"];
    let limits = Limits { inbound: 1 << 10, ..Limits::default() };
    for seed in 0..12 {
        let random = random_case(seed, 14);
        let case = Case::new(&random.graph, 3, 16);
        let (own, public) = case.leaves(&random.inputs);
        let (timeout, overlap) = (Duration::from_secs(20), seed % 2 == 1);
        let config = Config { dealer_ahead: 1, timeout, overlap, ..Config::default() };
        for endpoints in [memory(&names, &limits), loopback(&names, &limits).unwrap()] {
            let runs = world::run_over(endpoints, &case.plan, &own, &public, &config, 3);
            assert!(runs.is_ok(), "graph {seed}: {:?}", runs.err());
        }
    }
}

/// Links let nobody be faster than is predicted, and predicted is less than for dealing and computing one after the other.
#[test]
fn computing_while_the_dealer_deals_takes_at_least_what_is_predicted() {
    const LATENCY: f64 = 0.004;
    const RATE: f64 = 50e6;
    let names = ["alice", "bob", "dealer"];
    let mut graph = Graph::new();
    let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
    let input = |graph: &mut Graph, name, owner| {
        graph.input(name, &dims(&[20_000]), Visibility::Private(owner), Role::Data).unwrap()
    };
    let (x, y) = (input(&mut graph, "x", alice), input(&mut graph, "y", bob));
    let mut z = graph.add(ops::Mul, &[x, y], "z").unwrap();
    for _ in 0..3 {
        z = graph.add(ops::Relu, &[z], "").unwrap();
    }
    graph.reveal(z, &[alice], "result").unwrap();
    let value = || ArrayD::from_elem(IxDyn(&[20_000]), -1.5);
    let inputs = Inputs::from([("x".to_owned(), value()), ("y".to_owned(), value())]);
    let case = Case::new(&graph, 2, 16);
    let (own, public) = case.leaves(&inputs);
    let predicted = case.plan.predict(LATENCY, RATE);
    assert!(predicted.together > predicted.online.max(predicted.offline), "{predicted:?}");
    assert!(predicted.together < 0.9 * (predicted.online + predicted.offline), "{predicted:?}");
    let shape = Shape { latency: Duration::from_secs_f64(LATENCY), bits_per_second: RATE };
    for overlap in [false, true] {
        let config = Config { overlap, ..Config::default() };
        let links = shaped(&names, &Limits::default(), shape);
        let (outcomes, _) = world::run_over(links, &case.plan, &own, &public, &config, 1).unwrap().remove(0);
        let took = outcomes.iter().map(|outcome| outcome.times.offline + outcome.times.online).max().unwrap();
        let least = if overlap { predicted.together } else { predicted.online + predicted.offline };
        // who begins later than the dealer waits less
        assert!(took.as_secs_f64() > 0.9 * least, "{took:?}, overlap {overlap}, {predicted:?}");
    }
}

/// The parties wait for what the dealer may be ahead, which must not be more than it sends before it waits for them.
#[test]
fn who_waits_for_the_dealer_counts_as_it_does() {
    let limits = Limits::default();
    let random = random_case(3, 14);
    let case = Case::new(&random.graph, 2, 16);
    let (own, public) = case.leaves(&random.inputs);
    let parties = case.parties;
    let names: Vec<&str> = NAMES[..parties].iter().chain(&["dealer"]).copied().collect();
    let (config, sent) = recording(Hooks::default());
    world::run_over(memory(&names, &limits), &case.plan, &own, &public, &config, 1).unwrap();
    let sent = sent.lock().unwrap();
    let corrections = sent.iter().filter(|(from, _, _)| *from == parties);
    let mut ahead = vec![0; parties];
    for (_, to, frame) in corrections.take(12) {
        ahead[*to] += frame.payload.len();
        let config =
            Config { dealer_ahead: ahead[*to], timeout: Duration::from_secs(20), ..Config::default() };
        let begun = Instant::now();
        world::run_over(memory(&names, &limits), &case.plan, &own, &public, &config, 1).unwrap();
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "{} bytes ahead: {:?}",
            ahead[*to],
            begun.elapsed()
        );
    }
}
