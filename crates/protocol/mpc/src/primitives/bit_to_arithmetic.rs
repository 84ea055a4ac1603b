//! A bit as a ring element: b = c ⊕ ρ is c + (1 − 2c) ρ, linear in a share of the mask bit ρ.
//!
//! # Security
//! Nothing is opened here; the bits' opening under ρ is a task of its own.

use tacita_correlations::{BitMask, Correlation, Gate, Number, Scratch, Unit, for_each_tile};
use tacita_program::RingNode;
use tacita_ring::RingTensor;

use super::select::{bit, unmask};
use crate::error::MpcError;
use crate::output::Output;
use crate::sizes::elements;
use crate::steps::Steps;
use crate::task::TaskContext;
use crate::values::value;

pub(super) fn steps(node: &RingNode, plane: usize) -> Steps {
    let rho = BitMask::Values(vec![value(node.inputs[0])]);
    let gate = Gate::Bits { bits: rho, wanted: vec![(plane, true)] };
    Steps { dealt: vec![Correlation::numbers(elements(node), 64, gate, Number::One)], openings: vec![] }
}

pub(super) fn run(ctx: TaskContext<'_>, node: &RingNode, plane: usize) -> Result<Output, MpcError> {
    let n = elements(node);
    let bits = ctx.masked_bits(node.inputs[0])?.slice_planes(plane..plane + 1);
    let one = u64::from(ctx.first());
    let rho = ctx.dealt(0)?;
    let mut out = vec![0; n];
    for_each_tile(n, [(&mut out, Unit::Word)], &|range, [out]| {
        let mut scratch = Scratch::default();
        let rho = rho.read(range.clone(), &mut scratch)?;
        let c = &bits.words()[range.start / 64..];
        for (e, (out, rho)) in out.iter_mut().zip(rho).enumerate() {
            *out = unmask(bit(c, e), one, *rho);
        }
        Ok(())
    })?;
    Ok(Output::share(RingTensor::new(node.shape.clone(), out)))
}
