//! Where samples lie, and which nodes mix them.

use ndarray::{ArrayD, Axis, Slice};
use tacita_graph::ops::{self, Op};
use tacita_graph::testing::random_batch;
use tacita_graph::*;

/// Samples in the batch.
const B: usize = 3;

/// Builds a graph on samples `(B, 4, 6)`.
struct Net {
    graph: Graph,
    x: NodeId,
}

impl Net {
    fn new(batch: usize) -> Net {
        let mut graph = Graph::new();
        let alice = graph.owner("alice");
        let shape = dims(&[batch, 4, 6]);
        let x = graph.input("x", &shape, Visibility::Private(alice), Role::Data).unwrap();
        Net { graph, x }
    }

    fn add(&mut self, op: impl Into<Op>, inputs: &[NodeId]) -> NodeId {
        self.graph.add(op, inputs, "node").unwrap()
    }

    fn weight(&mut self, shape: &[usize]) -> NodeId {
        let name = format!("w{}", self.graph.nodes().len());
        let bob = self.graph.owner("bob");
        self.graph.input(&name, &dims(shape), Visibility::Private(bob), Role::Parameter).unwrap()
    }

    fn reshape(&mut self, x: NodeId, shape: &[usize]) -> NodeId {
        self.add(ops::Reshape { shape: dims(shape) }, &[x])
    }

    fn transpose(&mut self, x: NodeId, perm: &[usize]) -> NodeId {
        self.add(ops::Transpose { perm: perm.to_vec() }, &[x])
    }

    /// Where the samples of the result lie.
    fn end(mut self, y: NodeId, batch: usize) -> Result<SampleAxis, GraphError> {
        let alice = self.graph.owner("alice");
        let y = self.graph.reveal(y, &[alice], "y").unwrap();
        Ok(samples(&self.graph, &[self.x], batch)?[y.index()].unwrap())
    }
}

fn place(build: impl FnOnce(&mut Net) -> NodeId) -> Result<SampleAxis, GraphError> {
    let mut net = Net::new(B);
    let y = build(&mut net);
    net.end(y, B)
}

fn mixes(op: &str, build: impl FnOnce(&mut Net) -> NodeId) {
    match place(build) {
        Err(GraphError::MixesSamples { op: named, .. }) => assert_eq!(named, op),
        other => panic!("{op}: {other:?}"),
    }
}

const FIRST: SampleAxis = SampleAxis { axis: 0, outer: 1, inner: 1 };

#[test]
fn what_takes_samples_together_is_named() {
    mixes("Mean", |n| n.add(ops::Mean { axes: vec![0], keepdims: true }, &[n.x]));
    mixes("Sum", |n| n.add(ops::Sum { axes: vec![0, 1], keepdims: false }, &[n.x]));
    mixes("Max", |n| n.add(ops::Max { axis: 0, keepdims: true }, &[n.x]));
    mixes("ArgMax", |n| n.add(ops::ArgMax { axis: 0, keepdims: false }, &[n.x]));
    mixes("Softmax", |n| n.add(ops::Softmax { axis: 0 }, &[n.x]));
    mixes("CumSum", |n| n.add(ops::CumSum { axis: 0, exclusive: false, reverse: false }, &[n.x]));
    mixes("Sort", |n| n.add(ops::Sort { axis: 0, descending: true }, &[n.x]));
    mixes("ArgSort", |n| n.add(ops::ArgSort { axis: 0, descending: true }, &[n.x]));
    mixes("Normalize", |n| n.add(ops::Normalize { axes: vec![0, 2], epsilon: 1e-5, centre: true }, &[n.x]));
    // reversed, shifted, one for all
    mixes("Gather", |n| n.add(ops::Gather { axis: 0, indices: vec![2, 1, 0] }, &[n.x]));
    mixes("Gather", |n| n.add(ops::Gather { axis: 0, indices: vec![2, 0, 1] }, &[n.x]));
    mixes("Slice", |n| {
        let (starts, ends, steps) = (vec![0; 3], vec![1, 4, 6], vec![1; 3]);
        n.add(ops::Slice { starts, ends, steps }, &[n.x])
    });
    mixes("Pad", |n| n.add(ops::Pad { before: vec![1, 0, 0], after: vec![0; 3], value: 0.0 }, &[n.x]));
    mixes("Combine", |n| n.add(ops::Combine { axis: 0, rows: vec![vec![(0, 0.5), (1, 0.5)]; B] }, &[n.x]));
}

