//! One error type for whoever uses the library, with the exit code that a program returns for it.

use tacita_graph::GraphError;
use tacita_identity::{FileError, IdentityError};
use tacita_mpc::MpcError;
use tacita_net::NetError;
use tacita_onnx::ImportError;

/// Anything that can go wrong. Every message is one line that names the file, node or peer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The call makes no sense: an unknown party, a batch of zero.
    #[error("{0}")]
    Usage(String),
    /// Data that does not fit the computation: wrong shape, not a number, out of range, missing.
    #[error("{0}")]
    Input(String),
    /// A key, certificate, session file or correlation file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A model cannot be read or is refused.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A graph is malformed or cannot be run privately.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The protocol failed.
    #[error(transparent)]
    Protocol(#[from] MpcError),
    /// The members cannot be connected.
    #[error(transparent)]
    Net(#[from] NetError),
    /// Members do not want the same.
    #[error("{0}")]
    Disagreement(String),
    /// A graph reveals something of this member's data that it has not agreed to.
    #[error(
        "{of} has not agreed that {to} learns `{value}`, which is computed from {of}'s data: list it with --allow-reveal {value}:{to} if that is meant"
    )]
    NotAllowed {
        /// The value.
        value: String,
        /// The owner of data that it depends on.
        of: String,
        /// The member that would learn it.
        to: String,
    },
    /// A member's thread ended; its own error says more if there is one.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Error {
        match error {
            IdentityError::File(error) => Error::File(error),
            IdentityError::Days { .. } | IdentityError::UnknownMember { .. } => {
                Error::Usage(error.to_string())
            }
            other => Error::Internal(other.to_string()),
        }
    }
}

impl Error {
    /// The exit code of a program that ends with this error: 2 usage, 3 bad file or input, 4 model refused, 5 parties
    /// disagree, 6 peer or network, 7 internal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) => 2,
            Error::Input(_) | Error::File(_) => 3,
            Error::Import(ImportError::File { .. }) => 3,
            Error::Import(ImportError::Options(_) | ImportError::Size { .. }) => 2,
            Error::Import(ImportError::Graph(error)) => graph_code(error),
            Error::Graph(error) => graph_code(error),
            Error::Import(_) => 4,
            Error::Protocol(error) => match error {
                MpcError::Net { .. } => 6,
                MpcError::Disagreement { .. } | MpcError::Mismatch { .. } => 5,
                MpcError::Unsupported { .. } => 4,
                MpcError::MissingLeaf { .. } | MpcError::NotKept { .. } | MpcError::Correlations(_) => 3,
                _ => 7,
            },
            Error::Disagreement(_) | Error::NotAllowed { .. } => 5,
            // members that do not mean the same session
            Error::Net(NetError::Refused { .. }) => 5,
            Error::Net(_) => 6,
            Error::Internal(_) => 7,
        }
    }

    /// The graph node that the error is about.
    pub fn node(&self) -> Option<&str> {
        match self {
            Error::Import(ImportError::Refused { node, .. }) => Some(node),
            Error::Protocol(
                MpcError::Net { node, .. }
                | MpcError::Disagreement { node, .. }
                | MpcError::Unsupported { node, .. }
                | MpcError::NotKept { node, .. }
                | MpcError::MissingLeaf { node, .. },
            ) => Some(node),
            Error::Graph(error) | Error::Import(ImportError::Graph(error)) => match error {
                GraphError::Invalid { node, .. }
                | GraphError::Unsupported { node, .. }
                | GraphError::MixesSamples { node, .. }
                | GraphError::Encoding { node, .. } => Some(node),
                _ => None,
            },
            _ => None,
        }
    }

    /// The round that the error happened in.
    pub fn round(&self) -> Option<u32> {
        match self {
            Error::Protocol(MpcError::Net { round, .. }) => Some(*round),
            _ => None,
        }
    }

    /// The peer that the error is about.
    pub fn peer(&self) -> Option<&str> {
        match self {
            Error::Protocol(MpcError::Disagreement { peer, .. } | MpcError::Mismatch { peer, .. }) => {
                Some(peer)
            }
            Error::Protocol(MpcError::Net { source, .. }) | Error::Net(source) => source.peer(),
            _ => None,
        }
    }
}

fn graph_code(error: &GraphError) -> u8 {
    match error {
        GraphError::Precision(_) => 2,
        GraphError::Version { .. }
        | GraphError::Decode(_)
        | GraphError::MissingInput { .. }
        | GraphError::InputShape { .. }
        | GraphError::InputRange { .. }
        | GraphError::InputDType { .. }
        | GraphError::Encoding { .. } => 3,
        _ => 4,
    }
}
