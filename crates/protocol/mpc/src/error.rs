//! What can go wrong in an evaluation.

use tacita_correlations::CorrelationError;
use tacita_net::NetError;

/// An error of planning, dealing or executing.
///
/// Any of them poisons the session that met it: the evaluation's number is consumed and never used again.
#[derive(Debug, thiserror::Error)]
pub enum MpcError {
    /// A link failed, a peer fell silent, or a peer sent what the schedule does not expect.
    #[error("{source} ({})", place(node, *round))]
    Net {
        /// The node this member was working on, or what it did when it was at none.
        node: String,
        /// The round of the online phase, counted from one; 0 if in none.
        round: u32,
        /// What the link reported.
        #[source]
        source: NetError,
    },
    /// The members do not evaluate the same program under the same configuration.
    #[error(
        "{peer} is about to evaluate another program than this member ({difference}): compare the graph, its batch size and the precision"
    )]
    Disagreement {
        /// The member that differs.
        peer: String,
        /// The first node that differs, as this member calls it; empty if it is not known.
        node: String,
        /// What this node is here and there; digests if it is not known.
        difference: String,
    },
    /// Members disagree about something else that they must have in common.
    #[error("{peer} {what}")]
    Mismatch {
        /// The member that differs.
        peer: String,
        /// What it does otherwise, and what to do about it.
        what: String,
    },
    /// A program cannot be run by these parties.
    #[error("`{node}` ({op}): {reason}")]
    Unsupported {
        /// The graph node.
        node: String,
        /// The ring operation.
        op: String,
        /// Why, and what to do.
        reason: String,
    },
    /// An owner did not supply one of its leaves.
    #[error("no value for `{node}`, which {owner} owns: give it as an input of the evaluation")]
    MissingLeaf {
        /// The graph node.
        node: String,
        /// Who should have supplied it.
        owner: String,
    },
    /// Nothing fit to use is kept under the name of a secret input.
    #[error("`{node}` is not kept in shares as it is used: {reason}")]
    NotKept {
        /// The name.
        node: String,
        /// What is kept there, and what is used.
        reason: String,
    },
    /// The session met an error before and refuses to go on.
    #[error("this session failed before ({cause}): open a new one")]
    Poisoned {
        /// The first error.
        cause: String,
    },
    /// What was dealt ahead cannot be used.
    #[error("{0}")]
    Correlations(String),
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(String),
    /// A stream or mask that is not there: a broken invariant of this program; please report it.
    #[error("internal error: {0}")]
    Stream(#[from] CorrelationError),
    /// A broken invariant of this program; please report it.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Where a member was.
fn place(node: &str, round: u32) -> String {
    match round {
        0 => format!("in `{node}`"),
        round => format!("in `{node}`, round {round}"),
    }
}

/// The error of a plan that is refused for this reason.
pub(crate) fn unsupported(node: &str, op: &str, reason: String) -> MpcError {
    MpcError::Unsupported { node: node.to_owned(), op: op.to_owned(), reason }
}
