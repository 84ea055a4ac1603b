//! Properties of random graphs: fixed point is as near to f64 as the error rules say, rewrites change nothing, a
//! graph read back is equal.

use ndarray::ArrayD;
use proptest::prelude::*;
use tacita_graph::testing::TARGET;
use tacita_graph::testing::{Case, random_case};
use tacita_graph::*;
use tacita_program::{RingOp, RingProgram, RingType, Target};

/// Cases take microseconds to milliseconds each; the whole file seconds.
const CASES: u32 = 400;

/// f64 rounds too: a relative 2^-40 and as much absolutely covers thousands of its operations.
const FLOAT: f64 = 1.0 / (1u64 << 40) as f64;

/// The reveals of a lowered graph, by the graph's node.
fn fixed_reveals(case: &Case, precision: u32, rounding: &mut dyn Rounding) -> Vec<(NodeId, ArrayD<f64>)> {
    let program = lower(&case.graph, precision, &TARGET).unwrap();
    check_program(&program);
    let leaves = encode_every_leaf(&case.graph, &program, &case.inputs).unwrap();
    let values =
        fixed_kept(&program, &leaves, rounding, |id| matches!(program.node(id).op, RingOp::Reveal { .. }));
    values
        .into_iter()
        .map(|(id, value)| (program.node(id).origin, value.to_f64(program.node(id).ty)))
        .collect()
}

/// What every ring program promises to evaluators.
fn check_program(program: &RingProgram) {
    let mut used = vec![false; program.nodes.len()];
    for id in program.ids().rev() {
        let node = program.node(id);
        assert!(
            used[id.index()] || matches!(node.op, RingOp::Reveal { .. } | RingOp::Keep),
            "{} serves no reveal: {node:?}",
            id.0
        );
        for input in &node.inputs {
            assert!(input < &id);
            used[input.index()] = true;
        }
        let visibilities: Vec<Visibility> = node.inputs.iter().map(|&i| program.node(i).visibility).collect();
        let hidden = visibilities.contains(&Visibility::Secret);
        match node.op {
            RingOp::Truncate { bits } => assert!(bits > 0 && visibilities[0] != Visibility::Public),
            RingOp::OneHotArgmax { .. } => {
                assert!((2..=4).contains(&node.inputs.len()));
                assert!(visibilities.iter().any(|&v| v != Visibility::Public));
                assert!(node.inputs.iter().all(|&i| program.node(i).shape == node.shape));
                assert_eq!(node.ty, RingType::Bits { planes: node.inputs.len() });
            }
            RingOp::Select { .. } => {
                assert!(node.inputs.iter().all(|&i| program.node(i).shape == node.shape));
                assert_eq!(program.node(node.inputs[0]).ty, RingType::Bits { planes: node.inputs.len() - 1 });
            }
            RingOp::Mul | RingOp::MatMul | RingOp::Conv { .. } => {
                assert!(hidden || visibilities[0] != visibilities[1], "a product of clear values: {node:?}");
            }
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn fixed_is_within_the_error_rules_of_plain(
        seed in any::<u64>(), size in 1usize..16, precision in 10u32..=18, floor in any::<bool>(),
    ) {
        let Case { graph, inputs } = random_case(seed, size);
        let case = Case { graph: optimize(&graph).unwrap(), inputs };
        let expected = plain(&case.graph, &case.inputs).unwrap();
        let bounds = error_bounds(&case.graph, &case.inputs, precision).unwrap();
        let rounding: &mut dyn Rounding = if floor { &mut tacita_graph::Floor } else { &mut Nearest };
        let got = fixed_reveals(&case, precision, rounding);
        prop_assert_eq!(got.len(), case.graph.reveals().len());
        for (id, got) in got {
            let (expected, bound) = (&expected[&id], &bounds[&id]);
            prop_assert_eq!(got.shape(), expected.shape());
            for ((got, expected), bound) in got.iter().zip(expected).zip(bound) {
                let error = (got - expected).abs();
                let slack = FLOAT * (1.0 + expected.abs());
                prop_assert!(error <= bound + slack, "{got} for {expected}: off by {error}, bound {bound}");
            }
        }
    }

    #[test]
    fn every_lowered_program_verifies(
        seed in any::<u64>(), size in 1usize..24, precision in 4u32..=24, trusts_ranges in any::<bool>(),
    ) {
        let graph = optimize(&random_case(seed, size).graph).unwrap();
        match lower(&graph, precision, &Target { trusts_ranges, ..TARGET }) {
            Ok(program) => prop_assert!(program.into_program().verify().is_ok()),
            Err(error) => prop_assert!(!matches!(error, GraphError::Program(_)), "{error}"),
        }
    }

    #[test]
    fn rewrites_change_nothing(seed in any::<u64>(), size in 1usize..24) {
        let Case { graph, inputs } = random_case(seed, size);
        let optimized = optimize(&graph).unwrap();
        let before: Vec<_> = plain(&graph, &inputs).unwrap().into_values().collect();
        let after: Vec<_> = plain(&optimized, &inputs).unwrap().into_values().collect();
        prop_assert_eq!(before.len(), after.len());
        for ((before, after), id) in before.iter().zip(&after).zip(graph.reveals()) {
            prop_assert_eq!(before.shape(), after.shape());
            // Rounding may turn a comparison of equal numbers, and with it an index or a bit.
            let exact = graph.node(id).ty.dtype == DType::Fixed;
            for (b, a) in before.iter().zip(after) {
                prop_assert!(!exact || (a - b).abs() <= FLOAT * (1.0 + b.abs()), "{a} for {b}");
            }
        }
        prop_assert_eq!(&optimize(&optimized).unwrap().prune().unwrap().nodes().len(), &optimized.nodes().len());
    }

    #[test]
    fn a_graph_read_back_is_equal(seed in any::<u64>(), size in 0usize..20) {
        let graph = random_case(seed, size).graph;
        let bytes = graph.encode();
        let back = Graph::decode(&bytes).unwrap();
        prop_assert_eq!(&back, &graph);
        prop_assert_eq!(back.encode(), bytes);
        prop_assert_eq!(back.digest(), graph.digest());
    }

    #[test]
    fn plain_values_lie_in_the_inferred_ranges(seed in any::<u64>(), size in 1usize..20) {
        let Case { graph, inputs } = random_case(seed, size);
        let graph = with_declared_ranges(&graph, &inputs);
        let ranges = ranges(&graph, 16).unwrap();
        for (id, (value, range)) in plain_all(&graph, &inputs).unwrap().iter().zip(&ranges).enumerate() {
            let slack = FLOAT * (1.0 + range.interval.magnitude());
            for x in value {
                prop_assert!(
                    (range.interval.min - slack..=range.interval.max + slack).contains(x),
                    "{x} in {:?} of {:?}", range, graph.node(NodeId(id as u32))
                );
            }
        }
    }
}

/// The same graph with each input's range as its data says.
fn with_declared_ranges(graph: &Graph, inputs: &Inputs) -> Graph {
    let mut declared = Graph::new();
    graph.owners().iter().for_each(|owner| {
        declared.owner(owner);
    });
    for node in graph.nodes() {
        let mut op = node.op.clone();
        if let Op::Input(input) = &mut op {
            let data = inputs[&node.name].to_f64();
            let min = data.iter().copied().fold(f64::INFINITY, f64::min);
            input.range = Some(Interval::new(min, data.iter().copied().fold(min, f64::max)));
        }
        declared.add(op, &node.inputs, &node.name).unwrap();
    }
    declared
}
