//! Samples and labels, read and checked against the model before anything runs.

use ndarray::ArrayD;
use tacita::graph::{Interval, Node, Op, representable};
use tacita::onnx::{AxisSize, Model, show_axes};
use tacita_data::Source;

use crate::arguments::SampleArguments;
use crate::failure::Failure;

/// Reads samples, scales them, and makes sure that they are what the model takes.
pub fn read(arguments: &SampleArguments, model: &Model, precision: u32) -> Result<ArrayD<f64>, Failure> {
    let source: Source = arguments.input.parse()?;
    let mut samples = tacita_data::read_finite(&source)?;
    check_shape(&source, samples.shape(), model)?;
    if let Some(scale) = arguments.scale {
        samples.mapv_inplace(|x| scale.apply(x));
    }
    let limit = representable(precision);
    // indices are slow to count: only once something is wrong
    if !samples.iter().all(|value| value.abs() < limit)
        && let Some((index, value)) = samples.indexed_iter().find(|(_, value)| value.abs() >= limit)
    {
        let index = ndarray::Dimension::slice(&index);
        return Err(Failure::input(format!(
            "{source}: element {index:?} is {value}, out of range at {precision} fractional bits, where values are \
             below 2^{}: give --scale, or fewer bits by --precision",
            limit.log2()
        )));
    }
    if let Some(Interval { min, max }) = declared(model)
        && let Some((index, value)) = samples.indexed_iter().find(|(_, value)| !(min..=max).contains(value))
    {
        let index = ndarray::Dimension::slice(&index);
        return Err(Failure::input(format!(
            "{source}: element {index:?} is {value}, outside of {min}..{max}, which is declared of the model's input `{}`",
            model.input
        )));
    }
    Ok(samples)
}

/// The range that the model's input is declared to lie in.
fn declared(model: &Model) -> Option<Interval> {
    let input = |node: &&Node| node.name == model.input;
    model.template.example().nodes().iter().filter(input).find_map(|node| match &node.op {
        Op::Input(input) => input.range,
        _ => None,
    })
}

fn check_shape(source: &Source, shape: &[usize], model: &Model) -> Result<(), Failure> {
    let want = &model.input_shape;
    let sample_fits = |got: &[usize]| {
        let fits = |(got, want): (&usize, &AxisSize)| match want {
            AxisSize::Known(size) => got == size,
            AxisSize::Named(_) => true,
        };
        got.len() + 1 == want.len() && got.iter().zip(&want[1..]).all(fits)
    };
    let fault = match shape.split_first() {
        Some((0, rest)) if sample_fits(rest) => "there are no samples",
        Some((_, rest)) if sample_fits(rest) => return check_fixed_batch(source, shape[0], want),
        _ if sample_fits(shape) => "the first axis must be the batch, so one sample is a batch of 1",
        _ => "the axes after the first must be the same",
    };
    Err(Failure::input(format!(
        "{source}: its shape is {shape:?}, and the model's input `{}` is {}: {fault}",
        model.input,
        show_axes(want)
    )))
}

fn check_fixed_batch(source: &Source, count: usize, want: &[AxisSize]) -> Result<(), Failure> {
    match want.first() {
        Some(AxisSize::Known(batch)) if !count.is_multiple_of(*batch) => Err(Failure::input(format!(
            "{source}: {count} samples are no multiple of {batch}, the batch that the model fixes"
        ))),
        _ => Ok(()),
    }
}

/// Reads labels, one a sample.
pub fn labels(text: &str, samples: usize) -> Result<Vec<i64>, Failure> {
    let source: Source = text.parse()?;
    let labels = tacita_data::read_labels(&source)?;
    if labels.len() != samples {
        return Err(Failure::input(format!(
            "{source}: {} labels for {samples} samples: there must be one for each",
            labels.len()
        )));
    }
    Ok(labels)
}
