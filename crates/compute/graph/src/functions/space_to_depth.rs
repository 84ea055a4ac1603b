use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// How channels become the elements of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepthOrder {
    /// Place in the block first, then channel: ONNX's `DCR`, TensorFlow's.
    PlaceFirst,
    /// Channel first, then place in the block: ONNX's `CRD`, PyTorch's `PixelShuffle`.
    ChannelFirst,
}

/// x (n, c * block², h, w) as (n, c, h * block, w * block): groups of channels become blocks of pixels. Any kind.
///
/// # Errors
/// If x has another shape.
pub fn depth_to_space(
    graph: &mut Graph,
    x: NodeId,
    block: usize,
    order: DepthOrder,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "DepthToSpace", name);
    let (batch, [channels, height, width]) = b.image(x)?;
    let Some(places) = block.checked_mul(block).filter(|&n| n > 0 && channels.is_multiple_of(n)) else {
        return b.refuse(format!("{channels} channels are no blocks of {block} by {block}"));
    };
    let outputs = channels / places;
    let (split, perm) = match order {
        DepthOrder::PlaceFirst => ([block, block, outputs], vec![0, 3, 4, 1, 5, 2]),
        DepthOrder::ChannelFirst => ([outputs, block, block], vec![0, 1, 4, 2, 5, 3]),
    };
    let parted = b.reshape(x, shape(batch, &[split[0], split[1], split[2], height, width]))?;
    let moved = b.transpose(parted, perm)?;
    b.reshape(moved, shape(batch, &[outputs, height * block, width * block]))
}

/// x (n, c, h, w) as (n, c * block², h / block, w / block): blocks of pixels become groups of channels, the inverse of
/// [`depth_to_space`]. Any kind. ONNX's has [`DepthOrder::PlaceFirst`].
///
/// # Errors
/// If x has another shape.
pub fn space_to_depth(
    graph: &mut Graph,
    x: NodeId,
    block: usize,
    order: DepthOrder,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "SpaceToDepth", name);
    let (batch, [channels, height, width]) = b.image(x)?;
    if block == 0 || !height.is_multiple_of(block) || !width.is_multiple_of(block) {
        return b.refuse(format!("{height} by {width} pixels are no blocks of {block} by {block}"));
    }
    let (rows, columns) = (height / block, width / block);
    let perm = match order {
        DepthOrder::PlaceFirst => vec![0, 3, 5, 1, 2, 4],
        DepthOrder::ChannelFirst => vec![0, 1, 3, 5, 2, 4],
    };
    let parted = b.reshape(x, shape(batch, &[channels, rows, block, columns, block]))?;
    let moved = b.transpose(parted, perm)?;
    b.reshape(moved, shape(batch, &[channels * block * block, rows, columns]))
}

fn shape(batch: usize, sizes: &[usize]) -> Vec<usize> {
    std::iter::once(batch).chain(sizes.iter().copied()).collect()
}

impl Build<'_> {
    /// The shape (n, c, h, w) of an image.
    fn image(&self, x: NodeId) -> Result<(usize, [usize; 3]), GraphError> {
        match self.shape(x)[..] {
            [batch, c, h, w] => Ok((batch, [c, h, w])),
            _ => self.refuse("four axes are needed: batch, channels, height, width"),
        }
    }
}
