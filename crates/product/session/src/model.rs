//! An imported model as a function of tensors.

use std::cell::RefCell;
use std::path::Path;

use tacita_graph::{NodeId, Op, Role, Visibility};
use tacita_onnx::{AxisSize, ImportOptions, Sizes, Template, show_axes};

use crate::error::Error;
use crate::tensor::{Shared, Tensor};

/// A model of a session: its layers become nodes of the session's graph each time it is applied, its weights once.
pub struct Model {
    workspace: Shared,
    imported: tacita_onnx::Model,
    owner: String,
    weights: RefCell<Vec<(String, NodeId)>>,
}

impl Model {
    /// Reads an ONNX file, or the graph exported from one. The weights are kept where their owner is, only there.
    pub(crate) fn read(workspace: &Shared, path: &Path, owner: &str, here: bool) -> Result<Model, Error> {
        let mut imported = match read_template(path)? {
            Some(template) => model_of_template(template)?,
            None => {
                let options = ImportOptions { weights_owner: owner.to_owned(), ..ImportOptions::default() };
                tacita_onnx::import(path, &options)?
            }
        };
        if !here {
            imported.parameters.clear();
        } else if imported.parameters.is_empty() && imported.template.example().inputs().len() > 1 {
            let path = path.display();
            return Err(Error::Input(format!("{path} has no weights: {owner} has to give the model itself")));
        }
        if imported.template.example().reveals().is_empty() {
            return Err(Error::Internal("a model without an output".into()));
        }
        let owner = owner.to_owned();
        Ok(Model { workspace: workspace.clone(), imported, owner, weights: RefCell::default() })
    }

    /// What the import left to its user or ignored, a sentence each.
    pub fn notes(&self) -> &[String] {
        &self.imported.notes
    }

    /// The shape that the model takes; some sizes may be open.
    pub fn input_shape(&self) -> &[AxisSize] {
        &self.imported.input_shape
    }

    /// The model's first output for an input.
    ///
    /// # Panics
    /// If the input is of another shape or kind than the model takes, or of another session.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        self.build(input)
            .unwrap_or_else(|e| panic!("the model takes {}: {e}", show_axes(&self.imported.input_shape)))
    }

    fn build(&self, input: &Tensor) -> Result<Tensor, Error> {
        assert!(std::rc::Rc::ptr_eq(&self.workspace, input.workspace()), "the tensor is of another session");
        let shape = input.shape();
        let template = &self.imported.template;
        let model = template.at(&template.sizes_of(&shape, &Sizes::new())?)?;
        let mut graph = self.workspace.graph.borrow_mut();
        let mut inputs = self.workspace.inputs.borrow_mut();
        let mut weights = self.weights.borrow_mut();
        let mut ids: Vec<NodeId> = Vec::with_capacity(model.nodes().len());
        for node in model.nodes() {
            let operands: Vec<NodeId> = node.inputs.iter().map(|id| ids[id.index()]).collect();
            let id = match &node.op {
                Op::Input(_) if node.name == self.imported.input => {
                    assert_eq!(node.ty.shape, shape, "the model's input and the tensor");
                    let given = graph.node(input.id()).ty.dtype;
                    assert_eq!(node.ty.dtype, given, "the kinds of the model's input and the tensor");
                    input.id()
                }
                Op::Input(_) => match weights.iter().find(|(name, _)| *name == node.name) {
                    Some((_, id)) => *id,
                    None => {
                        let visibility = match node.ty.visibility {
                            Visibility::Private(_) => Visibility::Private(graph.owner(&self.owner)),
                            other => other,
                        };
                        // two models of a session may use the same names; the graph's are the same at every member, while
                        // only owners have data
                        let mut name = node.name.clone();
                        while graph.has_input(&name) {
                            name.push('\'');
                        }
                        let id = graph.input_of(
                            &name,
                            &node.ty.shape,
                            visibility,
                            Role::Parameter,
                            node.ty.dtype,
                        )?;
                        if let Some(value) = self.imported.parameters.get(&node.name) {
                            inputs.insert(name, value.clone());
                        }
                        weights.push((node.name.clone(), id));
                        id
                    }
                },
                Op::Reveal(_) => return Ok(Tensor::new(&self.workspace, operands[0])),
                // applied twice, a model draws twice
                op => {
                    let op = op.clone().with_draw(graph.next_draw());
                    graph.add(op, &operands, &node.name)?
                }
            };
            ids.push(id);
        }
        unreachable!("a model has an output: checked when it was made")
    }
}

/// The first bytes of a graph file.
const GRAPH: &[u8] = b"TACITA-G";

/// Reads a file that `tacita export-graph` wrote, which holds a template or a graph; none if it is of another kind.
///
/// # Errors
/// [`Error::Input`] naming the file, if it cannot be read or is broken.
pub fn read_template(path: &Path) -> Result<Option<Template>, Error> {
    let fail = |e: std::io::Error| Error::Input(format!("{}: cannot be read: {e}", path.display()));
    let bytes = std::fs::read(path).map_err(fail)?;
    if !bytes.starts_with(GRAPH) {
        return Ok(None);
    }
    let template = Template::decode(&bytes);
    template.map(Some).map_err(|e| {
        Error::Input(format!("{}: {e}; write it again with `tacita export-graph`", path.display()))
    })
}

/// A template as a model without weights: its one input that is data is the model's.
///
/// # Errors
/// [`Error::Input`] if it has none or several.
pub fn model_of_template(template: Template) -> Result<tacita_onnx::Model, Error> {
    let [(input, input_shape)] = template.inputs() else {
        let count = template.inputs().len();
        return Err(Error::Input(format!(
            "a graph of {count} inputs beside weights is no model, which has one"
        )));
    };
    let (input, input_shape) = (input.clone(), input_shape.clone());
    let graph = template.example();
    let outputs = graph.reveals().into_iter().map(|id| graph.label(id)).collect();
    let parameters = tacita_graph::Inputs::new();
    Ok(tacita_onnx::Model {
        template,
        parameters,
        input,
        input_shape,
        outputs,
        notes: vec![],
        public_constants: vec![],
    })
}
