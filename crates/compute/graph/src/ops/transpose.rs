use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::shape::{arity, misfit};
use super::{Inferred, Operation};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// The axes in another order: axis i of the result is axis `perm[i]` of x. Any type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transpose {
    /// A permutation of the axes.
    pub perm: Vec<usize>,
}

impl Operation for Transpose {
    fn name(&self) -> &'static str {
        "Transpose"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x] = arity(inputs, "one")?;
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..x.rank()) {
            return misfit(x, format!("{:?} does not name each of its axes once", self.perm));
        }
        Ok(Inferred { shape: self.perm.iter().map(|&axis| x.shape[axis]).collect(), dtype: x.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        x[0].view().permuted_axes(self.perm.clone()).as_standard_layout().into_owned()
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.first().copied()
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x[0]
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let mut back = vec![0; self.perm.len()];
        self.perm.iter().enumerate().for_each(|(to, &from)| back[from] = to);
        let part = b.transpose(b.g(), back)?;
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let x = l.ring(0, frac)?;
        let shape = l.shape();
        Ok(l.push(RingOp::Transpose { perm: self.perm.clone() }, &[x], &shape, frac))
    }
}
