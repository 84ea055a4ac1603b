//! Fits the trigonometric sums that private evaluations compute functions with, and prints
//! `crates/compute/graph/src/lower/fits/table.rs`:
//!
//! ```text
//! cargo run --release -p tacita-graph --example fit_functions > crates/compute/graph/src/lower/fits/table.rs
//! ```
//!
//! A fit is least squares at Chebyshev points by singular values, the small ones left out so that coefficients stay small
//! (they multiply the rounding of what is dealt), and then Lawson's reweighting towards the smallest largest error.

use std::f64::consts::{FRAC_2_SQRT_PI, PI, SQRT_2};

use nalgebra::{DMatrix, DVector};

/// Which harmonics a sum has.
#[derive(Clone, Copy, PartialEq)]
pub enum Parity {
    /// Sines of odd multiples.
    Odd,
    /// Cosines of all multiples, and a constant.
    Even,
    /// Both.
    Both,
}

/// What to fit.
pub struct Goal {
    /// The constant's name in the table.
    pub name: &'static str,
    /// What it is, for the table's reader.
    pub what: &'static str,
    /// The function.
    pub f: fn(f64) -> f64,
    /// What errors are multiplied by.
    pub weight: fn(f64) -> f64,
    /// Where it is fitted.
    pub domain: [f64; 2],
    /// The period of the first harmonic.
    pub period: f64,
    /// How many harmonics.
    pub count: usize,
    /// Which.
    pub parity: Parity,
    /// Singular values below this part of the largest are left out.
    pub cut: f64,
}

/// erf by its series, or its continued fraction from 3 on.
pub fn erf(x: f64) -> f64 {
    if x.abs() > 3.0 {
        let z = x.abs();
        let fraction = (1..60).rev().fold(z, |f, n| z + f64::from(n) / 2.0 / f);
        return x.signum() * (1.0 - (-z * z).exp() / fraction / PI.sqrt());
    }
    let mut term = x;
    let mut sum = x;
    for n in 1..100 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * FRAC_2_SQRT_PI
}

fn one(_: f64) -> f64 {
    1.0
}

/// All of the table.
pub fn goals() -> Vec<Goal> {
    let centred = |name, what, f, domain, period, count, parity| Goal {
        name,
        what,
        f,
        weight: one,
        domain,
        period,
        count,
        parity,
        cut: 1e-10,
    };
    // a value scaled into [1/16, 1), where a threshold may be off by a sixteenth either way
    let wide = |name, what, f, weight, count| Goal {
        name,
        what,
        f,
        weight,
        domain: [15.0 / 256.0, 17.0 / 16.0],
        period: 2.0,
        count,
        parity: Parity::Both,
        cut: 1e-7,
    };
    vec![
        centred(
            "SIGMOID",
            "sigmoid(x) - 1/2",
            |x| 1.0 / (1.0 + (-x).exp()) - 0.5,
            [-10.0, 10.0],
            40.0,
            9,
            Parity::Odd,
        ),
        centred("TANH", "tanh(x)", f64::tanh, [-5.0, 5.0], 20.0, 10, Parity::Odd),
        centred("ERF", "erf(x)", erf, [-3.0, 3.0], 12.0, 5, Parity::Odd),
        centred("GELU", "gelu(x) - x/2", |x| x / 2.0 * erf(x / SQRT_2), [-4.5, 4.5], 13.5, 7, Parity::Even),
        centred(
            "GELU_TANH",
            "gelu(x) - x/2 in the form with tanh",
            |x| x / 2.0 * ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh(),
            [-4.5, 4.5],
            13.5,
            7,
            Parity::Even,
        ),
        centred(
            "SILU",
            "x sigmoid(x) - x/2",
            |x| x * (1.0 / (1.0 + (-x).exp()) - 0.5),
            [-12.0, 12.0],
            31.0,
            14,
            Parity::Even,
        ),
        centred(
            "SOFTPLUS",
            "ln(1 + e^x) - x/2",
            |x| x.abs() / 2.0 + (-x.abs()).exp().ln_1p(),
            [-9.25, 9.25],
            23.1,
            9,
            Parity::Even,
        ),
        wide("RECIPROCAL", "1/u", |u| 1.0 / u, |u| u, 12),
        wide("RSQRT", "u^(-1/2)", |u| u.powf(-0.5), f64::sqrt, 12),
        wide("SQRT", "u^(1/2)", f64::sqrt, |u| u.powf(-0.5), 6),
        wide("LOG", "ln u", f64::ln, one, 8),
    ]
}

/// A sum: constant, and (cosine, sine) of the multiples 1, 1 + step, ….
pub struct Fit {
    /// The constant term.
    pub constant: f64,
    /// Coefficients of cosine and sine.
    pub terms: Vec<(f64, f64)>,
    /// How far apart the multiples are.
    pub step: u32,
    /// The largest weighted error on a dense sweep.
    pub error: f64,
}

