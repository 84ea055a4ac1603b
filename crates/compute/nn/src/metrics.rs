//! How good a network is, computed of its outputs and labels that nobody sees.

use tacita_graph::ops::{
    Add, ArgMax, Cast, Clip, Concat, Constant, Div, Equal, GreaterEqual, Less, MatMul, Mul, Not, OneHot,
    Reshape, Slice, Sub, Sum, ToWhole, Transpose,
};
use tacita_graph::{DType, Graph, GraphError, NodeId};

use crate::public::times;

/// What a network says of rows, and what is so. Of two classes, an output a row, (n, 1), whose sign tells, and labels of
/// kind bit, (n, 1); of more, an output a class, (n, classes), of which the largest tells, and labels of kind int, (n).
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// The outputs.
    pub outputs: NodeId,
    /// The labels.
    pub labels: NodeId,
}

impl Answers {
    fn classes(&self, graph: &Graph) -> usize {
        match graph.node(self.outputs).ty.shape.last() {
            Some(classes) if *classes > 1 => *classes,
            _ => 2,
        }
    }

    fn is_binary(&self, graph: &Graph) -> bool {
        graph.node(self.labels).ty.dtype == DType::Bit
    }

    /// Which class each row is taken for: bits (n, 1) of two, numbers (n) of more.
    fn said(&self, graph: &mut Graph) -> Result<NodeId, GraphError> {
        if self.is_binary(graph) {
            let zero = graph.add(Constant { shape: vec![], value: 0.0 }, &[], "")?;
            return graph.add(GreaterEqual, &[self.outputs, zero], "says");
        }
        graph.add(ArgMax { axis: 1, keepdims: false }, &[self.outputs], "says")
    }

    /// How many rows are right: an integer, whose share of the rows is the accuracy.
    ///
    /// # Errors
    /// If shapes or kinds do not fit.
    pub fn right(&self, graph: &mut Graph) -> Result<NodeId, GraphError> {
        let said = self.said(graph)?;
        let right = graph.add(Equal, &[said, self.labels], "right")?;
        let right = cast(graph, right, DType::Int)?;
        let axes = (0..graph.node(right).ty.rank()).collect();
        graph.add(Sum { axes, keepdims: false }, &[right], "right")
    }

    /// How many rows of each class (first axis) were taken for each (second): integers, (classes, classes).
    ///
    /// # Errors
    /// As [`Answers::right`].
    pub fn confusion(&self, graph: &mut Graph) -> Result<NodeId, GraphError> {
        let said = self.said(graph)?;
        let classes = self.classes(graph);
        let binary = self.is_binary(graph);
        let mut each = |of: NodeId| match binary {
            true => {
                let not = graph.add(Not, &[of], "")?;
                let both = graph.add(Concat { axis: 1 }, &[not, of], "")?;
                cast(graph, both, DType::Int)
            }
            false => {
                let hot = graph.add(OneHot { depth: classes }, &[of], "")?;
                cast(graph, hot, DType::Int)
            }
        };
        let (labels, said) = (each(self.labels)?, each(said)?);
        let labels = graph.add(Transpose { perm: vec![1, 0] }, &[labels], "")?;
        graph.add(MatMul, &[labels, said], "confusion")
    }

    /// The area under the receiver operating curve of two classes: how often a row of class 1 has a larger output than one of
    /// class 0, equal ones counted half (Mann and Whitney 1947). All rows are compared with all, n² comparisons. 0 where
    /// one of the classes has no row. Within 2^-9, by the division.
    ///
    /// # Errors
    /// As [`Answers::right`].
    pub fn auc(&self, graph: &mut Graph) -> Result<NodeId, GraphError> {
        let name = "auc";
        let turned = |graph: &mut Graph, x| graph.add(Transpose { perm: vec![1, 0] }, &[x], "");
        let across = turned(graph, self.outputs)?;
        let below = graph.add(Less, &[self.outputs, across], name)?;
        let below = cast(graph, below, DType::Int)?;
        let ones = cast(graph, self.labels, DType::Int)?;
        let zeros = graph.add(Not, &[self.labels], "")?;
        let zeros = cast(graph, zeros, DType::Int)?;
        // with a = Σ [s_i < s_j] over zeros i and ones j, b the same the other way round: (a + n₀ n₁ − b) / 2 n₀ n₁
        let sides = graph.add(Concat { axis: 1 }, &[ones, zeros], "")?;
        let above = graph.add(MatMul, &[below, sides], name)?;
        let sides = turned(graph, sides)?;
        let pairs = graph.add(MatMul, &[sides, above], name)?;
        let mut pick = |row: usize, column: usize| {
            let slice =
                Slice { starts: vec![row, column], ends: vec![row + 1, column + 1], steps: vec![1, 1] };
            graph.add(slice, &[pairs], "")
        };
        let (a, b) = (pick(1, 0)?, pick(0, 1)?);
        let mut count = |of| graph.add(Sum { axes: vec![0], keepdims: true }, &[of], "");
        let (ones, zeros) = (count(ones)?, count(zeros)?);
        let both = graph.add(Mul, &[ones, zeros], "")?;
        let ahead = graph.add(Sub, &[a, b], "")?;
        let won = graph.add(Add, &[ahead, both], "")?;
        // brought to at most about 2^10, so that divisor and quotient keep their digits
        let rows = match graph.node(self.outputs).ty.shape.first() {
            Some(rows) => *rows as f64,
            _ => 1.0,
        };
        let factor = (-(2.0 * rows.log2() - 12.0).ceil().max(0.0)).exp2();
        let mut scaled = |of, factor| {
            let fixed = cast(graph, of, DType::Fixed)?;
            times(graph, fixed, factor)
        };
        let (won, both) = (scaled(won, factor / 2.0)?, scaled(both, factor)?);
        let both = graph.add(Clip { min: Some(2f64.powi(-10)), max: None }, &[both], "")?;
        let auc = graph.add(Div, &[won, both], name)?;
        graph.add(Reshape { shape: vec![] }, &[auc], name)
    }
}

fn cast(graph: &mut Graph, x: NodeId, to: DType) -> Result<NodeId, GraphError> {
    graph.add(Cast { to, rounding: ToWhole::Nearest }, &[x], "")
}
