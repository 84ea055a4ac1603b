use ndarray::{ArrayD, Axis};
use serde::{Deserialize, Serialize};
use tacita_program::{RingId, RingOp};

use super::error_rule::Deviation;
use super::shape::{axis, kinds};
use super::{Inferred, Operation, Slice};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::types::{Interval, Type};

/// The inputs one after another along `axis`, all of the same type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Concat {
    /// The axis along which they differ.
    pub axis: usize,
}

impl Operation for Concat {
    fn name(&self) -> &'static str {
        "Concat"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [first, rest @ ..] = inputs else {
            return Err(InferError::Arity { expected: "one or more", got: 0 });
        };
        kinds(inputs, first.dtype)?;
        axis(first, self.axis)?;
        let mut shape = first.shape.clone();
        for part in rest {
            let fits = part.rank() == first.rank()
                && (0..part.rank()).all(|i| i == self.axis || part.shape[i] == first.shape[i]);
            match (shape[self.axis], part.shape.get(self.axis)) {
                (a, Some(&b)) if fits => shape[self.axis] = a.saturating_add(b),
                _ => {
                    let (left, right) = (first.shape.clone(), part.shape.clone());
                    return Err(InferError::Shapes {
                        left,
                        right,
                        reason: "they differ in other axes or join batches",
                    });
                }
            }
        }
        Ok(Inferred { shape, dtype: first.dtype })
    }

    fn keeps_frac(&self) -> bool {
        true
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let parts: Vec<_> = x.iter().map(|part| part.view()).collect();
        let joined = ndarray::concatenate(Axis(self.axis), &parts).expect("inference checked the shapes");
        joined.as_standard_layout().into_owned()
    }

    fn fold(&self, constants: &[f64]) -> Option<f64> {
        constants.iter().all(|value| value == &constants[0]).then(|| constants[0])
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        x.iter().skip(1).fold(x[0], |hull, part| hull.hull(*part))
    }

    /// One unit more: a leaf joined to an untruncated product is truncated with it later.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        self.plain(d.errors) + d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let whole = b.shape(b.g());
        let mut start = 0;
        for i in 0..b.inputs() {
            let end = start + b.shape(b.x(i))[self.axis];
            if b.wanted(i) {
                let (mut starts, mut ends) = (vec![0; whole.len()], whole.clone());
                (starts[self.axis], ends[self.axis]) = (start, end);
                let part = b.add(Slice { starts, ends, steps: vec![1; whole.len()] }, &[b.g()])?;
                b.give(i, part)?;
            }
            start = end;
        }
        Ok(())
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let frac = l.common_frac();
        let parts = (0..l.node().inputs.len()).map(|i| l.ring(i, frac)).collect::<Result<Vec<_>, _>>()?;
        let shape = l.shape();
        Ok(l.push(RingOp::Concat { axis: self.axis }, &parts, &shape, frac))
    }
}
