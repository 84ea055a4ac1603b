//! Shapes, strides, and nests of loops over strided data.

/// The shape of two tensors combined under numpy's broadcasting rule: shapes are aligned at their last axis, and an
/// axis of length 1 stretches to the other's length. `None` if two lengths differ and neither is 1.
///
/// ```
/// assert_eq!(tacita_ring::broadcast_shapes(&[2, 1, 4], &[3, 1]), Some(vec![2, 3, 4]));
/// assert_eq!(tacita_ring::broadcast_shapes(&[2], &[3]), None);
/// ```
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    (0..rank)
        .map(|axis| match (length(a, axis), length(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, y) => Some(y),
            (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}

/// The number of elements of a shape.
///
/// # Panics
/// If the number does not fit in a `usize`.
pub(crate) fn size(shape: &[usize]) -> usize {
    // A zero makes the tensor empty even if the other lengths overflow.
    if shape.contains(&0) {
        return 0;
    }
    shape
        .iter()
        .try_fold(1usize, |product, &length| product.checked_mul(length))
        .unwrap_or_else(|| panic!("shape {shape:?} has more elements than fit in memory"))
}

/// Row-major strides, in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis].max(1);
    }
    strides
}

/// The strides with which a tensor of shape `from` is read as one of shape `to`: 0 along stretched axes. `None` if
/// `from` does not broadcast to `to`.
pub(crate) fn broadcast_strides(from: &[usize], to: &[usize]) -> Option<Vec<usize>> {
    let new_axes = to.len().checked_sub(from.len())?;
    let mut result = vec![0; to.len()];
    for (axis, (&length, stride)) in from.iter().zip(strides(from)).enumerate() {
        match (length, to[new_axes + axis]) {
            (x, y) if x == y => result[new_axes + axis] = stride,
            (1, _) => {}
            _ => return None,
        }
    }
    Some(result)
}

/// Nested loops over `K` operands with their own strides. Drops axes of length 1 and merges neighbouring axes that are
/// contiguous for every operand, so that the innermost axis is as long as possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Nest<const K: usize> {
    /// Length and per-operand strides of each axis, outermost first; never empty.
    axes: Vec<(usize, [usize; K])>,
}

impl<const K: usize> Nest<K> {
    pub(crate) fn new(shape: &[usize], strides: [&[usize]; K]) -> Self {
        let mut axes: Vec<(usize, [usize; K])> = Vec::with_capacity(shape.len());
        for (axis, &length) in shape.iter().enumerate() {
            if length == 1 {
                continue;
            }
            let inner = strides.map(|operand| operand[axis]);
            match axes.last_mut() {
                Some((outer_length, outer)) if (0..K).all(|k| outer[k] == inner[k] * length) => {
                    *outer_length *= length;
                    *outer = inner;
                }
                _ => axes.push((length, inner)),
            }
        }
        if axes.is_empty() {
            axes.push((1, [1; K]));
        }
        Self { axes }
    }

    /// Length and strides of the innermost axis.
    pub(crate) fn inner(&self) -> (usize, [usize; K]) {
        self.axes[self.axes.len() - 1]
    }

    /// Length and strides of the outermost axis.
    pub(crate) fn outer(&self) -> (usize, [usize; K]) {
        self.axes[0]
    }

    /// The same nest with the outermost axis shortened to `length`.
    pub(crate) fn with_outer_length(&self, length: usize) -> Self {
        let mut axes = self.axes.clone();
        axes[0].0 = length;
        Self { axes }
    }

    /// Calls `row` with the operands' offsets of each run along the innermost axis, in row-major order.
    #[inline(always)]
    pub(crate) fn for_each_row(&self, row: impl FnMut([usize; K])) {
        if self.inner().0 > 0 {
            for_each_offset(&self.axes[..self.axes.len() - 1], row);
        }
    }

    /// Calls `visit` with the operands' offsets of each index, in row-major order.
    pub(crate) fn for_each_index(&self, visit: impl FnMut([usize; K])) {
        for_each_offset(&self.axes, visit);
    }
}

/// Calls `visit` with the operands' offsets at each index of `axes`, in row-major order.
#[inline(always)]
fn for_each_offset<const K: usize>(axes: &[(usize, [usize; K])], mut visit: impl FnMut([usize; K])) {
    if axes.iter().any(|axis| axis.0 == 0) {
        return;
    }
    let mut index = vec![0; axes.len()];
    let mut offsets = [0; K];
    loop {
        visit(offsets);
        let mut axis = axes.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            let (length, strides) = axes[axis];
            index[axis] += 1;
            if index[axis] < length {
                for k in 0..K {
                    offsets[k] += strides[k];
                }
                break;
            }
            index[axis] = 0;
            for k in 0..K {
                offsets[k] -= strides[k] * (length - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_numpy() {
        assert_eq!(broadcast_shapes(&[], &[2, 3]), Some(vec![2, 3]));
        assert_eq!(broadcast_shapes(&[0], &[1]), Some(vec![0]));
        assert_eq!(broadcast_shapes(&[5, 1, 2], &[4, 1]), Some(vec![5, 4, 2]));
        assert_eq!(broadcast_shapes(&[5, 3, 2], &[4, 1]), None);
        assert_eq!(broadcast_strides(&[3, 1], &[2, 3, 4]), Some(vec![0, 1, 0]));
        assert_eq!(broadcast_strides(&[3], &[1]), None);
        assert_eq!(broadcast_strides(&[2, 3], &[3]), None);
    }

    #[test]
    fn nests_merge_what_is_contiguous_in_all_operands() {
        let contiguous = Nest::new(&[2, 3, 4], [&[12, 4, 1], &[12, 4, 1]]);
        assert_eq!(contiguous.inner(), (24, [1, 1]));
        let bias = Nest::new(&[2, 3, 4, 4], [&[48, 16, 4, 1], &[0, 1, 0, 0]]);
        assert_eq!(bias.axes, [(2, [48, 0]), (3, [16, 1]), (16, [1, 0])]);
        assert_eq!(Nest::<1>::new(&[1, 1], [&[1, 1]]).inner(), (1, [1]));
    }

    #[test]
    fn rows_come_in_row_major_order() {
        let mut seen = Vec::new();
        Nest::new(&[2, 2, 3], [&[10, 100, 7]]).for_each_row(|[offset]| seen.push(offset));
        assert_eq!(seen, [0, 100, 10, 110]);
        Nest::new(&[2, 0, 3], [&[10, 100, 7]]).for_each_row(|_| panic!("an empty nest has no rows"));
        Nest::new(&[2, 0], [&[10, 100]]).for_each_row(|_| panic!("an empty nest has no rows"));
    }

    #[test]
    #[should_panic(expected = "more elements than fit")]
    fn sizes_do_not_wrap() {
        size(&[usize::MAX, 2]);
    }
}
