//! A session of ten thousand evaluations is as fast and as small at its end as at its beginning.

mod common;

use std::time::{Duration, Instant};

use common::Case;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::{Graph, Inputs, Role, Visibility, dims, ops};
use tacita_mpc::{Config, Dealer, Party};
use tacita_net::{Endpoint, Limits, loopback, memory};

const EVALUATIONS: usize = 10_000;
const EACH: usize = EVALUATIONS / 10;

/// Evaluates a small plan in one session. Returns the median time of an evaluation at a party in each tenth, and the
/// process's resident bytes after the first tenth and at the end.
fn run(mut endpoints: Vec<Endpoint>) -> (Vec<Duration>, [u64; 2]) {
    let mut graph = Graph::new();
    let owners = ["alice", "bob"].map(|name| graph.owner(name));
    let input = |graph: &mut Graph, name, owner| {
        graph.input(name, &dims(&[4]), Visibility::Private(owner), Role::Data).unwrap()
    };
    let (x, w) = (input(&mut graph, "x", owners[0]), input(&mut graph, "w", owners[1]));
    let product = graph.add(ops::Mul {}, &[x, w], "").unwrap();
    let y = graph.add(ops::Relu {}, &[product], "").unwrap();
    graph.reveal(y, &owners, "y").unwrap();
    let case = Case::new(&graph, 2, 16);
    let values = |n: f64| ArrayD::from_elem(IxDyn(&[4]), n);
    let inputs = Inputs::from([("x".to_owned(), values(1.5)), ("w".to_owned(), values(2.0))]);
    let (own, public) = case.leaves(&inputs);
    let dealer = endpoints.pop().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut dealer = Dealer::connect(dealer, 2, Config::default()).unwrap();
            for _ in 0..EVALUATIONS {
                dealer.deal(&case.plan, &public).unwrap();
            }
        });
        let parties: Vec<_> = endpoints
            .into_iter()
            .zip(&own)
            .map(|(endpoint, leaves)| {
                let plan = &case.plan;
                scope.spawn(move || {
                    let mut party = Party::connect(endpoint, 2, Config::default()).unwrap();
                    let (mut medians, mut resident) = (vec![], [0; 2]);
                    for tenth in 0..10 {
                        let evaluate = |_| {
                            let begun = Instant::now();
                            party.evaluate(plan, leaves, None, &mut |_| ()).unwrap();
                            begun.elapsed()
                        };
                        let mut times: Vec<Duration> = (0..EACH).map(evaluate).collect();
                        times.sort();
                        medians.push(times[EACH / 2]);
                        match tenth {
                            0 => resident[0] = resident_bytes(),
                            _ => resident[1] = resident_bytes(),
                        }
                    }
                    (medians, resident)
                })
            })
            .collect();
        parties.into_iter().map(|party| party.join().unwrap()).next().unwrap()
    })
}

/// What the process has in memory; 0 where the system does not say.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

#[test]
#[ignore = "slow: twenty thousand evaluations"]
fn ten_thousand_evaluations_leave_latency_and_memory_flat() {
    let (names, limits) = (["alice", "bob", "dealer"], Limits::default());
    for (links, endpoints) in
        [("memory", memory(&names, &limits)), ("loopback", loopback(&names, &limits).unwrap())]
    {
        let (medians, [early, late]) = run(endpoints);
        println!("{links}: medians of each thousand {medians:?}, resident {early} to {late} bytes");
        // medians, and twice with a millisecond, since other programs may run on the machine
        assert!(medians[9] <= medians[0] * 2 + Duration::from_millis(1), "{links}: {medians:?}");
        assert!(late <= early + (4 << 20), "{links}: {early} to {late} bytes resident");
    }
}
