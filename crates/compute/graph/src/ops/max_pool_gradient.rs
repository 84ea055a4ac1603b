use ndarray::{ArrayD, Axis as NdAxis, IxDyn};
use serde::{Deserialize, Serialize};
use tacita_program::{NodeId, RingId};

use super::error_rule::Deviation;
use super::shape::{arity, kinds, secret_unless_known};
use super::{Combine, Gather, Inferred, Less, MaxPool, Operation, Pad, arrays};
use crate::error::{GraphError, InferError};
use crate::grad::Backward;
use crate::lower::Lowering;
use crate::lower::pool::max_pool_gradient;
use crate::types::{DType, Interval, Type, dims};

/// A number larger than every fixed-point value.
const LARGEST: f64 = 1e30;

/// The derivative of a max pooling: passes each window's element of g to the largest element of the window in x, the
/// first of equal ones. With `relu`, zero is a further candidate, so a window of negative elements passes nothing.
/// Inputs x, g. Reuses the comparisons of `MaxPool` (`ReluMaxPool`) on x.
///
/// x is secret, or both are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxPoolGradient {
    /// The windows.
    pub pool: MaxPool,
    /// Whether zero is a candidate too.
    pub relu: bool,
}

impl MaxPoolGradient {
    /// The derivative with respect to the maxima over all n rows of (planes, 1, n, columns).
    pub(crate) fn down(n: usize) -> Self {
        let (kernel, none) = (vec![n, 1], vec![0, 0]);
        let pool = MaxPool {
            stride: kernel.clone(),
            kernel,
            pads_begin: none.clone(),
            pads_end: none,
            dilation: vec![1, 1],
            ceil_mode: false,
        };
        MaxPoolGradient { pool, relu: false }
    }

    /// The derivative with respect to x. If an owner knows x and nobody knows g, the owner finds the largest elements
    /// in the clear and its bits select from g. Windows are laid side by side, so that each element lies in one.
    pub(crate) fn route(self, b: &mut Backward<'_>, x: NodeId, g: NodeId) -> Result<NodeId, GraphError> {
        if !b.is_known(x) {
            return b.add(self, &[x, g]);
        }
        let (sizes, windows) = (b.shape(x), b.shape(g));
        let axes = self.pool.axes();
        let mut after = vec![0; sizes.len()];
        axes.iter()
            .enumerate()
            .for_each(|(along, axis)| after[along + 2] = axis.end_needed(sizes[along + 2]));
        let before = [0, 0].into_iter().chain(self.pool.pads_begin.iter().copied()).collect();
        let lowest = if self.relu { 0.0 } else { -LARGEST };
        let mut apart = b.add(Pad { before, after, value: lowest }, &[x])?;
        let mut offered = g;
        let mut taps = Vec::new();
        for (along, axis) in axes.iter().enumerate() {
            let places = (0..windows[along + 2] * axis.kernel)
                .map(|at| at / axis.kernel * axis.stride + at % axis.kernel * axis.dilation);
            let indices: Vec<u32> = places.map(|place| place as u32).collect();
            let of_g = (0..indices.len()).map(|at| (at / axis.kernel) as u32).collect();
            apart = b.add(Gather { axis: along + 2, indices: indices.clone() }, &[apart])?;
            offered = b.add(Gather { axis: along + 2, indices: of_g }, &[offered])?;
            taps.push(indices);
        }
        let none = vec![0; axes.len()];
        let pool = MaxPool {
            stride: self.pool.kernel.clone(),
            pads_begin: none.clone(),
            pads_end: none,
            dilation: vec![1; axes.len()],
            ceil_mode: false,
            kernel: self.pool.kernel.clone(),
        };
        let one = b.constant(dims(&windows), 1.0)?;
        let hot = b.add(MaxPoolGradient { pool, relu: self.relu }, &[apart, one])?;
        let half = b.constant(vec![], 0.5)?;
        let hot = b.add(Less, &[half, hot])?;
        let mut part = b.gated(hot, offered)?;
        for (along, axis) in axes.iter().enumerate() {
            let mut rows = vec![Vec::new(); sizes[along + 2]];
            for (at, &place) in taps[along].iter().enumerate() {
                let place = (place as usize).checked_sub(axis.begin);
                if let Some(row) = place.and_then(|place| rows.get_mut(place)) {
                    row.push((at as u32, 1.0));
                }
            }
            part = b.add(Combine { axis: along + 2, rows }, &[part])?;
        }
        Ok(part)
    }

