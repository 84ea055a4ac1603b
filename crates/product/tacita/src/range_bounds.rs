//! Range bounds of a model: how large its values can become for all declared inputs, with the weights at hand.

use ndarray::ArrayD;
use tacita_graph::{Graph, Interval, NodeId, Op, PRECISIONS, RangeWarning, Role, ops, ranges, warnings};

use tacita_session::Error;

/// The graph that something is to be proven of, its weights between their least and greatest elements. Nodes keep their numbers.
pub(crate) struct BoundedGraph(Graph);

impl BoundedGraph {
    /// Of `graph`, whose nodes have these values. What depends on weights and constants alone becomes an input that lies between
    /// its least and its greatest element; data lies where it is declared to, or is any number that is representable.
    pub(crate) fn new(graph: &Graph, values: &[ArrayD<f64>]) -> Result<BoundedGraph, Error> {
        let mut claim = Graph::new();
        graph.owners().iter().for_each(|owner| {
            claim.owner(owner);
        });
        let mut settled = vec![false; graph.nodes().len()];
        for (index, node) in graph.nodes().iter().enumerate() {
            let is_data = matches!(&node.op, Op::Input(input) if input.role == Role::Data);
            let of_weights = node.inputs.iter().all(|input| settled[input.index()]);
            settled[index] = of_weights && !is_data && node.op.draw().is_none();
            let range = if settled[index] { values.get(index).and_then(around) } else { None };
            let op = match (&node.op, range) {
                (Op::Reveal(_), _) | (_, None) => node.op.clone(),
                (_, Some(range)) => {
                    let (shape, visibility, kind) =
                        (node.ty.shape.clone(), node.ty.visibility, node.ty.dtype);
                    ops::Input { shape, visibility, role: Role::Parameter, range: Some(range), dtype: kind }
                        .into()
                }
            };
            // names of inputs differ, and these are not shown
            let (inputs, name) = match op {
                Op::Input(_) => (&[][..], index.to_string()),
                _ => (&node.inputs[..], node.name.clone()),
            };
            claim.add(op, inputs, &name)?;
        }
        Ok(BoundedGraph(claim))
    }

    /// By node the largest absolute value that is held at this precision, for any input; `None` where it, or something that it
    /// is computed from, could leave the representable range.
    pub(crate) fn largest(&self, precision: u32) -> Result<Vec<Option<f64>>, Error> {
        let mut holds = vec![true; self.0.nodes().len()];
        for RangeWarning { node, .. } in warnings(&self.0, precision)? {
            holds[node.index()] = false;
        }
        for (index, node) in self.0.nodes().iter().enumerate() {
            holds[index] &= node.inputs.iter().all(|input| holds[input.index()]);
        }
        let ranges = ranges(&self.0, precision)?;
        Ok(ranges.iter().zip(holds).map(|(range, holds)| holds.then_some(range.peak)).collect())
    }

    /// The greatest precision at which no value can leave the representable range, if there is one.
    pub(crate) fn precision(&self) -> Result<Option<u32>, Error> {
        for precision in PRECISIONS.rev() {
            if warnings(&self.0, precision)?.is_empty() {
                return Ok(Some(precision));
            }
        }
        Ok(None)
    }

    /// The first node that could leave the representable range at this precision.
    pub(crate) fn first_doubt(&self, precision: u32) -> Result<Option<(NodeId, RangeWarning)>, Error> {
        Ok(warnings(&self.0, precision)?.into_iter().next().map(|warning| (warning.node, warning)))
    }
}

/// From the least to the greatest element.
fn around(values: &ArrayD<f64>) -> Option<Interval> {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (min.is_finite() && max.is_finite()).then_some(Interval { min, max })
}

#[cfg(test)]
mod tests {
    use ndarray::arr1;
    use tacita_graph::ops::{Mul, Relu, Sub, Sum};
    use tacita_graph::{Inputs, Visibility, dims, plain_all};

    use super::*;

    /// relu(Σ x·(w - v)) with x of one owner, w and v of two others: the claim, the sum and the result.
    fn claim(range: Option<Interval>, w: [f64; 3]) -> (BoundedGraph, [NodeId; 2]) {
        let mut graph = Graph::new();
        let owners = ["alice", "bob", "carol"].map(|name| graph.owner(name));
        let [alice, bob, carol] = owners.map(Visibility::Private);
        let shape = dims(&[3]);
        let x = match range {
            Some(range) => graph.input_within("x", &shape, alice, Role::Data, range),
            None => graph.input("x", &shape, alice, Role::Data),
        };
        let x = x.unwrap();
        let weights = [("w", bob), ("v", carol)];
        let weights = weights.map(|(name, of)| graph.input(name, &shape, of, Role::Parameter).unwrap());
        let difference = graph.add(Sub, &weights, "difference").unwrap();
        let product = graph.add(Mul, &[x, difference], "product").unwrap();
        let sum = graph.add(Sum { axes: vec![0], keepdims: false }, &[product], "sum").unwrap();
        let relu = graph.add(Relu, &[sum], "relu").unwrap();
        graph.reveal(relu, &owners[..1], "y").unwrap();
        let data = [("x", [0.0; 3]), ("w", w), ("v", [1.0, 0.0, 0.0])];
        let inputs: Inputs = data.map(|(name, data)| (name.to_owned(), arr1(&data).into_dyn())).into();
        let values = plain_all(&graph, &inputs).unwrap();
        (BoundedGraph::new(&graph, &values).unwrap(), [sum, relu])
    }

    const WITHIN: Option<Interval> = Some(Interval { min: -1.0, max: 2.0 });

    #[test]
    fn what_is_proven_is_the_worst_that_inputs_and_weights_allow() {
        // weights are 3, -4 and 1, so three times 4·2, down and up 4·2
        let (claim, [sum, relu]) = claim(WITHIN, [4.0, -4.0, 1.0]);
        let largest = claim.largest(16).unwrap();
        assert_eq!((largest[sum.index()], largest[relu.index()]), (Some(24.0), Some(18.0)));
        assert_eq!(claim.precision().unwrap(), Some(24));
        assert!(claim.first_doubt(24).unwrap().is_none());
    }

    #[test]
    fn the_precision_is_the_greatest_that_leaves_room() {
        // 3·2·10^5 is below 2^20 and above 2^18
        let (claim, [sum, relu]) = claim(WITHIN, [1.0, -1e5, 0.0]);
        assert_eq!(claim.precision().unwrap(), Some(21));
        assert_eq!(claim.largest(21).unwrap()[sum.index()], Some(6e5));
        let beyond = claim.largest(22).unwrap();
        assert_eq!((beyond[sum.index()], beyond[relu.index()]), (None, None), "nor what is computed from it");
        let (node, doubt) = claim.first_doubt(22).unwrap().unwrap();
        assert_eq!((node, doubt.assumed), (sum, false));
    }

    #[test]
    fn nothing_is_proven_of_data_without_a_range() {
        let (claim, [sum, relu]) = claim(None, [4.0, -4.0, 1.0]);
        assert_eq!(claim.precision().unwrap(), None);
        let largest = claim.largest(16).unwrap();
        assert_eq!(
            (largest[0], largest[sum.index()], largest[relu.index()]),
            (Some(2f64.powi(30)), None, None)
        );
        assert!(claim.first_doubt(16).unwrap().unwrap().1.assumed);
    }
}