/// As a network in training normalises.
#[test]
fn a_batch_norm_in_training_form_mixes() {
    mixes("Mean", |n| {
        let mean = n.add(ops::Mean { axes: vec![0, 2], keepdims: true }, &[n.x]);
        n.add(ops::Sub, &[n.x, mean])
    });
}

#[test]
fn products_between_samples_mix() {
    let matrix = |n: &mut Net| n.reshape(n.x, &[B, 24]);
    mixes("MatMul", |n| {
        let (x, w) = (matrix(n), n.weight(&[5, B]));
        n.add(ops::MatMul, &[w, x])
    });
    mixes("MatMul", |n| {
        let x = matrix(n);
        let turned = n.transpose(x, &[1, 0]);
        n.add(ops::MatMul, &[x, turned])
    });
    // attention over the words of one sample
    let own = place(|n| {
        let turned = n.transpose(n.x, &[0, 2, 1]);
        n.add(ops::MatMul, &[n.x, turned])
    });
    assert_eq!(own, Ok(FIRST));
    mixes("Add", |n| {
        let row = n.reshape(n.x, &[1, B, 24]);
        let column = n.reshape(n.x, &[B, 1, 24]);
        n.add(ops::Add, &[row, column])
    });
    mixes("Add", |n| {
        let w = n.weight(&[B, 1, 1]);
        n.add(ops::Add, &[n.x, w])
    });
}

#[test]
fn samples_that_move_stay_apart() {
    let second = place(|n| n.transpose(n.x, &[1, 0, 2])).unwrap();
    assert_eq!(second, SampleAxis { axis: 1, ..FIRST });
    let back = place(|n| {
        let t = n.transpose(n.x, &[1, 0, 2]);
        let w = n.weight(&[6, 2]);
        let y = n.add(ops::MatMul, &[t, w]);
        n.transpose(y, &[1, 0, 2])
    });
    assert_eq!(back, Ok(FIRST));
    // folded into another axis and back, as windows and heads are
    let folded = place(|n| {
        let y = n.reshape(n.x, &[B * 4, 6]);
        let y = n.add(ops::Softmax { axis: 1 }, &[y]);
        n.reshape(y, &[B, 2, 12])
    });
    assert_eq!(folded, Ok(FIRST));
    assert_eq!(place(|n| n.reshape(n.x, &[B * 2, 12])).unwrap(), SampleAxis { inner: 2, ..FIRST });
    let heads = place(|n| {
        let t = n.transpose(n.x, &[1, 0, 2]);
        let t = n.reshape(t, &[4, B * 2, 3]);
        let t = n.transpose(t, &[1, 0, 2]);
        let t = n.add(ops::Softmax { axis: 2 }, &[t]);
        let t = n.transpose(t, &[1, 0, 2]);
        let t = n.reshape(t, &[4, B, 6]);
        n.transpose(t, &[1, 0, 2])
    });
    assert_eq!(heads, Ok(FIRST));
    mixes("Reshape", |n| {
        let t = n.transpose(n.x, &[1, 0, 2]);
        let t = n.reshape(t, &[2, 2 * B * 6]);
        let t = n.reshape(t, &[2, 2, B * 6]);
        n.reshape(t, &[4 * 2, B * 3])
    });
}

#[test]
fn what_all_samples_share_may_join_them() {
    let token = place(|n| {
        let token = n.weight(&[1, 1, 6]);
        let token = n.add(ops::Expand { shape: dims(&[B, 1, 6]) }, &[token]);
        n.add(ops::Concat { axis: 1 }, &[token, n.x])
    });
    assert_eq!(token, Ok(FIRST));
    mixes("Concat", |n| {
        let token = n.weight(&[1, 4, 6]);
        n.add(ops::Concat { axis: 0 }, &[token, n.x])
    });
    // twice the batch, of which the first half is left
    let halves = place(|n| {
        let twice = n.add(ops::Neg, &[n.x]);
        let both = n.add(ops::Concat { axis: 0 }, &[n.x, twice]);
        let (starts, ends, steps) = (vec![B, 0, 0], vec![2 * B, 4, 6], vec![1; 3]);
        n.add(ops::Slice { starts, ends, steps }, &[both])
    });
    assert_eq!(halves, Ok(FIRST));
    mixes("Reveal", |n| n.add(ops::Concat { axis: 0 }, &[n.x, n.x]));
    mixes("Reveal", |n| n.weight(&[5]));
}

