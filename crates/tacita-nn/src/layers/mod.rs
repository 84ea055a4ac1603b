//! The layers, one file each.

mod batch_norm;
mod conv;
mod dropout;
mod elementwise;
mod embedding;
mod flatten;
mod layer_norm;
mod linear;
mod pool;

pub use batch_norm::BatchNorm;
pub use conv::{Conv1d, Conv2d};
pub use dropout::Dropout;
pub use elementwise::{Elementwise, Relu};
pub use embedding::Embedding;
pub use flatten::Flatten;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use pool::{AvgPool2d, MaxPool2d};
