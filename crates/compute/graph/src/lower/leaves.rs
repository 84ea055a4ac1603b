//! The intervals in which leaves lie: what owners' encoders enforce, and range analysis starts from.
//!
//! Where the target trusts owners' encoders, an owner's values lie within what its encoder lets pass: the range that an input
//! declares, if it declares one, and functions of it. Nobody checks values that an earlier evaluation kept: they may be
//! anything.

use std::collections::BTreeMap;
use tacita_program::{NodeId, RangeBound};

use crate::graph::Graph;
use crate::ops::Op;
use crate::range;
use crate::types::{DType, Interval, Type};

/// The words of an interval of numbers with `frac` fractional bits, and `slack` more on both sides.
pub(crate) fn words(interval: Interval, frac: u32, slack: f64) -> RangeBound {
    RangeBound::of_reals(interval.min, interval.max, frac, slack)
}

/// The largest number assumed of an input that declares no range, where its owner computes with it alone.
const LARGEST: f64 = 1e30;

/// The largest relative error that f64 may add to an interval.
const ROUNDING: f64 = 1.0 / (1u64 << 20) as f64;

/// Below this, f64 computes integers without rounding.
const EXACT: f64 = (1u64 << 52) as f64;

/// The intervals in which leaves lie; encoding refuses values outside of them. By graph node; of nodes that are not in the clear too.
pub(crate) fn leaf_intervals(graph: &Graph) -> BTreeMap<NodeId, Interval> {
    let operation = |op: &Op, x: &[Interval], types: &[&Type]| op.operation().plain_range(x, types);
    let all = range::inferred(graph, true, |_| Interval::symmetric(LARGEST), operation);
    let widened = |id: NodeId, interval: Interval| {
        let node = graph.node(id);
        let exact = node.inputs.is_empty() || (node.ty.dtype != DType::Fixed && interval.magnitude() < EXACT);
        let slack = if exact { 0.0 } else { ROUNDING * (1.0 + interval.magnitude()) };
        let (min, max) = (interval.min - slack, interval.max + slack);
        if min <= max { Interval { min, max } } else { Interval::symmetric(f64::INFINITY) }
    };
    graph.ids().zip(all).map(|(id, range)| (id, widened(id, range.interval))).collect()
}

#[cfg(test)]
mod tests {
    use tacita_program::{RingId, WHOLE_SIGN};

    use super::super::lowered;
    use super::*;
    use crate::testing::{TARGET, compared_bits, random_case};
    use crate::{ClearValue, Floor, Nearest, Rounding, encode_every_leaf, fixed, lower, optimize};

    /// Up to every opposite end: rounds up what is no integer.
    struct Ceil;

    impl Rounding for Ceil {
        fn truncate(&mut self, _: RingId, z: &tacita_ring::RingTensor, bits: u32) -> tacita_ring::RingTensor {
            let up = z.data().iter().map(|&z| -(-(z as i64) >> bits) as u64).collect();
            tacita_ring::RingTensor::new(z.shape().to_vec(), up)
        }
    }

    #[test]
    fn every_value_of_a_random_program_lies_within_its_bounds() {
        let mut narrow = 0;
        for seed in 0..400 {
            let case = random_case(seed, 12);
            let graph = optimize(&case.graph).unwrap();
            for precision in [10, 16] {
                let lowering = lowered(&graph, precision, &TARGET).unwrap();
                let program = &lowering.program;
                // what the program records gives bounds as narrow as those that lowering chose its widths by
                let analysed = tacita_program::bounds(program);
                for (id, bound) in program.ids().zip(&analysed) {
                    let known = lowering.bounds(id);
                    assert!(known.low <= bound.low && bound.high <= known.high, "seed {seed}: node {}", id.0);
                }
                let program = &lower(&graph, precision, &TARGET).unwrap();
                let leaves = encode_every_leaf(&graph, program, &case.inputs).unwrap();
                for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest, &mut Ceil] {
                    for (id, value) in program.ids().zip(fixed(program, &leaves, rounding)) {
                        let RangeBound { low, high } = program.bound(id);
                        let tensors = match value {
                            ClearValue::Ring(tensor) => vec![tensor],
                            ClearValue::Bits(planes) => planes,
                        };
                        for &word in tensors.iter().flat_map(|tensor| tensor.data()) {
                            let node = program.node(id);
                            assert!(
                                (low..=high).contains(&(word as i64)),
                                "seed {seed} at {precision}: {} in {low}..={high} of {node:?}",
                                word as i64
                            );
                        }
                    }
                }
                narrow += program
                    .nodes
                    .iter()
                    .filter(|node| compared_bits(&node.op).is_some_and(|bits| bits < WHOLE_SIGN))
                    .count();
            }
        }
        assert!(narrow > 1000, "{narrow} narrow comparisons in 800 programs");
    }
}
