//! Kernels: the values of specs, one file for each kind.

pub(super) mod bit_products;
pub(super) mod fourier_terms;
pub(super) mod numbers;
pub(super) mod one_hot;
pub(super) mod product;
pub(super) mod shuffled;

pub use bit_products::BitProducts;
pub use fourier_terms::GROUP as FOURIER_GROUP;
pub(super) use numbers::Exponentials;
