//! Convolution, and batch normalization, which follows it.

use tacita_graph::{Dim, dims, ops};

use super::window::{Window, kernel_shape};
use super::{Values, one};
use crate::call::Call;
use crate::error::refuse;

/// x (n, c, [h,] w), w (o, c/group, [kh,] kw), and perhaps a bias (o).
pub(super) fn conv(call: &mut Call<'_, '_>) -> Values {
    let mut inputs = vec![call.operand(0)?, call.operand(1)?];
    inputs.extend(call.optional_operand(2)?);
    let (x, w) = (call.shape(inputs[0]), call.shape(inputs[1]));
    let mut kernel = Vec::new();
    for dim in w.get(2..).unwrap_or_default() {
        let Dim::Known(size) = dim else { return refuse("the kernel has a batch axis") };
        kernel.push(*size);
    }
    if let Some(declared) = kernel_shape(call)?
        && declared != kernel
    {
        return refuse(format!("kernel_shape {declared:?} is not that of its weights, {kernel:?}"));
    }
    let Window { stride, dilation, begin, end } = Window::read(call, &kernel, &x)?;
    let groups = call.count("group", 1)?;
    one(call.add(ops::Conv { stride, pads_begin: begin, pads_end: end, dilation, groups }, &inputs)?)
}

/// x (n, c, ...), then scale, bias, mean and variance, each (c). Folding it into a convolution is the graph's business.
pub(super) fn batch_normalization(call: &mut Call<'_, '_>) -> Values {
    // Momentum serves training alone.
    let _ = call.raw_float("momentum")?;
    if call.flag("training_mode")? || call.int("spatial")?.unwrap_or(1) == 0 {
        return refuse("training_mode is set, or spatial is not; export the model for inference");
    }
    let epsilon = match call.float("epsilon")? {
        Some(epsilon) => epsilon,
        None => {
            call.scope.publish("epsilon", "0.00001".to_string(), call.name());
            f64::from(1e-5f32)
        }
    };
    let inputs = [call.operand(0)?, call.operand(1)?, call.operand(2)?, call.operand(3)?, call.operand(4)?];
    let channels = match call.shape(inputs[0]).get(1) {
        Some(Dim::Known(channels)) => *channels,
        _ => return refuse("its input has no axis of channels"),
    };
    for &parameter in &inputs[1..] {
        if call.shape(parameter) != dims(&[channels]) {
            return refuse(format!("its parameters must have {channels} elements, one a channel"));
        }
    }
    one(call.add(ops::BatchNorm { epsilon }, &inputs)?)
}
