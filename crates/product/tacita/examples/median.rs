//! The median yearly income of some people who each know their monthly one, with 1 added. Nobody shows an income.
//!
//! `cargo run --release -p tacita --example median`

use ndarray::arr1;
use tacita::{Error, Session};

/// The median over alice, bob and carol of twelve times their numbers, plus one; all learn it.
///
/// # Errors
/// If the session fails.
pub fn median(monthly: [f64; 3]) -> Result<f64, Error> {
    let session = Session::local(3)?;
    let people: Vec<String> = session.parties().map(str::to_owned).collect();
    let income = |at: usize| session.input("", &people[at], &[1], arr1(&[monthly[at]]));
    let all = income(0)?.concat(&[&income(1)?, &income(2)?], 0);
    let median = (&all * 12.0 + 1.0).median(0);
    let answer = session.reveal(&median, &["alice", "bob", "carol"])?;
    Ok(answer.expect("all are here").sum())
}

fn main() -> Result<(), Error> {
    println!("the median is {:.2}", median([3.5, 2.0, 4.25])?);
    Ok(())
}
