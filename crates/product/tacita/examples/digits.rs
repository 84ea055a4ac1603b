//! Alice has a picture of a digit, Bob a trained network. Alice learns the digit, Bob nothing.
//!
//! `cargo run --release -p tacita --example digits`

use ndarray::ArrayD;
use tacita::{Error, Session};

/// The digit that alice's picture shows, as she learns it.
///
/// # Errors
/// If the session fails.
pub fn digit(picture: ArrayD<f64>) -> Result<usize, Error> {
    let model_file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/lenet.onnx");
    let session = Session::local(2)?;
    let image = session.input("picture", "alice", &[1, 1, 28, 28], picture)?;
    let model = session.model(model_file, "bob")?; // weights enter as bob's private inputs
    let label = model.forward(&image).argmax(-1);
    let answer = session.reveal(&label, &["alice"])?; // the one step that computes and communicates
    Ok(answer.expect("alice is here")[[0]] as usize)
}

fn main() -> Result<(), Error> {
    println!("the digit is a {}", digit(a_seven())?);
    Ok(())
}

/// A seven, drawn by hand: a bar and a slanted stroke.
pub fn a_seven() -> ArrayD<f64> {
    ArrayD::from_shape_fn(vec![1, 1, 28, 28], |at| {
        let (row, column) = (at[2] as i32, at[3] as i32);
        let bar = (6..9).contains(&row) && (7..21).contains(&column);
        let stroke = (8..23).contains(&row) && (column - (20 - (row - 8) / 2)).abs() <= 1;
        f64::from(u8::from(bar || stroke))
    })
}
