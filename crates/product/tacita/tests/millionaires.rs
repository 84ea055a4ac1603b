//! The example names the right person, whoever it is, and the first of equals.

#[allow(dead_code)]
#[path = "../examples/millionaires.rs"]
mod example;

use tacita::Error;

#[test]
fn the_highest_income_is_found() -> Result<(), Error> {
    let cases = [
        ([71.5, 64.0, 82.25], 2),
        ([90.0, 64.0, 82.25], 0),
        ([71.5, 99.0, 82.25], 1),
        ([50.0, 80.0, 80.0], 1),
        ([5.0, 5.0, 5.0], 0),
    ];
    for (incomes, person) in cases {
        let (found, above) = example::highest(incomes)?;
        let expected = incomes[person] - incomes.iter().sum::<f64>() / 3.0;
        assert_eq!(found, person, "{incomes:?}");
        // a product by 1/3 and its truncation are off by less than this
        assert!((above - expected).abs() < 0.01, "{incomes:?}: {above} for {expected}");
    }
    Ok(())
}
