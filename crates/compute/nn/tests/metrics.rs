//! Figures of answers against their definitions.

use ndarray::{Array2, ArrayD, Ix2};
use tacita_graph::testing::TARGET;
use tacita_graph::{
    DType, Graph, Inputs, Nearest, NodeId, Role, Visibility, dims, encode_every_leaf, fixed, lower, plain,
};
use tacita_nn::Answers;

/// Numbers that repeat themselves nowhere soon.
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1u64 << 24) as f64 - 0.5
    }
}

/// The figure in the clear and in fixed point.
fn figure(
    outputs: &Array2<f64>,
    labels: &ArrayD<f64>,
    of: fn(&Answers, &mut Graph) -> Result<NodeId, tacita_graph::GraphError>,
) -> [ArrayD<f64>; 2] {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let dtype = if labels.ndim() == 2 { DType::Bit } else { DType::Int };
    let x = dims(outputs.shape());
    let x = graph.input("x", &x, Visibility::Private(alice), Role::Data).unwrap();
    let t = graph.input_of("t", &dims(labels.shape()), Visibility::Private(bob), Role::Data, dtype).unwrap();
    let answer = of(&Answers { outputs: x, labels: t }, &mut graph).unwrap();
    let shown = graph.reveal(answer, &[alice], "figure").unwrap();
    let inputs =
        Inputs::from([("x".to_owned(), outputs.clone().into_dyn()), ("t".to_owned(), labels.clone())]);
    let plain = plain(&graph, &inputs).unwrap();
    let program = lower(&graph, 16, &TARGET).unwrap();
    let leaves = encode_every_leaf(&graph, &program, &inputs).unwrap();
    let last = program.nodes.len() - 1;
    let values = fixed(&program, &leaves, &mut Nearest);
    let in_fixed_point = values[last].to_f64(program.nodes[last].ty);
    [plain[&shown].clone(), in_fixed_point]
}

#[test]
fn two_classes() {
    for (rows, seed) in [(2, 1), (7, 2), (113, 3), (700, 4)] {
        let mut next = numbers(seed);
        // coarse, so that some are equal
        let outputs = Array2::from_shape_simple_fn((rows, 1), || (next() * 64.0).round() / 16.0);
        let mut labels =
            Array2::from_shape_fn((rows, 1), |(row, _)| f64::from(outputs[[row, 0]] + 3.0 * next() > 0.0));
        (labels[[0, 0]], labels[[1, 0]]) = (0.0, 1.0);
        let pairs = |seen: f64, label: f64| {
            let rows = (0..rows)
                .filter(|&row| f64::from(outputs[[row, 0]] >= 0.0) == seen && labels[[row, 0]] == label);
            rows.count() as f64
        };
        let table = [[pairs(0.0, 0.0), pairs(1.0, 0.0)], [pairs(0.0, 1.0), pairs(1.0, 1.0)]];
        let dynamic = labels.clone().into_dyn();
        for got in figure(&outputs, &dynamic, Answers::right) {
            assert_eq!(got.sum(), table[0][0] + table[1][1]);
        }
        for got in figure(&outputs, &dynamic, Answers::confusion) {
            let got = got.into_dimensionality::<Ix2>().unwrap();
            assert_eq!(got, ndarray::arr2(&table));
        }
        let (mut won, mut all) = (0.0, 0.0);
        for (one, zero) in (0..rows).flat_map(|one| (0..rows).map(move |zero| (one, zero))) {
            if labels[[one, 0]] == 1.0 && labels[[zero, 0]] == 0.0 {
                all += 1.0;
                won += match outputs[[one, 0]].total_cmp(&outputs[[zero, 0]]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
        for got in figure(&outputs, &dynamic, Answers::auc) {
            assert!((got.sum() - won / all).abs() < 2f64.powi(-9), "{rows}: {got} for {}", won / all);
        }
    }
    let one_class =
        figure(&ndarray::arr2(&[[0.5], [1.5]]), &ndarray::arr2(&[[1.0], [1.0]]).into_dyn(), Answers::auc);
    assert!(one_class.iter().all(|got| got.sum() == 0.0), "{one_class:?}");
}

#[test]
fn five_classes() {
    let mut next = numbers(9);
    let outputs = Array2::from_shape_simple_fn((90, 5), &mut next);
    let labels = ndarray::Array1::from_shape_fn(90, |row| (row % 5) as f64).into_dyn();
    let mut table = Array2::zeros((5, 5));
    for (row, label) in outputs.outer_iter().zip(&labels) {
        let said = (0..5).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        table[[*label as usize, said]] += 1.0;
    }
    for got in figure(&outputs, &labels, Answers::confusion) {
        assert_eq!(got.into_dimensionality::<Ix2>().unwrap(), table);
    }
    for got in figure(&outputs, &labels, Answers::right) {
        assert_eq!(got.sum(), table.diag().sum());
    }
}
