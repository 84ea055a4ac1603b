//! The property that tests the engine: with the masks' rounding, `fixed` computes what the parties compute, bit for
//! bit, over random graphs, shapes, visibilities, values and numbers of parties; and the meters count what the cost
//! evaluator says.

mod common;

use std::collections::BTreeMap;

use common::{Case, NAMES, fixed_seed};
use proptest::prelude::*;
use tacita_graph::testing::random_case;
use tacita_graph::{ClearValue, Inputs, RingOp, Visibility, fixed};
use tacita_mpc::{Config, Hooks, MaskRounding, Revealed, measure};

/// Runs a graph privately, twice in a session, and in ring integers, and compares every revealed bit.
fn compare(case: &Case, inputs: &Inputs, seed: u64) {
    let hooks = Hooks { insecure_fixed_seed: Some(fixed_seed(seed)), ..Hooks::default() };
    let config = Config { hooks, ..Config::default() };
    let (own, public) = case.leaves(inputs);
    let program = &case.program;
    let all: BTreeMap<_, _> =
        own.iter().chain([&public]).flatten().map(|(id, tensor)| (*id, (**tensor).clone())).collect();
    for (number, (outcomes, dealt)) in (1..).zip(case.run(inputs, &config, 2)) {
        let mut rounding = MaskRounding::new(&case.plan, &config, &public, number).expect("the same seeds");
        let expected = fixed(program, &all, &mut rounding);
        for id in program.reveals() {
            let RingOp::Reveal { to } = &program.node(id).op else { unreachable!() };
            for (party, name) in NAMES[..case.parties].iter().enumerate() {
                let got = outcomes[party].revealed.get(&id);
                let is_public = program.node(id).visibility == Visibility::Public;
                let receives = case.owner(party).is_some_and(|owner| to.contains(&owner));
                assert_eq!(got.is_some(), receives || is_public, "node {} to {name}", id.0);
                match (got, &expected[id.index()]) {
                    (None, _) => {}
                    (Some(Revealed::Ring(got)), ClearValue::Ring(want)) => {
                        assert!(got == want, "node {}", id.0)
                    }
                    (Some(Revealed::Bits(got)), ClearValue::Bits(want)) => {
                        for (plane, want) in want.iter().enumerate() {
                            assert_eq!(got.to_ring(plane), want.data(), "bits of node {}", id.0);
                        }
                    }
                    _ => panic!("node {} is of another kind", id.0),
                }
            }
        }
        let (measured, _) = measure(&case.plan, &outcomes, &dealt);
        let mut cost = case.plan.cost();
        if number > 1 {
            cost.setup_bytes = vec![0; case.parties]; // weights are opened once a session
        }
        assert_eq!(measured, cost, "what was measured and what the plan says");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mpc_equals_fixed(seed in any::<u64>(), parties in 2usize..=4, precision in 8u32..=18) {
        let random = random_case(seed, 12);
        compare(&Case::new(&random.graph, parties, precision), &random.inputs, seed);
    }
}
