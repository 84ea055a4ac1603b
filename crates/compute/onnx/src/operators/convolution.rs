//! Convolution and its transpose, and batch normalization, which follows it.

use tacita_graph::functions::{self, ConvTranspose};
use tacita_graph::{NodeId, dims, ops};

use super::window::{Window, kernel_shape};
use super::{Values, one};
use crate::call::{Call, checked_count};
use crate::error::{Fault, refuse};

/// x (n, c, spatial...), w (o, c/group, spatial...), and perhaps a bias (o).
pub(super) fn conv(call: &mut Call<'_, '_>) -> Values {
    let (x, w, bias) = (call.operand(0)?, call.operand(1)?, call.optional_operand(2)?);
    let kernel = kernel(call, w)?;
    let Window { stride, dilation, begin, end } = Window::read(call, &kernel, &call.shape(x))?;
    let groups = call.count("group", 1)?;
    let op = ops::Conv { stride, pads_begin: begin, pads_end: end, dilation, groups };
    one(call.apply(|graph, name| functions::conv(graph, x, w, bias, &op, name))?)
}

/// The sizes of the kernel's spatial axes.
fn kernel(call: &Call<'_, '_>, w: NodeId) -> Result<Vec<usize>, Fault> {
    let mut kernel = Vec::new();
    for dim in call.shape(w).get(2..).unwrap_or_default() {
        kernel.push(*dim);
    }
    match kernel_shape(call)? {
        Some(declared) if declared != kernel => {
            refuse(format!("kernel_shape {declared:?} is not that of its weights, {kernel:?}"))
        }
        _ => Ok(kernel),
    }
}

/// x (n, c, spatial...), w (c, o/group, spatial...), and perhaps a bias (o).
pub(super) fn conv_transpose(call: &mut Call<'_, '_>) -> Values {
    let (x, w, bias) = (call.operand(0)?, call.operand(1)?, call.optional_operand(2)?);
    let kernel = kernel(call, w)?;
    let shape = call.shape(x);
    let rank = kernel.len();
    if shape.len() != rank + 2 {
        return refuse(format!("a kernel over {rank} axes for an input with {} axes", shape.len()));
    }
    let stride = call.counts("strides", rank, 1)?;
    let dilation = call.counts("dilations", rank, 1)?;
    let mut output_padding = call.counts("output_padding", rank, 0)?;
    let pads = call.counts("pads", 2 * rank, 0)?;
    let (mut pads_begin, mut pads_end) = (pads[..rank].to_vec(), pads[rank..].to_vec());
    let auto_pad = call.text("auto_pad")?.unwrap_or("NOTSET");
    let output = call.ints("output_shape")?.map(<[i64]>::to_vec);
    match auto_pad {
        "NOTSET" | "" => {}
        "VALID" => (pads_begin, pads_end) = (vec![0; rank], vec![0; rank]),
        "SAME_UPPER" | "SAME_LOWER" => {}
        other => return refuse(format!("auto_pad {other:?} is unknown")),
    }
    // The padding follows from the size of the result, where that is given or a multiple of the input's.
    let same = auto_pad.starts_with("SAME");
    if same || output.is_some() {
        for axis in 0..rank {
            let size = shape[axis + 2];
            let wanted = match &output {
                Some(list) => match list.get(list.len().wrapping_sub(rank).wrapping_add(axis)) {
                    Some(&wanted) => checked_count("output_shape", wanted)?,
                    None => return refuse(format!("output_shape {list:?} for {rank} axes")),
                },
                None => size.saturating_mul(stride[axis]),
            };
            let full = (size - 1).saturating_mul(stride[axis])
                + kernel[axis].saturating_sub(1).saturating_mul(dilation[axis])
                + 1
                + output_padding[axis];
            let total = full.saturating_sub(wanted);
            output_padding[axis] += wanted.saturating_sub(full);
            let (less, more) = (total / 2, total.div_ceil(2));
            (pads_begin[axis], pads_end[axis]) =
                if auto_pad == "SAME_UPPER" { (less, more) } else { (more, less) };
        }
    }
    let groups = call.count("group", 1)?;
    let op = ConvTranspose { stride, pads_begin, pads_end, output_padding, dilation, groups };
    one(call.apply(|graph, name| functions::conv_transpose(graph, x, w, bias, &op, name))?)
}

/// x (n, c, ...), then scale, bias, mean and variance, each (c). Folding it into a convolution is the graph's business.
pub(super) fn batch_normalization(call: &mut Call<'_, '_>) -> Values {
    // Momentum serves training alone.
    let _ = call.raw_float("momentum")?;
    if call.flag("training_mode")? || call.int("spatial")?.unwrap_or(1) == 0 {
        return refuse("training_mode is set, or spatial is not; export the model for inference");
    }
    let epsilon = call.float_or("epsilon", 1e-5)?;
    let inputs = [call.operand(0)?, call.operand(1)?, call.operand(2)?, call.operand(3)?, call.operand(4)?];
    let channels = match call.shape(inputs[0]).get(1) {
        Some(channels) => *channels,
        _ => return refuse("its input has no axis of channels"),
    };
    for &parameter in &inputs[1..] {
        if call.shape(parameter) != dims(&[channels]) {
            return refuse(format!("its parameters must have {channels} elements, one a channel"));
        }
    }
    one(call.add(ops::BatchNorm { epsilon }, &inputs)?)
}
