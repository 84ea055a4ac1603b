//! Where parameters begin.

use ndarray::{ArrayD, IxDyn};
use tacita_ring::real;

/// How a parameter is filled before the first step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All elements this number.
    Constant(f64),
    /// Uniform from -b to b.
    Uniform(f64),
    /// Normal with mean 0 and this deviation.
    Normal(f64),
    /// A matrix, all axes but the first taken as one, whose rows, or columns where these are fewer, have this length and are
    /// at right angles: any of these alike likely (Saxe et al. 2014).
    Orthogonal(f64),
}

impl Init {
    /// All zeros.
    pub const ZEROS: Init = Init::Constant(0.0);

    /// All ones.
    pub const ONES: Init = Init::Constant(1.0);

    /// PyTorch's default for linear and convolution layers, weights and biases: uniform within 1/√fan_in (He et al. 2015,
    /// with a = √5).
    pub fn fan_in(inputs: usize) -> Init {
        Init::Uniform(1.0 / (inputs.max(1) as f64).sqrt())
    }

    /// Uniform within √(6 / inputs): what keeps the variance through layers of ReLU, whose gain is √2 (He et al. 2015).
    pub fn kaiming(inputs: usize) -> Init {
        Init::Uniform((6.0 / inputs.max(1) as f64).sqrt())
    }

    /// Normal with variance 2 / inputs, as [`Init::kaiming`].
    pub fn kaiming_normal(inputs: usize) -> Init {
        Init::Normal((2.0 / inputs.max(1) as f64).sqrt())
    }

    /// Uniform within √(6 / (inputs + outputs)) (Glorot and Bengio 2010).
    pub fn xavier(inputs: usize, outputs: usize) -> Init {
        Init::Uniform((6.0 / (inputs + outputs).max(1) as f64).sqrt())
    }

    /// Normal with variance 2 / (inputs + outputs), as [`Init::xavier`].
    pub fn xavier_normal(inputs: usize, outputs: usize) -> Init {
        Init::Normal((2.0 / (inputs + outputs).max(1) as f64).sqrt())
    }

    /// The numbers of a shape, from a seed, alike on every machine.
    ///
    /// They are public: initial values are no secret, and who trains with the same seed begins alike. Nothing else must be
    /// made from this generator (SplitMix64, Steele et al. 2014), which is not cryptographic.
    pub fn values(self, shape: &[usize], seed: u64) -> ArrayD<f64> {
        let mut numbers = Numbers(seed);
        let mut each = |f: fn(&mut Numbers) -> f64, factor: f64| {
            ArrayD::from_shape_simple_fn(IxDyn(shape), || factor * f(&mut numbers))
        };
        match self {
            Init::Constant(value) => ArrayD::from_elem(IxDyn(shape), value),
            Init::Uniform(bound) => each(|numbers| 2.0 * numbers.unit() - 1.0, bound),
            Init::Normal(deviation) => each(Numbers::normal, deviation),
            Init::Orthogonal(length) => orthogonal(shape, length, &mut numbers),
        }
    }
}

/// The generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// By Box and Muller (1958), with functions that round alike everywhere.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * real::ln(1.0 - self.unit())).sqrt();
        radius * real::cos_sin(self.next()).0
    }
}

/// Normal vectors, each without what is along those before it (Gram and Schmidt, twice, so that roundings do not add up).
fn orthogonal(shape: &[usize], length: f64, numbers: &mut Numbers) -> ArrayD<f64> {
    let rows = shape.first().copied().unwrap_or(1);
    let columns: usize = shape.iter().skip(1).product();
    let (count, size) = (rows.min(columns), rows.max(columns));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut vectors: Vec<Vec<f64>> = Vec::new();
    for _ in 0..count {
        let mut vector: Vec<f64> = (0..size).map(|_| numbers.normal()).collect();
        for before in vectors.iter().chain(&vectors) {
            let along = dot(&vector, before);
            vector.iter_mut().zip(before).for_each(|(x, before)| *x -= along * before);
        }
        let norm = dot(&vector, &vector).sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        vectors.push(vector);
    }
    let mut at = 0..rows * columns;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        let at = at.next().unwrap_or(0);
        let (row, column) = (at / columns, at % columns);
        length * if rows <= columns { vectors[row][column] } else { vectors[column][row] }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_are_normal() {
        const COUNT: usize = 40_000;
        let values = Init::kaiming_normal(2).values(&[COUNT], 1);
        let moment = |k: i32| values.iter().map(|x| x.powi(k)).sum::<f64>() / COUNT as f64;
        // the moments are means of that many numbers of variance 1, 2, 15 and 96: five deviations
        for (k, expected, variance) in [(1, 0.0, 1.0f64), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let bound = 5.0 * (variance / COUNT as f64).sqrt();
            assert!((moment(k) - expected).abs() < bound, "moment {k}: {}", moment(k));
        }
    }

    /// Values do not change from release to release, nor from machine to machine.
    #[test]
    fn values_are_alike_on_every_machine() {
        let bits = |init: Init| {
            let values = init.values(&[3, 4], 7);
            values.iter().fold(0u64, |all, x| all.rotate_left(9) ^ x.to_bits())
        };
        assert_eq!(bits(Init::Uniform(1.0)), 14_340_565_607_765_378_696);
        assert_eq!(bits(Init::Normal(1.0)), 13_741_878_729_397_936_783);
        assert_eq!(bits(Init::Orthogonal(1.0)), 15_944_058_685_812_097_423);
    }

    #[test]
    fn rows_or_columns_are_at_right_angles() {
        for shape in [[3, 8], [8, 3], [5, 5]] {
            let values = Init::Orthogonal(2.0).values(&shape, 3);
            let matrix = values.into_dimensionality::<ndarray::Ix2>().unwrap_or_default();
            let matrix = if shape[0] <= shape[1] { matrix } else { matrix.t().to_owned() };
            let products = matrix.dot(&matrix.t());
            for ((row, column), product) in products.indexed_iter() {
                let expected = if row == column { 4.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-13, "{product} for {expected}");
            }
        }
    }

    #[test]
    fn bounds_are_those_of_the_papers() {
        assert_eq!(Init::fan_in(4), Init::Uniform(0.5));
        assert_eq!(Init::kaiming(6), Init::Uniform(1.0));
        assert_eq!(Init::kaiming_normal(8), Init::Normal(0.5));
        assert_eq!(Init::xavier(2, 4), Init::Uniform(1.0));
        assert_eq!(Init::xavier_normal(3, 5), Init::Normal(0.5));
    }
}
