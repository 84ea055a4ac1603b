//! An imported model as a function of tensors.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tacita_graph::{Op, Role, Visibility, ops};
use tacita_onnx::{AxisSize, ImportOptions, Sizes, Template, show_axes};

use crate::error::Error;
use crate::tensor::Tensor;
use crate::workspace::Workspace;

/// A model of a session: its layers become nodes of the session's graph each time it is applied, its weights once.
pub struct Model {
    workspace: Arc<Workspace>,
    imported: tacita_onnx::Model,
    owner: String,
    /// The weights that were used, by their name in the model.
    weights: Mutex<Vec<(String, Tensor)>>,
}

impl Model {
    /// Reads an ONNX file, or the graph exported from one. The weights are kept where their owner is, only there.
    pub(crate) fn read(
        workspace: &Arc<Workspace>,
        path: &Path,
        owner: &str,
        here: bool,
    ) -> Result<Model, Error> {
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
        Ok(Model { workspace: workspace.clone(), imported, owner, weights: Mutex::default() })
    }

    /// Notes of the import: settings that it ignored or left to its user, a sentence each.
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
    /// If the input is of another shape or kind than the model takes, or of another session: [`Model::apply`] returns an error
    /// instead.
    pub fn forward(&self, input: &Tensor) -> Tensor {
        self.apply(input)
            .unwrap_or_else(|e| panic!("the model takes {}: {e}", show_axes(&self.imported.input_shape)))
    }

    /// The model's first output for an input. Applied twice, a model draws twice.
    ///
    /// # Errors
    /// If the input is of another shape or kind than the model takes, or of another session.
    pub fn apply(&self, input: &Tensor) -> Result<Tensor, Error> {
        self.workspace.check(&[input])?;
        let template = &self.imported.template;
        let model = template.at(&template.sizes_of(&input.shape(), &Sizes::new())?)?;
        let mut weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.workspace.lock();
        let mut given = BTreeMap::new();
        for id in model.inputs() {
            let node = model.node(id);
            let Op::Input(declared) = &node.op else { continue };
            let here = if node.name == self.imported.input {
                input.handle().id(&state)
            } else if let Some((_, weight)) = weights.iter().find(|(name, _)| *name == node.name) {
                weight.handle().id(&state)
            } else {
                let visibility = match node.ty.visibility {
                    Visibility::Private(_) => Visibility::Private(state.graph.owner(&self.owner)),
                    other => other,
                };
                // two models of a session may use the same names; the workspace's are the same at every member, while only
                // owners have data
                let name = state.parameter_name(&node.name);
                let value = self.imported.parameters.get(&node.name).cloned();
                let (role, shape) = (Role::Parameter, declared.shape.clone());
                let weight = ops::Input { visibility, role, shape, range: None, dtype: declared.dtype };
                let here = state.add_parameter(weight, name, value)?;
                weights.push((node.name.clone(), self.workspace.tensor(&mut state, here)));
                here
            };
            given.insert(id, here);
        }
        let output = model.reveals().into_iter().next();
        let output = output.ok_or_else(|| Error::Internal("a model without an output".into()))?;
        let nodes = state.graph.append(&model, &given)?;
        Ok(self.workspace.tensor(&mut state, nodes[output.index()]))
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
