//! Training in a session follows training in the clear, whoever owns the data.

use ndarray::{Array2, ArrayD, Axis, Slice};
use tacita::graph::ops::{Cast, Concat, Equal, GreaterEqual, Mean, ToWhole};
use tacita::graph::{DType, Graph, Inputs, Role, Visibility, dims, plain};
use tacita::nn::{Layer, Linear, Loss, Optimiser, Reduction, Relu, Sequential, Training};
use tacita::{Error, Options, Pretrained, Session, Trainer};

const BATCH: usize = 16;

/// Points inside and outside of a circle.
fn circle(count: usize) -> (Array2<f64>, Array2<f64>) {
    let mut state = 7u64;
    let mut unit = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1 << 24) as f64
    };
    let x = Array2::from_shape_simple_fn((count, 2), || 4.0 * unit() - 2.0);
    let t = x.map_axis(Axis(1), |x| f64::from(u8::from(x.dot(&x) < 1.6))).insert_axis(Axis(1));
    (x, t)
}

fn network() -> Sequential {
    Sequential::new().then(Linear::new(2, 12)).then(Relu).then(Linear::new(12, 1))
}

/// alice has the first coordinate and bob the second, and the labels.
fn step_graph(training: &Training) -> Result<(Graph, tacita::nn::Step), Error> {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let column = dims(&[BATCH, 1]);
    let first = graph.input("first", &column, Visibility::Private(alice), Role::Data)?;
    let second = graph.input("second", &column, Visibility::Private(bob), Role::Data)?;
    let t = graph.input("t", &column, Visibility::Private(bob), Role::Data)?;
    let x = graph.add(Concat { axis: 1 }, &[first, second], "x")?;
    let step = training.step(&mut graph, &network(), x, t)?;
    graph.reveal(step.loss, &[alice, bob], "loss")?;
    Ok((graph, step))
}

fn batch(x: &Array2<f64>, t: &Array2<f64>, number: usize) -> Inputs {
    let from = number * BATCH % x.nrows();
    let rows = |a: &Array2<f64>, column: usize| -> ArrayD<f64> {
        let part = a.slice_axis(Axis(0), Slice::from(from..from + BATCH));
        part.select(Axis(1), &[column]).into_dyn()
    };
    Inputs::from([
        ("first".to_owned(), rows(x, 0)),
        ("second".to_owned(), rows(x, 1)),
        ("t".to_owned(), rows(t, 0)),
    ])
}

/// The same steps with `plain`: the losses, and the parameters.
fn in_the_clear(
    training: &Training,
    (graph, step): &(Graph, tacita::nn::Step),
    (x, t): &(Array2<f64>, Array2<f64>),
    steps: usize,
) -> Result<(Vec<f64>, Inputs), Error> {
    let kept = |graph: &Graph, values: std::collections::BTreeMap<_, ArrayD<f64>>| -> (Option<f64>, Inputs) {
        let names = graph.keeps().into_iter().map(|id| (graph.node(id).name.clone(), values[&id].clone()));
        let loss = graph.reveals().first().map(|id| values[id].sum());
        (loss, names.collect())
    };
    let mut start = Graph::new();
    let begin = step.start(&mut start)?;
    let (_, mut state) = kept(&start, plain(&start, &begin.values(3))?);
    let mut losses = Vec::new();
    for number in 0..steps {
        let mut inputs = batch(x, t, number);
        if training.is_paced() {
            let pace = ndarray::arr0(training.optimiser().pace(number as u64 + 1)).into_dyn();
            inputs.insert(Training::PACE.to_owned(), pace);
        }
        inputs.extend(state);
        let (loss, next) = kept(graph, plain(graph, &inputs)?);
        losses.extend(loss);
        state = next;
    }
    Ok((losses, state))
}

