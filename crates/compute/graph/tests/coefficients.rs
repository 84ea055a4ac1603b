//! The checked-in coefficients are those that the program prints which fits them.

#[path = "../examples/fit_functions.rs"]
mod fit;

/// The numbers of the table's constant `name`, in order.
fn table(name: &str) -> Vec<f64> {
    let text = include_str!("../src/lower/fits/table.rs");
    let start = text.find(&format!("const {name}: ")).expect("the table has every fit");
    let end = start + text[start..].find("};").expect("constants end");
    let text = text[start..end].split_once('{').expect("constants have fields").1;
    let numbers = text.split(|c: char| !(c.is_ascii_digit() || "-.e".contains(c)));
    numbers.filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn coefficients_are_fitted_again() {
    for goal in fit::goals() {
        let found = goal.fit();
        let [low, high] = goal.domain;
        let mut again = vec![
            low,
            high,
            goal.period,
            f64::from(found.step),
            found.error,
            fit::whole(found.constant) as f64,
        ];
        again.extend(found.terms.iter().flat_map(|(a, b)| [fit::whole(*a) as f64, fit::whole(*b) as f64]));
        let table = table(goal.name);
        assert_eq!(table.len(), again.len(), "{}", goal.name);
        assert!(
            table[4] >= found.error && table[4] <= found.error * 1.02,
            "{}: error {}",
            goal.name,
            table[4]
        );
        for (i, (table, again)) in table.iter().zip(&again).enumerate() {
            // ill-conditioned fits may find other coefficients in their last bits on another machine
            let close = if i == 4 {
                0.02 * again
            } else if i < 4 {
                0.0
            } else {
                64.0 + again.abs() * 1e-5
            };
            assert!((table - again).abs() <= close, "{} {i}: {table} {again}", goal.name);
        }
    }
}
