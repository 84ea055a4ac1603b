//! What one evaluation keeps in shares, a later one computes with: nobody learns it, and parties that hold another value say so.

use std::collections::BTreeMap;
use std::sync::Arc;

use ndarray::{ArrayD, arr1};
use tacita_graph::{
    DType, Graph, Inputs, NodeId, Role, Visibility, dims, encode_leaves, lower, ops, optimize,
};
use tacita_mpc::TARGET;
use tacita_mpc::{Config, Dealer, KeptValues, Leaves, MpcError, Party, Plan, Revealed};
use tacita_net::{Limits, memory};

const NAMES: [&str; 3] = ["alice", "bob", "carol"];

/// A graph of alice and bob.
struct Steps {
    graph: Graph,
    plan: Arc<Plan>,
}

fn steps(parties: usize, build: impl FnOnce(&mut Graph)) -> Steps {
    let mut graph = Graph::new();
    for name in &NAMES[..parties] {
        graph.owner(name);
    }
    build(&mut graph);
    let graph = optimize(&graph).unwrap();
    let program = Arc::new(lower(&graph, 16, &TARGET).unwrap());
    let names: Vec<String> = NAMES[..parties].iter().map(|name| (*name).to_owned()).collect();
    Steps { graph, plan: Arc::new(Plan::new(program, &names, BTreeMap::new()).unwrap()) }
}

/// w := b, kept; b is bob's.
fn first(parties: usize) -> Steps {
    steps(parties, |graph| {
        let bob = graph.owner("bob");
        let b = graph.input("b", &dims(&[3]), Visibility::Private(bob), Role::Data).unwrap();
        let one = graph.add(ops::Constant { shape: vec![], value: 1.0 }, &[], "").unwrap();
        let public = graph.add(ops::Expand { shape: dims(&[3]) }, &[one], "").unwrap();
        graph.keep(b, "w").unwrap();
        graph.keep(public, "ones").unwrap();
    })
}

fn secret(graph: &mut Graph, name: &str, size: usize) -> NodeId {
    graph.input_of(name, &dims(&[size]), Visibility::Secret, Role::Data, DType::Fixed).unwrap()
}

/// w := w² + ones, kept, and revealed to alice.
fn second(parties: usize, size: usize) -> Steps {
    steps(parties, |graph| {
        let alice = graph.owner("alice");
        let (w, ones) = (secret(graph, "w", size), secret(graph, "ones", size));
        let square = graph.add(ops::Mul {}, &[w, w], "square").unwrap();
        let next = graph.add(ops::Add {}, &[square, ones], "next").unwrap();
        graph.keep(next, "w").unwrap();
        graph.reveal(next, &[alice], "shown").unwrap();
    })
}

/// Runs the plans one after another. At each party, `before` each evaluation may change what is kept.
fn run(
    parties: usize,
    all: &[Steps],
    inputs: &Inputs,
    before: impl Fn(usize, usize, &mut Party) + Sync,
) -> Vec<Result<Vec<Option<Vec<f64>>>, MpcError>> {
    let names = [&NAMES[..parties], &["dealer"]].concat();
    let mut endpoints = memory(&names, &Limits::default());
    let dealer = endpoints.pop().unwrap();
    std::thread::scope(|scope| {
        let before = &before;
        let members: Vec<_> = endpoints
            .into_iter()
            .enumerate()
            .map(|(me, endpoint)| {
                scope.spawn(move || {
                    let mut party = Party::connect(endpoint, parties, Config::default())?;
                    let mut shown = Vec::new();
                    for (at, Steps { graph, plan }) in all.iter().enumerate() {
                        before(at, me, &mut party);
                        let owner = graph.owners().iter().position(|name| name == NAMES[me]);
                        let owner = owner.map(|at| tacita_graph::Owner(at as u16));
                        let leaves = encode_leaves(graph, plan.program(), owner, inputs).unwrap();
                        let leaves: Leaves = leaves.into_iter().map(|(id, x)| (id, Arc::new(x))).collect();
                        let outcome = party.evaluate(plan, &leaves, None, &mut |_| ())?;
                        shown.push(outcome.revealed.values().next().map(|value| match value {
                            Revealed::Ring(x) => tacita_ring::decode(x.data(), 16),
                            Revealed::Bits(_) => panic!("numbers are revealed"),
                        }));
                    }
                    Ok(shown)
                })
            })
            .collect();
        let dealing = scope.spawn(move || {
            let mut dealer = Dealer::connect(dealer, parties, Config::default())?;
            all.iter().try_for_each(|steps| dealer.deal(&steps.plan, &Leaves::new()).map(drop))
        });
        let results = members.into_iter().map(|member| member.join().unwrap()).collect();
        let _: Result<(), MpcError> = dealing.join().unwrap(); // parties say what went wrong
        results
    })
}

