//! Rewrites: graphs that compute the same with less work. All run by [`optimize`].

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

/// The graph without what no reveal needs, constants folded, identities gone, norms, GELU and SiLU that are spelled out
/// made one operation, batch norms folded into weights (or made a scale and a shift), ReLU fused with max pooling, quotients
/// by clear values made products, and public factors in a row joined. [`plain`](crate::plain()) gives the same up to the rounding of f64, or of f32
/// where a file spells out √2 in it.
///
/// # Errors
/// If a name becomes too long; graphs that were built without error are rewritten without error otherwise.
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

/// A graph being rewritten: nodes of `old` in order, each replaced by what a rule says or copied.
struct Rewriter<'g> {
    old: &'g Graph,
    new: Graph,
    /// The new node for each old one.
    renamed: Vec<NodeId>,
    /// How many nodes use each old one.
    uses: Vec<usize>,
}

impl Rewriter<'_> {
    /// The new inputs of an old node.
    fn inputs(&self, id: NodeId) -> Vec<NodeId> {
        self.old.node(id).inputs.iter().map(|input| self.renamed[input.index()]).collect()
    }

    /// Whether this old node is the only one that uses its input `i`.
    fn alone(&self, id: NodeId, i: usize) -> bool {
        self.uses[self.old.node(id).inputs[i].index()] == 1
    }

    /// The new node that replaces an old one without changing its type; `None` if the type would change.
    fn same(&self, id: NodeId, replacement: NodeId) -> Option<NodeId> {
        (self.new.node(replacement).ty == self.old.node(id).ty).then_some(replacement)
    }
}

/// Applies a rule to each node in order; where it says `None` the node is copied.
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
