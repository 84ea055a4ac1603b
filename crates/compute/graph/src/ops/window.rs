//! The geometry of sliding windows: convolutions and pooling, along one axis.

use super::shape::{attribute, misfit};
use crate::error::InferError;
use crate::types::Type;

/// The largest kernel, stride, dilation or padding along an axis.
const MAX_STEP: usize = 1 << 16;

/// A window that slides along one axis. Sizes in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) begin: usize,
    pub(crate) end: usize,
    pub(crate) ceil: bool,
}

impl Axis {
    /// The elements from the window's first to its last tap, both included.
    pub(crate) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// How many windows fit on `size` elements; `None` if none does. With `ceil` a last window may reach beyond
    /// the padding, if it begins before the padding at the end does.
    pub(crate) fn count(&self, size: usize) -> Option<usize> {
        let room = (size + self.begin + self.end).checked_sub(self.extent())?;
        let mut count = room / self.stride + 1;
        if self.ceil && !room.is_multiple_of(self.stride) && count * self.stride < size + self.begin {
            count += 1;
        }
        Some(count)
    }

    /// The padding at the end that lets all windows fit exactly or with a rest smaller than the stride.
    pub(crate) fn end_needed(&self, size: usize) -> usize {
        let count = self.count(size).unwrap_or(0);
        let reach = count.saturating_sub(1) * self.stride + self.extent();
        self.end.max(reach.saturating_sub(size + self.begin))
    }

    /// How many taps of window `index` lie on the `size` elements, and how many on elements or padding.
    pub(crate) fn taps(&self, size: usize, index: usize) -> (usize, usize) {
        let start = index * self.stride;
        let within = |from: usize, to: usize| {
            (0..self.kernel)
                .map(|tap| start + tap * self.dilation)
                .filter(|at| (from..to).contains(at))
                .count()
        };
        (within(self.begin, self.begin + size), within(0, self.begin + size + self.end))
    }

    /// Whether every window has at least one tap on the `size` elements.
    fn covers(&self, size: usize, count: usize) -> bool {
        let covered = |index: usize| {
            let start = index * self.stride;
            let tap = self.begin.saturating_sub(start).div_ceil(self.dilation);
            tap < self.kernel && start + tap * self.dilation < self.begin + size
        };
        // Only windows that begin in the padding, and the last, can miss.
        (0..count.min(self.begin / self.stride + 1)).all(covered) && covered(count - 1)
    }
}

/// The attributes of a window over one or two spatial axes.
pub(crate) struct Attributes<'a> {
    pub(crate) kernel: &'a [usize],
    pub(crate) stride: &'a [usize],
    pub(crate) dilation: &'a [usize],
    pub(crate) begin: &'a [usize],
    pub(crate) end: &'a [usize],
    pub(crate) ceil: bool,
}

impl Attributes<'_> {
    /// One window an axis.
    ///
    /// # Errors
    /// If the lengths differ, or a size is 0 or absurd.
    pub(crate) fn axes(&self) -> Result<Vec<Axis>, InferError> {
        let rank = self.kernel.len();
        if rank != 1 && rank != 2 {
            return attribute(format!("windows have one or two axes, not {rank}"));
        }
        let lists =
            [("stride", self.stride), ("dilation", self.dilation), ("begin", self.begin), ("end", self.end)];
        for (what, list) in lists {
            if list.len() != rank {
                return attribute(format!("{what} has {} sizes, the kernel {rank}", list.len()));
            }
        }
        let axes: Vec<Axis> = (0..rank)
            .map(|i| Axis {
                kernel: self.kernel[i],
                stride: self.stride[i],
                dilation: self.dilation[i],
                begin: self.begin[i],
                end: self.end[i],
                ceil: self.ceil,
            })
            .collect();
        for axis in &axes {
            if [axis.kernel, axis.stride, axis.dilation].contains(&0) {
                return attribute("a kernel, stride or dilation is 0");
            }
            if [axis.kernel, axis.stride, axis.dilation, axis.begin, axis.end].iter().any(|&n| n > MAX_STEP) {
                return attribute("a kernel, stride, dilation or padding is above 65536");
            }
        }
        Ok(axes)
    }

    /// The sizes of the result's spatial axes for an input `(n, c, spatial...)`.
    ///
    /// # Errors
    /// If the input has another rank, no window fits, or, where `covered`, one would lie wholly on padding.
    pub(crate) fn spatial(&self, x: &Type, covered: bool) -> Result<Vec<usize>, InferError> {
        let axes = self.axes()?;
        if x.rank() != axes.len() + 2 {
            return misfit(
                x,
                format!("{} axes are needed: batch, channels, {} spatial", axes.len() + 2, axes.len()),
            );
        }
        let mut sizes = Vec::with_capacity(axes.len());
        for (axis, &size) in axes.iter().zip(&x.shape[2..]) {
            let Some(count) = axis.count(size) else {
                return misfit(x, "the window is larger than the padded input");
            };
            if covered && !axis.covers(size, count) {
                return misfit(x, "a window would lie on padding alone");
            }
            sizes.push(count);
        }
        Ok(sizes)
    }
}
