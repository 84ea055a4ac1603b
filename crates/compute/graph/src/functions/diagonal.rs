use super::Build;
use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// The diagonals of the matrices in the last two axes of x (..., n, m): elements `[i, i + offset]`, as the last axis
/// of the result. Any kind.
///
/// # Errors
/// If x has fewer axes, or a matrix has no such diagonal.
pub fn diagonal(graph: &mut Graph, x: NodeId, offset: isize, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Diagonal", name);
    let (flat, [rows, columns]) = b.flat_matrices(x)?;
    let (row, column) = (offset.min(0).unsigned_abs(), offset.max(0).unsigned_abs());
    let length = rows.saturating_sub(row).min(columns.saturating_sub(column));
    if length == 0 {
        return b.refuse(format!("a matrix of {rows} by {columns} has no diagonal {offset}"));
    }
    let axis = b.shape(flat).len() - 1;
    b.gather(flat, axis, (0..length).map(|i| Some((row + i) * columns + column + i)))
}

/// NumPy's `diag`: of a matrix its diagonal number `offset`; of a vector the square matrix that has it as this
/// diagonal, and else zeros. Any kind.
///
/// # Errors
/// If x has other than one or two axes, or no such diagonal, or the result is too large.
pub fn diag(graph: &mut Graph, x: NodeId, offset: isize, name: &str) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Diag", name);
    let length = match b.shape(x)[..] {
        [_, _] => return diagonal(graph, x, offset, name),
        [length] => length,
        _ => return b.refuse("a vector or a matrix is needed"),
    };
    let away = offset.unsigned_abs();
    let side = b.checked_length(length.saturating_add(away), 1)?;
    let elements = b.checked_length(side, side)?;
    let place = |at: usize| {
        let (row, column) = (at / side, at % side);
        let (far, near) = if offset < 0 { (row, column) } else { (column, row) };
        (far == near + away).then_some(near)
    };
    let flat = b.gather(x, 0, (0..elements).map(place))?;
    b.reshape(flat, vec![side; 2])
}

impl Build<'_> {
    /// x (..., n, m) as (..., n * m), and n and m.
    pub(super) fn flat_matrices(&mut self, x: NodeId) -> Result<(NodeId, [usize; 2]), GraphError> {
        let shape = self.shape(x);
        let [lead @ .., rows, columns] = shape.as_slice() else {
            return self.refuse("it needs two axes that are not the batch");
        };
        let elements = self.checked_length(*rows, *columns)?;
        let flat = self.reshape(x, [lead, &[elements]].concat())?;
        Ok((flat, [*rows, *columns]))
    }
}
