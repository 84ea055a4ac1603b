//! What every link does, whatever carries it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tacita_net::{
    Endpoint, Frame, FrameHeader, FrameKind, Limits, MemberId, NetError, Phase, Shape, loopback, memory,
    shaped,
};

const PATIENCE: Duration = Duration::from_secs(30);
const ALICE: MemberId = MemberId(0);
const BOB: MemberId = MemberId(1);
const CAROL: MemberId = MemberId(2);

type Connect = fn(&[&str], &Limits) -> Vec<Endpoint>;

fn connect_memory(names: &[&str], limits: &Limits) -> Vec<Endpoint> {
    memory(names, limits)
}

fn connect_shaped(names: &[&str], limits: &Limits) -> Vec<Endpoint> {
    shaped(names, limits, Shape { latency: Duration::from_millis(2), bits_per_second: 20e9 })
}

fn connect_loopback(names: &[&str], limits: &Limits) -> Vec<Endpoint> {
    loopback(names, limits).unwrap()
}

const ALL: [Connect; 3] = [connect_memory, connect_shaped, connect_loopback];

fn two(connect: Connect, limits: &Limits) -> [Endpoint; 2] {
    connect(&["alice", "bob"], limits).try_into().ok().unwrap()
}

fn three(connect: Connect) -> [Endpoint; 3] {
    connect(&["alice", "bob", "carol"], &Limits::default()).try_into().ok().unwrap()
}

fn frame(task: u32, words: usize) -> Frame {
    Frame::new(9, task, 1, FrameKind::Opening, vec![u64::from(task); words])
}

/// Each posts 1 GiB to the other, from one buffer, and only then receives.
fn exchange_1_gib(connect: Connect) {
    const FRAME: usize = 64 << 20;
    const COUNT: u32 = 16;
    let [alice, bob] = two(connect, &Limits::default());
    let buffer: Arc<Vec<u64>> = Arc::new((0..FRAME as u64 / 8).collect());
    let exchange = |me: Endpoint, peer: MemberId, buffer: Arc<Vec<u64>>| {
        for task in 0..COUNT {
            me.post(peer, Frame::new(0, task, 0, FrameKind::Opening, buffer.clone())).unwrap();
        }
        for task in 0..COUNT {
            let frame = me.receive(peer, PATIENCE).unwrap();
            assert_eq!(frame.header.task, task);
            assert!(frame.payload.words() == &buffer[..]);
        }
    };
    thread::scope(|scope| {
        let other = buffer.clone();
        scope.spawn(move || exchange(alice, BOB, other));
        scope.spawn(move || exchange(bob, ALICE, buffer));
    });
}

#[test]
fn a_gibibyte_each_way_at_once_in_memory() {
    exchange_1_gib(connect_memory);
}

#[test]
fn a_gibibyte_each_way_at_once_over_loopback() {
    exchange_1_gib(connect_loopback);
}

#[test]
fn frames_come_in_order_and_whole() {
    for connect in ALL {
        let members = three(connect);
        let sizes = [0, 1, 2044, 2045, 5000, 3, 200_000, 7];
        for from in &members {
            for to in from.members() {
                for (task, words) in (0..).zip(sizes) {
                    from.post(to, frame(task, words)).unwrap();
                }
                from.post(to, Frame::new(0, 8, 0, FrameKind::Control, &b"thirteen byte"[..])).unwrap();
            }
        }
        for to in &members {
            for from in to.members() {
                for (task, words) in (0..).zip(sizes) {
                    let expected = frame(task, words);
                    assert_eq!(to.expect(from, expected.header, PATIENCE).unwrap().payload, expected.payload);
                }
                assert_eq!(to.receive(from, PATIENCE).unwrap().payload.bytes(), b"thirteen byte");
            }
        }
    }
}

#[test]
fn memory_links_pass_pointers() {
    let [alice, bob] = two(connect_memory, &Limits::default());
    let words = vec![1_u64; 1000];
    let at = words.as_ptr();
    alice.post(BOB, Frame::new(0, 0, 0, FrameKind::Opening, words)).unwrap();
    let words = bob.receive(ALICE, PATIENCE).unwrap().payload.into_words();
    assert_eq!(words.as_ptr(), at);
}

