//! Schedules of the learning rate.

use serde::{Deserialize, Serialize};
use tacita_nn::Schedule;

/// How the rate changes from step to step: what it is multiplied with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Which.
    #[serde(default)]
    pub kind: ScheduleKind,
    /// Of `step`: after how many steps the rate falls each time.
    pub every: Option<u64>,
    /// Of `multi_step`: the steps after which it falls.
    pub after: Option<Vec<u64>>,
    /// Of `step`, `multi_step` and `exponential`: what it is multiplied with.
    pub factor: Option<f64>,
    /// Of `cosine`: how many steps it takes to come down; all steps of the training if it is not given.
    pub steps: Option<u64>,
    /// Of `cosine`: the share of the rate that it comes down to.
    #[serde(default)]
    pub least: f64,
    /// Steps in which the rate first rises evenly from 0.
    #[serde(default)]
    pub warm_up: u64,
}

/// The schedules, as PyTorch has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleKind {
    /// The same rate.
    #[default]
    Constant,
    /// `StepLR`.
    Step,
    /// `MultiStepLR`.
    MultiStep,
    /// `ExponentialLR`.
    Exponential,
    /// `CosineAnnealingLR`.
    Cosine,
}

impl ScheduleConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        let takes = |field: &str, given: bool, kinds: &[ScheduleKind], needed: bool| {
            let here = kinds.contains(&self.kind);
            match (given, here) {
                (true, false) => Err(format!("[schedule] `{field}` is not of this `kind`")),
                (false, true) if needed => Err(format!("[schedule] this `kind` needs `{field}`")),
                _ => Ok(()),
            }
        };
        use ScheduleKind::{Cosine, Exponential, MultiStep, Step};
        takes("every", self.every.is_some(), &[Step], true)?;
        takes("after", self.after.is_some(), &[MultiStep], true)?;
        takes("factor", self.factor.is_some(), &[Step, MultiStep, Exponential], true)?;
        takes("steps", self.steps.is_some(), &[Cosine], false)?;
        takes("least", self.least != 0.0, &[Cosine], false)?;
        if self.every == Some(0) || self.steps == Some(0) {
            return Err("[schedule] 0 steps: give 1 or more".into());
        }
        if [self.factor.unwrap_or(0.0), self.least].iter().any(|share| !(0.0..=1.0).contains(share)) {
            return Err("[schedule] `factor` and `least` are from 0 to 1".into());
        }
        Ok(())
    }

    /// For a training of so many steps.
    pub(crate) fn schedule(&self, steps: u64) -> Schedule {
        let factor = self.factor.unwrap_or(1.0);
        let schedule = match self.kind {
            ScheduleKind::Constant => Schedule::Constant,
            ScheduleKind::Step => Schedule::Step { every: self.every.unwrap_or(1), factor },
            ScheduleKind::MultiStep => {
                Schedule::MultiStep { after: self.after.clone().unwrap_or_default(), factor }
            }
            ScheduleKind::Exponential => Schedule::Exponential { factor },
            ScheduleKind::Cosine => {
                let steps = self.steps.unwrap_or(steps.saturating_sub(self.warm_up).max(1));
                Schedule::Cosine { steps, least: self.least }
            }
        };
        if self.warm_up > 0 { schedule.after_warm_up(0.0, self.warm_up) } else { schedule }
    }
}
