//! An imported model as a function of tensors.

use std::cell::RefCell;

use tacita_graph::{Dim, GraphError, NodeId, Op, Role, Visibility};

use crate::error::Error;
use crate::tensor::{Shared, Tensor};

/// A model of a session: its layers become nodes of the session's graph each time it is applied, its weights once.
pub struct Model {
    workspace: Shared,
    imported: tacita_onnx::Model,
    weights: RefCell<Vec<(String, NodeId)>>,
}

impl Model {
    pub(crate) fn new(workspace: &Shared, imported: tacita_onnx::Model) -> Result<Model, Error> {
        if imported.graph.reveals().is_empty() {
            return Err(Error::Internal("a model without an output".into()));
        }
        Ok(Model { workspace: workspace.clone(), imported, weights: RefCell::default() })
    }

    /// What the import left to its user or ignored, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.imported.notes
    }

    /// The shape that the model takes; the batch may be symbolic.
    pub fn input_shape(&self) -> &[Dim] {
        &self.imported.input_shape
    }

    /// The model's first output for an input.
    ///
    /// # Panics
    /// If the input is of another shape than the model takes, or of another session.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        self.build(input).unwrap_or_else(|e| panic!("the model takes {:?}: {e}", self.imported.input_shape))
    }

    fn build(&self, input: &Tensor) -> Result<Tensor, GraphError> {
        assert!(std::rc::Rc::ptr_eq(&self.workspace, input.workspace()), "the tensor is of another session");
        let shape = input.shape();
        let model = &self.imported.graph;
        let batch = shape.first().copied().unwrap_or(1);
        let model = if model.has_symbolic_batch() { model.with_batch(batch)? } else { model.clone() };
        let mut graph = self.workspace.graph.borrow_mut();
        let mut inputs = self.workspace.inputs.borrow_mut();
        let mut weights = self.weights.borrow_mut();
        let mut ids: Vec<NodeId> = Vec::with_capacity(model.nodes().len());
        for node in model.nodes() {
            let operands: Vec<NodeId> = node.inputs.iter().map(|id| ids[id.index()]).collect();
            let id = match &node.op {
                Op::Input(_) if node.name == self.imported.input => {
                    assert_eq!(node.ty.sizes().as_ref(), Some(&shape), "the model's input and the tensor");
                    input.id()
                }
                Op::Input(_) => match weights.iter().find(|(name, _)| *name == node.name) {
                    Some((_, id)) => *id,
                    None => {
                        let visibility = match node.ty.visibility {
                            Visibility::Private(owner) => {
                                Visibility::Private(graph.owner(&model.owners()[owner.0 as usize]))
                            }
                            other => other,
                        };
                        // two models of a session may use the same names
                        let mut name = node.name.clone();
                        while inputs.contains_key(&name) {
                            name.push('\'');
                        }
                        let id = graph.input(&name, &node.ty.shape, visibility, Role::Parameter)?;
                        if let Some(value) = self.imported.parameters.get(&node.name) {
                            inputs.insert(name, value.clone());
                        }
                        weights.push((node.name.clone(), id));
                        id
                    }
                },
                Op::Reveal(_) => return Ok(Tensor::new(&self.workspace, operands[0])),
                op => graph.add(op.clone(), &operands, &node.name)?,
            };
            ids.push(id);
        }
        unreachable!("a model has an output: checked when it was made")
    }
}
