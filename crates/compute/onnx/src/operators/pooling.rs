//! Pooling over sliding windows and over everything.

use tacita_graph::{functions, ops};

use super::window::{Window, kernel_shape};
use super::{Values, one};
use crate::call::Call;
use crate::error::corrupt;

pub(super) fn max_pool(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let Some(kernel) = kernel_shape(call)? else { return corrupt("a MaxPool without kernel_shape") };
    let Window { stride, dilation, begin, end } = Window::read(call, &kernel, &call.shape(x))?;
    // It orders the indices, an output that is not supported.
    let _ = call.int("storage_order")?;
    let ceil_mode = call.flag("ceil_mode")?;
    let op = ops::MaxPool { kernel, stride, pads_begin: begin, pads_end: end, dilation, ceil_mode };
    one(call.apply(|graph, name| functions::max_pool(graph, x, &op, name))?)
}

pub(super) fn average_pool(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let Some(kernel) = kernel_shape(call)? else { return corrupt("an AveragePool without kernel_shape") };
    let Window { stride, dilation, begin, end } = Window::read(call, &kernel, &call.shape(x))?;
    let (ceil_mode, count_include_pad) = (call.flag("ceil_mode")?, call.flag("count_include_pad")?);
    let op =
        ops::AveragePool { kernel, stride, pads_begin: begin, pads_end: end, ceil_mode, count_include_pad };
    one(call.apply(|graph, name| functions::average_pool(graph, x, &op, &dilation, name))?)
}

/// The maximum over all axes after batch and channels.
pub(super) fn global_max_pool(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.apply(|graph, name| functions::global_max_pool(graph, x, name))?)
}

/// The mean over all axes after batch and channels.
pub(super) fn global_average_pool(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let axes: Vec<usize> = (2..call.shape(x).len()).collect();
    one(call.add(ops::Mean { axes, keepdims: true }, &[x])?)
}
