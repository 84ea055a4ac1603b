use tacita_graph::ops::Reshape;
use tacita_graph::{GraphError, NodeId};

use crate::layer::Layer;
use crate::net::Net;

/// All axes but the first as one.
#[derive(Clone, Copy, Debug)]
pub struct Flatten;

impl Layer for Flatten {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        let shape = net.graph().node(x).ty.shape.clone();
        let features = shape.iter().skip(1).product();
        let rows = shape.first().copied().unwrap_or(1);
        let name = net.name("flatten");
        net.graph().add(Reshape { shape: vec![rows, features] }, &[x], &name)
    }
}
