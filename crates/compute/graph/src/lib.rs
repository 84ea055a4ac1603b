//! The graph of tensor operations: building, inference, encoding, lowering, and evaluation in the clear.
//!
//! Build a [`Graph`] before any data moves. [`optimize`] rewrites it, and [`lower`] translates it into the
//! [`RingProgram`](tacita_program::RingProgram) that protocols execute, verified. [`plain`] evaluates the graph in the clear,
//! [`fixed()`] the program. The crate depends on `tacita-program` and `tacita-ring` only; it knows nothing about files,
//! parties or shares. Begin with `graph.rs`, then read any file in `ops`.
//!
//! ```
//! use ndarray::array;
//! use tacita_graph::ops::{MatMul, Relu};
//! use tacita_graph::*;
//!
//! let mut graph = Graph::new();
//! let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
//! let x = graph.input("x", &dims(&[1, 2]), Visibility::Private(alice), Role::Data)?;
//! let w = graph.input("w", &dims(&[2, 2]), Visibility::Private(bob), Role::Parameter)?;
//! let y = graph.add(MatMul, &[x, w], "layer")?;
//! let y = graph.add(Relu, &[y], "relu")?;
//! let answer = graph.reveal(y, &[alice], "answer")?;
//!
//! let inputs = Inputs::from([
//!     ("x".to_owned(), array![[1.0, 2.0]].into_dyn()),
//!     ("w".to_owned(), array![[0.5, -1.0], [0.25, -1.0]].into_dyn()),
//! ]);
//! assert_eq!(plain(&graph, &inputs)?[&answer], array![[1.0, 0.0]].into_dyn());
//!
//! let program = lower(&optimize(&graph)?, 16, &testing::TARGET)?;
//! let alices = encode_leaves(&graph, &program, Some(alice), &inputs)?;
//! assert_eq!(alices.len(), 1);
//! # Ok::<(), GraphError>(())
//! ```

mod digest;
pub mod encoding;
mod error;
mod evaluate;
pub mod functions;
#[doc(hidden)]
pub mod fuzzing;
mod grad;
mod graph;
mod lower;
pub mod ops;
mod range;
mod rewrite;
mod samples;
#[doc(hidden)]
pub mod testing;
mod types;
mod value;

pub use encoding::{FORMAT_VERSION, MAX_BYTES, seal_body};
pub use error::{GraphError, InferError};
pub use evaluate::bounds::error_bounds;
pub use evaluate::clear::{encode_every_leaf, encode_leaves, encode_some_leaves};
pub use evaluate::plain::{plain, plain_all};
pub use grad::{grad, grad_from};
pub use graph::{Graph, MAX_LISTED, MAX_NAME, MAX_NODES, MAX_OWNERS, Node, hides};
pub use lower::{PRECISIONS, lower, representable};
pub use ops::Op;
pub use range::{Range, RangeWarning, fracs, ranges, warnings};
pub use rewrite::optimize;
pub use samples::{SampleAxis, same_nodes, same_per_sample, samples};
pub use tacita_program::{
    ClearValue, Floor, Nearest, NodeId, Owner, Rounding, Visibility, fixed, fixed_kept,
};
pub use types::{DType, Interval, MAX_ELEMENTS, MAX_RANK, Role, Type, dims, show};
pub use value::{Inputs, Value, first_not_finite};
