//! Arrays from and to files: numpy's `.npy`, the arrays inside its `.npz` archives, and `.safetensors`, which trained models are
//! passed on in ([`Tensors`]). Tables from CSV and Parquet files: [`Table`].
//!
//! ```no_run
//! use tacita_data::Source;
//!
//! let images: Source = "models/mnist-200.npz:images".parse()?;
//! let images = tacita_data::read_finite(&images)?; // f64, whatever number type the file holds
//! let labels = tacita_data::read_labels(&"models/mnist-200.npz:labels".parse()?)?;
//! tacita_data::write_f32("logits.npy".as_ref(), images.view())?;
//! # Ok::<(), tacita_data::DataError>(())
//! ```
//!
//! Reading trusts nothing in a file: the size that a header claims is compared with the bytes that are there before
//! anything is allocated for it, and every fault is a [`DataError`] that names the file. Writing goes through a
//! temporary file in the same folder that is renamed when complete, so a reader never meets half a file. The crate uses none
//! of the workspace's others. Begin with `read.rs`.

mod element;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod npz;
mod read;
mod safetensors;
mod source;
mod table;
mod write;

pub use error::DataError;
pub use read::{read, read_bytes, read_finite, read_labels, read_labels_bytes};
pub use safetensors::{
    Tensors, Width, read_safetensors, read_safetensors_bytes, stage_safetensors, write_safetensors,
};
pub use source::Source;
pub use table::{ColumnPlace, RowPlace, Scaling, Table, TableFault, read_table, read_table_bytes};
pub use write::{Staged, check_writable, stage_f32, stage_i64, write_atomically, write_f32, write_i64};
