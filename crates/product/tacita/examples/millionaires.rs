//! Three people learn which of them earns most, and by how much that exceeds the mean, and nothing else.
//!
//! `cargo run --release -p tacita --example millionaires`

use ndarray::arr1;
use tacita::{Error, Session};

/// Alice, bob and carol, who also compute.
pub const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// The index of the person with the highest income, the first of equals, and how far it is above the mean. Everybody learns
/// both.
///
/// # Errors
/// If an income is out of range, or the session fails.
pub fn highest(incomes: [f64; 3]) -> Result<(usize, f64), Error> {
    let session = Session::local(PEOPLE.len())?;
    // in three organisations each would give only its own number
    let income = |person: usize| {
        let data = arr1(&[incomes[person]]).into_dyn();
        session.input(&format!("{}'s income", PEOPLE[person]), PEOPLE[person], &[1], data)
    };
    let (alice, bob, carol) = (income(0)?, income(1)?, income(2)?);

    // operations only build a graph; a reveal computes it and opens its result to the people that it names
    let all = alice.concat(&[&bob, &carol], 0);
    let person = session.reveal(&all.argmax(0), &PEOPLE)?.expect("all are here");
    let above = session.reveal(&(&all.max(0) - &all.mean(&[0])), &PEOPLE)?.expect("all are here");
    Ok((person[[]] as usize, above[[]]))
}

fn main() -> Result<(), Error> {
    let (person, above) = highest([71.5, 64.0, 82.25])?;
    println!("{} earns most, {above:.2} above the mean", PEOPLE[person]);
    Ok(())
}
