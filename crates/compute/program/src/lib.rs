//! The ring program, which evaluators execute.
//!
//! A graph is lowered to some forty operations on tensors over Z_2^64, with every truncation explicit. This crate
//! defines those operations, checks a program's preconditions, computes the digest that parties agree on, and evaluates
//! a program in the clear; a [`Target`] tells lowering about a protocol. It may use `tacita-ring` and nothing else of
//! Tacita; protocols and proofs use it. Begin with `operation.rs`, then `program.rs`.

mod allowed;
mod apply;
mod digest;
pub mod draws;
mod evaluate;
mod operation;
mod program;
mod range;
mod target;
mod verify;

pub use allowed::{Allowed, NotAllowed, allowed, below, exponential, fourier_sum, quotient};
pub use apply::{bilinear, bilinear_into, linear, linear_homogeneous};
pub use evaluate::{ClearValue, Floor, Nearest, Rounding, fixed, fixed_kept};
pub use operation::{RingOp, Threshold, WHOLE_SIGN, WHOLE_ZERO};
pub use program::{NodeId, Owner, RingId, RingNode, RingProgram, RingType, Visibility};
pub use range::{RangeBound, bound, bounds, pair_bits, sort_bits, threshold_bits};
pub use target::Target;
pub use verify::{Fault, ProgramError, VerifiedProgram};
