//! ONNX models as Tacita graphs, and back.
//!
//! ```no_run
//! use tacita_onnx::{ImportOptions, import};
//!
//! let model = import("models/lenet.onnx".as_ref(), &ImportOptions::default())?;
//! println!("input {:?} {:?}, outputs {:?}", model.input, model.input_shape, model.outputs);
//! for note in &model.notes {
//!     println!("{note}");
//! }
//! # Ok::<(), tacita_onnx::ImportError>(())
//! ```
//!
//! The graph is public and holds no weight: every float tensor of the file is an input private to the model's owner,
//! and [`Model::parameters`] has its numbers apart. Those that an operation needs to know (clip bounds, padding,
//! shapes, epsilon) are attributes of the graph, and [`Model::public_constants`] lists them.
//!
//! A model that cannot be imported is refused with the node's name, its operation and the reason, in the file's words. The
//! crate may use `tacita-graph` and `tacita-data`. Begin with `import.rs`, then any file in `operators`.
//!
//! [`import`] makes a graph of its own; [`Onnx::build`] adds a model to a graph that has more in it. [`export`] writes a graph
//! and the values of its parameters as a model that other programs read.

mod call;
mod error;
mod export;
mod file;
#[doc(hidden)]
pub mod fuzzing;
mod idioms;
mod import;
mod model;
mod onnx;
mod operators;
mod scope;
mod sizes;
mod template;
#[doc(hidden)]
pub mod testing;
mod value;

pub use error::ImportError;
pub use export::{EXPORT_OPSET, ExportError, export, export_bytes, export_open_bytes};
pub use import::{import, import_bytes};
pub use model::{ImportOptions, Model, PublicConstant};
pub use onnx::{Built, FinalSoftmax, OPSETS, Onnx, Output};
pub use operators::{Imported, operators};
pub use sizes::{AxisSize, BATCH, Sizes, show_axes};
pub use template::Template;
