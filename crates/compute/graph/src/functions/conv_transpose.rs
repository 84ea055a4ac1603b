use super::{Build, conv, flip};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::Conv;
use crate::types::dims;
use tacita_program::NodeId;

/// The attributes of a transposed convolution, a number for each spatial axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTranspose {
    /// The step between the places of two elements of x in the result.
    pub stride: Vec<usize>,
    /// What is taken away before.
    pub pads_begin: Vec<usize>,
    /// What is taken away after.
    pub pads_end: Vec<usize>,
    /// What the result has more at the end, below stride or dilation.
    pub output_padding: Vec<usize>,
    /// The step between taps.
    pub dilation: Vec<usize>,
    /// How many groups the channels are split into.
    pub groups: usize,
}

/// The transposed convolution of x `(n, c, spatial...)` with w `(c, o/groups, spatial...)`, plus a bias (o), over one to
/// three spatial axes: the gradient of a convolution with respect to its input. Along each axis the result has
/// `stride (size - 1) + dilation (kernel - 1) + 1 + output_padding - pads` elements. Fixed.
///
/// It is the convolution of x, stretched with zeros by the stride, with the kernel reversed. The zeros move nothing
/// over the links, but are multiplied.
///
/// # Errors
/// If shapes or attributes do not fit.
pub fn conv_transpose(
    graph: &mut Graph,
    x: NodeId,
    w: NodeId,
    bias: Option<NodeId>,
    attributes: &ConvTranspose,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "ConvTranspose", name);
    let kernel = b.shape(w);
    let shape = b.shape(x);
    let spatial = shape.len().saturating_sub(2);
    let ConvTranspose { stride, pads_begin, pads_end, output_padding, dilation, groups } = attributes;
    let lists = [stride, pads_begin, pads_end, output_padding, dilation];
    if !(1..=3).contains(&spatial)
        || kernel.len() != shape.len()
        || lists.iter().any(|list| list.len() != spatial)
    {
        return b.refuse("input and kernel need batch or channels, channels, and one to three axes with a number of each attribute");
    }
    if lists.iter().flat_map(|list| list.iter()).any(|&n| n > 1 << 16)
        || stride.contains(&0)
        || dilation.contains(&0)
    {
        return b.refuse("a stride or dilation is 0, or an attribute above 65536");
    }
    let channels = kernel[0];
    if shape[1] != channels || *groups == 0 || !channels.is_multiple_of(*groups) {
        return b
            .refuse(format!("{groups} groups and a kernel for {channels} channels do not fit the input"));
    }
    let mut stretched = x;
    for axis in 0..spatial {
        if output_padding[axis] >= stride[axis].max(dilation[axis]) {
            return b.refuse("an output padding is not below stride or dilation");
        }
        let size = b.size(x, axis + 2);
        let reach = (kernel[axis + 2] - 1) * dilation[axis];
        let length = (size - 1).checked_mul(stride[axis]).and_then(|length| {
            (length + 2 * reach + 1 + output_padding[axis]).checked_sub(pads_begin[axis] + pads_end[axis])
        });
        let Some(length) = length.filter(|&length| length > reach) else {
            return b.refuse(format!("nothing is left of axis {}", axis + 2));
        };
        let place = |at: usize| {
            let from = (at + pads_begin[axis]).checked_sub(reach)?;
            (from.is_multiple_of(stride[axis]) && from / stride[axis] < size).then(|| from / stride[axis])
        };
        stretched = b.gather(stretched, axis + 2, (0..length).map(place))?;
    }
    // (c, o / groups, ...) to (o, c / groups, ...), reversed
    let axes: Vec<isize> = (2..kernel.len() as isize).collect();
    let reversed = flip(b.graph, w, &axes, name)?;
    let (inputs, outputs) = (channels / groups, kernel[1]);
    let grouped = b.reshape(reversed, dims(&[&[*groups, inputs, outputs], &kernel[2..]].concat()))?;
    let perm = [0, 2, 1].into_iter().chain(3..kernel.len() + 1).collect();
    let turned = b.transpose(grouped, perm)?;
    let turned = b.reshape(turned, dims(&[&[groups * outputs, inputs], &kernel[2..]].concat()))?;
    let plain = Conv {
        stride: vec![1; spatial],
        pads_begin: vec![0; spatial],
        pads_end: vec![0; spatial],
        dilation: dilation.clone(),
        groups: *groups,
    };
    conv(b.graph, stretched, turned, bias, &plain, name)
}
