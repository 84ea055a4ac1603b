//! Derivatives of tensors.

use std::sync::Arc;

use tacita_graph::{NodeId, grad_from, ops};

use super::Tensor;
use crate::error::Error;
use crate::workspace::Handle;

/// Derivatives of a loss with respect to the tensors that [require one](Tensor::requires_grad).
///
/// Gradients of a mean over a batch are small, and fixed point has an absolute unit of 2^-16. So they are carried times
/// [`Gradients::SCALE`], as one does with half-precision floats.
pub struct Gradients {
    loss: Tensor,
    each: Vec<(Arc<Handle>, Tensor)>,
}

impl Gradients {
    /// The factor that gradients carry.
    pub const SCALE: f64 = 256.0;

    /// The loss.
    pub fn loss(&self) -> &Tensor {
        &self.loss
    }

    /// The gradient with respect to a tensor; `None` if the loss does not depend on it, or it does not require one.
    pub fn of(&self, tensor: &Tensor) -> Option<Tensor> {
        Some(self.scaled(tensor)? * (1.0 / Gradients::SCALE))
    }

    /// The same times [`Gradients::SCALE`], with all its bits.
    pub fn scaled(&self, tensor: &Tensor) -> Option<&Tensor> {
        let found = self.each.iter().find(|(handle, _)| Arc::ptr_eq(handle, tensor.handle()));
        found.map(|(_, gradient)| gradient)
    }
}

impl Tensor {
    /// This tensor, of which derivatives may be asked for: [`Tensor::backward`] finds it. What is computed from it keeps the
    /// nodes in between as long as the program holds both.
    #[must_use]
    pub fn requires_grad(self) -> Tensor {
        self.0.track();
        self
    }

    /// The same value, through which no derivative passes.
    #[must_use]
    pub fn detach(&self) -> Tensor {
        self.op(ops::Detach {}, &[])
    }

    /// The derivatives of this loss, one number, with respect to every tensor that requires one and that it depends on. Nothing
    /// runs: gradients are tensors.
    ///
    /// # Errors
    /// If this is not one fixed number, no tensor that requires a derivative leads to it, or an operation on the way has none.
    pub fn backward(&self) -> Result<Gradients, Error> {
        let shape = self.shape();
        if shape.iter().product::<usize>() != 1 {
            return Err(Error::Usage(format!(
                "a tensor of shape {shape:?} is no loss: take its sum or mean"
            )));
        }
        let workspace = self.0.workspace();
        let mut state = workspace.lock();
        let (tracked, loss) = (state.tracked(), self.0.id(&state));
        let of: Vec<NodeId> = tracked.iter().map(|handle| handle.id(&state)).collect();
        let graph = &mut state.graph;
        let seed = graph.add(ops::Constant { shape, value: Gradients::SCALE }, &[], "")?;
        let found = grad_from(graph, &[(loss, seed)], &of)?;
        let pairs = tracked.into_iter().zip(found);
        let found: Vec<_> = pairs
            .filter_map(|(handle, id)| id.map(|id| (handle, id)))
            .map(|(handle, id)| (handle, workspace.tensor(&mut state, id)))
            .collect();
        match found.is_empty() {
            true => Err(Error::Usage(
                "no tensor that requires a derivative leads to this loss: call requires_grad() on it before it is used"
                    .into(),
            )),
            false => Ok(Gradients { loss: self.clone(), each: found }),
        }
    }

    /// The derivative of this loss, one number, with respect to each of these tensors.
    ///
    /// # Errors
    /// If this is not one fixed number, a tensor does not lead to it by operations that have a derivative, or a tensor is of
    /// another session.
    pub fn grad(&self, of: &[&Tensor]) -> Result<Vec<Tensor>, Error> {
        self.build(of, |graph, nodes| tacita_graph::grad(graph, nodes[0], &nodes[1..]))
    }
}
