//! Sorting: how many rounds, what its openings show, and that all is in order at the limits.

mod common;

use std::collections::BTreeMap;

use common::compare::compare;
use common::{Case, recording};
use ndarray::{ArrayD, IxDyn};
use tacita_graph::testing::Random;
use tacita_graph::{DType, Graph, GraphError, Inputs, Role, Visibility, dims, ops};
use tacita_mpc::Hooks;
use tacita_net::FrameKind;

/// The sum of an input of alice and one of bob in order, revealed to alice.
fn sorting(n: usize, dtype: DType) -> Result<Graph, GraphError> {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let mut input = |name: &str, owner| {
        graph.input_of(name, &dims(&[n]), Visibility::Private(owner), Role::Data, dtype).unwrap()
    };
    let (x, y) = (input("x", alice), input("y", bob));
    let sum = graph.add(ops::Add, &[x, y], "sum").unwrap();
    let sorted = graph.add(ops::Sort { axis: 0, descending: false }, &[sum], "sorted")?;
    let order = graph.add(ops::ArgSort { axis: 0, descending: false }, &[sum], "order")?;
    graph.reveal(sorted, &[alice], "values").unwrap();
    graph.reveal(order, &[alice], "indices").unwrap();
    Ok(graph)
}

fn inputs(x: Vec<f64>) -> Inputs {
    let zeros = ArrayD::zeros(IxDyn(&[x.len()]));
    Inputs::from([("x", ndarray::Array1::from(x).into_dyn()), ("y", zeros)])
}

#[test]
fn values_and_indices_come_from_one_sort_in_p_plus_four_rounds() {
    for parties in 2..=4 {
        let case = Case::new(&sorting(256, DType::Fixed).unwrap(), parties, 16);
        assert_eq!(case.plan.rounds(), parties as u32 + 4 + 1, "and one of the reveals");
        let sorts = case.program.nodes.iter().filter(|node| node.op.name() == "Sort").count();
        assert_eq!(sorts, 1);
    }
}

#[test]
fn as_many_and_as_large_as_there_may_be() {
    let mut random = Random::new(3);
    let x = (0..1024).map(|_| (random.below(9) as f64 - 4.0) * 2f64.powi(27)).collect();
    compare(&Case::new(&sorting(1024, DType::Fixed).unwrap(), 2, 16), &inputs(x), 1);
    let x = (0..256).map(|_| (random.below(9) as f64 - 4.0) * 2f64.powi(51)).collect();
    compare(&Case::new(&sorting(256, DType::Int).unwrap(), 3, 16), &inputs(x), 2);
    let refused = sorting(1025, DType::Int).unwrap_err().to_string();
    assert!(refused.contains("sorted") && refused.contains("1024"), "{refused}");
    let refused = tacita_graph::lower(&sorting(64, DType::Fixed).unwrap(), 5, &tacita_mpc::TARGET)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("precision"), "{refused}");
}

#[test]
fn outcomes_are_those_of_a_uniform_permutation_whatever_the_keys() {
    // three keys have three pairs, so six of the eight outcomes, each of which must come with probability 1/6
    let case = Case::new(&sorting(3, DType::Int).unwrap(), 2, 16);
    let runs = 600;
    for keys in [[1.0, 2.0, 3.0], [9.0, 9.0, -5.0]] {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for _ in 0..runs {
            let (config, sent) = recording(Hooks::default());
            case.run(&inputs(keys.to_vec()), &config, 1);
            let sent = sent.lock().unwrap();
            let last = sent
                .iter()
                .filter(|(_, _, frame)| frame.header.kind == FrameKind::Opening)
                .map(|(_, _, frame)| (frame.header.task, frame.header.step))
                .max()
                .unwrap();
            let of_last = |s: &&common::Sent| (s.2.header.task, s.2.header.step) == last;
            let word = sent.iter().filter(of_last).fold(0, |word, s| word ^ s.2.payload.words()[0]);
            *counts.entry(word).or_default() += 1;
        }
        assert_eq!(counts.len(), 6, "{counts:?}");
        let expected = f64::from(runs) / 6.0;
        let chi: f64 = counts.values().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        // five degrees of freedom: above 40 with a probability below 2e-7
        assert!(chi < 40.0, "{counts:?}");
    }
}
