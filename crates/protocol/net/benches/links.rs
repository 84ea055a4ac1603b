//! One-way throughput and round trip of links, both ends on this machine.

use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tacita_net::{Endpoint, Frame, FrameKind, Limits, MemberId, loopback, memory};

const PATIENCE: Duration = Duration::from_secs(60);
const ALICE: MemberId = MemberId(0);
const BOB: MemberId = MemberId(1);

fn pair(transport: &str) -> (Endpoint, Endpoint) {
    let (names, limits) = (["alice", "bob"], Limits::default());
    let mut members = match transport {
        "memory" => memory(&names, &limits),
        _ => loopback(&names, &limits).expect("loopback is there"),
    };
    let bob = members.pop().expect("two members");
    (members.pop().expect("two members"), bob)
}

/// Bob answers every frame with an empty one when `echo`, and with the frame itself otherwise; ends with alice.
fn answering(bob: Endpoint, acknowledge: bool) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        while let Ok(frame) = bob.receive(ALICE, PATIENCE) {
            let last = frame.header.step == 1;
            let answer = if acknowledge {
                black_box(frame.payload.words().last().copied());
                last.then(|| Frame::new(0, 0, 0, FrameKind::Control, Vec::<u64>::new()))
            } else {
                Some(frame)
            };
            if let Some(answer) = answer
                && bob.post(ALICE, answer).is_err()
            {
                return;
            }
        }
    })
}

/// 256 MiB from alice to bob in frames of a size, from one buffer, until bob says that he has the last.
fn throughput(criterion: &mut Criterion) {
    const TOTAL: usize = 256 << 20;
    let mut group = criterion.benchmark_group("one way");
    group.throughput(Throughput::Bytes(TOTAL as u64)).sample_size(10);
    for transport in ["memory", "loopback"] {
        for size in [64 << 10, 1 << 20, 16 << 20] {
            let (alice, bob) = pair(transport);
            let bob = answering(bob, true);
            let buffer = Arc::new(vec![0x5555_aaaa_5555_aaaa_u64; size / 8]);
            group.bench_function(
                BenchmarkId::new(transport, format!("{} KiB frames", size >> 10)),
                |bench| {
                    bench.iter(|| {
                        let count = TOTAL / size;
                        for index in 0..count {
                            let last = u16::from(index + 1 == count);
                            let frame = Frame::new(0, 0, last, FrameKind::Opening, buffer.clone());
                            alice.post(BOB, frame).expect("bob listens");
                        }
                        alice.receive(BOB, PATIENCE).expect("bob answers");
                    });
                },
            );
            drop(alice);
            bob.join().expect("bob ends");
        }
    }
}

fn round_trip(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("round trip");
    for transport in ["memory", "loopback"] {
        for size in [64, 16 << 10, 256 << 10] {
            let (alice, bob) = pair(transport);
            let bob = answering(bob, false);
            let buffer = Arc::new(vec![7_u64; size / 8]);
            group.bench_function(BenchmarkId::new(transport, format!("{size} bytes")), |bench| {
                bench.iter_custom(|times| {
                    let start = Instant::now();
                    for _ in 0..times {
                        alice
                            .post(BOB, Frame::new(0, 0, 0, FrameKind::Opening, buffer.clone()))
                            .expect("bob listens");
                        black_box(alice.receive(BOB, PATIENCE).expect("bob answers"));
                    }
                    start.elapsed()
                });
            });
            drop(alice);
            bob.join().expect("bob ends");
        }
    }
}

criterion_group!(links, throughput, round_trip);
criterion_main!(links);
