//! The property that tests the engine: with the masks' rounding, `fixed` computes what the parties compute, bit for
//! bit, over random graphs, shapes, visibilities, values and numbers of parties; and the meters count what the cost
//! evaluator says.

mod common;

use common::compare::compare;
use common::{Case, NAMES};
use ndarray::{ArrayD, IxDyn};
use proptest::prelude::*;
use tacita_graph::testing::random_case;
use tacita_graph::{ClearValue, Graph, Inputs, Role, Visibility, dims, ops};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mpc_equals_fixed(seed in any::<u64>(), parties in 2usize..=4, precision in 8u32..=18) {
        let random = random_case(seed, 12);
        compare(&Case::new(&random.graph, parties, precision), &random.inputs, seed);
    }

    /// Whichever of the owners compute nothing.
    #[test]
    fn mpc_with_data_owners_equals_fixed(seed in any::<u64>(), apart in 1u32..8, precision in 8u32..=18) {
        let random = random_case(seed, 12);
        let is_apart = |at: usize| at < 3 && apart >> at & 1 == 1;
        let (owners, mut parties): (Vec<_>, Vec<_>) = (0..4).partition(|&at| is_apart(at));
        parties.truncate(3);
        let names = |members: Vec<usize>| -> Vec<&'static str> { members.into_iter().map(|at| NAMES[at]).collect() };
        let (owners, mut parties) = (names(owners), names(parties));
        if parties.len() == 1 {
            parties.push("erin");
        }
        let case = Case::with_data_owners(&random.graph, &parties, &owners, precision);
        compare(&case, &random.inputs, seed);
    }
}

/// A constant of one number is made where it is asked for: at parties, at a data owner who receives it, in sums and products.
#[test]
fn constants_reach_parties_and_data_owners() {
    for shape in [vec![], vec![700]] {
        let mut graph = Graph::new();
        let [alice, bob] = ["alice", "bob"].map(|name| graph.owner(name));
        let x = graph.input("x", &dims(&shape), Visibility::Private(alice), Role::Data).unwrap();
        let three = graph.add(ops::Constant { shape: dims(&shape), value: 3.0 }, &[], "three").unwrap();
        let sum = graph.add(ops::Add, &[x, three], "sum").unwrap();
        let product = graph.add(ops::Mul, &[sum, three], "product").unwrap();
        let positive = graph.add(ops::Relu, &[product], "positive").unwrap();
        for (value, name) in [(three, "constant"), (positive, "result")] {
            graph.reveal(value, &[alice, bob], name).unwrap();
        }
        let inputs = Inputs::from([("x".to_owned(), ArrayD::from_elem(IxDyn(&shape), -1.25))]);
        for seed in [1, 2] {
            for case in
                [Case::new(&graph, 2, 16), Case::with_data_owners(&graph, &["bob", "carol"], &["alice"], 16)]
            {
                let reveals = compare(&case, &inputs, seed);
                let all: Vec<u64> = reveals
                    .values()
                    .flat_map(|value| match value {
                        ClearValue::Ring(value) => value.data().to_vec(),
                        ClearValue::Bits(_) => panic!("numbers are revealed"),
                    })
                    .collect();
                // 3 exactly; (−1.25 + 3)·3 within a unit of 2^-16
                let is =
                    |value: u64, want: f64| (value as i64 as f64 / 65536.0 - want).abs() <= 1.0 / 65536.0;
                assert!(all.iter().all(|&value| value == 3 << 16 || is(value, 5.25)), "{all:?}");
                assert!(all.contains(&(3 << 16)) && all.iter().any(|&value| is(value, 5.25)));
            }
        }
    }
}
