//! The windows of convolution and pooling.

/// A window that slides over the last two axes of a tensor. Pairs are `[height, width]`.
///
/// One-dimensional operations are two-dimensional with height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window2d {
    /// Taps along each axis.
    pub kernel: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Distance between taps; 1 is dense.
    pub dilation: [usize; 2],
    /// Zeros added at the top, left, bottom and right.
    pub pads: [usize; 4],
}

impl Window2d {
    /// A dense window of `kernel` taps with stride 1 and no padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: [1, 1], dilation: [1, 1], pads: [0; 4] }
    }

    /// Height and width of the result for an input of height and width `input`.
    ///
    /// `None` if the window does not fit, or a kernel, stride or dilation is 0.
    pub fn output(&self, input: [usize; 2]) -> Option<[usize; 2]> {
        let axis = |i: usize| {
            if self.stride[i] == 0 || self.dilation[i] == 0 {
                return None;
            }
            let span = self.kernel[i].checked_sub(1)?.checked_mul(self.dilation[i])?.checked_add(1)?;
            let padded = input[i].checked_add(self.pads[i])?.checked_add(self.pads[i + 2])?;
            Some(padded.checked_sub(span)? / self.stride[i] + 1)
        };
        Some([axis(0)?, axis(1)?])
    }

    /// The outputs along `axis` for which tap `tap` lies on the input of length `input` and not on padding, as a range
    /// of output indices below `output`, and the input index of the first.
    #[inline(always)]
    pub(crate) fn valid(
        &self,
        axis: usize,
        tap: usize,
        input: usize,
        output: usize,
    ) -> (usize, usize, usize) {
        let offset = tap * self.dilation[axis];
        let (pad, stride) = (self.pads[axis], self.stride[axis]);
        // Input index of output o is o * stride + offset - pad.
        let first = pad.saturating_sub(offset).div_ceil(stride).min(output);
        let end = (input + pad).saturating_sub(offset).div_ceil(stride).clamp(first, output);
        let start = (first * stride + offset).saturating_sub(pad);
        (first, end, start)
    }
}

/// A two-dimensional convolution (cross-correlation, as in ONNX and PyTorch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    /// The sliding window; its kernel is the weight's.
    pub window: Window2d,
    /// The number of groups into which input and output channels are split; each group is convolved separately.
    pub groups: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes() {
        let stem = Window2d { stride: [2, 2], pads: [3; 4], ..Window2d::new([7, 7]) };
        assert_eq!(stem.output([224, 224]), Some([112, 112]));
        assert_eq!(Window2d { dilation: [2, 1], ..Window2d::new([3, 3]) }.output([5, 5]), Some([1, 3]));
        assert_eq!(Window2d::new([3, 3]).output([2, 5]), None);
        assert_eq!(Window2d { stride: [0, 1], ..Window2d::new([1, 1]) }.output([2, 5]), None);
        assert_eq!(Window2d::new([0, 1]).output([2, 5]), None);
    }

    #[test]
    fn valid_ranges_are_those_on_the_input() {
        for (kernel, stride, dilation, before, after, input) in [
            (3, 1, 1, 1, 1, 5),
            (3, 2, 2, 3, 0, 6),
            (5, 3, 1, 4, 4, 2),
            (1, 2, 1, 0, 0, 7),
            (2, 1, 5, 7, 7, 3),
        ] {
            let window = Window2d {
                kernel: [1, kernel],
                stride: [1, stride],
                dilation: [1, dilation],
                pads: [0, before, 0, after],
            };
            let output = window.output([1, input]).unwrap()[1];
            for tap in 0..kernel {
                let position =
                    |o: usize| (o * stride + tap * dilation).checked_sub(before).filter(|&i| i < input);
                let (first, end, start) = window.valid(1, tap, input, output);
                for o in 0..output {
                    assert_eq!((first..end).contains(&o), position(o).is_some());
                }
                if first < end {
                    assert_eq!(position(first), Some(start));
                }
            }
        }
    }
}
