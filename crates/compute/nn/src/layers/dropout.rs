use tacita_graph::{GraphError, NodeId, functions};

use crate::layer::Layer;
use crate::net::Net;

/// In training each element is 0 with this probability, and the others are divided by that of being kept. Nobody knows which.
#[derive(Clone, Copy, Debug)]
pub struct Dropout(pub f64);

impl Layer for Dropout {
    fn forward(&self, net: &mut Net<'_>, x: NodeId) -> Result<NodeId, GraphError> {
        if !net.is_training() {
            return Ok(x);
        }
        let name = net.name("dropout");
        functions::dropout(net.graph(), x, self.0, &name)
    }
}
