//! Random graphs.

use std::collections::BTreeSet;

use tacita_graph::testing::random_case;
use tacita_graph::{DType, Graph, GraphError, Inputs, NodeId, grad, plain_all};

use crate::setting::{STEP, Setting};

/// The operations through which derivatives must have gone: all that have one, but `ReluMaxPool`, which rewriting makes.
const DIFFERENTIABLE: [&str; 53] = [
    "Abs",
    "Add",
    "AveragePool",
    "BatchNorm",
    "Cast",
    "Clip",
    "Combine",
    "Concat",
    "Conv",
    "Cos",
    "CumSum",
    "Div",
    "Erf",
    "Exp",
    "Expand",
    "Floor",
    "Gather",
    "Gelu",
    "Log",
    "LogSoftmax",
    "LogSumExp",
    "MatMul",
    "Max",
    "MaxPool",
    "Maximum",
    "Mean",
    "Min",
    "Minimum",
    "Mul",
    "Neg",
    "Normalize",
    "Pad",
    "Pick",
    "Precision",
    "Reciprocal",
    "Relu",
    "ReluGradient",
    "Reshape",
    "Rsqrt",
    "Select",
    "Sigmoid",
    "Sign",
    "Silu",
    "Sin",
    "Slice",
    "Softmax",
    "Softplus",
    "Sort",
    "Sqrt",
    "Sub",
    "Sum",
    "Tanh",
    "Transpose",
];

#[test]
fn of_random_graphs() {
    let (mut checked, mut certain, mut through) = (0, 0.0, BTreeSet::new());
    for seed in 0..1500 {
        let case = random_case(seed, 8);
        let mut s = Setting::new(seed);
        (s.graph, s.inputs) = (case.graph, case.inputs);
        let known = s.graph.reveals()[0];
        let y = s.graph.node(known).inputs[0];
        if s.graph.node(y).ty.dtype != DType::Fixed || s.graph.node(y).ty.visibility.is_clear() {
            continue;
        }
        let inputs: Vec<NodeId> =
            s.graph.inputs().into_iter().filter(|id| s.graph.node(*id).ty.dtype == DType::Fixed).collect();
        let loss = s.loss(y);
        for x in inputs {
            let mut copy = Setting {
                graph: s.graph.clone(),
                inputs: s.inputs.clone(),
                ties: true,
                ..Setting::new(seed)
            };
            match grad(&mut copy.graph.clone(), loss, &[x]) {
                Err(GraphError::NoPath { .. } | GraphError::NoDerivative { .. }) => continue,
                Err(error) => panic!("{seed}: {error}"),
                Ok(_) => {}
            }
            if jumps(&copy, loss, x) {
                continue;
            }
            certain += copy.compare(loss, &[x], &format!("graph {seed}"));
            checked += 1;
            through.extend(on_the_way(&s.graph, x, loss));
        }
    }
    assert!(checked > 500, "{checked} derivatives were compared");
    assert!(certain > 0.9 * f64::from(checked), "the error model says something of {certain} of {checked}");
    let missing: Vec<_> = DIFFERENTIABLE.iter().filter(|name| !through.contains(*name)).collect();
    assert!(missing.is_empty(), "no derivative went through {missing:?}");
}

/// The operations on the way from a node to another.
fn on_the_way(graph: &Graph, from: NodeId, to: NodeId) -> BTreeSet<&'static str> {
    let mut after = vec![false; to.index() + 1];
    let mut names = BTreeSet::new();
    after[from.index()] = true;
    let mut before = after.clone();
    for id in graph.ids().take(to.index() + 1) {
        after[id.index()] |= graph.node(id).inputs.iter().any(|input| after[input.index()]);
    }
    before[to.index()] = true;
    for (index, node) in graph.nodes().iter().enumerate().take(to.index() + 1).rev() {
        if before[index] && after[index] {
            names.insert(node.op.name());
            node.inputs.iter().for_each(|input| before[input.index()] = true);
        }
    }
    names
}

/// Whether the loss jumps, or bends sharply, within a step of some element: roundings, comparisons, ties.
fn jumps(s: &Setting, loss: NodeId, x: NodeId) -> bool {
    let name = &s.graph.node(x).name;
    let declared = |inputs: &Inputs| plain_all(&s.graph, inputs).ok();
    (0..s.inputs[name].len()).any(|at| {
        let at_step = |step: f64| {
            let mut inputs = s.inputs.clone();
            let mut data = inputs[name].to_f64();
            *data.iter_mut().nth(at).unwrap() += step;
            inputs.insert(name, data);
            declared(&inputs).map(|values| *values[loss.index()].iter().next().unwrap())
        };
        let points: Option<Vec<f64>> =
            [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0].map(|k| at_step(k * STEP)).into_iter().collect();
        let Some(p) = points else { return true };
        let slopes = [(p[5] - p[0]) / 4.0, (p[4] - p[1]) / 2.0, p[3] - p[2], p[1] - p[0], p[5] - p[4]];
        let (low, high) =
            slopes.iter().fold((f64::MAX, f64::MIN), |(low, high), s| (low.min(*s), high.max(*s)));
        high - low > STEP * 1e-2 * (1.0 + high.abs() / STEP)
    })
}
