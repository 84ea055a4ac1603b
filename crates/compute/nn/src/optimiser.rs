//! Optimisers: what a step changes.

use tacita_graph::ops::{Add, Clip, Mul, Rsqrt, Sub, Sum};
use tacita_graph::{Graph, GraphError, NodeId};

use crate::public::{number, power, times};

/// How a gradient changes a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, as PyTorch's `SGD`: v := μ v + g; w := w - η v, with Nesterov's w := w - η (g + μ v).
    Sgd {
        /// μ; 0 is none, and keeps nothing.
        momentum: f64,
        /// Whether momentum is Nesterov's.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015): m := β₁ m + (1 - β₁) g; v := β₂ v + (1 - β₂) g²; w := w - η m̂ / √(v̂ + ε²), m̂ and v̂ without
    /// the bias of beginning at 0. (√v̂ + ε would cost eight more rounds, and differs only where √v̂ is about ε.)
    Adam {
        /// β₁.
        beta1: f64,
        /// β₂.
        beta2: f64,
        /// ε, at least 2^-7 of a scaled gradient.
        epsilon: f64,
    },
    /// RMSprop (Hinton 2012): v := α v + (1 - α) g²; w := w - η g / √(v + ε²).
    RmsProp {
        /// α.
        alpha: f64,
        /// ε, as Adam's.
        epsilon: f64,
    },
}

/// What is done with gradients before they are used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clipping {
    /// Nothing.
    None,
    /// Each element is brought to at most this in absolute value.
    Value(f64),
    /// All are scaled so that the root of the sum of all squares is at most this.
    Norm(f64),
}

/// A rule with its rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimiser {
    /// The rule.
    pub rule: Rule,
    /// η.
    pub lr: f64,
    /// λ of weight decay: λ w is added to the gradient or, where it is decoupled, η λ w taken off w.
    pub weight_decay: f64,
    /// Whether weight decay is apart from the gradient (Loshchilov and Hutter 2019).
    pub decoupled: bool,
    /// Whether all parameters decay, as PyTorch has it, or only those of two axes or more: not biases, and the factors of norms.
    pub decays_all: bool,
    /// What is done with gradients first.
    pub clipping: Clipping,
}

/// The least ε of a scaled gradient: its square is the unit of fixed point with 14 fractional bits.
const LEAST_EPSILON: f64 = 1.0 / 128.0;

impl Optimiser {
    fn new(rule: Rule, lr: f64) -> Optimiser {
        Optimiser {
            rule,
            lr,
            weight_decay: 0.0,
            decoupled: false,
            decays_all: true,
            clipping: Clipping::None,
        }
    }

    /// Plain gradient descent.
    pub fn sgd(lr: f64) -> Optimiser {
        Optimiser::new(Rule::Sgd { momentum: 0.0, nesterov: false }, lr)
    }

    /// Adam with β₁ = 0.9, β₂ = 0.999, ε = 10^-8.
    pub fn adam(lr: f64) -> Optimiser {
        Optimiser::new(Rule::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, lr)
    }

    /// Adam with decoupled weight decay of 0.01.
    pub fn adam_w(lr: f64) -> Optimiser {
        Optimiser { weight_decay: 0.01, decoupled: true, ..Optimiser::adam(lr) }
    }

    /// RMSprop with α = 0.99, ε = 10^-8.
    pub fn rms_prop(lr: f64) -> Optimiser {
        Optimiser::new(Rule::RmsProp { alpha: 0.99, epsilon: 1e-8 }, lr)
    }

    /// With momentum; only gradient descent has it, others are as before.
    #[must_use]
    pub fn with_momentum(mut self, momentum: f64) -> Optimiser {
        if let Rule::Sgd { nesterov, .. } = self.rule {
            self.rule = Rule::Sgd { momentum, nesterov };
        }
        self
    }

    /// With weight decay.
    #[must_use]
    pub fn with_weight_decay(self, weight_decay: f64) -> Optimiser {
        Optimiser { weight_decay, ..self }
    }

    /// With decay of weights alone: of parameters of two axes or more, not of biases and the factors of norms.
    #[must_use]
    pub fn with_weight_decay_of_matrices(self, weight_decay: f64) -> Optimiser {
        Optimiser { weight_decay, decays_all: false, ..self }
    }

    /// With gradients clipped.
    #[must_use]
    pub fn with_clipping(self, clipping: Clipping) -> Optimiser {
        Optimiser { clipping, ..self }
    }

    /// Whether the rate changes with the step, because what the rule remembers begins at 0: η of step t (from 1) is η times
    /// this.
    pub fn pace(&self, t: u64) -> f64 {
        match self.rule {
            Rule::Adam { beta1, beta2, .. } => (1.0 - power(beta2, t)).sqrt() / (1.0 - power(beta1, t)),
            _ => 1.0,
        }
    }

