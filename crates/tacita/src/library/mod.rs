//! The library of operations and functions: what each costs, how accurate it is over its domain, how long it takes here.

mod accuracy;
mod bench;
mod catalog;
mod cost;

pub use accuracy::{Accuracy, Costs, Function, functions, operations};
pub use bench::{BENCHMARKS, Measured, bench_operation};
pub use cost::{OperationCost, operation_cost};
