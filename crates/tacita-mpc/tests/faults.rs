//! Nothing hangs: every fault ends in an error that says who is waited for, and poisons the session.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::Case;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::{Graph, Inputs, Op, Role, Visibility, dims, ops};
use tacita_mpc::{Config, Dealer, Leaves, MpcError, Party};
use tacita_net::{Endpoint, Frame, FrameKind, Limits, MemberId, NetError, memory};

const LIMIT: Duration = Duration::from_secs(1);

fn case(elements: usize) -> (Case, Vec<Leaves>) {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[elements]), Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input("w", &dims(&[elements]), Visibility::Private(bob), Role::Parameter).unwrap();
    let product = graph.add(ops::Mul {}, &[x, w], "product").unwrap();
    let relu = graph.add(ops::Relu {}, &[product], "relu").unwrap();
    graph.reveal(relu, &[alice], "answer").unwrap();
    let case = Case::new(&graph, 2, 16);
    let data = ArrayD::from_elem(IxDyn(&[elements]), 1.5);
    let inputs = Inputs::from([("x".to_owned(), data.clone()), ("w".to_owned(), data)]);
    let leaves = case.leaves(&inputs).0;
    (case, leaves)
}

fn config() -> Config {
    Config { timeout: LIMIT, ..Config::default() }
}

/// What a member does with its endpoint.
type Role_ = Box<dyn FnOnce(Endpoint) -> Option<MpcError> + Send>;

/// Runs alice, bob and the dealer; none may take much longer than the limit.
fn play(alice: Role_, bob: Role_, dealer: Role_) -> Vec<Option<MpcError>> {
    let endpoints = memory(&["alice", "bob", "dealer"], &Limits::default());
    let begun = Instant::now();
    let threads: Vec<_> = endpoints
        .into_iter()
        .zip([alice, bob, dealer])
        .map(|(endpoint, role)| std::thread::spawn(move || role(endpoint)))
        .collect();
    let ends = threads.into_iter().map(|thread| thread.join().expect("no member panics")).collect();
    assert!(begun.elapsed() < 10 * LIMIT, "took {:?}", begun.elapsed());
    ends
}

fn honest(plan: &Arc<tacita_mpc::Plan>, leaves: &Leaves) -> Role_ {
    let (plan, leaves) = (plan.clone(), leaves.clone());
    Box::new(move |endpoint| {
        let mut party = match Party::connect(endpoint, 2, config()) {
            Ok(party) => party,
            Err(error) => return Some(error),
        };
        let error = party.evaluate(&plan, &leaves, None, &mut |_| ()).err();
        if error.is_some() {
            let again = party.evaluate(&plan, &leaves, None, &mut |_| ()).err();
            assert!(matches!(again, Some(MpcError::Poisoned { .. })), "a failed session does not go on");
        }
        error
    })
}

fn dealing(plan: &Arc<tacita_mpc::Plan>) -> Role_ {
    let plan = plan.clone();
    Box::new(move |endpoint| {
        let mut dealer = match Dealer::connect(endpoint, 2, config()) {
            Ok(dealer) => dealer,
            Err(error) => return Some(error),
        };
        dealer.deal(&plan, &Leaves::new()).err()
    })
}

fn message(error: &Option<MpcError>) -> String {
    error.as_ref().expect("an error").to_string()
}

#[test]
fn without_faults_there_is_no_error() {
    let (case, leaves) = case(100);
    let ends = play(honest(&case.plan, &leaves[0]), honest(&case.plan, &leaves[1]), dealing(&case.plan));
    assert!(ends.iter().all(Option::is_none), "{ends:?}");
}

#[test]
fn different_programs_are_a_disagreement() {
    let ((one, leaves), (other, _)) = (case(100), case(101));
    let ends = play(honest(&one.plan, &leaves[0]), honest(&other.plan, &leaves[1]), dealing(&one.plan));
    for (end, shapes) in ends[..2].iter().zip([("100", "101"), ("101", "100")]) {
        let Some(MpcError::Disagreement { node, difference: at, .. }) = end else { panic!("{ends:?}") };
        assert_eq!(node, "x");
        let (here, there) = (
            format!("`x` (Input of alice, {}) here", shapes.0),
            format!("`x` (Input of alice, {}) at", shapes.1),
        );
        assert!(at.contains(&here) && at.contains(&there), "{at}");
    }
    assert!(message(&ends[2]).contains("another program"), "{ends:?}");
}

