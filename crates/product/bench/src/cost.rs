//! The cost of an operation on values that exist only in shares.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_graph::ops::Input;
use tacita_graph::{DType, Graph, GraphError, Interval, NodeId, Role, Visibility, dims, lower, optimize};
use tacita_mpc::{Cost, Plan};

use tacita::Error;

/// Counts of an operation on shares, at two parties, from additive shares at the session's precision to shares of the result:
/// the opening of its operands is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OperationCost {
    /// Rounds online.
    pub rounds: u32,
    /// Payload that the party sends online that sends most, in bytes.
    pub online_bytes: u64,
    /// Payload that the dealer sends, in bytes.
    pub offline_bytes: u64,
}

/// Adds nodes that compute something of operands.
pub(crate) type Build = fn(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>;

/// The cost of what `build` adds, on operands of these shapes and kind, which lie in `range` if it is given.
///
/// # Errors
/// If it does not fit the operands or has no private protocol.
pub fn operation_cost(
    build: impl Fn(&mut Graph, &[NodeId]) -> Result<NodeId, GraphError>,
    shapes: &[&[usize]],
    dtype: DType,
    range: Option<Interval>,
    precision: u32,
) -> Result<OperationCost, Error> {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    graph.owner("bob");
    let operands: Vec<NodeId> = shapes
        .iter()
        .enumerate()
        .map(|(i, shape)| {
            let input =
                Input { shape: dims(shape), visibility: Visibility::Secret, role: Role::Data, dtype, range };
            graph.add(input, &[], &format!("x{i}"))
        })
        .collect::<Result<_, _>>()?;
    let result = build(&mut graph, &operands)?;
    let reveal = graph.reveal(result, &[alice], "result")?;
    let label = graph.label(reveal);
    let program = Arc::new(lower(&optimize(&graph)?, precision, &tacita_mpc::TARGET)?);
    let names = ["alice", "bob"].map(str::to_owned);
    Ok(without_reveal(&Plan::new(program, &names, BTreeMap::new())?.cost(), &label))
}

/// A plan's costs but for what the reveal of this name itself takes, if there is one: a round, in which all but its receiver
/// send. A result that has to be truncated first is opened before it.
pub(crate) fn without_reveal(cost: &Cost, reveal: &str) -> OperationCost {
    let revealed = cost.nodes.iter().find(|node| node.ops.contains(&"Reveal") && node.name == reveal);
    let (rounds, bytes) =
        revealed.map_or((0, 0), |node| (1, node.online_bytes.iter().max().copied().unwrap_or(0)));
    OperationCost {
        rounds: cost.rounds - rounds,
        online_bytes: cost.online_bytes.iter().max().copied().unwrap_or(0) - bytes,
        offline_bytes: cost.offline_bytes,
    }
}
