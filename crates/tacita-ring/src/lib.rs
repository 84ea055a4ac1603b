//! Tensors over the ring of integers modulo 2^64, bit-sliced bits, fixed-point codec, kernels and the generator of masks.