    /// The names of what the rule remembers of each parameter; it begins at zero.
    pub fn memory(&self) -> &'static [&'static str] {
        match self.rule {
            Rule::Sgd { momentum: 0.0, .. } => &[],
            Rule::Sgd { .. } => &["momentum"],
            Rule::Adam { .. } => &["first moment", "second moment"],
            Rule::RmsProp { .. } => &["square"],
        }
    }

    /// The same for a parameter of so many axes, which may not decay.
    pub fn for_rank(self, rank: usize) -> Optimiser {
        if self.decays_all || rank >= 2 { self } else { self.with_weight_decay(0.0) }
    }

    /// The parameter after the step, and what is remembered, of the parameter `w`, its gradient `g` times `scale`, and what was
    /// remembered. `pace` is a public factor of the rate.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn update(
        &self,
        graph: &mut Graph,
        (w, g, memory): (NodeId, NodeId, &[NodeId]),
        scale: f64,
        pace: Option<NodeId>,
    ) -> Result<(NodeId, Vec<NodeId>), GraphError> {
        let mut g = g;
        if self.weight_decay != 0.0 && !self.decoupled {
            let decay = times(graph, w, self.weight_decay * scale)?;
            g = graph.add(Add, &[g, decay], "")?;
        }
        // the direction, and what it is multiplied with
        let (direction, factor, memory) = match (self.rule, memory) {
            (Rule::Sgd { momentum, nesterov }, &[v]) => {
                let kept = times(graph, v, momentum)?;
                let v = graph.add(Add, &[kept, g], "")?;
                let direction = match nesterov {
                    false => v,
                    true => {
                        let ahead = times(graph, v, momentum)?;
                        graph.add(Add, &[g, ahead], "")?
                    }
                };
                (direction, self.lr / scale, vec![v])
            }
            // what is remembered is a sum: the factor 1 - β is taken where it is used, so that little of it is rounded away
            (Rule::Adam { beta1, beta2, epsilon }, &[m, v]) => {
                let m = times(graph, m, beta1)?;
                let m = graph.add(Add, &[m, g], "")?;
                let v = summed_squares(graph, v, g, beta2)?;
                let root = inverse_root(graph, v, 1.0 - beta2, epsilon * scale)?;
                (graph.add(Mul, &[m, root], "")?, self.lr * (1.0 - beta1), vec![m, v])
            }
            (Rule::RmsProp { alpha, epsilon }, &[v]) => {
                let v = summed_squares(graph, v, g, alpha)?;
                let root = inverse_root(graph, v, 1.0 - alpha, epsilon * scale)?;
                (graph.add(Mul, &[g, root], "")?, self.lr, vec![v])
            }
            _ => (g, self.lr / scale, vec![]),
        };
        let change = times(graph, direction, factor)?;
        let change = match pace {
            Some(pace) => graph.add(Mul, &[change, pace], "")?,
            None => change,
        };
        let mut next = graph.add(Sub, &[w, change], "")?;
        if self.weight_decay != 0.0 && self.decoupled {
            let decay = times(graph, w, self.lr * self.weight_decay)?;
            next = graph.add(Sub, &[next, decay], "")?;
        }
        Ok((next, memory))
    }

    /// The gradients after clipping; they are `scale` times too large.
    ///
    /// # Errors
    /// If a gradient is not fixed.
    pub fn clip(
        &self,
        graph: &mut Graph,
        gradients: &[NodeId],
        scale: f64,
    ) -> Result<Vec<NodeId>, GraphError> {
        match self.clipping {
            Clipping::None => Ok(gradients.to_vec()),
            Clipping::Value(most) => {
                let clip = Clip { min: Some(-most * scale), max: Some(most * scale) };
                gradients.iter().map(|&g| graph.add(clip.clone(), &[g], "")).collect()
            }
            Clipping::Norm(most) => {
                let mut total = None;
                for &g in gradients {
                    let square = graph.add(Mul, &[g, g], "")?;
                    let axes = (0..graph.node(g).ty.rank()).collect();
                    let sum = graph.add(Sum { axes, keepdims: false }, &[square], "")?;
                    total = Some(match total {
                        None => sum,
                        Some(total) => graph.add(Add, &[total, sum], "")?,
                    });
                }
                let Some(total) = total else { return Ok(vec![]) };
                let root = graph.add(Rsqrt, &[total], "gradient norm")?;
                let factor = times(graph, root, most * scale)?;
                let factor = graph.add(Clip { min: None, max: Some(1.0) }, &[factor], "")?;
                gradients.iter().map(|&g| graph.add(Mul, &[g, factor], "")).collect()
            }
        }
    }
}

/// β v + g².
fn summed_squares(graph: &mut Graph, v: NodeId, g: NodeId, beta: f64) -> Result<NodeId, GraphError> {
    let v = times(graph, v, beta)?;
    let square = graph.add(Mul, &[g, g], "")?;
    graph.add(Add, &[v, square], "")
}

/// 1 / √(factor v + ε²).
fn inverse_root(graph: &mut Graph, v: NodeId, factor: f64, epsilon: f64) -> Result<NodeId, GraphError> {
    let mean = times(graph, v, factor)?;
    let least = epsilon.max(LEAST_EPSILON).powi(2);
    let least = number(graph, least)?;
    let mean = graph.add(Add, &[mean, least], "")?;
    graph.add(Rsqrt, &[mean], "")
}
