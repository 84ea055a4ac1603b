//! A service: one session holds bob's network, and four clients' threads ask it at the same time. Evaluations take turns.
//!
//! `cargo run --release -p tacita --example service`

use std::thread;

use ndarray::{ArrayD, Axis};
use tacita::{Error, Session};

/// The labels of these pictures, of which each of four clients takes every fourth.
///
/// # Errors
/// If the session fails.
pub fn serve(pictures: &ArrayD<f64>) -> Result<Vec<usize>, Error> {
    let session = Session::local(2)?;
    let model = session.model(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/mlp.onnx"), "bob")?;
    let ask = |picture: ArrayD<f64>| {
        let image = session.input("", "alice", &[1, 1, 28, 28], picture.insert_axis(Axis(0)))?;
        let label = session.reveal(&model.apply(&image)?.argmax(-1), &["alice"])?;
        Ok::<_, Error>(label.expect("alice is here").sum() as usize)
    };
    let mut labels = vec![0; pictures.len_of(Axis(0))];
    thread::scope(|scope| {
        let ask = &ask;
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let own = pictures.outer_iter().enumerate().skip(client).step_by(4);
                scope.spawn(move || own.map(|(at, picture)| Ok((at, ask(picture.to_owned())?))).collect())
            })
            .collect();
        for client in clients {
            let answers: Result<Vec<(usize, usize)>, Error> = client.join().expect("no client panics");
            answers?.into_iter().for_each(|(at, label)| labels[at] = label);
        }
        Ok::<_, Error>(())
    })?;
    Ok(labels)
}

fn main() -> Result<(), Error> {
    let pictures = ArrayD::from_shape_fn(vec![8, 1, 28, 28], |at| {
        f64::from(u8::from((4..24).contains(&at[2]) && (10 + at[0]..13 + at[0]).contains(&at[3])))
    });
    println!("labels: {:?}", serve(&pictures)?);
    Ok(())
}
