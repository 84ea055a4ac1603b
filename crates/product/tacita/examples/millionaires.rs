//! Three people learn who of them earns most, and by how much the mean is exceeded, and nothing else.
//!
//! `cargo run --release -p tacita --example millionaires`

use ndarray::arr1;
use tacita::{Error, Session};

fn main() -> Result<(), Error> {
    let mut session = Session::local(3)?;
    // in three organisations each would give only its own number
    let alice = session.input("alice's income", "alice", &[1], arr1(&[71.5]).into_dyn())?;
    let bob = session.input("bob's income", "bob", &[1], arr1(&[64.0]).into_dyn())?;
    let carol = session.input("carol's income", "carol", &[1], arr1(&[82.25]).into_dyn())?;

    // operations only build a graph; a reveal computes it and opens its result to whom it names
    let everyone = ["alice", "bob", "carol"];
    let highest = alice.maximum(&bob).maximum(&carol);
    let third = session.public("third", &[1], arr1(&[1.0 / 3.0]).into_dyn())?;
    let mean = &(&(&alice + &bob) + &carol) * &third;
    let above = &highest - &mean;

    let carol_is_highest = session.reveal(&highest.less(&carol), &everyone)?.expect("all are here")[[0]]
        == 0.0
        && session.reveal(&alice.less(&carol), &everyone)?.expect("all are here")[[0]] == 1.0;
    println!("carol earns most: {carol_is_highest}");
    println!(
        "the highest income is {:.2} above the mean",
        session.reveal(&above, &everyone)?.expect("all are here")[[0]]
    );
    Ok(())
}