/// Cuts the parts of sample `index` out of a value.
fn part(value: &ArrayD<f64>, at: SampleAxis, index: usize) -> ArrayD<f64> {
    let range = index * at.inner..(index + 1) * at.inner;
    value.slice_axis(Axis(at.axis), Slice::from(range)).to_owned()
}

/// For random graphs: where samples do not mix, each has the result that it has among copies of itself.
#[test]
fn rows_do_not_notice_one_another() {
    let (mut apart, mut mixed) = (0, 0);
    for seed in 0..900 {
        let case = random_batch(seed, 2 + seed as usize % 6, B);
        let graph = &case.graph;
        let batched: Vec<NodeId> = graph.inputs().into_iter().take(2).collect();
        let draws = graph.nodes().iter().any(|node| node.op.draw().is_some());
        if draws || !graph.keeps().is_empty() {
            continue;
        }
        let Ok(places) = samples(graph, &batched, B) else {
            mixed += 1;
            continue;
        };
        apart += 1;
        let all = plain(graph, &case.inputs).unwrap();
        for sample in 0..B {
            let mut inputs = case.inputs.clone();
            for id in &batched {
                let value = inputs.get_mut(&graph.node(*id).name).unwrap();
                let one = part(&value.to_f64(), FIRST, sample);
                *value = ndarray::concatenate(Axis(0), &vec![one.view(); B]).unwrap().into();
            }
            let alone = plain(graph, &inputs).unwrap();
            for id in graph.reveals() {
                let at = places[id.index()].unwrap();
                let want = part(&all[&id], at, sample);
                for other in 0..B {
                    let got = part(&alone[&id], at, other);
                    let close = (&got - &want).iter().all(|d| d.abs() <= 1e-9 * (1.0 + LARGEST));
                    assert!(close, "seed {seed}: {got} is not {want}");
                }
            }
        }
    }
    assert!(apart > 100 && mixed > 100, "{apart} apart, {mixed} mixed");
}

const LARGEST: f64 = tacita_graph::testing::LARGEST;

#[test]
fn sizes_that_enter_as_numbers_are_found() {
    let sized = |batch: usize, build: &dyn Fn(&mut Net, usize) -> NodeId| {
        let mut net = Net::new(batch);
        let y = build(&mut net, batch);
        let alice = net.graph.owner("alice");
        net.graph.reveal(y, &[alice], "y").unwrap();
        (net.graph, net.x)
    };
    let same = |build: &dyn Fn(&mut Net, usize) -> NodeId| {
        let ((a, x), (b, z)) = (sized(2, build), sized(3, build));
        same_per_sample((&a, &[x], 2), (&b, &[z], 3))
    };
    let number = |n: &mut Net, value: f64| n.add(ops::Constant { shape: vec![], value }, &[]);
    same(&|n, batch| {
        let half = number(n, 0.5);
        let y = n.add(ops::Mul, &[n.x, half]);
        n.reshape(y, &[batch * 4, 6])
    })
    .unwrap();
    let scaled = same(&|n, batch| {
        let count = number(n, batch as f64);
        n.add(ops::Div, &[n.x, count])
    });
    assert!(matches!(scaled, Err(GraphError::MixesSamples { .. })), "{scaled:?}");
    // the number of samples, counted with ones
    let counted = same(&|n, batch| {
        let ones = n.add(ops::Constant { shape: dims(&[batch]), value: 1.0 }, &[]);
        let count = n.add(ops::Sum { axes: vec![0], keepdims: false }, &[ones]);
        n.add(ops::Mul, &[n.x, count])
    });
    assert!(matches!(counted, Err(GraphError::MixesSamples { op: "Sum", .. })), "{counted:?}");
    let wider = same(&|n, batch| {
        let row = n.reshape(n.x, &[batch, 24, 1]);
        n.add(ops::Expand { shape: dims(&[batch, 24, batch]) }, &[row])
    });
    assert!(matches!(wider, Err(GraphError::MixesSamples { op: "Expand", .. })), "{wider:?}");
}
