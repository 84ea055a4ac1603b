//! Ten thousand evaluations of a prepared graph, and ten thousand reveals of tensors, in one session.

use std::time::{Duration, Instant};

use ndarray::{ArrayD, IxDyn};
use tacita::graph::{Graph, Inputs, Role, Visibility, dims, ops};
use tacita::{Error, Session, peak_rss_bytes};

const EACH: usize = 1000;

#[test]
#[ignore = "slow: ten thousand evaluations"]
fn ten_thousand_evaluations_take_the_same_time_each() -> Result<(), Error> {
    let mut graph = Graph::new();
    let owners = ["alice", "bob"].map(|name| graph.owner(name));
    let x = graph.input("x", &dims(&[4]), Visibility::Private(owners[0]), Role::Data)?;
    let w = graph.input("w", &dims(&[4]), Visibility::Private(owners[1]), Role::Parameter)?;
    let product = graph.add(ops::Mul {}, &[x, w], "")?;
    graph.reveal(product, &owners, "y")?;
    let value = |number: f64| ArrayD::from_elem(IxDyn(&[4]), number);
    let inputs = Inputs::from([("x".to_owned(), value(1.5)), ("w".to_owned(), value(2.0))]);
    let session = Session::local(2)?;
    let prepared = session.prepare(&graph)?;
    let mut medians = vec![];
    for _ in 0..10 {
        let mut times = Vec::with_capacity(EACH);
        for _ in 0..EACH {
            let begun = Instant::now();
            session.evaluate(&prepared, &inputs, &mut |_| ())?;
            times.push(begun.elapsed());
        }
        times.sort();
        medians.push(times[EACH / 2]);
    }
    println!("medians of each thousand {medians:?}");
    assert!(medians[9] <= medians[0] * 2 + Duration::from_millis(1), "{medians:?}");
    Ok(())
}

#[test]
#[ignore = "slow: ten thousand reveals"]
fn ten_thousand_reveals_take_the_same_time_and_no_more_memory() -> Result<(), Error> {
    let session = Session::local(2)?;
    let w = session.parameter("w", "bob", &[4], ndarray::arr1(&[2.0; 4]))?;
    let mut total = &w * 0.0;
    let (mut medians, mut peaks) = (vec![], vec![]);
    for thousand in 0..10 {
        let mut times = Vec::with_capacity(EACH);
        for step in 0..EACH {
            let begun = Instant::now();
            let x = session.input("x", "alice", &[4], ndarray::arr1(&[1.0; 4]))?;
            let product = (&x * &w).relu();
            total = &total * 0.5 + &product;
            let shown = session.reveal(&product, &["alice"])?.expect("alice is here");
            assert!((shown[[0]] - 2.0).abs() < 1e-3, "step {step} of thousand {thousand}: {shown}");
            session.run(&[], &[&total])?;
            times.push(begun.elapsed());
        }
        times.sort();
        medians.push(times[EACH / 2]);
        peaks.push(peak_rss_bytes() >> 10);
    }
    println!("medians of each thousand {medians:?}, peaks in KiB {peaks:?}");
    assert!((session.reveal(&total, &["bob"])?.expect("bob is here")[[0]] - 4.0).abs() < 0.01);
    assert!(medians[9] <= medians[0] * 2 + Duration::from_millis(1), "{medians:?}");
    // what the first thousand took is enough
    assert!(peaks[9] <= peaks[0] + 1024, "{peaks:?}");
    Ok(())
}
