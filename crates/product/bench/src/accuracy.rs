//! How far functions are from f64 over their domains.

use std::f64::consts::LN_2;

use serde::Serialize;
use tacita_graph::ops::Input;
use tacita_graph::{
    DType, Floor, Graph, Interval, Nearest, Role, Rounding, Visibility, dims, fixed_kept, lower, optimize,
};
use tacita_program::RingOp;
use tacita_ring::{RingTensor, real};

use super::catalog::{Domain, Entry, Measure, entries, whole};
use super::cost::{OperationCost, operation_cost};
use tacita::Error;

/// The fractional bits that functions are documented at.
const PRECISION: u32 = 16;

/// Elements that costs are counted over: whole words of bits.
const ELEMENTS: usize = 1024;

/// One function of the library, at 16 fractional bits and two parties.
#[derive(Clone, Debug, Serialize)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Where it was swept.
    pub domain: &'static str,
    /// How `largest_error` and `mean_error` are measured.
    pub measure: &'static str,
    /// Its error.
    #[serde(flatten)]
    pub accuracy: Accuracy,
    /// Rounds from shares to shares.
    pub rounds: u32,
    /// Bytes that each party sends online for an element.
    pub online_bytes: f64,
    /// Bytes that the dealer sends for an element.
    pub offline_bytes: f64,
}

/// Errors over a sweep.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Accuracy {
    /// The largest.
    pub largest_error: f64,
    /// The mean.
    pub mean_error: f64,
    /// Numbers that were tried.
    pub points: usize,
}

/// All functions of one number, measured. The errors are those of the ring program in the clear, its truncations rounded down
/// and then to the nearest; a private run rounds at random between the two neighbours.
///
/// # Errors
/// If an operation cannot be lowered, which is a mistake of this program.
pub fn functions() -> Result<Vec<Function>, Error> {
    entries().iter().map(function).collect()
}

fn function(entry: &Entry) -> Result<Function, Error> {
    let points = sweep(entry.domain);
    let (mut largest, mut sum) = (0.0f64, 0.0);
    for rounding in [&mut Floor as &mut dyn Rounding, &mut Nearest] {
        for (x, got) in points.iter().zip(evaluate(entry, &points, rounding)?) {
            let exact = (entry.exact)(*x);
            let scale = match entry.measure {
                Measure::Absolute => 1.0,
                Measure::Relative => exact.abs().max(2f64.powi(-5)),
            };
            let error = (got - exact).abs() / scale;
            largest = largest.max(error);
            sum += error;
        }
    }
    let accuracy = Accuracy {
        largest_error: largest,
        mean_error: sum / (2 * points.len()) as f64,
        points: points.len(),
    };
    let OperationCost { rounds, online_bytes, offline_bytes } =
        operation_cost(entry.build, &[&[ELEMENTS]], DType::Fixed, range(entry.domain), PRECISION)?;
    let each = |bytes: u64| bytes as f64 / ELEMENTS as f64;
    Ok(Function {
        name: entry.name,
        domain: match entry.domain {
            Domain::All => "-2^30 to 2^30",
            Domain::Positive => "2^-16 to 2^30",
            Domain::NotZero => "-2^30 to 2^30, not 0",
            Domain::NotPositive => "-2^30 to 0",
        },
        measure: match entry.measure {
            Measure::Absolute => "absolute",
            Measure::Relative => "relative, of less than 2^-5 to 2^-5",
        },
        accuracy,
        rounds,
        online_bytes: each(online_bytes),
        offline_bytes: each(offline_bytes),
    })
}

/// The cost of an operation on whole tensors, at 16 fractional bits and two parties.
#[derive(Clone, Debug, Serialize)]
pub struct Costs {
    /// Its name.
    pub name: &'static str,
    /// Rounds from shares to shares.
    pub rounds: u32,
    /// Bytes that each party sends online for an element of the first operand.
    pub online_bytes: f64,
    /// Bytes that the dealer sends for an element of the first operand.
    pub offline_bytes: f64,
}

/// The costs of operations that are exact, or of rows.
///
/// # Errors
/// If an operation cannot be lowered, which is a mistake of this program.
pub fn operations() -> Result<Vec<Costs>, Error> {
    let costs = whole().into_iter().map(|operation| {
        let cost = operation_cost(operation.build, operation.shapes, operation.dtype, None, PRECISION)?;
        let elements = operation.shapes[0].iter().product::<usize>() as f64;
        Ok(Costs {
            name: operation.name,
            rounds: cost.rounds,
            online_bytes: cost.online_bytes as f64 / elements,
            offline_bytes: cost.offline_bytes as f64 / elements,
        })
    });
    costs.collect()
}

/// The operand's type for inference.
fn range(domain: Domain) -> Option<Interval> {
    let all = 2f64.powi(30) - 1.0;
    match domain {
        Domain::All | Domain::NotZero => None,
        Domain::Positive => Some(Interval { min: 0.0, max: all }),
        Domain::NotPositive => Some(Interval { min: -all, max: 0.0 }),
    }
}

/// Numbers with 16 fractional bits: dense around 0, then evenly in size up to 2^29.9 on both sides, and the powers of two with
/// their neighbours.
fn sweep(domain: Domain) -> Vec<f64> {
    let unit = 2f64.powi(-16);
    let grid = |x: f64| (x / unit).round() * unit;
    let mut points: Vec<f64> = (-60_000..=60_000).map(|i| grid(f64::from(i) * 0.000_511)).collect();
    for i in 0..20_000 {
        let size = grid(real::exp((-16.0 + 45.9 * f64::from(i) / 20_000.0) * LN_2));
        points.extend([size, -size]);
    }
    points.extend((-16..30).flat_map(|k| {
        let power = 2f64.powi(k);
        [power, -power, power - unit, unit - power]
    }));
    points.retain(|x| match domain {
        Domain::All => true,
        Domain::Positive => *x > 0.0,
        Domain::NotZero => *x != 0.0,
        Domain::NotPositive => *x <= 0.0,
    });
    points
}

/// The function of secrets in fixed point.
fn evaluate(entry: &Entry, points: &[f64], rounding: &mut dyn Rounding) -> Result<Vec<f64>, Error> {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let input = Input {
        shape: dims(&[points.len()]),
        visibility: Visibility::Secret,
        role: Role::Data,
        dtype: DType::Fixed,
        range: range(entry.domain),
    };
    let x = graph.add(input, &[], "x")?;
    let y = (entry.build)(&mut graph, &[x])?;
    graph.reveal(y, &[alice], "result")?;
    let program = lower(&optimize(&graph)?, PRECISION, &tacita_mpc::TARGET)?;
    let words = tacita_ring::encode(points, PRECISION).map_err(|e| Error::Internal(e.to_string()))?;
    let words = RingTensor::new(vec![points.len()], words);
    let leaves = program.ids().filter(|id| matches!(program.node(*id).op, RingOp::Input { .. }));
    let leaves = leaves.map(|id| (id, words.clone())).collect();
    let reveal = program.reveals()[0];
    let values = fixed_kept(&program, &leaves, rounding, |id| id == reveal);
    let value = values.get(&reveal).ok_or_else(|| Error::Internal("nothing was revealed".into()))?;
    Ok(value.to_f64(program.node(reveal).ty).into_iter().collect())
}
