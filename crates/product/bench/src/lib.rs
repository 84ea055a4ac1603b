//! Benchmarks: cost, accuracy and time of every operation, function and reference network.
//!
//! The catalogue lists each function with its domain; [`functions`] measures its accuracy and plans its cost, and
//! [`bench_operation`] and [`bench_model`] time it here. Reference networks ([`ARCHITECTURES`]) carry random weights of
//! the right shapes. [`Bound`] is the least time that the machine's rates allow, to compare a measurement with. The crate
//! may use all of `tacita`. Begin with `catalog.rs`.

mod accuracy;
mod bench;
mod bench_models;
mod bound;
mod catalog;
mod cost;
mod models;

pub use accuracy::{Accuracy, Costs, Function, functions, operations};
pub use bench::{BENCHMARKS, Measured, bench_operation};
pub use bench_models::{MeasuredModel, RUNS, bench_model};
pub use bound::{Bound, Rates};
pub use cost::{OperationCost, operation_cost};
pub use models::{ARCHITECTURES, Architecture, Network};
