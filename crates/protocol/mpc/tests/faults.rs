//! Nothing hangs: every fault ends in an error that says who is waited for, and poisons the session.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::Case;
use ndarray::{ArrayD, IxDyn};
use tacita_graph::{Graph, Inputs, Op, Role, Visibility, dims, ops};
use tacita_mpc::{Config, Dealer, Hooks, Leaves, MpcError, Party};
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, Limits, MemberId, NetError, loopback, memory};

const LIMIT: Duration = Duration::from_secs(1);

fn case(elements: usize) -> (Case, Vec<Leaves>) {
    case_of(elements, 2)
}

fn case_of(elements: usize, parties: usize) -> (Case, Vec<Leaves>) {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[elements]), Visibility::Private(alice), Role::Data).unwrap();
    let w = graph.input("w", &dims(&[elements]), Visibility::Private(bob), Role::Parameter).unwrap();
    let product = graph.add(ops::Mul {}, &[x, w], "product").unwrap();
    let relu = graph.add(ops::Relu {}, &[product], "relu").unwrap();
    graph.reveal(relu, &[alice], "answer").unwrap();
    let case = Case::new(&graph, parties, 16);
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
    play_on(memory(&["alice", "bob", "dealer"], &Limits::default()), vec![alice, bob, dealer])
}

/// The same for any members on any links.
fn play_on(endpoints: Vec<Endpoint>, roles: Vec<Role_>) -> Vec<Option<MpcError>> {
    let begun = Instant::now();
    let threads: Vec<_> = endpoints
        .into_iter()
        .zip(roles)
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
    // one party waits for the dealer and the other for that party, for as long: heartbeats tell who waits for whom
    let limits = Limits { heartbeat: LIMIT / 20, connect: 20 * LIMIT, ..Limits::default() };
    let endpoints = loopback(&["alice", "bob", "dealer"], &limits).unwrap();
    let parties = [0, 1].map(|party| honest(&case.plan, &leaves[party]));
    let ends = play_on(endpoints, parties.into_iter().chain([silent]).collect());
    assert!(ends[..2].iter().all(|e| message(e).contains("dealer")), "{ends:?}");
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
        let mut party = Party::connect(endpoint, 2, config()).expect("the handshake is honest");
        party.endpoint_for_tests().post(MemberId(0), frame).expect("posting does not fail");
        party.evaluate(&plan, &own, None, &mut |_| ()).err()
    });
    let ends = play(honest(&case.plan, &leaves[0]), forger, dealing(&case.plan));
    assert!(matches!(&ends[0], Some(MpcError::Net { source: NetError::Unexpected { .. }, .. })), "{ends:?}");
    assert!(message(&ends[0]).contains("bob"), "{ends:?}");
}

/// What a member sends its victim between two evaluations; the frame is one that it sent it in the first.
type Misdeed = fn(&Endpoint, MemberId, &Frame);

/// In words, what it is, and what the victim makes of it.
type Wrong = (&'static str, Misdeed, fn(&NetError) -> bool);

/// Members who evaluate twice, alice, bob, carol and a dealer, over TCP and TLS. The culprit does its misdeed between the
/// evaluations. Returns the victim, and how everybody ended.
fn misbehave(culprit: usize, misdeed: Misdeed) -> (usize, Vec<Option<MpcError>>) {
    let (case, leaves) = case_of(100, 3);
    let limits = Limits { connect: 20 * LIMIT, ..Limits::default() };
    let endpoints = loopback(&["alice", "bob", "carol", "dealer"], &limits).unwrap();
    let (victim, found) = std::sync::mpsc::channel();
    let roles = (0..4).map(|me| -> Role_ {
        let (plan, own) = (case.plan.clone(), leaves.get(me).cloned().unwrap_or_default());
        let (mut config, sent) = common::recording(Hooks::default());
        config.timeout = 5 * LIMIT;
        let victim = victim.clone();
        let turn = move |endpoint: &Endpoint| {
            if me == culprit {
                let (_, to, frame) = sent.lock().unwrap()[0].clone();
                victim.send(to).unwrap();
                misdeed(endpoint, MemberId(to as u16), &frame);
            }
        };
        Box::new(move |endpoint| {
            if me == 3 {
                let mut dealer = Dealer::connect(endpoint, 3, config).expect("all are honest in setup");
                dealer.deal(&plan, &Leaves::new()).expect("all are honest at first");
                turn(dealer.endpoint_for_tests());
                // until the parties leave, as a dealer does that has dealt all there was
                return dealer.deal(&plan, &Leaves::new()).and_then(|_| dealer.request()).err();
            }
            let mut party = Party::connect(endpoint, 3, config).expect("all are honest in setup");
            // a dealer is ahead, so that its misdeed may come in the first evaluation
            let first =
                party.evaluate(&plan, &own, None, &mut |_| ()).map(|_| turn(party.endpoint_for_tests()));
            let second = first.and_then(|()| party.evaluate(&plan, &own, None, &mut |_| ()));
            second.and_then(|_| party.exchange("finished", &[])).err()
        })
    });
    let ends = play_on(endpoints, roles.collect());
    (found.recv().unwrap(), ends)
}

#[test]
fn who_sends_what_it_must_not_is_named_by_all() {
    let misdeeds: [Wrong; 5] = [
        (
            "a frame of 2^60 bytes",
            |endpoint, to, frame| {
                let header = FrameHeader { length: 1 << 60, ..frame.header };
                endpoint.post_unchecked_for_tests(to, Frame { header, ..frame.clone() });
            },
            |error| matches!(error, NetError::TooLong { .. }),
        ),
        (
            "garbage, after a heartbeat that nobody minds",
            |endpoint, to, frame| {
                let header = FrameHeader { kind: FrameKind::Heartbeat, length: 0, ..frame.header };
                endpoint.post_unchecked_for_tests(to, Frame { header, payload: vec![0xee_u8; 1000].into() });
            },
            |error| matches!(error, NetError::Malformed { .. }),
        ),
        (
            "a frame too many",
            |endpoint, to, frame| {
                let header = FrameHeader { evaluation: 2, task: 77, ..frame.header };
                endpoint.post(to, Frame { header, ..frame.clone() }).unwrap();
            },
            |error| matches!(error, NetError::Unexpected { .. }),
        ),
        (
            "a frame twice",
            |endpoint, to, frame| endpoint.post(to, frame.clone()).unwrap(),
            |error| matches!(error, NetError::Unexpected { .. }),
        ),
        (
            // whoever passes it on says from whom it is
            "an abort in another's name",
            |endpoint, _, _| endpoint.abort("bob stopped the session: the disk is full", "relu", 7),
            |error| matches!(error, NetError::Aborted { .. }),
        ),
    ];
    for (culprit, name) in [(2, "carol"), (3, "dealer")] {
        for (what, misdeed, is_right) in misdeeds {
            let (victim, ends) = misbehave(culprit, misdeed);
            let right = matches!(&ends[victim], Some(MpcError::Net { source, .. }) if is_right(source));
            assert!(right, "{what} of {name} to {victim}: {ends:?}");
            for honest in (0..4).filter(|member| *member != culprit) {
                let text = message(&ends[honest]);
                assert!(text.contains(name), "{what} of {name}: {text}");
            }
        }
    }
}
