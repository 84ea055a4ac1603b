//! A private evaluation against the ring program in the clear, bit for bit, and the meters against the plan.

use std::collections::BTreeMap;

use tacita_graph::{ClearValue, Inputs, NodeId, Visibility, fixed};
use tacita_mpc::{Config, Hooks, MaskRounding, Revealed, measure};
use tacita_program::{RingOp, allowed};

use super::{Case, fixed_seed};

/// Runs a case twice in a session and compares every revealed bit and every count. Returns the first run's reveals. Parties
/// compute while the dealer deals where the seed is odd.
pub fn compare(case: &Case, inputs: &Inputs, seed: u64) -> BTreeMap<NodeId, ClearValue> {
    let hooks = Hooks { insecure_fixed_seed: Some(fixed_seed(seed)), ..Hooks::default() };
    let config = Config { hooks, overlap: !seed.is_multiple_of(2), ..Config::default() };
    let (own, public) = case.leaves(inputs);
    let program = &case.program;
    let all: BTreeMap<_, _> =
        own.iter().chain([&public]).flatten().map(|(id, tensor)| (*id, (**tensor).clone())).collect();
    let mut reveals = BTreeMap::new();
    for (number, (outcomes, dealt)) in (1..).zip(case.run(inputs, &config, 2)) {
        let mut rounding = MaskRounding::new(&case.plan, &config, &public, number).expect("the same seeds");
        let expected = fixed(program, &all, &mut rounding);
        assert_eq!(allowed(program, &expected), Ok(()), "the masks' rounding");
        for id in program.reveals() {
            let RingOp::Reveal { to } = &program.node(id).op else { unreachable!() };
            for (party, name) in case.names.iter().enumerate() {
                let got = outcomes[party].revealed.get(&id);
                let is_public = program.node(id).visibility == Visibility::Public;
                let receives = case.owner(party).is_some_and(|owner| to.contains(&owner));
                let computes = party < case.parties;
                assert_eq!(got.is_some(), receives || is_public && computes, "node {} to {name}", id.0);
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
            reveals.entry(program.node(id).origin).or_insert_with(|| expected[id.index()].clone());
        }
        let (measured, _) = measure(&case.plan, &outcomes.iter().collect::<Vec<_>>(), &dealt);
        let mut cost = case.plan.cost();
        if number > 1 {
            cost.setup_bytes = vec![0; case.parties]; // weights are opened once a session
            cost.data_owners.iter_mut().for_each(|(setup, _)| *setup = 0);
        }
        assert_eq!(measured, cost, "what was measured and what the plan says");
    }
    reveals
}