#[test]
fn bounded_posting_blocks_and_resumes() {
    const FRAME: usize = 1 << 20;
    let limits = Limits { inbound: 2 * FRAME, ..Limits::default() };
    for connect in ALL {
        let [alice, bob] = two(connect, &limits);
        let posted = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let dealer = alice;
                for task in 0..100 {
                    dealer.post_bounded(BOB, frame(task, FRAME / 8), 2 * FRAME).unwrap();
                    posted.fetch_add(1, Ordering::SeqCst);
                }
            });
            // All that fits is posted; a while later no more is. What the system buffers is not ours to bound.
            let mut before = 0;
            while before == 0 || posted.load(Ordering::SeqCst) > before {
                before = posted.load(Ordering::SeqCst);
                thread::sleep(Duration::from_millis(200));
            }
            assert!((2..40).contains(&before), "{before} frames of 1 MiB posted ahead");
            for task in 0..100 {
                assert_eq!(bob.receive(ALICE, PATIENCE).unwrap().header.task, task);
            }
        });
    }
}

#[test]
fn bounded_posting_gives_up_and_names_the_peer() {
    let limits = Limits { room_wait: Duration::from_millis(100), ..Limits::default() };
    for connect in [connect_memory as Connect, connect_shaped] {
        let [alice, _bob] = two(connect, &limits);
        alice.post_bounded(BOB, frame(0, 10), 0).unwrap();
        let error = alice.post_bounded(BOB, frame(1, 10), 0).unwrap_err();
        assert!(matches!(&error, NetError::Timeout { peer, .. } if peer == "bob"), "{error}");
    }
}

#[test]
fn a_timeout_names_the_peer() {
    // over TCP it is known that nothing came at all
    for (connect, because) in ALL.into_iter().zip(["", "", " (0 bytes came from bob meanwhile)"]) {
        let [alice, _bob] = two(connect, &Limits::default());
        let start = Instant::now();
        let waited = Duration::from_millis(50);
        let error = alice.receive(BOB, waited).unwrap_err();
        let (peer, doing) = ("bob".into(), "receiving from");
        let because = because.to_owned();
        assert_eq!(error, NetError::Timeout { peer, because, waited, doing });
        assert!((waited..waited * 10).contains(&start.elapsed()));
        assert!(error.to_string().contains("bob"));
    }
}

#[test]
fn an_abort_wakes_whoever_waits_for_anyone() {
    for connect in ALL {
        let [alice, bob, carol] = three(connect);
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let start = Instant::now();
                // alice stays: bob must learn of carol's abort, not of alice having left
                (alice.receive(BOB, PATIENCE).unwrap_err(), start.elapsed(), alice)
            });
            thread::sleep(Duration::from_millis(50));
            carol.abort("out of memory", "conv_2", 4);
            let (error, waited, _alice) = waiting.join().unwrap();
            let cause = "out of memory".to_owned();
            let expected = NetError::Aborted { by: "carol".into(), node: "conv_2".into(), round: 4, cause };
            assert_eq!(error, expected);
            assert!(waited < Duration::from_secs(2));
            assert_eq!(bob.receive(ALICE, PATIENCE), Err(expected.clone()));
            assert_eq!(bob.post(CAROL, frame(0, 1)), Err(expected));
        });
        assert_eq!(carol.post(BOB, frame(0, 1)), Err(NetError::Stopped));
        assert_eq!(carol.receive(BOB, PATIENCE), Err(NetError::Stopped));
    }
}

#[test]
fn an_abort_wakes_a_dealer_that_waits_for_room() {
    for connect in ALL {
        let limits = Limits { inbound: 1 << 16, ..Limits::default() };
        let [dealer, bob] = two(connect, &limits);
        thread::scope(|scope| {
            let dealing = scope.spawn(move || {
                (0..).find_map(|task| dealer.post_bounded(BOB, frame(task, 1 << 17), 0).err())
            });
            thread::sleep(Duration::from_millis(200));
            let start = Instant::now();
            bob.abort("no", "", 2);
            assert!(start.elapsed() < Duration::from_secs(1));
            assert!(matches!(dealing.join().unwrap(), Some(NetError::Aborted { by, .. }) if by == "bob"));
        });
    }
}

