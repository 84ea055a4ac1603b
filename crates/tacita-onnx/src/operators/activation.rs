//! Elementwise functions of one value, and those that do nothing when a trained model runs.

use tacita_graph::ops;

use super::{Values, one};
use crate::call::Call;
use crate::error::refuse;

pub(super) fn relu(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    one(call.add(ops::Relu, &[x])?)
}

/// Bounds are attributes up to version 10, inputs since.
pub(super) fn clip(call: &mut Call<'_, '_>) -> Values {
    let x = call.operand(0)?;
    let (min, max) = match call.opset() {
        ..11 => (call.float("min")?, call.float("max")?),
        _ => (call.optional_number(1)?, call.optional_number(2)?),
    };
    // The largest f32, the default of old versions, and infinity bound nothing.
    let bounds = |bound: &f64| bound.abs() < f64::from(f32::MAX);
    let (min, max) =
        (min.filter(|min| *min > 0.0 || bounds(min)), max.filter(|max| *max < 0.0 || bounds(max)));
    one(call.add(ops::Clip { min, max }, &[x])?)
}

pub(super) fn identity(call: &mut Call<'_, '_>) -> Values {
    Ok(vec![call.value(0)?])
}

/// The identity, once training is over.
pub(super) fn dropout(call: &mut Call<'_, '_>) -> Values {
    let (_ratio, _seed) = (call.raw_float("ratio")?, call.int("seed")?);
    if let Some(training) = call.optional_ints(2)?
        && training != [0]
    {
        return refuse("training_mode is set; export the model for inference");
    }
    call.scope
        .notes
        .push(format!("Dropout {:?} is ignored: it does nothing outside of training.", call.name()));
    Ok(vec![call.value(0)?])
}
