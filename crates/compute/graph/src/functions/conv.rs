use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::window::{Attributes, Axis};
use crate::ops::{Concat, Conv};
use crate::types::dims;
use tacita_program::NodeId;

/// The convolution of x `(n, c, spatial...)` with the kernel w `(o, c/groups, spatial...)`, plus a bias (o), over one,
/// two or three spatial axes: [`Conv`], or, for three, one of these for each element of the result's depth, whose
/// channels are those of x at all taps of the kernel's depth. Fixed.
///
/// # Errors
/// If shapes or attributes do not fit.
pub fn conv(
    graph: &mut Graph,
    x: NodeId,
    w: NodeId,
    bias: Option<NodeId>,
    attributes: &Conv,
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Conv", name);
    if b.shape(x).len() != 5 || attributes.stride.len() != 3 {
        let inputs: Vec<NodeId> = [x, w].into_iter().chain(bias).collect();
        return b.add(attributes.clone(), &inputs);
    }
    let shape = b.shape(x);
    let &[batch, channels, depth, height, width] = shape.as_slice() else {
        return b.refuse("channels or a spatial axis are the batch");
    };
    let &[outputs, inputs, taps, rows, columns] = b.shape(w).as_slice() else {
        return b.refuse("the kernel needs five axes: outputs, channels, three spatial");
    };
    let plane = |list: &[usize]| list.get(1..).unwrap_or_default().to_vec();
    let op = Conv {
        stride: plane(&attributes.stride),
        pads_begin: plane(&attributes.pads_begin),
        pads_end: plane(&attributes.pads_end),
        dilation: plane(&attributes.dilation),
        groups: attributes.groups,
    };
    let along = b.window(attributes, taps)?;
    let Some(count) = along.count(depth) else {
        return b.refuse("the window is larger than the padded input");
    };
    let w = b.reshape(w, dims(&[outputs, inputs * taps, rows, columns]))?;
    let mut slices = Vec::with_capacity(count);
    for at in 0..count {
        let tap = |tap: usize| {
            let place = (at * along.stride + tap * along.dilation).checked_sub(along.begin);
            place.filter(|&place| place < depth)
        };
        let slab = b.gather(x, 2, (0..taps).map(tap))?;
        let slab = b.reshape(slab, vec![batch, (channels * taps), height, width])?;
        let inputs: Vec<NodeId> = [slab, w].into_iter().chain(bias).collect();
        let plane = b.add(op.clone(), &inputs)?;
        let mut shape = b.shape(plane);
        shape.insert(2, 1);
        slices.push(b.reshape(plane, shape)?);
    }
    if let [only] = slices[..] {
        return Ok(only);
    }
    b.add(Concat { axis: 2 }, &slices)
}

impl Build<'_> {
    /// The window along the first spatial axis.
    fn window(&self, attributes: &Conv, kernel: usize) -> Result<Axis, GraphError> {
        let first = |list: &[usize]| list.first().copied().into_iter().collect::<Vec<_>>();
        let [stride, dilation, begin, end] =
            [&attributes.stride, &attributes.dilation, &attributes.pads_begin, &attributes.pads_end]
                .map(|list| first(list));
        let window = Attributes {
            kernel: &[kernel],
            stride: &stride,
            dilation: &dilation,
            begin: &begin,
            end: &end,
            ceil: false,
        };
        self.one_window(&window)
    }

    /// The only axis of a window over one.
    pub(super) fn one_window(&self, window: &Attributes<'_>) -> Result<Axis, GraphError> {
        match window.axes() {
            Ok(axes) => Ok(axes[0]),
            Err(source) => Err(GraphError::Invalid { node: self.name.to_owned(), op: self.function, source }),
        }
    }
}
