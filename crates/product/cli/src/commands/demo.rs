//! `tacita demo`: the shipped network on shipped digits, so that it needs no files.

use ndarray::{ArrayD, ArrayViewD, Axis};
use tacita::Parts;
use tacita::onnx::{ImportOptions, Sizes, import_bytes};

use crate::arguments::DemoArguments;
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::progress::Bar;
use crate::scale::Scale;
use crate::summary;

const MODEL: &[u8] = include_bytes!("../../../../../models/lenet.onnx");
const DIGITS: &[u8] = include_bytes!("../../../../../models/mnist-200.npz");
/// Samples evaluated together.
const BATCH: usize = 50;
/// Digits that are drawn.
const SHOWN: usize = 5;

/// Classifies the digits.
pub fn run(arguments: &DemoArguments, quiet: bool) -> Result<Answer, Failure> {
    let model = import_bytes(MODEL, &ImportOptions::default()).map_err(tacita::Error::from)?;
    let scale: Scale = "255".parse().map_err(Failure::usage)?;
    let images = tacita_data::read_bytes(&"mnist-200.npz:images".parse()?, DIGITS)?.mapv(|x| scale.apply(x));
    let labels = tacita_data::read_labels_bytes(&"mnist-200.npz:labels".parse()?, DIGITS)?;
    let options = arguments.local.options();

    let (sizes, rows) = (Sizes::new(), images.shape()[0]);
    let parts = Parts::choose(&model.template, &sizes, rows, Some(BATCH), |_, _, rows| rows)?;
    let bar = Bar::new(quiet);
    let result = tacita::infer(&model, &images, Some(&labels), (&sizes, &parts), false, &options, &mut |p| {
        bar.update(&p)
    });
    drop(bar);
    let inference = result?;

    let mut text = String::from(
        "Alice has images of digits, Bob a trained network. Computing parties and a dealer, each a thread of this\n\
         process with its own secrets, evaluate Bob's network on Alice's images. She learns the result, nobody else\n\
         anything.\n\n",
    );
    text += &summary::setting(&inference.report);
    text += "\n";
    text += &summary::summary(&inference.report, summary::Process::OfAll);
    text += "\n";
    text += &drawn(&images);
    let private = summary::labels(&inference.output, false);
    let plain = summary::labels(&inference.plain, false);
    for (name, row) in [("private", &private), ("in the clear", &plain), ("right", &labels)] {
        text += &in_columns(name, row);
    }
    text += "\n";
    text += &summary::accuracy(&inference.report).unwrap_or_default();
    Ok(Answer { text, json: json(&inference.report) })
}

/// Characters that a digit is wide, and those before the first.
const WIDTH: usize = 14;
const MARGIN: usize = 14;

/// The first digits side by side: a character is 2 pixels wide and 4 high, in two halves.
fn drawn(images: &ArrayD<f64>) -> String {
    let mut text = String::new();
    for line in 0..28 / 4 {
        let mut row = " ".repeat(MARGIN);
        for image in images.axis_iter(Axis(0)).take(SHOWN) {
            for column in 0..WIDTH {
                let ink = |half: usize| block(&image, 4 * line + 2 * half, 2 * column) > 0.2;
                row.push(match (ink(0), ink(1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
        }
        text += row.trim_end();
        text.push('\n');
    }
    text
}

/// The mean of 2 × 2 pixels of an image `[1, 28, 28]`.
fn block(image: &ArrayViewD<'_, f64>, y: usize, x: usize) -> f64 {
    [[y, x], [y, x + 1], [y + 1, x], [y + 1, x + 1]].iter().map(|[y, x]| image[[0, *y, *x]]).sum::<f64>()
        / 4.0
}

fn in_columns(name: &str, labels: &[i64]) -> String {
    let cells: String = labels.iter().take(SHOWN).map(|label| format!("{label:^WIDTH$}")).collect();
    format!("{name:MARGIN$}{}\n", cells.trim_end())
}
