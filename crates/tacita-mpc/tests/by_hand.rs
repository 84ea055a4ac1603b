//! Small programs written by hand.
use std::collections::BTreeMap;
use std::sync::Arc;
use tacita_graph::*;
use tacita_mpc::*;
use tacita_ring::RingTensor;

fn node(op: RingOp, inputs: &[u32], shape: &[usize], kind: RingKind, visibility: Visibility) -> RingNode {
    RingNode {
        op,
        inputs: inputs.iter().map(|&i| RingId(i)).collect(),
        shape: shape.to_vec(),
        kind,
        visibility,
        origin: NodeId(0),
    }
}

#[test]
fn relu_of_a_product() {
    let ring = |frac| RingKind::Ring { frac };
    let (a, b, s) = (Visibility::Private(Owner(0)), Visibility::Private(Owner(1)), Visibility::Secret);
    let m = 700;
    let nodes = vec![
        node(RingOp::Input { persistent: false }, &[], &[m, 3], ring(16), a),
        node(RingOp::Input { persistent: true }, &[], &[3, 2], ring(16), b),
        node(RingOp::MatMul, &[0, 1], &[m, 2], ring(32), s),
        node(RingOp::Negative, &[2], &[m, 2], RingKind::Bits { planes: 1 }, s),
        node(RingOp::NotBits, &[3], &[m, 2], RingKind::Bits { planes: 1 }, s),
        node(RingOp::Choose { truncate: 16 }, &[4, 2], &[m, 2], ring(16), s),
        node(
            RingOp::Slice { starts: vec![0, 0], ends: vec![m, 1], steps: vec![1, 1] },
            &[2],
            &[m, 1],
            ring(32),
            s,
        ),
        node(
            RingOp::Slice { starts: vec![0, 1], ends: vec![m, 2], steps: vec![1, 1] },
            &[2],
            &[m, 1],
            ring(32),
            s,
        ),
        node(RingOp::Constant { value: 0 }, &[], &[m, 1], ring(32), Visibility::Public),
        node(RingOp::Winner, &[6, 7, 8], &[m, 1], RingKind::Bits { planes: 3 }, s),
        node(RingOp::Choose { truncate: 16 }, &[9, 6, 7, 8], &[m, 1], ring(16), s),
        node(RingOp::Reveal { to: vec![Owner(0)] }, &[5], &[m, 2], ring(16), s),
        node(RingOp::Reveal { to: vec![Owner(0), Owner(1)] }, &[10], &[m, 1], ring(16), s),
        node(RingOp::Truncate { bits: 16 }, &[2], &[m, 2], ring(16), s),
        node(RingOp::Mul, &[13, 13], &[m, 2], ring(32), s),
        node(RingOp::Reveal { to: vec![Owner(1)] }, &[14], &[m, 2], ring(32), s),
        node(RingOp::Reveal { to: vec![Owner(1)] }, &[9], &[m, 1], RingKind::Bits { planes: 3 }, s),
    ];
    for parties in 2..5 {
        let names: Vec<String> =
            ["alice", "bob", "carol", "dave"][..parties].iter().map(|s| s.to_string()).collect();
        let program = Arc::new(RingProgram {
            nodes: nodes.clone(),
            precision: 16,
            owners: vec!["alice".into(), "bob".into()],
            node_names: vec!["n".into()],
        });
        let keys = BTreeMap::from([(RingId(1), [1u8; 32])]);
        let plan = Arc::new(Plan::new(program, &names, keys).unwrap());
        let x: Vec<f64> = (0..3 * m).map(|i| ((i * 7919) % 1000) as f64 / 37.0 - 13.0).collect();
        let w = [1.5, -2.25, 0.125, 3.0, -0.5, 0.75];
        let enc = |v: &[f64], s: &[usize]| {
            Arc::new(RingTensor::new(
                s.to_vec(),
                v.iter().map(|x| (x * 65536.0).round() as i64 as u64).collect(),
            ))
        };
        let mut leaves = vec![Leaves::new(); parties];
        leaves[0].insert(RingId(0), enc(&x, &[m, 3]));
        leaves[1].insert(RingId(1), enc(&w, &[3, 2]));
        let runs = world::run(&plan, &leaves, &Leaves::new(), &Config::default(), 3).unwrap();
        for (outcomes, dealt) in runs {
            let (measured, _) = measure(&plan, &outcomes, &dealt);
            let mut cost = plan.cost();
            assert_eq!(measured.online_bytes, cost.online_bytes);
            assert_eq!(measured.offline_bytes, cost.offline_bytes);
            cost.setup_bytes = measured.setup_bytes.clone();
            assert_eq!(measured, cost);
            let get = |p: usize, id: u32| match &outcomes[p].revealed[&RingId(id)] {
                Revealed::Ring(t) => t.data().iter().map(|&v| v as i64).collect::<Vec<_>>(),
                _ => panic!(),
            };
            let (relu, max, square) = (get(0, 11), get(1, 12), get(1, 15));
            assert_eq!(get(0, 12), max);
            assert!(!outcomes[1].revealed.contains_key(&RingId(11)));
            let Revealed::Bits(bits) = &outcomes[1].revealed[&RingId(16)] else { panic!() };
            for i in 0..m {
                let z: Vec<f64> = (0..2).map(|j| (0..3).map(|k| x[3 * i + k] * w[2 * k + j]).sum()).collect();
                let xi: Vec<f64> = (0..3).map(|k| (x[3 * i + k] * 65536.0).round() / 65536.0).collect();
                let exact: Vec<f64> = (0..2).map(|j| (0..3).map(|k| xi[k] * w[2 * k + j]).sum()).collect();
                for j in 0..2 {
                    let e = relu[2 * i + j] as f64 / 65536.0 - exact[j].max(0.0);
                    assert!(e.abs() <= 1.0 / 65536.0, "{e} {z:?}");
                    let sq = square[2 * i + j] as f64 / 65536.0 / 65536.0;
                    assert!(
                        (sq - exact[j] * exact[j]).abs() <= 2.0 * exact[j].abs() / 65536.0 + 1e-9,
                        "{sq} {}",
                        exact[j]
                    );
                }
                let e = max[i] as f64 / 65536.0 - exact[0].max(exact[1]).max(0.0);
                assert!(e.abs() <= 1.0 / 65536.0);
                let want = if exact[0] >= exact[1] && exact[0] >= 0.0 {
                    0
                } else if exact[1] >= 0.0 {
                    1
                } else {
                    2
                };
                for p in 0..3 {
                    assert_eq!(bits.get(i, p), p == want);
                }
            }
        }
        println!("{parties}: rounds {} cost {:?}", plan.rounds(), plan.cost().online_bytes);
    }
}
