//! Networks that are measured: the architectures that the field compares with, random weights, nothing to download.
//!
//! Bob has the weights, Alice the input and the result. Weights are drawn so that values keep their size from layer to
//! layer, as those of trained networks do.

mod bert;
mod builder;
mod lenet;
mod resnet;
mod wav2letter;

use tacita_graph::{Graph, GraphError, Inputs, NodeId};

use builder::Builder;

/// A network's shape.
pub struct Architecture {
    /// Its name.
    pub name: &'static str,
    /// A short description.
    pub about: &'static str,
    /// Samples evaluated together, unless somebody says otherwise.
    pub batch: usize,
    build: fn(&mut Builder) -> Result<NodeId, GraphError>,
}

/// A network with weights and an input.
pub struct Network {
    /// The computation; one reveal, to Alice.
    pub graph: Graph,
    /// Bob's weights and Alice's input, by name.
    pub inputs: Inputs,
}

/// All that are measured.
pub const ARCHITECTURES: &[Architecture] = &[
    Architecture {
        name: "lenet",
        about: "digits of 28×28, the shape of models/lenet.onnx",
        batch: 32,
        build: lenet::build,
    },
    Architecture { name: "resnet18", about: "images of 224×224", batch: 1, build: resnet::build18 },
    Architecture { name: "resnet50", about: "images of 224×224", batch: 1, build: resnet::build50 },
    Architecture {
        name: "wav2letter",
        about: "16 s of speech, 16,000 samples a second",
        batch: 1,
        build: wav2letter::build,
    },
    Architecture {
        name: "bert-layer",
        about: "an encoder layer of BERT-base, 128 tokens",
        batch: 1,
        build: bert::build,
    },
];

impl Architecture {
    /// The network for so many samples. The same every time.
    ///
    /// # Errors
    /// If there are so many samples that a value becomes too large.
    pub fn network(&self, batch: usize) -> Result<Network, GraphError> {
        let mut builder = Builder::new(batch);
        let result = (self.build)(&mut builder)?;
        builder.revealing(result)
    }
}