impl Goal {
    fn step(&self) -> u32 {
        if self.parity == Parity::Odd { 2 } else { 1 }
    }

    /// The functions that are summed, at x.
    fn basis(&self, x: f64) -> Vec<f64> {
        let multiples = (0..self.count).map(|k| f64::from(1 + k as u32 * self.step()));
        let angles: Vec<f64> = multiples.map(|m| 2.0 * PI * m * x / self.period).collect();
        let mut row = Vec::new();
        if self.parity != Parity::Odd {
            row.push(1.0);
            row.extend(angles.iter().map(|a| a.cos()));
        }
        if self.parity != Parity::Even {
            row.extend(angles.iter().map(|a| a.sin()));
        }
        row
    }

    fn largest(&self, coefficients: &DVector<f64>) -> f64 {
        let [low, high] = self.domain;
        let error = |i: u32| {
            let x = low + (high - low) * f64::from(i) / 20_000.0;
            let sum: f64 = self.basis(x).iter().zip(coefficients).map(|(b, c)| b * c).sum();
            ((sum - (self.f)(x)) * (self.weight)(x)).abs()
        };
        (0..=20_000).map(error).fold(0.0, f64::max)
    }

    /// The best sum that was found.
    pub fn fit(&self) -> Fit {
        let points = 2000;
        let [low, high] = self.domain;
        let x: Vec<f64> = (0..points)
            .map(|i| (low + high) / 2.0 + (high - low) / 2.0 * (PI * (i as f64 + 0.5) / points as f64).cos())
            .collect();
        let rows: Vec<Vec<f64>> = x.iter().map(|&x| self.basis(x)).collect();
        let weights: Vec<f64> = x.iter().map(|&x| (self.weight)(x)).collect();
        let target: Vec<f64> = x.iter().map(|&x| (self.f)(x)).collect();
        let mut lawson = vec![1.0f64; points];
        let mut best: Option<(f64, DVector<f64>)> = None;
        for _ in 0..25 {
            let scale = |i: usize| weights[i] * lawson[i].sqrt();
            let a = DMatrix::from_fn(points, rows[0].len(), |i, j| rows[i][j] * scale(i));
            let b = DVector::from_fn(points, |i, _| target[i] * scale(i));
            let svd = a.svd(true, true);
            let cut = self.cut * svd.singular_values.max();
            let coefficients = svd.solve(&b, cut).expect("both sides were asked for");
            let error = self.largest(&coefficients);
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, coefficients.clone()));
            }
            let errors: Vec<f64> = (0..points)
                .map(|i| {
                    let sum: f64 = rows[i].iter().zip(&coefficients).map(|(b, c)| b * c).sum();
                    ((sum - target[i]) * weights[i]).abs()
                })
                .collect();
            let most = errors.iter().copied().fold(0.0, f64::max);
            lawson.iter_mut().zip(&errors).for_each(|(w, e)| *w *= (e / most + 1e-3).sqrt());
            let most = lawson.iter().copied().fold(0.0, f64::max);
            lawson.iter_mut().for_each(|w| *w /= most);
        }
        let (error, c) = best.expect("there was an iteration");
        let k = self.count;
        let (constant, terms) = match self.parity {
            Parity::Odd => (0.0, (0..k).map(|i| (0.0, c[i])).collect()),
            Parity::Even => (c[0], (0..k).map(|i| (c[1 + i], 0.0)).collect()),
            Parity::Both => (c[0], (0..k).map(|i| (c[1 + i], c[1 + k + i])).collect()),
        };
        Fit { constant, terms, step: self.step(), error }
    }
}

/// The integer that stands for a coefficient.
pub fn whole(x: f64) -> i64 {
    (x * 2f64.powi(28)).round() as i64
}

#[allow(dead_code)] // the test that compares takes the rest
fn main() {
    println!("//! Coefficients of the fits: printed by `examples/fit_functions.rs`, do not edit.\n");
    println!("use super::Fit;");
    for goal in goals() {
        let fit = goal.fit();
        let sum: f64 = fit.terms.iter().map(|(a, b)| a.abs() + b.abs()).sum();
        let [low, high] = goal.domain;
        println!(
            "\n/// {} on [{low}, {high}]; largest error 2^{:.2}, coefficients {sum:.1} in all.",
            goal.what,
            fit.error.log2()
        );
        println!("pub(crate) const {}: Fit = Fit {{", goal.name);
        println!("    domain: [{low:?}, {high:?}],\n    period: {:?},\n    step: {},", goal.period, fit.step);
        println!("    error: {:?},", (fit.error * 1.01 * 2f64.powi(30)).ceil() / 2f64.powi(30));
        println!("    constant: {},\n    terms: &[", whole(fit.constant));
        for (a, b) in fit.terms {
            println!("        ({}, {}),", whole(a), whole(b));
        }
        println!("    ],\n}};");
    }
}
