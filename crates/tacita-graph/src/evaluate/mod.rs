//! Evaluators in the clear: the graph in f64, the leaves that owners encode, the ring program in integers, and how
//! far the two may be apart.

pub(crate) mod bounds;
pub(crate) mod clear;
pub(crate) mod draws;
pub(crate) mod fixed;
pub(crate) mod plain;
