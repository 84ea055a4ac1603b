//! Evaluation in the clear: the graph in f64, and the leaves that owners encode.

pub(crate) mod bounds;
pub(crate) mod clear;
pub(crate) mod plain;
