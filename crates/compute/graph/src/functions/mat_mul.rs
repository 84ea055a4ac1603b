use super::{Build, einsum, squeeze, unsqueeze};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{MatMul, Mul};
use tacita_program::NodeId;

/// NumPy's `matmul`: the product of the matrices in the last two axes, other axes broadcast. A vector is a matrix of
/// one row on the left, of one column on the right, and the axis of size 1 goes afterwards. Fixed.
///
/// # Errors
/// If one is a scalar, or the shapes do not fit.
pub fn mat_mul(graph: &mut Graph, a: NodeId, b: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let build = Build::new(graph, "MatMul", name);
    let (row, column) = (build.shape(a).len() == 1, build.shape(b).len() == 1);
    let a = if row { unsqueeze(build.graph, a, &[0], name)? } else { a };
    let b = if column { unsqueeze(build.graph, b, &[1], name)? } else { b };
    let product = build.graph.add(MatMul, &[a, b], name)?;
    match (row, column) {
        (true, true) => squeeze(build.graph, product, Some(&[-1, -2]), name),
        (true, false) => squeeze(build.graph, product, Some(&[-2]), name),
        (false, true) => squeeze(build.graph, product, Some(&[-1]), name),
        (false, false) => Ok(product),
    }
}

/// NumPy's `dot`: the sum of products over the last axis of a and the last but one of b (the last, if b is a vector),
/// for each pair of their other axes; with a scalar, the product. Fixed.
///
/// # Errors
/// If the axes differ in size.
pub fn dot(graph: &mut Graph, a: NodeId, b: NodeId, name: &str) -> Result<NodeId, GraphError> {
    let build = Build::new(graph, "Dot", name);
    let (left, right) = (build.shape(a).len(), build.shape(b).len());
    if left == 0 || right == 0 {
        return build.graph.add(Mul, &[a, b], name);
    }
    let letters: Vec<char> = ('a'..='z').take(left + right).collect();
    let (mut of_a, mut of_b) = (letters[..left].to_vec(), letters[left..].to_vec());
    let summed = right.saturating_sub(2);
    of_b[summed] = of_a[left - 1];
    let equation = |list: &[char]| list.iter().collect::<String>();
    let inputs = format!("{},{}->", equation(&of_a), equation(&of_b));
    of_a.pop();
    of_b.remove(summed);
    einsum(build.graph, &(inputs + &equation(&of_a) + &equation(&of_b)), &[a, b], name)
}
