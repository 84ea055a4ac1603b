//! The last layers of a transformer, fine-tuned privately, end as they do in the clear.

#[allow(dead_code)]
#[path = "../examples/fine_tune.rs"]
mod example;

use std::path::Path;

use tacita::{Error, Link, Options};

#[test]
fn fine_tuning_is_as_good_as_in_the_clear() -> Result<(), Error> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models");
    let setting = example::Setting::read(&folder, 60)?;
    let mut losses = Vec::new();
    let options = Options { link: Link::Memory, ..Options::default() };
    let [before, after] = setting.fine_tune(options, &mut |_, loss| losses.push(loss))?;
    let [clear_before, clear_after] = setting.in_the_clear()?;
    assert_eq!(losses.len(), 60);
    // the classifier is new, and knows nothing of what it is to tell apart
    assert!(before < 0.4, "{before}");
    // one network: digits between two classes fall to either by roundings, a hundredth of them at most
    assert!((before - clear_before).abs() < 0.01, "{before} for {clear_before}");
    // two networks that differ by roundings, tested on the same digits: no further apart than one deviation of a share of 490
    assert!(after > 0.8 && (after - clear_after).abs() < 0.015, "{after} for {clear_after}");
    Ok(())
}