    /// Calls `f` with each window's place among the maxima and the places of its taps in x: the plane, and the places
    /// in it.
    fn for_each_window(&self, x: &[usize], mut f: impl FnMut(usize, usize, &[usize])) {
        let [vertical, horizontal] = arrays::two(&self.pool.axes());
        let (height, width) = (if x.len() == 4 { x[2] } else { 1 }, x[x.len() - 1]);
        let rows = vertical.count(height).expect("inference checked that a window fits");
        let columns = horizontal.count(width).expect("inference checked that a window fits");
        let mut taps = Vec::new();
        for plane in 0..x[0] * x[1] {
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                taps.clear();
                let along = |index: usize, axis: super::window::Axis, size: usize| {
                    (0..axis.kernel)
                        .filter_map(move |tap| {
                            (index * axis.stride + tap * axis.dilation).checked_sub(axis.begin)
                        })
                        .filter(move |&at| at < size)
                };
                for y in along(row, vertical, height) {
                    taps.extend(along(column, horizontal, width).map(|at| y * width + at));
                }
                f(plane, row * columns + column, &taps);
            }
        }
    }

    /// x (planes, places) and g (planes, windows).
    fn flat(x: &ArrayD<f64>) -> ArrayD<f64> {
        let planes = x.shape()[0] * x.shape()[1];
        arrays::reshape(x, &[planes, x.len() / planes])
    }
}

impl Operation for MaxPoolGradient {
    fn name(&self) -> &'static str {
        "MaxPoolGradient"
    }

    fn infer(&self, inputs: &[&Type]) -> Result<Inferred, InferError> {
        let [x, g] = arity(inputs, "two")?;
        kinds(inputs, DType::Fixed)?;
        let maxima = self.pool.infer(&[x])?;
        if maxima.shape != g.shape {
            let reason = "what reaches the maxima has their shape";
            return Err(InferError::Shapes { left: maxima.shape, right: g.shape.clone(), reason });
        }
        secret_unless_known(inputs)?;
        Inferred::fixed(x.shape.clone())
    }

    fn plain(&self, x: &[&ArrayD<f64>]) -> ArrayD<f64> {
        let (values, g) = (Self::flat(x[0]), Self::flat(x[1]));
        let mut reached = ArrayD::zeros(IxDyn(values.shape()));
        self.for_each_window(x[0].shape(), |plane, window, taps| {
            let values = values.index_axis(NdAxis(0), plane);
            let mut best = taps[0];
            for &tap in taps {
                if values[tap] > values[best] {
                    best = tap;
                }
            }
            if !self.relu || values[best] >= 0.0 {
                reached[[plane, best]] += g[[plane, window]];
            }
        });
        arrays::reshape(&reached, x[0].shape())
    }

    fn range(&self, x: &[Interval], _types: &[&Type]) -> Interval {
        let [vertical, horizontal] = arrays::two(&self.pool.axes());
        // the number of windows that may share an element
        let shared = |axis: super::window::Axis| axis.extent().div_ceil(axis.stride) as f64;
        let most = shared(vertical) * shared(horizontal);
        let one = x[1].hull(Interval::new(0.0, 0.0));
        Interval { min: one.min * most, max: one.max * most }
    }

    /// One truncation for each window. Where more than one element may be the largest, all of g may reach each of them.
    fn error(&self, d: &Deviation<'_>) -> ArrayD<f64> {
        let (values, errors) = (Self::flat(d.values[0]), Self::flat(d.errors[0]));
        let (g, of_g) = (Self::flat(d.values[1]), Self::flat(d.errors[1]));
        let mut bound = ArrayD::zeros(IxDyn(values.shape()));
        self.for_each_window(d.values[0].shape(), |plane, window, taps| {
            let (values, errors) = (values.index_axis(NdAxis(0), plane), errors.index_axis(NdAxis(0), plane));
            // a lower bound of the maximum, and an upper bound of each element
            let zero = if self.relu { 0.0 } else { f64::NEG_INFINITY };
            let least = taps.iter().map(|&tap| values[tap] - errors[tap]).fold(zero, f64::max);
            let may = |tap: &usize| values[*tap] + errors[*tap] + 2.0 * d.unit >= least;
            let several =
                taps.iter().filter(|tap| may(tap)).count() + usize::from(least <= zero + 2.0 * d.unit) > 1;
            for tap in taps.iter().copied() {
                let doubt = if several && may(&tap) { g[[plane, window]].abs() } else { 0.0 };
                bound[[plane, tap]] += doubt + of_g[[plane, window]] + 2.0 * d.unit;
            }
        });
        arrays::reshape(&bound, d.values[0].shape())
    }

    /// The selection has the derivative of a constant; there is no rule for the rest.
    fn gradient(&self, b: &mut Backward<'_>) -> Result<(), GraphError> {
        if b.wanted(1) { Err(b.none()) } else { Ok(()) }
    }

    fn lower(&self, l: &mut Lowering<'_>) -> Result<RingId, GraphError> {
        max_pool_gradient(l, &self.pool.axes(), self.relu)
    }
}
