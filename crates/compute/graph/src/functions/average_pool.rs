use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::window::Attributes;
use crate::ops::{AveragePool, Combine};
use tacita_program::NodeId;

/// The mean over a sliding window of x `(n, c, spatial...)` with `dilation` between its taps: [`AveragePool`] where there
/// is none and two spatial axes at most; else the means along one axis after another, whose product they are. Fixed.
///
/// # Errors
/// If shape or attributes do not fit, or a window would lie on padding alone.
pub fn average_pool(
    graph: &mut Graph,
    x: NodeId,
    op: &AveragePool,
    dilation: &[usize],
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "AveragePool", name);
    let spatial = op.kernel.len();
    if dilation.iter().all(|&step| step == 1) && dilation.len() == spatial && spatial <= 2 {
        return b.add(op.clone(), &[x]);
    }
    let lists = [&op.stride[..], &op.pads_begin, &op.pads_end, dilation];
    if lists.iter().any(|list| list.len() != spatial) || b.shape(x).len() != spatial + 2 {
        return b.refuse(format!(
            "windows over {spatial} axes need as many of x after two, and numbers of each attribute"
        ));
    }
    let mut x = x;
    for axis in 0..spatial {
        let [kernel, stride, begin, end, dilation] =
            [&op.kernel[..], &op.stride, &op.pads_begin, &op.pads_end, dilation].map(|list| [list[axis]]);
        let window = Attributes {
            kernel: &kernel,
            stride: &stride,
            dilation: &dilation,
            begin: &begin,
            end: &end,
            ceil: op.ceil_mode,
        };
        let window = b.one_window(&window)?;
        let size = b.size(x, axis + 2);
        let Some(count) = window.count(size) else {
            return b.refuse("the window is larger than the padded input");
        };
        b.check_rows(count, window.kernel)?;
        let mut rows = Vec::with_capacity(count);
        for index in 0..count {
            let (inside, padded) = window.taps(size, index);
            if inside == 0 {
                return b.refuse("a window would lie on padding alone");
            }
            let weight = 1.0 / if op.count_include_pad { padded } else { inside } as f64;
            let taps = (0..window.kernel).map(|tap| index * window.stride + tap * window.dilation);
            let taps = taps.filter_map(|at| at.checked_sub(window.begin)).filter(|&at| at < size);
            rows.push(taps.map(|at| (at as u32, weight)).collect());
        }
        x = b.add(Combine { axis: axis + 2, rows }, &[x])?;
    }
    Ok(x)
}
