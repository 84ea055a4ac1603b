//! Rows in parts, and one template at several sizes in a session.

use ndarray::ArrayD;
use tacita::onnx::{ImportOptions, Model, Sizes, import};
use tacita::{Error, Link, Options, Parts, Session};

fn model(path: &str) -> Model {
    let path = format!("{}/../../../{path}", env!("CARGO_MANIFEST_DIR"));
    import(path.as_ref(), &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn choose(model: &Model, rows: usize, asked: Option<usize>) -> Result<Parts, Error> {
    Parts::choose(&model.template, &Sizes::new(), rows, asked, |_, _, rows| rows.min(4))
}

#[test]
fn rows_are_taken_apart_where_samples_do_not_mix() -> Result<(), Error> {
    let apart = model("models/lenet.onnx");
    let ranges = |parts: Parts| parts.ranges().map(|range| (range.start, range.end)).collect::<Vec<_>>();
    assert_eq!(ranges(choose(&apart, 9, None)?), [(0, 4), (4, 8), (8, 9)]);
    assert_eq!(ranges(choose(&apart, 9, Some(100))?), [(0, 9)]);
    assert_eq!(choose(&apart, 9, Some(1))?.ranges().len(), 9);

    let mixing = model("crates/compute/onnx/tests/cases/mean_over_batch.onnx");
    assert_eq!(ranges(choose(&mixing, 9, None)?), [(0, 9)]);
    let error = choose(&mixing, 9, Some(4)).unwrap_err();
    assert_eq!((error.exit_code(), error.node()), (4, Some("n_m")), "{error}");

    // a batch that the file fixes
    let fixed = mixing.template.fixed(&Sizes::from([("batch".to_owned(), 3)]))?;
    let of_fixed = |rows| Parts::choose(&fixed, &Sizes::new(), rows, None, |_, _, rows| rows);
    assert_eq!(ranges(of_fixed(3)?), [(0, 3)]);
    assert_eq!(of_fixed(6).unwrap_err().node(), Some("n_m"));
    assert!(of_fixed(4).unwrap_err().to_string().contains("no multiple"));
    Ok(())
}

/// Weights are opened with the first graph of a template, whatever the sizes of the next.
#[test]
fn weights_are_opened_once_for_all_sizes() -> Result<(), Error> {
    let model = model("models/mlp.onnx");
    let session = Session::with_options(Options { link: Link::Memory, ..Options::default() })?;
    let mut setup = vec![];
    for rows in [2, 3, 1] {
        let mut inputs = model.parameters.clone();
        let mut shape = vec![rows];
        shape.extend(model.template.example().nodes()[0].ty.shape.iter().skip(1));
        inputs.insert(model.input.clone(), ArrayD::from_elem(shape, 0.5));
        let prepared = session.prepare(&model.of_batch(rows)?)?;
        let evaluation = session.evaluate(&prepared, &inputs, &mut |_| ())?;
        setup.push(evaluation.cost.setup_bytes.iter().sum::<u64>());
    }
    assert!(setup[0] > 0 && setup[1..] == [0, 0], "{setup:?}");
    Ok(())
}
