//! The graph of tensor operations: building, inference, encoding, lowering, and evaluation in the clear.
