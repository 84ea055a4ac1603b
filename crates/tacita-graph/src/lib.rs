//! The graph of tensor operations: building, inference, encoding, lowering, and evaluation in the clear.

mod apply;
mod digest;
mod encoding;
mod error;
mod evaluate;
mod graph;
mod lower;
pub mod ops;
mod program;
mod range;
mod rewrite;
#[doc(hidden)]
pub mod testing;
mod types;

pub use apply::{bilinear, bilinear_into, linear, linear_homogeneous};
pub use encoding::{FORMAT_VERSION, MAX_BYTES, seal_body};
pub use error::{GraphError, InferError};
pub use evaluate::bounds::error_bounds;
pub use evaluate::clear::{encode_every_leaf, encode_leaves};
pub use evaluate::fixed::{ClearValue, Floor, Nearest, Rounding, fixed, fixed_kept};
pub use evaluate::plain::{Inputs, plain, plain_all};
pub use graph::{Graph, MAX_NAME, MAX_NODES, MAX_OWNERS, Node, NodeId};
pub use lower::{PRECISIONS, lower, representable};
pub use ops::Op;
pub use program::{RingId, RingKind, RingNode, RingOp, RingProgram};
pub use range::{Range, RangeWarning, ranges, warnings};
pub use rewrite::optimize;
pub use types::{Dim, Interval, Kind, MAX_ELEMENTS, MAX_RANK, Owner, Role, Type, Visibility, dims, show};
