//! Schedules: how the rate changes from step to step.

use tacita_ring::real;

use crate::public::power;

/// What the rate is multiplied with, step by step, as PyTorch's schedulers of these names do. Steps are counted from 1; the
/// first is taken at what PyTorch's scheduler begins with.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// Always 1.
    Constant,
    /// `StepLR`: times `factor` after every so many steps.
    Step {
        /// So many.
        every: u64,
        /// γ, from 0 to 1.
        factor: f64,
    },
    /// `MultiStepLR`: times `factor` after each of these numbers of steps, as often as one is named.
    MultiStep {
        /// The numbers, in any order.
        after: Vec<u64>,
        /// γ, from 0 to 1.
        factor: f64,
    },
    /// `ExponentialLR`: times `factor` after every step.
    Exponential {
        /// γ, from 0 to 1.
        factor: f64,
    },
    /// `CosineAnnealingLR`: half a period of a cosine from 1 down to `least` (Loshchilov and Hutter 2017), and up again if
    /// there are more steps.
    Cosine {
        /// How many steps it takes to come down.
        steps: u64,
        /// What it comes down to, from 0 to 1: PyTorch's `eta_min` over the rate.
        least: f64,
    },
    /// `LinearLR` and then another, as `SequentialLR` puts them together: evenly from `start` to 1 over so many steps.
    WarmUp {
        /// Where it begins, from 0 to 1.
        start: f64,
        /// So many.
        steps: u64,
        /// What follows, whose first step is the one after them.
        then: Box<Schedule>,
    },
}

impl Schedule {
    /// Evenly from `start` to 1 over so many steps, then this.
    #[must_use]
    pub fn after_warm_up(self, start: f64, steps: u64) -> Schedule {
        Schedule::WarmUp { start, steps, then: Box::new(self) }
    }

    /// What the rate of step `t`, counted from 1, is multiplied with: the step's pace, from 0 to 1 if the factors are. Alike
    /// on every machine, as a public factor must be.
    pub fn pace(&self, t: u64) -> f64 {
        let before = t.saturating_sub(1);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Step { every, factor } => power(*factor, before / (*every).max(1)),
            Schedule::MultiStep { after, factor } => {
                power(*factor, after.iter().filter(|&&after| after <= before).count() as u64)
            }
            Schedule::Exponential { factor } => power(*factor, before),
            Schedule::Cosine { steps, least } => {
                let period = 2 * u128::from((*steps).max(1));
                // 2^-64ths of a period
                let phase = ((u128::from(before) % period) << 64) / period;
                let half = (1.0 + real::cos_sin(phase as u64).0) / 2.0;
                least + (1.0 - least) * half
            }
            Schedule::WarmUp { start, steps, then } => match before.checked_sub(*steps) {
                None => start + (1.0 - start) * (before as f64 / *steps as f64),
                Some(rest) => then.pace(rest.saturating_add(1)),
            },
        }
    }
}