/// A node in the middle that is of another operation: it is named, with the names that both have for it.
#[test]
fn the_first_node_that_differs_is_named_by_three_parties() {
    let graph = |op: Op, name: &str| {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let x = graph.input("x", &dims(&[4]), Visibility::Private(alice), Role::Data).unwrap();
        let square = graph.add(ops::Mul {}, &[x, x], "square").unwrap();
        let odd = graph.add(op, &[square], name).unwrap();
        graph.reveal(odd, &[alice], "answer").unwrap();
        Case::new(&graph, 3, 16)
    };
    let (one, other) = (graph(ops::Relu {}.into(), "relu"), graph(ops::Neg {}.into(), "minus"));
    let inputs = Inputs::from([("x".to_owned(), ArrayD::from_elem(IxDyn(&[4]), 1.5))]);
    let mut endpoints = memory(&["alice", "bob", "carol", "dealer"], &Limits::default());
    let dealer = endpoints.pop().unwrap();
    let ends: Vec<MpcError> = std::thread::scope(|scope| {
        let cases = [&one, &other, &one];
        let dealing = scope.spawn(|| {
            let mut dealer = Dealer::connect(dealer, 3, config()).unwrap();
            dealer.deal(&one.plan, &Leaves::new()).err().unwrap()
        });
        let parties: Vec<_> = (endpoints.into_iter().zip(cases).enumerate())
            .map(|(index, (endpoint, case))| {
                let leaves = case.leaves(&inputs).0.swap_remove(index);
                scope.spawn(move || {
                    let mut party = Party::connect(endpoint, 3, config()).unwrap();
                    party.evaluate(&case.plan, &leaves, None, &mut |_| ()).err().unwrap()
                })
            })
            .collect();
        parties.into_iter().chain([dealing]).map(|thread| thread.join().unwrap()).collect()
    });
    for (end, name) in ends[..3].iter().zip(["relu", "minus", "relu"]) {
        let MpcError::Disagreement { node, difference: at, .. } = end else { panic!("{ends:?}") };
        assert_eq!(node, name);
        assert!(at.contains("`relu`") && at.contains("`minus`"), "{at}");
    }
    assert!(ends[3].to_string().contains("`minus`"), "{ends:?}");
}

#[test]
fn a_party_that_never_comes_is_named() {
    let (case, leaves) = case(100);
    let absent: Role_ = Box::new(|endpoint| {
        std::thread::sleep(2 * LIMIT);
        drop(endpoint);
        None
    });
    let ends = play(honest(&case.plan, &leaves[0]), absent, dealing(&case.plan));
    assert!(message(&ends[0]).contains("bob") && message(&ends[2]).contains("bob"), "{ends:?}");
}

#[test]
fn a_party_that_stops_after_the_handshake_is_named() {
    let (case, leaves) = case(100);
    let silent: Role_ = Box::new(|endpoint| {
        let party = Party::connect(endpoint, 2, config());
        std::thread::sleep(2 * LIMIT);
        party.err()
    });
    let ends = play(honest(&case.plan, &leaves[0]), silent, dealing(&case.plan));
    assert!(message(&ends[0]).contains("bob") && message(&ends[2]).contains("bob"), "{ends:?}");
}

#[test]
fn a_dealer_that_stops_is_named() {
    let (case, leaves) = case(100);
    let silent: Role_ = Box::new(|endpoint| {
        let dealer = Dealer::connect(endpoint, 2, config());
        std::thread::sleep(2 * LIMIT);
        dealer.err()
    });
    let ends = play(honest(&case.plan, &leaves[0]), honest(&case.plan, &leaves[1]), silent);
    assert!(ends[..2].iter().any(|e| message(e).contains("dealer")), "{ends:?}");
}

#[test]
fn a_party_that_leaves_in_the_middle_is_the_cause_for_all() {
    let (case, mut leaves) = case(100);
    leaves[1].clear(); // bob finds that he cannot go on, and says so
    let ends = play(honest(&case.plan, &leaves[0]), honest(&case.plan, &leaves[1]), dealing(&case.plan));
    assert!(matches!(ends[1], Some(MpcError::MissingLeaf { .. })), "{ends:?}");
    let aborted = matches!(&ends[0], Some(MpcError::Net { source: NetError::Aborted { .. }, .. }));
    assert!(aborted && message(&ends[0]).contains("bob"), "{ends:?}");
}

#[test]
fn a_frame_that_the_schedule_does_not_expect_is_refused() {
    let (case, leaves) = case(100);
    let (plan, own) = (case.plan.clone(), leaves[1].clone());
    let forger: Role_ = Box::new(move |endpoint| {
        // bob slips in a frame of another task before everything else he says of the evaluation
        let frame = Frame::new(1, 77, 3, FrameKind::Opening, vec![1u64; 10]);
        let mut party = Party::connect_then(endpoint, 2, config(), |endpoint| {
            endpoint.post(MemberId(0), frame.clone()).expect("posting does not fail");
        })
        .expect("the handshake is honest");
        party.evaluate(&plan, &own, None, &mut |_| ()).err()
    });
    let ends = play(honest(&case.plan, &leaves[0]), forger, dealing(&case.plan));
    assert!(matches!(&ends[0], Some(MpcError::Net { source: NetError::Unexpected { .. }, .. })), "{ends:?}");
    assert!(message(&ends[0]).contains("bob"), "{ends:?}");
}
