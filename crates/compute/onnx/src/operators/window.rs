//! The attributes of sliding windows, which convolutions and pooling share.

use crate::call::{Call, checked_count};
use crate::error::{Fault, refuse};

/// Strides, dilations and padding, a number for each spatial axis.
pub(super) struct Window {
    pub(super) stride: Vec<usize>,
    pub(super) dilation: Vec<usize>,
    pub(super) begin: Vec<usize>,
    pub(super) end: Vec<usize>,
}

impl Window {
    /// Reads the attributes for a kernel sliding over `x` (n, c, spatial...).
    pub(super) fn read(call: &Call<'_, '_>, kernel: &[usize], x: &[usize]) -> Result<Window, Fault> {
        let rank = kernel.len();
        if !(1..=3).contains(&rank) || x.len() != rank + 2 {
            return refuse(format!(
                "windows over {rank} axes of an input with {} axes; supported are 1 of 3, 2 of 4, 3 of 5",
                x.len()
            ));
        }
        let stride = call.counts("strides", rank, 1)?;
        let dilation = call.counts("dilations", rank, 1)?;
        if kernel.iter().chain(&stride).chain(&dilation).any(|&count| count == 0) {
            return refuse("a kernel size, stride or dilation of 0");
        }
        let pads = call.counts("pads", 2 * rank, 0)?;
        let (mut begin, mut end) = (pads[..rank].to_vec(), pads[rank..].to_vec());
        match call.text("auto_pad")? {
            None | Some("NOTSET" | "") => {}
            Some("VALID") => (begin, end) = (vec![0; rank], vec![0; rank]),
            Some(same @ ("SAME_UPPER" | "SAME_LOWER")) => {
                for axis in 0..rank {
                    let size = x[axis + 2];
                    let extent = (kernel[axis] - 1) * dilation[axis] + 1;
                    // So many windows as strides begin within the input.
                    let reach = (size.div_ceil(stride[axis]).saturating_sub(1)).saturating_mul(stride[axis]);
                    let total = reach.saturating_add(extent).saturating_sub(size);
                    let (less, more) = (total / 2, total.div_ceil(2));
                    (begin[axis], end[axis]) = if same == "SAME_UPPER" { (less, more) } else { (more, less) };
                }
            }
            Some(other) => return refuse(format!("auto_pad {other:?} is unknown")),
        }
        Ok(Window { stride, dilation, begin, end })
    }
}

/// The attribute `kernel_shape`.
pub(super) fn kernel_shape(call: &Call<'_, '_>) -> Result<Option<Vec<usize>>, Fault> {
    let checked = |sizes: &[i64]| sizes.iter().map(|&size| checked_count("kernel_shape", size)).collect();
    call.ints("kernel_shape")?.map(checked).transpose()
}
