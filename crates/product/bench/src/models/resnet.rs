//! Residual networks (He and others, CVPR '16) at 224×224: ResNet-18, and ResNet-50 with the stride in the 3×3
//! convolution, as most libraries have it.

use tacita_graph::ops::{Add, Mean};
use tacita_graph::{GraphError, NodeId};

use super::builder::{Builder, Filters};

/// The factor of a norm before a ReLU, which halves the mean square.
const BEFORE_RELU: f64 = 1.4;
/// That of the last norm of a branch: what is added is smaller than what it is added to, so that sums do not grow.
const BRANCH: f64 = 0.4;

pub(super) fn build18(b: &mut Builder) -> Result<NodeId, GraphError> {
    build(b, [2, 2, 2, 2], 1, |b, x, width, stride, name| {
        let x = b.conv_norm(x, width, 3, stride, BEFORE_RELU, &format!("{name}.1"))?;
        let x = b.relu(x, &format!("{name}.1.relu"))?;
        b.conv_norm(x, width, 3, 1, BRANCH, &format!("{name}.2"))
    })
}

pub(super) fn build50(b: &mut Builder) -> Result<NodeId, GraphError> {
    build(b, [3, 4, 6, 3], 4, |b, x, width, stride, name| {
        let x = b.conv_norm(x, width, 1, 1, BEFORE_RELU, &format!("{name}.1"))?;
        let x = b.relu(x, &format!("{name}.1.relu"))?;
        let x = b.conv_norm(x, width, 3, stride, BEFORE_RELU, &format!("{name}.2"))?;
        let x = b.relu(x, &format!("{name}.2.relu"))?;
        b.conv_norm(x, 4 * width, 1, 1, BRANCH, &format!("{name}.3"))
    })
}

/// The branch that is added: of a value, width, stride, name.
type Branch = fn(&mut Builder, NodeId, usize, usize, &str) -> Result<NodeId, GraphError>;

/// `blocks` in each of four stages, whose results have `expansion` times their width in channels.
fn build(
    b: &mut Builder,
    blocks: [usize; 4],
    expansion: usize,
    branch: Branch,
) -> Result<NodeId, GraphError> {
    let mut x = b.input("image", &[3, 224, 224])?;
    x = b.conv_norm(x, 64, 7, 2, BEFORE_RELU, "stem")?;
    x = b.relu(x, "stem.relu")?;
    x = b.max_pool(x, 3, 1, "pool")?;
    for (stage, (width, blocks)) in [64, 128, 256, 512].into_iter().zip(blocks).enumerate() {
        for block in 0..blocks {
            let name = format!("{}.{block}", stage + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let added = branch(b, x, width, stride, &name)?;
            let kept = if b.size(x, 1) == expansion * width {
                x
            } else {
                b.conv_norm(x, expansion * width, 1, stride, 1.0, &format!("{name}.down"))?
            };
            let sum = b.graph.add(Add, &[added, kept], &format!("{name}.sum"))?;
            x = b.relu(sum, &name)?;
        }
    }
    x = b.graph.add(Mean { axes: vec![2, 3], keepdims: false }, &[x], "mean")?;
    b.linear(x, 1000, 1.0, "fc")
}

impl Builder {
    /// A square convolution that keeps the size up to the stride, and the norm after it.
    fn conv_norm(
        &mut self,
        x: NodeId,
        outputs: usize,
        kernel: usize,
        stride: usize,
        scale: f64,
        name: &str,
    ) -> Result<NodeId, GraphError> {
        let filters = Filters { outputs, kernel: [kernel; 2], stride: [stride; 2], pad: [kernel / 2; 2] };
        let y = self.conv(x, &filters, false, &format!("{name}.conv"))?;
        self.batch_norm(y, scale, name)
    }
}
