use std::ops::Range;
use tacita_program::NodeId;

use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{AveragePool, Combine, MaxPool};

/// Window `index` of `count` over `size` elements: from floor(index size / count) to ceil((index + 1) size / count).
fn window(index: usize, count: usize, size: usize) -> Range<usize> {
    index * size / count..((index + 1) * size).div_ceil(count)
}

/// The elements of the longest of `count` windows.
fn longest(count: usize, size: usize) -> usize {
    (0..count).map(|index| window(index, count, size).len()).max().unwrap_or(1)
}

/// The means over windows that give the last axes of x the sizes `output`: PyTorch's `AdaptiveAvgPool`. Windows of one
/// size, over one or two axes of `(n, c, [h,] w)`, are [`AveragePool`]; others the means along one axis after another.
/// Fixed.
///
/// # Errors
/// If x has fewer axes, or a size is 0.
pub fn adaptive_average_pool(
    graph: &mut Graph,
    x: NodeId,
    output: &[usize],
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "AdaptiveAveragePool", name);
    let first = b.pooled_axes(x, output)?;
    let sizes = (0..output.len()).map(|i| b.size(x, first + i)).collect::<Vec<_>>();
    let pairs = || sizes.iter().zip(output);
    if first == 2 && output.len() <= 2 && pairs().all(|(size, count)| size.is_multiple_of(*count)) {
        let kernel: Vec<usize> = pairs().map(|(size, count)| size / count).collect();
        let none = vec![0; kernel.len()];
        let op = AveragePool {
            stride: kernel.clone(),
            kernel,
            pads_begin: none.clone(),
            pads_end: none,
            ceil_mode: false,
            count_include_pad: false,
        };
        return b.add(op, &[x]);
    }
    let mut x = x;
    for (i, (&size, &count)) in pairs().enumerate().filter(|(_, (size, count))| size != count) {
        b.check_rows(count, longest(count, size))?;
        let row = |index| {
            let window = window(index, count, size);
            let weight = 1.0 / window.len() as f64;
            window.map(|at| (at as u32, weight)).collect()
        };
        x = b.add(Combine { axis: first + i, rows: (0..count).map(row).collect() }, &[x])?;
    }
    Ok(x)
}

/// The maxima over windows that give the last one or two axes of x `(n, c, [h,] w)` the sizes `output`: PyTorch's
/// `AdaptiveMaxPool`. Shorter windows have their last element twice, which changes no maximum. Fixed.
///
/// # Errors
/// If x has another number of axes, or a size is 0.
pub fn adaptive_max_pool(
    graph: &mut Graph,
    x: NodeId,
    output: &[usize],
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "AdaptiveMaxPool", name);
    let first = b.pooled_axes(x, output)?;
    let mut x = x;
    let mut kernel = Vec::with_capacity(output.len());
    for (i, &count) in output.iter().enumerate() {
        let size = b.size(x, first + i);
        let longest = longest(count, size);
        let length = b.checked_length(count, longest)?;
        let place = |at: usize| {
            let window = window(at / longest, count, size);
            Some((window.start + at % longest).min(window.end - 1))
        };
        x = b.gather(x, first + i, (0..length).map(place))?;
        kernel.push(longest);
    }
    let none = vec![0; kernel.len()];
    let op = MaxPool {
        stride: kernel.clone(),
        dilation: vec![1; kernel.len()],
        kernel,
        pads_begin: none.clone(),
        pads_end: none,
        ceil_mode: false,
    };
    b.add(op, &[x])
}

impl Build<'_> {
    /// The first of the last axes, which get the sizes `output`.
    fn pooled_axes(&self, x: NodeId, output: &[usize]) -> Result<usize, GraphError> {
        let rank = self.shape(x).len();
        match rank.checked_sub(output.len()) {
            Some(first) if !output.is_empty() && output.iter().all(|&n| (1..=1 << 16).contains(&n)) => {
                Ok(first)
            }
            _ => self.refuse(format!("sizes {output:?} for a value with {rank} axes")),
        }
    }
}
