//! The property that tests the engine: with the masks' rounding, `fixed` computes what the parties compute, bit for
//! bit, over random graphs, shapes, visibilities, values and numbers of parties; and the meters count what the cost
//! evaluator says.

mod common;

use common::compare::compare;
use common::{Case, NAMES};
use proptest::prelude::*;
use tacita_graph::testing::random_case;

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
