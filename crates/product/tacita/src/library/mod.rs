//! The library of operations, functions and networks: what each costs, how accurate it is over its domain, how long it takes
//! here.

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
