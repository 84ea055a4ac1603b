//! Derivatives against finite differences of `plain`, and in fixed point within the error model: of each operation, of
//! functions, of random graphs, of derivatives.

mod functions;
mod networks;
mod operations;
mod random;
mod refused;
mod seeds;
mod setting;