#[test]
fn an_abort_overtakes_what_is_queued() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits { inbound: 1 << 20, ..Limits::default() });
        for task in 0..200 {
            alice.post(BOB, frame(task, 1 << 17)).unwrap();
        }
        thread::scope(|scope| {
            scope.spawn(move || {
                let start = Instant::now();
                alice.abort("overtakes", "", 0);
                drop(alice);
                assert!(start.elapsed() < Duration::from_secs(1));
            });
            let error = loop {
                match bob.receive(ALICE, PATIENCE) {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, NetError::Aborted { .. }), "{error}");
        });
    }
}

#[test]
fn what_was_posted_arrives_before_the_end() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits::default());
        thread::scope(|scope| {
            scope.spawn(move || {
                for task in 0..100 {
                    alice.post(BOB, frame(task, 1 << 16)).unwrap();
                }
            });
            for task in 0..100 {
                assert_eq!(bob.receive(ALICE, PATIENCE).unwrap().header.task, task);
            }
            assert_eq!(bob.receive(ALICE, PATIENCE), Err(NetError::Closed { peer: "alice".into() }));
            assert_eq!(bob.post(ALICE, frame(0, 1)), Err(NetError::Closed { peer: "alice".into() }));
        });
    }
}

#[test]
fn an_unexpected_frame_names_both() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits::default());
        alice.post(BOB, frame(3, 2)).unwrap();
        let expected = FrameHeader { task: 4, ..frame(3, 2).header };
        let error = bob.expect(ALICE, expected, PATIENCE).unwrap_err();
        let found = frame(3, 2).header;
        assert_eq!(error, NetError::Unexpected { peer: "alice".into(), expected, found });
    }
}

#[test]
fn frames_that_cannot_be_sent_are_refused() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits { max_frame: 80, ..Limits::default() });
        let too_long = NetError::TooLong { peer: "bob".into(), length: 88, limit: 80 };
        assert_eq!(alice.post(BOB, frame(0, 11)), Err(too_long));
        let mut wrong = frame(0, 1);
        wrong.header.length = 9;
        assert!(matches!(alice.post(BOB, wrong), Err(NetError::WrongLength { stated: 9, carried: 8, .. })));
        assert!(matches!(alice.post(ALICE, frame(0, 1)), Err(NetError::NoSuchPeer { member: 0, .. })));
        assert!(matches!(alice.receive(CAROL, PATIENCE), Err(NetError::NoSuchPeer { member: 2, .. })));
        alice.post(BOB, frame(0, 10)).unwrap();
        bob.receive(ALICE, PATIENCE).unwrap();
    }
}

#[test]
fn buffered_bytes_are_seen() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits::default());
        assert_eq!(bob.wait_buffered(ALICE, 1, Duration::from_millis(20)), Ok(0));
        for task in 0..10 {
            alice.post(BOB, frame(task, 100)).unwrap();
        }
        alice.flush(PATIENCE).unwrap();
        assert_eq!(bob.wait_buffered(ALICE, 8000, PATIENCE), Ok(8000));
        bob.receive(ALICE, PATIENCE).unwrap();
        assert_eq!(bob.buffered(ALICE), 7200);
    }
}

#[test]
fn meters_equal_what_was_sent() {
    for connect in ALL {
        let [alice, bob, _carol] = three(connect);
        let exchange = |phase, sizes: &[usize]| {
            alice.set_phase(phase);
            bob.set_phase(phase);
            for (task, words) in (0..).zip(sizes) {
                alice.post(BOB, frame(task, *words)).unwrap();
                bob.receive(ALICE, PATIENCE).unwrap();
            }
        };
        exchange(Phase::Setup, &[100]);
        assert_eq!(alice.meter().reset().total().sent.payload, 800);
        bob.meter().reset();
        exchange(Phase::Offline, &[1, 2, 3000]);
        exchange(Phase::Online, &[5, 0]);
        let (sent, received) = (alice.meter().snapshot(), bob.meter().snapshot());
        assert_eq!(sent.total().sent.messages, 5);
        assert_eq!(sent.in_phase(Phase::Offline).sent.payload, 8 * 3003);
        assert_eq!(sent.in_phase(Phase::Online).sent.payload, 40);
        assert_eq!(sent.in_phase(Phase::Setup).sent.messages, 0);
        assert_eq!(sent.of_task(0).sent.payload, 8 * 6);
        assert_eq!(sent.with_peer(CAROL).sent.messages, 0);
        assert!(sent.total().sent.wire >= sent.total().sent.payload + 5 * 24);
        let there: Vec<_> =
            sent.iter().map(|((_, task, phase), counts)| (task, phase, counts.sent)).collect();
        let here: Vec<_> =
            received.iter().map(|((_, task, phase), counts)| (task, phase, counts.received)).collect();
        assert_eq!(there, here);
    }
}

