//! Bob's network reads alice's picture once. Alice learns the ten scores, Bob only the digit.
//!
//! `cargo run --release -p tacita --example two_receivers`

use ndarray::ArrayD;
use tacita::{Error, Session, Value};

/// What alice and bob receive in one evaluation of LeNet.
///
/// # Errors
/// If the session fails.
pub fn read(picture: ArrayD<f64>) -> Result<[Value; 2], Error> {
    let session = Session::local(2)?;
    let image = session.input("picture", "alice", &[1, 1, 28, 28], picture)?;
    let model = session.model(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/lenet.onnx"), "bob")?;
    let logits = model.forward(&image);
    let label = logits.argmax(-1);
    let received = session.run(&[(&logits, &["alice"]), (&label, &["bob"])], &[])?;
    // all members are here, so that every reveal has a value
    let values: Vec<Value> = received.into_iter().flatten().collect();
    Ok(values.try_into().expect("both are here"))
}

fn main() -> Result<(), Error> {
    let bar = ArrayD::from_shape_fn(vec![1, 1, 28, 28], |at| {
        f64::from(u8::from((4..24).contains(&at[2]) && (13..16).contains(&at[3])))
    });
    let [scores, digit] = read(bar)?;
    println!("alice: {:.1}\nbob: {}", scores.to_f64(), digit.to_f64());
    Ok(())
}
