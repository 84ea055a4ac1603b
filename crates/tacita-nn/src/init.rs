//! Where parameters begin.

use ndarray::{ArrayD, IxDyn};

/// How a parameter is filled before the first step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All elements this number.
    Constant(f64),
    /// Uniform from -b to b.
    Uniform(f64),
}

impl Init {
    /// PyTorch's default for linear and convolution layers, weights and biases: uniform within 1/√fan_in (He et al. 2015,
    /// with a = √5).
    pub fn fan_in(inputs: usize) -> Init {
        Init::Uniform(1.0 / (inputs.max(1) as f64).sqrt())
    }

    /// Uniform within √(6 / (inputs + outputs)) (Glorot and Bengio 2010).
    pub fn xavier(inputs: usize, outputs: usize) -> Init {
        Init::Uniform((6.0 / (inputs + outputs).max(1) as f64).sqrt())
    }

    /// The numbers of a shape, from a seed, alike on every machine.
    ///
    /// They are public: initial values are no secret, and who trains with the same seed begins alike. Nothing else must be
    /// made from this generator (SplitMix64, Steele et al. 2014), which is not cryptographic.
    pub fn values(self, shape: &[usize], seed: u64) -> ArrayD<f64> {
        let mut state = seed;
        ArrayD::from_shape_simple_fn(IxDyn(shape), || match self {
            Init::Constant(value) => value,
            Init::Uniform(bound) => {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut z = state;
                z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                let unit = ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64;
                bound * (2.0 * unit - 1.0)
            }
        })
    }
}
