//! What an import takes and gives.

use serde::{Deserialize, Serialize};
use tacita_graph::{Graph, Inputs, Interval};

use crate::error::ImportError;
use crate::sizes::{AxisSize, BATCH, Sizes};
use crate::template::Template;

/// Who owns what, and who learns what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportOptions {
    /// Whose private inputs the weights become.
    pub weights_owner: String,
    /// Whose private input the model's input becomes.
    pub input_owner: String,
    /// To whom each output is revealed.
    pub receivers: Vec<String>,
    /// Whether to reveal the index of the largest logit instead of the logits.
    pub argmax: bool,
    /// The range that the input's values are declared to lie in. It is public, part of the graph, and data outside of it is
    /// refused when it is encoded.
    pub input_range: Option<Interval>,
}

impl Default for ImportOptions {
    /// Alice's input, Bob's weights, logits to Alice.
    fn default() -> ImportOptions {
        ImportOptions {
            weights_owner: "bob".to_string(),
            input_owner: "alice".to_string(),
            receivers: vec!["alice".to_string()],
            argmax: false,
            input_range: None,
        }
    }
}

/// An imported model: the public template, and apart from it the owner's weights.
#[derive(Clone, Debug)]
pub struct Model {
    /// The computation, with a reveal node for each output, named as the output (`logits:argmax` with argmax). It holds no
    /// weight.
    pub template: Template,
    /// The weights, by the name of their input of the graph, which is the tensor's name in the file. Only their owner
    /// may see them.
    pub parameters: Inputs,
    /// The name of the model's input.
    pub input: String,
    /// Its shape.
    pub input_shape: Vec<AxisSize>,
    /// The names of the model's outputs.
    pub outputs: Vec<String>,
    /// What a user should know: what was left out and is the receiver's to do, what was ignored. One sentence each.
    pub notes: Vec<String>,
    /// The numbers of the file that the graph makes public.
    pub public_constants: Vec<PublicConstant>,
}

impl Model {
    /// The graph for a batch of `n` samples, and otherwise the sizes that the model fixes.
    ///
    /// # Errors
    /// As [`Template::at`].
    pub fn of_batch(&self, n: usize) -> Result<Graph, ImportError> {
        let is_open = self.template.names().contains(BATCH);
        self.template.at(&if is_open { Sizes::from([(BATCH.to_string(), n)]) } else { Sizes::new() })
    }
}

/// A number or a few of the model's file that an operation needs to know, so that everyone learns them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicConstant {
    /// The name of the tensor or attribute.
    pub name: String,
    /// The value, as text.
    pub value: String,
    /// The name of the node that needs it.
    pub used_by: String,
}