#[test]
fn private_training_follows_training_in_the_clear() -> Result<(), Error> {
    let data = circle(128);
    let steps = 240;
    for (parties, optimiser) in [
        (2, Optimiser::sgd(0.1).with_momentum(0.9)),
        (3, Optimiser::adam(0.01)),
        (2, Optimiser::rms_prop(0.005)),
    ] {
        let training = Training::new(Loss::BceWithLogits(Reduction::Mean), optimiser);
        let setting = step_graph(&training)?;
        let (losses, parameters) = in_the_clear(&training, &setting, &data, steps)?;
        let session =
            Session::with_options(Options { parties, link: tacita::Link::Memory, ..Options::default() })?;
        let mut trainer = Trainer::begin(session, training, &setting.0, &setting.1, 3)?;
        for (number, expected) in losses.iter().enumerate() {
            let evaluation = trainer.step(&batch(&data.0, &data.1, number))?;
            let loss = evaluation.revealed.values().next().expect("the loss is revealed")[0].1.to_f64().sum();
            // roundings of 2^-16 a step, which training amplifies and forgets again
            assert!((loss - expected).abs() < 0.02, "step {number}: {loss} for {expected}");
        }
        assert!(losses[steps - 8..].iter().sum::<f64>() < 0.6 * losses[..8].iter().sum::<f64>(), "it learns");
        assert_eq!(trainer.steps(), steps as u64);
        for (name, value) in trainer.reveal(&["bob"])? {
            for (got, expected) in value.iter().zip(&parameters[&name].to_f64()) {
                assert!((got - expected).abs() < 0.1, "{name}: {got} for {expected}");
            }
        }
        assert!(accuracy(&mut trainer, &data)? > 0.85);
    }
    Ok(())
}

/// The share of all points that the network is right about: the only figure that anyone learns.
fn accuracy(trainer: &mut Trainer, (x, t): &(Array2<f64>, Array2<f64>)) -> Result<f64, Error> {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x_id = graph.input("x", &dims(&[x.nrows(), 2]), Visibility::Private(alice), Role::Data)?;
    let t_id =
        graph.input_of("t", &dims(&[x.nrows(), 1]), Visibility::Private(bob), Role::Data, DType::Bit)?;
    let logits = network().apply(&mut graph, x_id)?;
    let zero = graph.add(tacita::graph::ops::Constant { shape: vec![], value: 0.0 }, &[], "")?;
    let says = graph.add(GreaterEqual, &[logits, zero], "")?;
    let right = graph.add(Equal, &[says, t_id], "")?;
    let right = graph.add(Cast { to: DType::Fixed, rounding: ToWhole::Nearest }, &[right], "")?;
    let share = graph.add(Mean { axes: vec![0, 1], keepdims: false }, &[right], "")?;
    graph.reveal(share, &[alice], "accuracy")?;
    let inputs =
        Inputs::from([("x".to_owned(), x.clone().into_dyn()), ("t".to_owned(), t.clone().into_dyn())]);
    let prepared = trainer.session().prepare(&graph)?;
    let evaluation = trainer.session().evaluate(&prepared, &inputs, &mut |_| ())?;
    Ok(evaluation.revealed.values().next().expect("it is revealed")[0].1.to_f64().sum())
}

#[test]
fn a_fixed_rate_has_no_pace() -> Result<(), Error> {
    let training = Training::new(Loss::BceWithLogits(Reduction::Mean), Optimiser::sgd(0.1));
    let (graph, step) = step_graph(&training)?;
    let mut trainer = Trainer::begin(Session::local(2)?, training, &graph, &step, 3)?;
    let (x, t) = circle(BATCH);
    let error = trainer.step_at(&batch(&x, &t, 0), 0.5).err().expect("it is refused").to_string();
    assert!(error.contains("fixed rate"), "{error}");
    Ok(())
}

#[test]
fn a_network_that_does_not_fit_is_an_error_that_names_the_layer() {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let x = graph.input("x", &dims(&[4, 3]), Visibility::Private(alice), Role::Data).unwrap();
    let error = network().apply(&mut graph, x).unwrap_err().to_string();
    assert!(error.contains("0.linear") && error.contains("[4, 3]"), "{error}");
}

