//! Numbers where mask bits are as wanted, and 0 elsewhere.

use std::sync::Arc;

use tacita_ring::simd::dispatch;
use tacita_ring::{Exponential, RingTensor};

use crate::blocks::{Unit, for_each_tile};
use crate::error::CorrelationError;
use crate::masks::{Masks, Planes};
use crate::narrow;
use crate::out::Out;
use crate::spec::{ExponentialPart, Gate, Number, RingMask};

/// Both numbers of the exponentials of a task's masks: several correlations take them, and computing them is slow.
#[derive(Default)]
pub struct Exponentials(Vec<(RingMask, Exponential, Both)>);

/// The least numbers and their growths.
type Both = [Arc<Vec<u64>>; 2];

impl Exponentials {
    fn of<M: Masks>(
        &mut self,
        elements: usize,
        mask: &RingMask,
        spec: &Exponential,
        masks: &mut M,
    ) -> Result<Both, CorrelationError> {
        if let Some((.., both)) = self.0.iter().find(|(of, with, _)| of == mask && with == spec) {
            return Ok(both.clone());
        }
        let r = mask.numbers(elements, masks)?;
        let (mut least, mut growth) = (vec![0; elements], vec![0; elements]);
        let outputs = [(&mut least[..], Unit::Word), (&mut growth[..], Unit::Word)];
        for_each_tile(elements, outputs, &|range, [least, growth]| {
            spec.small_factors(&r.data()[range], least, growth);
            Ok(())
        })?;
        let both = [least, growth].map(Arc::new);
        self.0.push((mask.clone(), *spec, both.clone()));
        Ok(both)
    }
}

pub fn deal<M: Masks>(
    elements: usize,
    gate: &Gate,
    number: &Number,
    masks: &mut M,
    exponentials: &mut Exponentials,
    out: &Out<'_>,
) -> Result<Vec<u64>, CorrelationError> {
    let numbers = match number {
        Number::One => Numbers::One,
        Number::High { mask, shift } => Numbers::High(mask.numbers(elements, masks)?, *shift),
        Number::Exponential { mask, spec, part } => {
            let [least, growth] = exponentials.of(elements, mask, spec, masks)?;
            Numbers::Computed(match part {
                ExponentialPart::Least => least,
                ExponentialPart::Growth => growth,
            })
        }
    };
    let planes = planes(elements, gate, masks)?;
    let (item, unit) = (out.item, out.item.unit());
    out.tiles(elements, unit, &|range, out| {
        dispatch(
            #[inline(always)]
            || {
                for start in range.clone().step_by(64) {
                    let mut values = [0; 64];
                    let values = &mut values[..(range.end - start).min(64)];
                    numbers.write(start, values);
                    if !planes.is_empty() {
                        let gate = planes
                            .iter()
                            .fold(u64::MAX, |gate, (plane, flip)| gate & (plane[start / 64] ^ flip));
                        for (k, v) in values.iter_mut().enumerate() {
                            *v &= (gate >> k & 1).wrapping_neg();
                        }
                    }
                    let at = start - range.start;
                    narrow::pack(item, &mut out[unit.words(&(at..at + values.len()))], values);
                }
            },
        );
        Ok(())
    })
}

/// Each plane of the gate, with the word that makes its wanted bits ones.
fn planes<M: Masks>(
    elements: usize,
    gate: &Gate,
    masks: &mut M,
) -> Result<Vec<(Vec<u64>, u64)>, CorrelationError> {
    let Gate::Bits { bits, wanted } = gate else { return Ok(vec![]) };
    let used = wanted.iter().map(|(plane, _)| plane + 1).max().unwrap_or(0);
    let planes = Planes::of(bits, used, elements, masks)?;
    let plane = |&(plane, bit): &(usize, bool)| {
        Ok((planes.plane(plane, elements, masks)?, if bit { 0 } else { u64::MAX }))
    };
    wanted.iter().map(plane).collect()
}

/// A number for each element.
enum Numbers {
    One,
    High(Arc<RingTensor>, u32),
    Computed(Arc<Vec<u64>>),
}

impl Numbers {
    /// Those of the elements from `start` on.
    #[inline(always)]
    fn write(&self, start: usize, out: &mut [u64]) {
        match self {
            Numbers::One => out.fill(1),
            Numbers::High(r, shift) => {
                let r = &r.data()[start..start + out.len()];
                out.iter_mut().zip(r).for_each(|(out, r)| *out = r >> shift);
            }
            Numbers::Computed(numbers) => out.copy_from_slice(&numbers[start..start + out.len()]),
        }
    }
}
