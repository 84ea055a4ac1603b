//! Tensors over the ring of integers modulo 2^64, bit-sliced bits, the fixed-point codec, the kernels (matrix
//! product, convolution, pooling) and the generator of masks.
//!
//! The crate knows nothing about parties or graphs. All ring arithmetic is exact modulo 2^64 and wraps in debug builds
//! too. A [`RingTensor`] holds a share, a [`BitTensor`] a share of comparison bits. A [`Generator`] makes masks at any
//! position, without their predecessors.
//!
//! Kernels select AVX-512, AVX2 or portable code at run time (see [`simd`]), and use the threads of the current rayon
//! pool for large work; neither choice changes a result. The crate depends on no other crate of the workspace. Begin
//! with `tensor.rs`.
//!
//! ```
//! use tacita_ring::{RingTensor, matmul};
//!
//! let a = RingTensor::new(vec![1, 2], vec![3, u64::MAX]);
//! let b = RingTensor::new(vec![2, 1], vec![5, 2]);
//! assert_eq!(matmul(&a, &b).data(), &[13]);
//! ```

mod bits;
mod codec;
mod conv;
mod elementwise;
mod exponential;
mod fourier_sum;
mod generator;
mod matmul;
mod movement;
mod parallel;
mod pool;
mod product;
pub mod real;
mod seed;
mod shape;
pub mod simd;
mod tensor;
mod window;

pub use bits::{BLOCK_ELEMENTS, BitTensor, block_layout, word_count};
pub use codec::{CodecError, CodecReason, MAX_FRAC, decode, encode, encode_at, encode_integers_at};
pub use conv::{conv2d, conv2d_into, conv2d_shape};
pub use exponential::Exponential;
pub use fourier_sum::{FOURIER_BITS, FourierSum};
pub use generator::Generator;
pub use matmul::{matmul, matmul_into, matmul_shape};
pub use pool::{sum_pool2d, sum_pool2d_shape};
pub use product::Sign;
pub use seed::Seed;
pub use shape::broadcast_shapes;
pub use tensor::RingTensor;
pub use window::{ConvSpec, Window2d};

/// Test data that looks uniform; the same for the same seed.
#[cfg(test)]
fn test_data(length: usize, seed: u64) -> Vec<u64> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Generator::new(&Seed::from_bytes(bytes), b"test data").vec(length)
}
