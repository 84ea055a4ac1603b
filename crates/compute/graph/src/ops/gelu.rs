use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;
use tacita_ring::real;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::{Add, Erf, Exp, Inferred, Operation, Tanh};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::fits;
use crate::lower::gate::{Above, Gate};
use crate::types::{Interval, Type};

/// x Φ(x), with Φ the standard normal distribution function; or, with `tanh`, its usual approximation x/2 (1 +
/// tanh(√(2/π) (x + 0.044715 x³))).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gelu {
    /// Whether to use the form with tanh.
    pub tanh: bool,
}

const EXACT: Gate =
    Gate { fit: &fits::GELU, offset: 0.0, half: true, below: 0.0, above: Above::Identity, cut: 1.6e-5 };
const TANH: Gate = Gate { fit: &fits::GELU_TANH, ..EXACT };

impl Gelu {
    /// The function, identical on every machine.
    fn of(self, x: f64) -> f64 {
        let inner = if self.tanh {
            real::tanh((2.0 * std::f64::consts::FRAC_1_PI).sqrt() * (x + 0.044715 * x * x * x))
        } else {
            real::erf(x * std::f64::consts::FRAC_1_SQRT_2)
        };
        0.5 * x * (1.0 + inner)
    }

    fn gate(self) -> Gate {
        if self.tanh { TANH } else { EXACT }
    }
}

impl Operation for Gelu {
    fn name(&self) -> &'static str {
        "Gelu"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        Inferred::fixed(one_fixed(inputs)?.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].mapv(|x| self.of(x))
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        Some(self.of(constants[0]))
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        Interval { min: (-0.171f64).max(x[0].min.min(0.0)), max: x[0].max.max(0.0) }
    }

    /// Its slope is at most 1.13.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        d.errors[0] * 1.13 + self.gate().error(d.unit)
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let x = b.x(0);
        let square = b.mul(x, x)?;
        let slope = if self.tanh {
            // y = x (1 + t) / 2, t = tanh(c (x + 0.044715 x³))
            let c = (2.0 / std::f64::consts::PI).sqrt();
            let scaled = b.scaled(square, 0.044715 * c)?;
            let factor = b.shifted(scaled, c)?;
            let inner = b.mul(x, factor)?;
            let t = b.add(Tanh, &[inner])?;
            let scaled = b.scaled(square, 3.0 * 0.044715 * c)?;
            let slope = b.shifted(scaled, c)?;
            let slope = b.mul(x, slope)?;
            let t_square = b.mul(t, t)?;
            let less = b.mul(slope, t_square)?;
            let of_t = b.sub(slope, less)?;
            let sum = b.add(Add, &[t, of_t])?;
            let half = b.scaled(sum, 0.5)?;
            b.shifted(half, 0.5)?
        } else {
            // Φ(x) + x φ(x)
            let scaled = b.scaled(x, std::f64::consts::FRAC_1_SQRT_2)?;
            let erf = b.add(Erf, &[scaled])?;
            let half = b.scaled(erf, 0.5)?;
            let below = b.shifted(half, 0.5)?;
            let exponent = b.scaled(square, -0.5)?;
            let bell = b.add(Exp, &[exponent])?;
            let along = b.mul(x, bell)?;
            let along = b.scaled(along, 1.0 / std::f64::consts::TAU.sqrt())?;
            b.add(Add, &[below, along])?
        };
        let part = b.mul(b.g(), slope)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        self.gate().lower(l)
    }
}
