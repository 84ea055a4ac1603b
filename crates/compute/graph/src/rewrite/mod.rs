//! Rewrites that preserve the result and reduce the work. [`optimize`] runs them all.

mod batch_norm;
mod constants;
mod conv_bias;
mod factors;
mod gelu;
mod identities;
mod normalize;
mod patterns;
mod quotients;
mod relu_pool;
mod silu;

use crate::error::GraphError;
use crate::graph::Graph;
use tacita_program::NodeId;

/// An equivalent graph that needs less work. Drops nodes that no reveal needs, folds constants, removes identities,
/// recognises norms, GELU and SiLU that are spelled out, folds batch norms into weights (or makes them a scale and a
/// shift), fuses ReLU with max pooling, and turns quotients by clear values into products, and
/// joins successive public factors. [`plain`](crate::plain())
/// gives the same result up to the rounding of f64, or of f32 where a file contains √2 as f32.
///
/// # Errors
/// If a name becomes too long. No other error occurs for a graph that was built without error.
pub fn optimize(graph: &Graph) -> Result<Graph, GraphError> {
    let mut graph = graph.prune()?;
    for pass in [
        constants::fold,
        identities::remove,
        normalize::recognise,
        gelu::recognise,
        silu::recognise,
        batch_norm::fold,
        constants::fold,
        identities::remove,
        relu_pool::fuse,
        conv_bias::split,
        quotients::by_products,
        factors::join,
    ] {
        graph = pass(&graph)?.prune()?;
    }
    Ok(graph)
}

/// A graph being rewritten: nodes of `old` in order, each copied or replaced by a rule.
struct Rewriter<'g> {
    old: &'g Graph,
    new: Graph,
    /// The new node of each old one.
    renamed: Vec<NodeId>,
    /// The number of uses of each old node.
    uses: Vec<usize>,
}

impl Rewriter<'_> {
    /// The new inputs of an old node.
    fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        self.old.node(id).inputs.iter().map(|input| self.renamed[input.index()]).collect()
    }

    /// Whether the old node is the only user of its input `i`.
    fn alone(&self, id: NodeId, i: usize) -> bool {
        self.uses[self.old.node(id).inputs[i].index()] == 1
    }

    /// The new node as a replacement for an old one; `None` if it would change the type.
    fn same(&self, id: NodeId, replacement: NodeId) -> Option<NodeId> {
        (self.new.node(replacement).ty == self.old.node(id).ty).then_some(replacement)
    }
}

/// Applies a rule to each node in order; if the rule returns `None`, the node is copied.
fn rewrite(
    graph: &Graph,
    rule: impl Fn(&mut Rewriter<'_>, NodeId) -> Result<Option<NodeId>, GraphError>,
) -> Result<Graph, GraphError> {
    let mut uses = vec![0; graph.nodes().len()];
    graph.nodes().iter().flat_map(|node| &node.inputs).for_each(|input| uses[input.index()] += 1);
    let renamed = Vec::with_capacity(uses.len());
    let mut rewriter = Rewriter { old: graph, new: graph.empty_like(), renamed, uses };
    for id in graph.ids() {
        let new = match rule(&mut rewriter, id)? {
            Some(replacement) => replacement,
            None => {
                let (node, inputs) = (graph.node(id), rewriter.inputs(id));
                rewriter.new.add(node.op.clone(), &inputs, &node.name)?
            }
        };
        rewriter.renamed.push(new);
    }
    Ok(rewriter.new)
}
