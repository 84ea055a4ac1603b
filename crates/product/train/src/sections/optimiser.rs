//! Optimisers.

use serde::{Deserialize, Serialize};
use tacita_nn::{Optimiser, Rule};

/// How parameters follow gradients.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserConfig {
    /// Which rule.
    pub rule: RuleConfig,
    /// The rate η.
    pub lr: f64,
    /// Of `sgd`.
    #[serde(default)]
    pub momentum: f64,
    /// Of `sgd`: whether momentum is Nesterov's.
    #[serde(default)]
    pub nesterov: bool,
    /// Weight decay.
    pub weight_decay: Option<f64>,
    /// The largest absolute value of a gradient.
    pub clip_value: Option<f64>,
    /// The largest norm of all gradients together.
    pub clip_norm: Option<f64>,
}

impl OptimiserConfig {
    pub(crate) fn check(&self) -> Result<(), String> {
        let OptimiserConfig { rule, lr, momentum, nesterov, weight_decay, clip_value, clip_norm } = *self;
        if !(lr > 0.0 && lr <= 1e3) {
            return Err(format!("`lr` {lr}: give more than 0, at most 1000"));
        }
        if !(0.0..1.0).contains(&momentum) {
            return Err(format!("`momentum` {momentum}: from 0 to less than 1"));
        }
        if rule != RuleConfig::Sgd && (momentum != 0.0 || nesterov) {
            return Err("`momentum` and `nesterov` are of rule = \"sgd\"".into());
        }
        if nesterov && momentum == 0.0 {
            return Err("`nesterov` needs `momentum`".into());
        }
        if weight_decay.is_some_and(|weight_decay| !(0.0..1e3).contains(&weight_decay)) {
            return Err("`weight_decay`: from 0 to less than 1000".into());
        }
        let clips = [("clip_value", clip_value), ("clip_norm", clip_norm)];
        for (what, clip) in clips {
            if clip.is_some_and(|clip| !(clip > 0.0 && clip <= 1e6)) {
                return Err(format!("`{what}`: more than 0, at most a million"));
            }
        }
        match clips {
            [(_, Some(_)), (_, Some(_))] => Err("`clip_value` and `clip_norm`: give one of them".into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn optimiser(&self) -> Optimiser {
        let OptimiserConfig { rule, lr, momentum, nesterov, weight_decay, clip_value, clip_norm } = *self;
        let mut optimiser = match rule {
            RuleConfig::Sgd => Optimiser::sgd(lr),
            RuleConfig::Adam => Optimiser::adam(lr),
            RuleConfig::AdamW => Optimiser::adam_w(lr),
            RuleConfig::RmsProp => Optimiser::rms_prop(lr),
        };
        if rule == RuleConfig::Sgd {
            optimiser.rule = Rule::Sgd { momentum, nesterov };
        }
        if let Some(weight_decay) = weight_decay {
            optimiser = optimiser.with_weight_decay(weight_decay);
        }
        if let Some(most) = clip_value {
            optimiser = optimiser.with_clipping(tacita_nn::Clipping::Value(most));
        }
        if let Some(most) = clip_norm {
            optimiser = optimiser.with_clipping(tacita_nn::Clipping::Norm(most));
        }
        optimiser
    }
}

/// The optimisers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleConfig {
    /// Gradient descent.
    Sgd,
    /// Adam.
    Adam,
    /// Adam with decoupled decay.
    AdamW,
    /// RMSprop.
    RmsProp,
}