fn inputs() -> Inputs {
    let b: ArrayD<f64> = arr1(&[0.5, -2.0, 3.0]).into_dyn();
    Inputs::from([("b".to_owned(), b)])
}

#[test]
fn a_value_is_kept_and_replaced() {
    for parties in [2, 3] {
        let all = [first(parties), second(parties, 3), second(parties, 3)];
        let results = run(parties, &all, &inputs(), |_, _, _| ());
        let shown: Vec<_> = results.into_iter().map(|result| result.unwrap()).collect();
        for (at, expected) in [(1, [1.25, 5.0, 10.0]), (2, [2.5625, 26.0, 101.0])] {
            let got = shown[0][at].as_ref().expect("alice receives it");
            for (got, expected) in got.iter().zip(expected) {
                // a truncation a product, whose error the second square multiplies by at most 2 · 10 + 1
                assert!((got - expected).abs() <= 22.0 / 65536.0, "{got} for {expected}");
            }
            assert!(shown[1..].iter().all(|other| other[at].is_none()), "nobody else does");
        }
    }
}

#[test]
fn what_is_not_kept_or_of_another_shape_is_an_error_that_names_it() {
    for (all, part) in [
        (vec![second(2, 3)], "no evaluation of this session kept it"),
        (vec![first(2), second(2, 4)], "kept as [3] with 16 fractional bits, and is used as [4]"),
    ] {
        for result in run(2, &all, &inputs(), |_, _, _| ()) {
            let error = result.expect_err("it cannot be computed");
            let stopped = matches!(error, MpcError::Net { .. });
            assert!(stopped || error.to_string().contains(part), "{error}");
            assert!(stopped || error.to_string().contains("`w`"), "{error}");
        }
    }
}

#[test]
fn parties_that_keep_other_values_disagree() {
    let all = [first(2), second(2, 3), second(2, 3)];
    // bob goes back to what the first evaluation kept, alice does not
    let saved = std::sync::Mutex::new(KeptValues::new());
    let results = run(2, &all, &inputs(), |at, me, party| {
        if me == 1 && at == 1 {
            *saved.lock().unwrap() = party.kept().clone();
        }
        if me == 1 && at == 2 {
            party.keep(std::mem::take(&mut *saved.lock().unwrap()));
        }
    });
    for result in results {
        match result {
            Err(MpcError::Disagreement { difference, .. }) => {
                assert!(difference.contains("other kept values"), "{difference}");
            }
            Err(MpcError::Net { .. }) => {} // the other said it first
            other => panic!("they must not go on: {:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn a_checkpoint_gives_back_what_was_kept() {
    let all = [first(2), second(2, 3), second(2, 3)];
    let saved = [0, 1].map(|_| std::sync::Mutex::new(KeptValues::new()));
    let results = run(2, &all, &inputs(), |at, me, party| match at {
        1 => *saved[me].lock().unwrap() = party.kept().clone(),
        2 => party.keep(saved[me].lock().unwrap().clone()),
        _ => {}
    });
    let shown = results.into_iter().next().unwrap().unwrap();
    let (once, again) = (shown[1].as_ref().unwrap(), shown[2].as_ref().unwrap());
    for (a, b) in once.iter().zip(again) {
        assert!((a - b).abs() <= 2.0 / 65536.0, "{a} and {b} are of one value");
    }
}
