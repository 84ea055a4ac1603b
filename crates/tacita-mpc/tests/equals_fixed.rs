//! The property that tests the engine: with the masks' rounding, `fixed` computes what the parties compute, bit for
//! bit, over random graphs, shapes, visibilities, values and numbers of parties; and the meters count what the cost
//! evaluator says.

mod common;

use common::Case;
use common::compare::compare;
use proptest::prelude::*;
use tacita_graph::testing::random_case;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mpc_equals_fixed(seed in any::<u64>(), parties in 2usize..=4, precision in 8u32..=18) {
        let random = random_case(seed, 12);
        compare(&Case::new(&random.graph, parties, precision), &random.inputs, seed);
    }
}
