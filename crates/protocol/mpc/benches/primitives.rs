//! Single operations on a million elements: two parties and a dealer, a thread each, over memory links. An iteration
//! is a whole session: seeds, dealing, evaluation, reveal.

use std::collections::BTreeMap;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tacita_graph::{Graph, NodeId, Op, Owner, Role, Visibility, dims, lower, ops, optimize};
use tacita_mpc::TARGET;
use tacita_mpc::{Config, Leaves, Plan, world};
use tacita_ring::RingTensor;

/// An operation of secret operands, planned, with its leaves.
fn case(op: impl Into<Op>, shapes: &[&[usize]]) -> (Arc<Plan>, Vec<Leaves>) {
    let mut graph = Graph::new();
    let owners: [Owner; 2] = [graph.owner("alice"), graph.owner("bob")];
    let operands: Vec<NodeId> = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| {
            let [a, b] = [0, 1].map(|p| {
                let name = format!("x{i} of {p}");
                graph
                    .input(&name, &dims(shape), Visibility::Private(owners[p]), Role::Data)
                    .expect("a fresh name")
            });
            graph.add(ops::Add {}, &[a, b], "").expect("the same shapes")
        })
        .collect();
    let result = graph.add(op, &operands, "result").expect("shapes that fit");
    graph.reveal(result, &owners[..1], "reveal").expect("a known owner");
    let program =
        Arc::new(lower(&optimize(&graph).expect("valid"), 16, &TARGET).expect("has a private form"));
    let names = ["alice".to_owned(), "bob".to_owned()];
    let plan = Arc::new(Plan::new(program.clone(), &names, BTreeMap::new()).expect("owners are parties"));
    let mut leaves = vec![Leaves::new(); 2];
    for id in program.ids() {
        let node = program.node(id);
        if let Visibility::Private(owner) = node.visibility
            && node.inputs.is_empty()
        {
            let data = (0..node.shape.iter().product::<usize>() as u64)
                .map(|i| i.wrapping_mul(0x9e37_79b9) % (1 << 20));
            leaves[owner.0 as usize]
                .insert(id, Arc::new(RingTensor::new(node.shape.clone(), data.collect())));
        }
    }
    (plan, leaves)
}

fn primitives(c: &mut Criterion) {
    const N: usize = 1 << 20;
    let mut group = c.benchmark_group("primitives");
    group.sample_size(10);
    group.throughput(Throughput::Elements(N as u64));
    let pool = ops::MaxPool {
        kernel: vec![2, 2],
        stride: vec![2, 2],
        pads_begin: vec![0, 0],
        pads_end: vec![0, 0],
        dilation: vec![1, 1],
        ceil_mode: false,
    };
    let cases: [(&str, Op, Vec<&[usize]>); 5] = [
        ("mul", ops::Mul {}.into(), vec![&[N], &[N]]),
        ("relu", ops::Relu {}.into(), vec![&[N]]),
        ("less", ops::Less {}.into(), vec![&[N], &[N]]),
        ("max_pool 2x2", pool.into(), vec![&[1, 1, 1024, 1024]]),
        ("matmul 512", ops::MatMul {}.into(), vec![&[512, 512], &[512, 512]]),
    ];
    for (name, op, shapes) in cases {
        let (plan, leaves) = case(op, &shapes);
        group.bench_function(name, |b| {
            b.iter(|| world::run(&plan, &leaves, &Leaves::new(), &Config::default(), 1).expect("a run"));
        });
    }
    group.finish();
}

criterion_group!(benches, primitives);
criterion_main!(benches);
