//! The example over two parties' columns reaches what the same regression reaches in the clear.

#[allow(dead_code)]
#[path = "../examples/breast_cancer.rs"]
mod example;

use std::path::Path;

use tacita::{Error, Link, Options};

/// Of scikit-learn 1.9.1: `LogisticRegression().fit(x, y).score(...)` on the same rows, standardised alike: all 113.
const SCIKIT_LEARN: f64 = 1.0;

#[test]
fn private_regression_is_as_good_as_scikit_learns() -> Result<(), Error> {
    let data = example::Data::read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models/breast_cancer.csv"),
    )?;
    let (accuracy, steps) =
        example::train(&data, Options { link: Link::Memory, ..Options::default() }, &mut |_, _| ())?;
    assert_eq!(steps, 140);
    assert!((accuracy - SCIKIT_LEARN).abs() <= 0.01, "{accuracy} for {SCIKIT_LEARN}");
    Ok(())
}