/// How late the frames of a shaped link are, at worst; fails if any is early.
fn lateness() -> Duration {
    let latency = Duration::from_millis(30);
    let shape = Shape { latency, bits_per_second: 80e6 };
    let members = shaped(&["alice", "bob", "dealer"], &Limits::default(), shape);
    let [alice, bob, dealer] = <[Endpoint; 3]>::try_from(members).ok().unwrap();
    // 1 MB takes 100 ms at 80 Mbit/s; the second waits for the first, the dealer's has its own link.
    let megabyte = |task| frame(task, 125_000);
    let start = Instant::now();
    alice.post(BOB, megabyte(1)).unwrap();
    alice.post(BOB, megabyte(2)).unwrap();
    dealer.post(BOB, megabyte(3)).unwrap();
    assert_eq!(bob.buffered(ALICE), 0);
    let mut late = Duration::ZERO;
    for (from, milliseconds) in [(CAROL, 130), (ALICE, 130), (ALICE, 230)] {
        bob.receive(from, PATIENCE).unwrap();
        let due = start + Duration::from_millis(milliseconds);
        late = late.max(Instant::now().checked_duration_since(due).expect("not early"));
    }
    // A link that was idle begins anew, and an empty frame takes the latency.
    let start = Instant::now();
    alice.post(BOB, frame(4, 0)).unwrap();
    bob.receive(ALICE, PATIENCE).unwrap();
    late.max(start.elapsed().checked_sub(latency).expect("not early"))
}

#[test]
fn a_shaped_link_takes_its_time() {
    // Never early; the machine may be busy, but not each time.
    assert!((0..10).any(|_| lateness() < Duration::from_millis(5)));
}

#[test]
fn an_interrupt_ends_every_wait_and_the_others_can_be_told() {
    for connect in ALL {
        let [alice, bob] = two(connect, &Limits { inbound: 1 << 16, ..Limits::default() });
        let interrupted = NetError::Interrupted { cause: "told to stop".into() };
        let interrupter = alice.interrupter();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                let start = Instant::now();
                let ends = [alice.receive(BOB, PATIENCE).err(), alice.receive(BOB, PATIENCE).err()];
                let dealt = (0..200).find_map(|task| alice.post_bounded(BOB, frame(task, 1 << 16), 0).err());
                alice.abort("told to stop", "relu", 3);
                (ends, dealt, start.elapsed())
            });
            thread::sleep(Duration::from_millis(50));
            interrupter.interrupt("told to stop");
            interrupter.interrupt("told again");
            let (ends, dealt, waited) = waiting.join().unwrap();
            assert_eq!(ends, [Some(interrupted.clone()), Some(interrupted.clone())]);
            assert_eq!(dealt, Some(interrupted));
            assert!(waited < Duration::from_secs(5));
        });
        let end = std::iter::repeat_with(|| bob.receive(ALICE, PATIENCE)).find_map(Result::err);
        assert!(
            matches!(end, Some(NetError::Aborted { by, node, round: 3, .. }) if by == "alice" && node == "relu")
        );
    }
}

#[test]
fn endpoints_know_who_is_who() {
    for connect in ALL {
        let [_, bob, _] = three(connect);
        assert_eq!(bob.id(), BOB);
        let peers: Vec<_> = bob.members().map(|peer| bob.name(peer)).collect();
        assert_eq!(peers, ["alice", "carol"]);
        assert_eq!(bob.count(), 3);
    }
}

#[test]
fn many_members_connect() {
    let names = ["a", "b", "c", "d", "e", "dealer"];
    let members = loopback(&names, &Limits::default()).unwrap();
    for member in &members {
        for peer in member.members() {
            member.post(peer, frame(u32::from(member.id().0), 1)).unwrap();
        }
    }
    for member in &members {
        for peer in member.members() {
            assert_eq!(member.receive(peer, PATIENCE).unwrap().header.task, u32::from(peer.0));
        }
    }
}
