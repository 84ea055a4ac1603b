//! `tacita functions`.

use serde::Serialize;
use tacita_bench::{Costs, Function, functions, operations};

use crate::failure::Failure;
use crate::print::{Answer, json};

/// Measures all functions.
pub fn run() -> Result<Answer, Failure> {
    let library = Library {
        functions: functions().map_err(Failure::from)?,
        operations: operations().map_err(Failure::from)?,
    };
    Ok(Answer { text: markdown(&library), json: json(&library) })
}

/// All that is printed.
#[derive(Serialize)]
struct Library {
    functions: Vec<Function>,
    operations: Vec<Costs>,
}

/// The page `docs/functions.md`.
fn markdown(library: &Library) -> String {
    let mut text = "\
# Functions

Printed by `tacita functions`; a test checks that this page is what it prints. At 16 fractional bits, two parties and the
dealer. Errors are over a sweep of the whole domain, of fixed point with truncations rounded down and to the nearest, as
powers of two; relative errors are of values above 2^-5, and below that of 2^-5. Rounds and bytes are from additive shares to
shares, the opening of the operand included: bytes for each element, online from each party, offline from the dealer.

| function | domain | largest error | mean error | error is | rounds | online | offline |
| --- | --- | --- | --- | --- | --- | --- | --- |
"
    .to_owned();
    for function in &library.functions {
        let power = |x: f64| if x == 0.0 { "0".to_owned() } else { format!("2^{:.1}", x.log2()) };
        text += &format!(
            "| {} | {} | {} | {} | {} | {} | {:.1} | {:.0} |\n",
            function.name,
            function.domain,
            power(function.accuracy.largest_error),
            power(function.accuracy.mean_error),
            function.measure,
            function.rounds,
            function.online_bytes,
            function.offline_bytes,
        );
    }
    text += "
## Operations

These are exact (`mul` and `div` up to a unit's rounding), but for softmax, whose rows are within 2^-9 in total variation, and
norms, which are within 2^-8 at 768 features; bytes are for each element of the first operand.

| operation | rounds | online | offline |
| --- | --- | --- | --- |
";
    for Costs { name, rounds, online_bytes, offline_bytes } in &library.operations {
        text += &format!("| {name} | {rounds} | {online_bytes:.1} | {offline_bytes:.0} |\n");
    }
    text
}