#[test]
fn a_training_goes_on_from_what_a_member_has() -> Result<(), Error> {
    let training =
        Training::new(Loss::BceWithLogits(Reduction::Mean), Optimiser::sgd(0.1).with_momentum(0.9));
    let (graph, step) = step_graph(&training)?;
    let parameters = ["0.weight", "2.bias"];
    let weight = ArrayD::from_shape_fn(vec![12, 2], |at| (at[0] as f64 - 6.0) / 8.0 + at[1] as f64 / 64.0);
    let values = Inputs::from([
        ("0.weight".to_owned(), weight.clone()),
        ("2.bias".to_owned(), ndarray::arr1(&[0.375]).into_dyn()),
    ]);
    let expected = step.start(&mut Graph::new())?.values(3);
    // of a party, and of a member that computes nothing
    for (owner, data_owners) in [("bob", vec![]), ("clinic", vec!["clinic".to_owned()])] {
        let options = Options { link: tacita::Link::Memory, data_owners, ..Options::default() };
        let session = Session::with_options(options)?;
        let pretrained = Pretrained { owner, parameters: &parameters, values: &values };
        let mut trainer = Trainer::begin_from(session, training, &graph, &step, 3, &pretrained)?;
        for (name, value) in trainer.reveal(&["alice"])? {
            // eighths and sixty-fourths are exact in fixed point; what a seed gives is rounded once
            let private = values.get(&name).map(|value| (value.to_f64(), 0.0));
            let (expected, apart) =
                private.unwrap_or_else(|| (expected[&format!("initial {name}")].to_f64(), 0.5 / 65536.0));
            assert_eq!(value.shape(), expected.shape());
            assert!(value.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= apart), "{name}: {value}");
        }
        let (x, t) = circle(BATCH);
        trainer.step(&batch(&x, &t, 0))?;
        let after = trainer.reveal(&["alice"])?;
        assert!(after.iter().any(|(name, value)| name == "0.weight" && value != weight), "it is trained");
    }

    let begin = |pretrained: Pretrained<'_>| {
        let session = Session::local(2)?;
        Trainer::begin_from(session, training, &graph, &step, 3, &pretrained)
    };
    let nothing = Inputs::new();
    let short = Inputs::from([("2.bias".to_owned(), ndarray::arr1(&[0.0, 1.0]).into_dyn())]);
    for (owner, parameter, values, says) in [
        ("bob", "3.bias", &nothing, "no parameter `3.bias`"),
        ("bob", "2.bias", &nothing, "no value for the input `initial 2.bias`"),
        ("bob", "2.bias", &short, "initial 2.bias"),
        ("zoe", "2.bias", &nothing, "zoe"),
    ] {
        let error = begin(Pretrained { owner, parameters: &[parameter], values }).err();
        let error = error.expect("it is refused").to_string();
        assert!(error.contains(says), "{error}");
    }
    Ok(())
}

#[test]
fn a_training_that_was_saved_goes_on_in_another_session() -> Result<(), Error> {
    let data = circle(64);
    let training = Training::new(Loss::BceWithLogits(Reduction::Mean), Optimiser::adam(0.01));
    let (graph, step) = step_graph(&training)?;
    let loss = |trainer: &mut Trainer, number: usize| -> Result<f64, Error> {
        let evaluation = trainer.step(&batch(&data.0, &data.1, number))?;
        Ok(evaluation.revealed.values().next().expect("the loss is revealed")[0].1.to_f64().sum())
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut trainer = Trainer::begin(Session::local(3)?, training, &graph, &step, 3)?;
    let mut expected = Vec::new();
    for number in 0..30 {
        if number == 12 {
            trainer.save(folder.path(), None)?;
        }
        expected.push(loss(&mut trainer, number)?);
    }
    let resume = |graph: &Graph, parties: usize| {
        Trainer::resume(Session::local(parties)?, training, graph, &step, folder.path(), None)
    };
    let mut trainer = resume(&graph, 3)?;
    assert_eq!(trainer.steps(), 12);
    for (number, expected) in expected.iter().enumerate().skip(12) {
        let loss = loss(&mut trainer, number)?;
        // with other roundings, as every run has
        assert!((loss - expected).abs() < 0.005, "step {number}: {loss} for {expected}");
    }
    // with a party more, who has none; and of another graph
    let refused = resume(&graph, 4).err().expect("it is refused").to_string();
    assert!(refused.contains("dave has none"), "{refused}");
    let other = step_graph(&Training::new(Loss::Mse(Reduction::Mean), Optimiser::adam(0.01)))?.0;
    let refused = resume(&other, 3).err().expect("it is refused").to_string();
    assert!(refused.contains("another configuration"), "{refused}");
    Ok(())
}
