use ndarray::ArrayD;
use serde::{Deserialize, Serialize};
use tacita_program::RingId;

use super::error_rule::Deviation;
use super::shape::one_fixed;
use super::window::{Attributes, Axis};
use super::{Combine, Inferred, Operation, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::pool::average_pool;
use crate::lower::scale::quantisation;
use crate::types::{Interval, Type};

/// The mean over a sliding window of x `(n, c, [h,] w)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AveragePool {
    /// The window's size along each axis.
    pub kernel: Vec<usize>,
    /// The step between windows along each axis.
    pub stride: Vec<usize>,
    /// The padding before, along each axis.
    pub pads_begin: Vec<usize>,
    /// The padding after, along each axis.
    pub pads_end: Vec<usize>,
    /// Whether the last window may extend beyond the end.
    pub ceil_mode: bool,
    /// Whether padding counts as zeros. Elements beyond the padding never count.
    pub count_include_pad: bool,
}

impl AveragePool {
    fn axes(&self) -> Vec<Axis> {
        self.attributes().axes().expect("inference checked the attributes")
    }

    /// The number of elements in each window, by axis and output.
    fn counts(&self, x: &[usize]) -> Vec<Vec<usize>> {
        let sizes = x[2..].iter();
        sizes
            .zip(self.axes())
            .map(|(&size, axis)| {
                let outputs = axis.count(size).expect("inference checked that a window fits");
                let taps = (0..outputs).map(|output| axis.taps(size, output));
                taps.map(|(inside, padded)| if self.count_include_pad { padded } else { inside }).collect()
            })
            .collect()
    }

    /// The divisors of the sums, in a shape that broadcasts against the result.
    fn divisors(&self, x: &[usize]) -> ArrayD<f64> {
        let counts = self.counts(x);
        let lengths: Vec<usize> = counts.iter().map(Vec::len).collect();
        ArrayD::from_shape_fn(lengths, |index| {
            counts.iter().enumerate().map(|(axis, counts)| counts[index[axis]] as f64).product()
        })
    }

    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes {
            kernel: &self.kernel,
            stride: &self.stride,
            dilation: &[1, 1][..self.kernel.len().min(2)],
            begin: &self.pads_begin,
            end: &self.pads_end,
            ceil: self.ceil_mode,
        }
    }
}

impl Operation for AveragePool {
    fn name(&self) -> &'static str {
        "AveragePool"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let x = one_fixed(inputs)?;
        let mut shape = x.shape.get(..2).unwrap_or_default().to_vec();
        shape.extend(self.attributes().spatial(x, true)?);
        Inferred::fixed(shape)
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let sums = arrays::windows(x[0], &self.axes(), 0.0, |a, b| a + b);
        arrays::zip(&sums, &self.divisors(x[0].shape()), |sum, divisor| sum / divisor)
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        if self.count_include_pad { x[0].hull(Interval::new(0.0, 0.0)) } else { x[0] }
    }

    /// The sum, which the ring holds before the division.
    fn peak(&self, x: &[Interval], _types: &[&Type], _result: Interval) -> f64 {
        self.kernel.iter().product::<usize>() as f64 * x[0].magnitude()
    }

    /// As for `Mean`.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let divisors = self.divisors(d.values[0].shape());
        let precision = (-d.unit.log2()).round() as u32;
        let first = divisors.first().copied().unwrap_or(1.0);
        let uniform = divisors.iter().all(|&divisor| divisor == first);
        let off = if uniform { quantisation(1.0 / first, precision) } else { d.unit / 2.0 };
        let off = &divisors * off;
        let means = arrays::zip3(d.result, &self.plain(d.errors), &off, |mean, error, off| {
            mean.abs() * off + error * (1.0 + off)
        });
        means + 3.0 * d.unit
    }

    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        let (sizes, mut part) = (b.shape(b.x(0)), b.g());
        for (along, window) in self.axes().into_iter().enumerate() {
            let (axis, size) = (along + 2, sizes[along + 2]);
            let mut rows = vec![Vec::new(); size];
            for at in 0..b.shape(part)[axis] {
                let (real, all) = window.taps(size, at);
                let weight = 1.0 / (if self.count_include_pad { all } else { real }) as f64;
                let taps = (0..window.kernel).map(|tap| at * window.stride + tap * window.dilation);
                for place in
                    taps.filter_map(|tap| tap.checked_sub(window.begin)).filter(|&place| place < size)
                {
                    rows[place].push((at as u32, weight));
                }
            }
            part = b.add(Combine { axis, rows }, &[part])?;
        }
        b.give(0, part)
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        let counts = self.counts(&l.input_shape(0));
        average_pool(l, &self.axes(), &counts)
    }
}
