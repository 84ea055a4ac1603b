//! Random graphs, with the numbers of their attributes as float32 holds them.

use std::collections::BTreeSet;

use tacita_graph::testing::random_case;
use tacita_graph::{Graph, Inputs, NodeId, Op};
use tacita_onnx::{ExportError, ImportError};

use super::{Stopped, round_trip};

fn narrow(value: &mut f64) {
    *value = f64::from(*value as f32);
}

/// The same graph, its numbers as a model has them.
fn narrowed(graph: &Graph) -> Graph {
    let mut again = Graph::new();
    for owner in graph.owners() {
        again.owner(owner);
    }
    for node in graph.nodes() {
        let mut op = node.op.clone();
        match &mut op {
            Op::Input(op) => op.range = None,
            Op::Constant(op) => narrow(&mut op.value),
            Op::Clip(op) => op.min.iter_mut().chain(&mut op.max).for_each(narrow),
            Op::Pad(op) => narrow(&mut op.value),
            Op::Combine(op) => op.rows.iter_mut().flatten().for_each(|(_, weight)| narrow(weight)),
            _ => {}
        }
        again.add(op, &node.inputs, &node.name).unwrap();
    }
    again
}

#[test]
fn random_graphs_survive() {
    const SEEDS: u64 = 600;
    let (mut compared, mut gradients, mut draws, mut public) = (0, 0, 0, 0);
    for seed in 0..SEEDS {
        let case = random_case(seed, 12);
        let graph = narrowed(&case.graph);
        let mut values: Inputs = case.inputs;
        for value in values.values_mut() {
            let mut numbers = value.to_f64();
            numbers.iter_mut().for_each(narrow);
            *value = numbers.into();
        }
        for end in graph.reveals().into_iter().chain(graph.keeps()) {
            let needed = needed(&graph, end);
            if needed.iter().any(|&id| graph.node(id).op.draw().is_some()) {
                draws += 1;
                continue;
            }
            // the model's input: one that has axes, as an importer asks for
            let is_data =
                |id: &&NodeId| matches!(graph.node(**id).op, Op::Input(_)) && graph.node(**id).ty.rank() > 0;
            let Some(&data) = needed.iter().find(is_data) else { continue };
            let data = graph.node(data).name.clone();
            let name = format!("random_{seed}_{}", end.0);
            match round_trip(&name, &graph, &values, &data, &[("y".to_string(), end)], 1e-6) {
                Ok(()) => compared += 1,
                Err(Stopped::Wrong(error)) if error.contains("(MaxPoolGradient) has no form") => {
                    gradients += 1
                }
                // parameters that are integers or bits: the importer takes them as sizes
                Err(Stopped::Import(ImportError::Refused { reason, .. }))
                    if reason.contains("as with data") || reason.contains("must have integers") =>
                {
                    public += 1;
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    println!(
        "{compared} compared, {gradients} with a gradient, {draws} that draw, {public} with whole parameters"
    );
    assert!(compared > SEEDS, "{compared}");
}

/// What a node needs, itself included.
fn needed(graph: &Graph, end: NodeId) -> BTreeSet<NodeId> {
    let mut needed = BTreeSet::from([end]);
    for id in graph.ids().rev() {
        if needed.contains(&id) {
            needed.extend(&graph.node(id).inputs);
        }
    }
    needed
}

#[test]
fn the_error_names_the_node() {
    let graph = random_graph_with_a_gradient();
    let id = graph.ids().find(|&id| matches!(graph.node(id).op, Op::MaxPoolGradient(_))).unwrap();
    let values = graph.inputs().into_iter().map(|id| {
        let node = graph.node(id);
        (node.name.clone(), ndarray::ArrayD::<f64>::zeros(node.ty.shape.clone()))
    });
    match tacita_onnx::export_bytes(&graph, &[("y", id)], &values.collect()) {
        Err(ExportError::Refused { node, op, .. }) => {
            assert_eq!((node, op), (graph.node(id).name.clone(), "MaxPoolGradient"));
        }
        other => panic!("{other:?}"),
    }
}

fn random_graph_with_a_gradient() -> Graph {
    let graphs = (0..).map(|seed| random_case(seed, 12).graph);
    let mut with =
        graphs.filter(|graph| graph.nodes().iter().any(|node| node.op.name() == "MaxPoolGradient"));
    with.next().unwrap()
}
