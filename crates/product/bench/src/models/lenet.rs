//! LeNet as it is trained today: two convolutions with maximum pooling, two fully connected layers. The shape of
//! `models/lenet.onnx`.

use tacita_graph::ops::Reshape;
use tacita_graph::{GraphError, NodeId, dims};

use super::builder::{Builder, Filters};

pub(super) fn build(b: &mut Builder) -> Result<NodeId, GraphError> {
    let mut x = b.input("image", &[1, 28, 28])?;
    for (name, outputs) in [("conv1", 16), ("conv2", 32)] {
        let filters = Filters { outputs, kernel: [5; 2], stride: [1; 2], pad: [0; 2] };
        x = b.conv(x, &filters, true, name)?;
        x = b.relu(x, &format!("{name}.relu"))?;
        x = b.max_pool(x, 2, 0, &format!("{name}.pool"))?;
    }
    x = b.graph.add(Reshape { shape: dims(&[b.batch, 32 * 4 * 4]) }, &[x], "flatten")?;
    x = b.linear(x, 128, 2.0, "fc1")?;
    x = b.relu(x, "fc1.relu")?;
    b.linear(x, 10, 1.0, "fc2")
}
