//! Two organisations' networks, bob's and carol's, judge alice's picture together, between three machines. Alice learns the mean
//! of their probabilities, and nothing of either network.
//!
//! Each member runs this program with its own name, and the dealer `tacita dealer --session session.toml`:
//!
//! `cargo run --release -p tacita --example ensemble -- session.toml alice`

use std::path::Path;

use ndarray::ArrayD;
use tacita::{Error, Session};

/// One member's part, the same at all: the probabilities, at alice.
///
/// # Errors
/// If the members do not agree, or the session fails.
pub fn judge(session: &Session, me: &str, picture: &ArrayD<f64>) -> Result<Option<ArrayD<f64>>, Error> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models");
    let own = (me == "alice").then(|| picture.clone());
    let image = session.input("picture", "alice", &[1, 1, 28, 28], own)?;
    // the weights are read where their owner is; others need only the graph
    let (first, second) = (
        session.model(models.join("lenet.onnx"), "bob")?.apply(&image)?,
        session.model(models.join("mlp.onnx"), "carol")?.apply(&image)?,
    );
    let mean = (first.softmax(-1) + second.softmax(-1)) * 0.5;
    // bob and carol agree that alice learns what is computed from their weights
    session.allow("result:alice")?;
    session.reveal(&mean, &["alice"])
}

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, file, me] = &arguments[..] else {
        return Err(Error::Usage("usage: ensemble SESSION NAME".into()));
    };
    let bar = ArrayD::from_shape_fn(vec![1, 1, 28, 28], |at| {
        f64::from(u8::from((4..24).contains(&at[2]) && (13..16).contains(&at[3])))
    });
    if let Some(probabilities) = judge(&Session::connect(file, me)?, me, &bar)? {
        println!("{probabilities:.3}");
    }
    Ok(())
}
