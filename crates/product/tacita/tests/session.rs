//! The library as a user sees it.

use ndarray::{Array, ArrayD, arr1, arr2};
use tacita::{Error, Session};

fn matrix() -> ArrayD<f64> {
    arr2(&[[1.5, -2.0, 0.25], [4.0, 0.5, -1.0]]).into_dyn()
}

#[test]
fn tensors_are_lazy_and_a_reveal_computes() -> Result<(), Error> {
    let session = Session::local(3)?;
    let x = session.input("x", "alice", &[2, 3], matrix())?;
    let weights = arr2(&[[1.0, -2.0], [0.5, 4.0], [0.25, -1.0]]);
    let w = session.parameter("w", "bob", &[3, 2], weights.clone().into_dyn())?;
    let y = x.matmul(&w).relu();
    let got = session.reveal(&y, &["alice"])?.expect("all are here");
    let x = arr2(&[[1.5, -2.0, 0.25], [4.0, 0.5, -1.0]]);
    let want = x.dot(&weights).mapv(|v: f64| v.max(0.0)).into_dyn();
    assert!((&got - &want).iter().all(|e| e.abs() < 1e-4), "{got} {want}");
    // a second reveal of the same session uses bob's opened weights again
    let label = session.reveal(&y.argmax(-1), &["carol"])?.expect("all are here");
    assert_eq!(label, Array::from(vec![0.0, 0.0]).into_dyn());
    Ok(())
}

#[test]
fn values_have_fractional_bits_of_their_own() -> Result<(), Error> {
    let session = Session::local(2)?;
    let (small, large) = (3.0 / f64::from(1 << 22), 1.0 + 1.0 / f64::from(1 << 24));
    let a = session.input("a", "alice", &[2], arr1(&[small, large]).into_dyn())?.with_precision(24);
    let b = session.input("b", "bob", &[2], arr1(&[-small / 3.0, 1.0]).into_dyn())?.with_precision(24);
    let sum = session.reveal(&(&a + &b), &["alice"])?.expect("all are here");
    assert_eq!(sum, arr1(&[2.0 * small / 3.0, large + 1.0]).into_dyn(), "sums are exact");
    let largest = session.reveal(&a.maximum(&b), &["alice"])?.expect("all are here");
    assert_eq!(largest, arr1(&[small, large]).into_dyn());
    let coarse = session.reveal(&(&a + &b).with_precision(2), &["alice"])?.expect("all are here");
    assert!(coarse.iter().all(|x| (x * 4.0).fract() == 0.0), "{coarse} are quarters");
    let product = session.reveal(&(&a * &b), &["alice"])?.expect("all are here");
    assert!((product[1] - 1.0).abs() < 1e-4 && (product[1] * 65536.0).fract() == 0.0, "{product}");
    Ok(())
}

#[test]
fn operators_compose() -> Result<(), Error> {
    let session = Session::local(2)?;
    let a = session.input("a", "alice", &[2, 3], matrix())?;
    let b = session.input("b", "bob", &[2, 3], -matrix())?;
    let c = session.public("c", &[3], arr1(&[1.0, 2.0, 3.0]).into_dyn())?;
    let difference = &(&a - &b) * &c;
    let got = session.reveal(&difference, &["bob"])?.expect("all are here");
    let want = matrix() * 2.0 * arr1(&[1.0, 2.0, 3.0]);
    assert!((got - want).iter().all(|e| e.abs() < 1e-3));
    let larger = session.reveal(&a.less(&b).select(&b, &a), &["alice"])?.expect("all are here");
    assert!((larger - matrix().mapv(f64::abs)).iter().all(|e| e.abs() < 1e-3));
    Ok(())
}

/// numpy.median, and the first of numpy.sort and numpy.argsort(stable=True) of -x, of NumPy 2.4.6.
#[test]
fn order_statistics_of_ties_are_numpys() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = arr2(&[[3.0, 1.0, 3.0, 2.0], [-1.0, -1.0, 0.5, -1.0]]);
    let x = session.input("x", "alice", &[2, 4], x.into_dyn())?;
    let zero = session.input("zero", "bob", &[2, 4], ArrayD::<f64>::zeros(vec![2, 4]))?;
    let x = &x + &zero;
    let (largest, places) = x.topk(3, -1, true);
    for (tensor, expected) in [
        (x.median(1), arr1(&[2.5, -1.0]).into_dyn()),
        (x.narrow(1, 0, 3).median(-1), arr1(&[3.0, -1.0]).into_dyn()),
        (x.kthvalue(1, 1), arr1(&[2.0, -1.0]).into_dyn()),
        (largest, arr2(&[[3.0, 3.0, 2.0], [0.5, -1.0, -1.0]]).into_dyn()),
        (places, arr2(&[[0.0, 2.0, 3.0], [2.0, 0.0, 1.0]]).into_dyn()),
    ] {
        let got = session.reveal(&tensor, &["alice"])?.expect("all are here");
        assert!((&got - &expected).iter().all(|e| e.abs() < 1e-4), "{got} for {expected}");
    }
    Ok(())
}

#[test]
#[should_panic(expected = "axes [0, -2] of a tensor of [2, 3] name one twice")]
fn an_axis_named_twice_is_a_mistake() {
    let session = Session::local(2).expect("a session");
    let x = session.input("x", "alice", &[2, 3], matrix()).expect("an input");
    let _ = x.sum(&[0, -2]);
}

/// More values than are sorted in secret, of one owner and of nobody.
#[test]
#[should_panic(expected = "input 0 is secret: it has 1025 values along axis 0, and at most 1024 are sorted")]
fn what_cannot_be_computed_in_secret_is_refused_at_once() {
    let session = Session::local(2).expect("a session");
    let data = || ArrayD::<f64>::zeros(vec![1025]);
    let x = session.input("x", "alice", &[1025], data()).expect("an input");
    let _ = x.sort(0, false); // alice sorts it
    let y = session.input("y", "bob", &[1025], data()).expect("an input");
    let _ = (&x + &y).sort(0, false);
}

#[test]
fn data_lies_where_it_is_declared_to() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = session.input_within("x", "alice", &[2, 3], -3.0..=5.0, matrix())?;
    let w = session.input("w", "bob", &[3], arr1(&[2.0, -1.0, 4.0]).into_dyn())?;
    let got = session.reveal(&x.matmul(&w), &["alice"])?.expect("all are here");
    assert!((got - arr1(&[6.0, 3.5]).into_dyn()).iter().all(|e| e.abs() < 1e-3));
    let outside = session.input_within("narrow", "alice", &[2, 3], 0.0..=1.0, matrix())?;
    let error = session.reveal(&(outside * w), &["alice"]).unwrap_err();
    assert!(error.to_string().contains("narrow") && error.to_string().contains("range 0..=1"), "{error}");
    assert_eq!(error.exit_code(), 3);
    for (low, high) in [(1.0, 0.0), (f64::NEG_INFINITY, 0.0), (0.0, f64::NAN)] {
        assert!(session.input_within("empty", "alice", &[2, 3], low..=high, matrix()).is_err());
    }
    Ok(())
}

#[test]
fn movements_and_products_compose() -> Result<(), Error> {
    use tacita::graph::functions::{Coordinates, PadMode, Range1, Resampling, Resize};
    let session = Session::local(2)?;
    let a = session.input("a", "alice", &[2, 3], matrix())?;
    let w = session.parameter("w", "bob", &[3], arr1(&[2.0, -1.0, 4.0]).into_dyn())?;
    let product = a.flip(&[1]).pad(&[0, 1], &[0, -1], PadMode::Edge).matmul(&w);
    let got = session.reveal(&product, &["alice"])?.expect("all are here");
    // [[.25, .25, -2], [-1, -1, .5]] times w
    assert!((got - arr1(&[-7.75, 1.0]).into_dyn()).iter().all(|e| e.abs() < 1e-3));
    let [left, right] = &a.split(&[1, 2], -1)[..] else { panic!("two parts") };
    let both = right.concat(&[left], 1).take(&arr1(&[2, 0]).into_dyn(), 1).cumsum(0);
    let got = session.reveal(&both, &["bob"])?.expect("all are here");
    assert!((got - arr2(&[[1.5, -2.0], [5.5, -1.5]]).into_dyn()).iter().all(|e| e.abs() < 1e-3));
    let outer = a.einsum("ij,k->kj", &[&w]).slice(&[Range1 { axis: 0, start: None, end: None, step: -2 }]);
    let doubled = Resize { axis: 1, size: 6, scale: 2.0 };
    let wide = outer.resize(&[doubled], Resampling::Linear, Coordinates::HalfPixel).narrow(1, 1, 2);
    let got = session.reveal(&wide, &["alice"])?.expect("all are here");
    // column sums 5.5, -1.5 at a quarter and three quarters between, times 4 and 2
    assert!((got - arr2(&[[15.0, 1.0], [7.5, 0.5]]).into_dyn()).iter().all(|e| e.abs() < 1e-3));
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_by_name() -> Result<(), Error> {
    assert!(matches!(Session::local(1), Err(Error::Usage(_))));
    let session = Session::local(2)?;
    let wrong = session.input("x", "mallory", &[2, 3], matrix());
    assert!(wrong.is_err_and(|e| e.to_string().contains("mallory") && e.exit_code() == 2));
    let wrong = session.input("x", "alice", &[3, 3], matrix());
    assert!(wrong.is_err_and(|e| e.to_string().contains("[3, 3]") && e.exit_code() == 3));
    let nan = session.input("x", "alice", &[2, 3], matrix() * f64::NAN);
    assert!(nan.is_err_and(|e| e.to_string().contains("NaN at [0, 0]") && e.exit_code() == 3));
    let large = session.input("large", "alice", &[2, 3], matrix() * 1e9)?;
    let other = session.input("other", "bob", &[2, 3], matrix())?;
    let refused = session.reveal(&(large * other), &["alice"]);
    assert!(refused.is_err_and(|e| e.to_string().contains("large") && e.exit_code() == 3));
    Ok(())
}

#[test]
fn a_model_is_a_function_of_tensors() -> Result<(), Error> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/lenet.onnx");
    let session = Session::local(2)?;
    let image =
        session.input("picture", "alice", &[1, 1, 28, 28], ArrayD::from_elem(vec![1, 1, 28, 28], 0.5))?;
    let model = session.model(path, "bob")?;
    let logits = model.forward(&image);
    assert_eq!(logits.shape(), [1, 10]);
    let label = session.reveal(&logits.argmax(-1), &["alice"])?.expect("all are here");
    let logits = session.reveal(&logits, &["alice"])?.expect("all are here");
    let best = (0..10).max_by(|&a, &b| logits[[0, a]].total_cmp(&logits[[0, b]])).unwrap_or(0);
    assert_eq!(label[[0]], best as f64);
    Ok(())
}

#[test]
fn a_parameter_keeps_its_value() -> Result<(), Error> {
    use tacita::graph::{Graph, Inputs, Role, Visibility, dims, ops};
    let session = Session::local(2)?;
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[2]), Visibility::Private(alice), Role::Data)?;
    let w = graph.input("w", &dims(&[2]), Visibility::Private(bob), Role::Parameter)?;
    let product = graph.add(ops::Mul {}, &[x, w], "product")?;
    graph.reveal(product, &[alice], "result")?;
    let prepared = session.prepare(&graph)?;
    let mut inputs = Inputs::from([
        ("x".to_owned(), arr1(&[1.0, 2.0]).into_dyn()),
        ("w".to_owned(), arr1(&[3.0, 4.0]).into_dyn()),
    ]);
    session.evaluate(&prepared, &inputs, &mut |_| ())?;
    inputs.insert("w".to_owned(), arr1(&[3.0, 5.0]).into_dyn());
    let refused = session.evaluate(&prepared, &inputs, &mut |_| ());
    assert!(refused.is_err_and(|e| e.to_string().contains("`w`")));
    inputs.insert("w".to_owned(), arr1(&[3.0, 4.0]).into_dyn());
    session.evaluate(&prepared, &inputs, &mut |_| ())?; // a refusal before anything was sent costs nothing
    Ok(())
}

#[test]
fn an_owner_computes_in_the_clear_with_what_it_keeps_and_what_is_new() -> Result<(), Error> {
    use tacita::graph::{Graph, Inputs, Role, Visibility, dims, ops};
    let session = Session::local(2)?;
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[2]), Visibility::Private(alice), Role::Data)?;
    let w = graph.input("w", &dims(&[2]), Visibility::Private(bob), Role::Parameter)?;
    let bias = graph.input("bias", &dims(&[2]), Visibility::Private(bob), Role::Data)?;
    let scale = graph.input("scale", &dims(&[2]), Visibility::Public, Role::Parameter)?;
    let own = graph.add(ops::Mul {}, &[w, bias], "bob's alone")?;
    let product = graph.add(ops::Mul {}, &[x, w], "product")?;
    let sum = graph.add(ops::Add {}, &[product, own], "sum")?;
    let scaled = graph.add(ops::Mul {}, &[sum, scale], "scaled")?;
    graph.reveal(scaled, &[alice], "result")?;
    let prepared = session.prepare(&graph)?;
    for round in 1..=3 {
        let value = |v: f64| arr1(&[v, -v]).into_dyn();
        let (x, bias) = (f64::from(round), f64::from(round) / 2.0);
        let inputs = [("x", value(x)), ("w", value(3.0)), ("bias", value(bias)), ("scale", value(2.0))];
        let inputs = Inputs::from(inputs.map(|(name, value)| (name.to_owned(), value)));
        let evaluation = session.evaluate(&prepared, &inputs, &mut |_| ())?;
        let result = evaluation.revealed.values().next().expect("one reveal")[0].1.to_f64();
        let want = (x * 3.0 + 3.0 * bias) * 2.0;
        assert!(
            (result[[0]] - want).abs() < 1e-3 && (result[[1]] + want).abs() < 1e-3,
            "{result}, not {want}"
        );
    }
    Ok(())
}

#[test]
fn functions_of_tensors_are_what_they_are_called() -> Result<(), Error> {
    use tacita::Tensor;
    use tacita::graph::functions::Norm;
    type Function = (&'static str, fn(&Tensor) -> Tensor, fn(f64) -> f64);
    let functions: [Function; 24] = [
        ("sigmoid", Tensor::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        ("tanh", Tensor::tanh, f64::tanh),
        ("silu", Tensor::silu, |x| x / (1.0 + (-x).exp())),
        ("softplus", Tensor::softplus, |x| x.exp().ln_1p()),
        ("sin", Tensor::sin, f64::sin),
        ("cos", Tensor::cos, f64::cos),
        ("exp", Tensor::exp, f64::exp),
        ("log", |x| x.square().log(), |x| (x * x).ln()),
        ("sqrt", |x| x.square().sqrt(), f64::abs),
        ("rsqrt", |x| x.square().rsqrt(), |x| 1.0 / x.abs()),
        ("reciprocal", Tensor::reciprocal, |x| 1.0 / x),
        ("pow", |x| x.pow(3.0), |x| x * x * x),
        ("log1p", |x| x.square().log1p(), |x| (x * x).ln_1p()),
        ("elu", |x| x.elu(0.5), |x| if x > 0.0 { x } else { 0.5 * x.exp_m1() }),
        ("selu", Tensor::selu, |x| {
            1.0507009873554805 * if x > 0.0 { x } else { 1.6732632423543772 * x.exp_m1() }
        }),
        ("celu", |x| x.celu(2.0), |x| if x > 0.0 { x } else { 2.0 * (x / 2.0).exp_m1() }),
        ("leaky_relu", |x| x.leaky_relu(0.1), |x| x.max(0.1 * x)),
        ("relu6", Tensor::relu6, |x| x.clamp(0.0, 6.0)),
        ("hardswish", Tensor::hardswish, |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        ("mish", Tensor::mish, |x| x * x.exp().ln_1p().tanh()),
        ("softsign", Tensor::softsign, |x| x / (1.0 + x.abs())),
        ("log_sigmoid", Tensor::log_sigmoid, |x| -(-x).exp().ln_1p()),
        ("threshold", |x| x.threshold(1.0), |x| if x > 1.0 { x } else { 0.0 }),
        ("clip", |x| x.clip(None, Some(0.75)), |x| x.min(0.75)),
    ];
    let session = Session::local(2)?;
    let a = session.input("a", "alice", &[2, 3], matrix())?;
    let b = session.input("b", "bob", &[2, 3], ArrayD::<f64>::zeros(vec![2, 3]))?;
    let x = &a + &b;
    let results: Vec<Tensor> = functions.iter().map(|(_, function, _)| function(&x)).collect();
    let all = results[0].stack(&results[1..].iter().collect::<Vec<_>>(), 0);
    let got = session.reveal(&all, &["alice"])?.expect("all are here");
    for ((name, _, f), got) in functions.iter().zip(got.outer_iter()) {
        let want = matrix().mapv(f);
        // the exponential and powers are right to 2^-10 of themselves
        let near = |(got, want): (&f64, &f64)| (got - want).abs() <= 2f64.powi(-10) * (1.0 + want.abs());
        assert!(got.iter().zip(&want).all(near), "{name}: {got} for {want}");
    }
    let lengths = x.softmax(1).norm(Norm::One, &[1], false);
    let got = session.reveal(&(&lengths / &(&lengths + &lengths)), &["alice"])?.expect("all are here");
    assert!(got.iter().all(|half| (half - 0.5).abs() < 1e-3));
    let normal = x.layer_norm(&[-1], None, Some(&a), 1e-3);
    let (got, rows) = (session.reveal(&normal, &["bob"])?.expect("all are here"), matrix());
    let mean = rows.mean_axis(ndarray::Axis(1)).expect("three columns").insert_axis(ndarray::Axis(1));
    let variance = rows.var_axis(ndarray::Axis(1), 0.0).insert_axis(ndarray::Axis(1));
    let want = (&rows - &mean) / (variance + 1e-3).mapv(f64::sqrt) + &rows;
    assert!((got - want).iter().all(|e| e.abs() < 1e-2));
    let [_, mean, _] = x.batch_norm_training(None, None, 1e-3);
    let got = session.reveal(&mean, &["alice"])?.expect("all are here");
    assert!((got - arr1(&[2.75, -0.75, -0.375]).into_dyn()).iter().all(|e| e.abs() < 1e-3));
    Ok(())
}

#[test]
fn what_nobody_knows_is_drawn_once() -> Result<(), Error> {
    let session = Session::local(2)?;
    let n = 4000;
    let uniform = session.uniform(-1.0, 3.0, &[n])?;
    let normal = session.normal(10.0, 0.5, &[2, n / 2])?;
    let bits = session.bernoulli(0.25, &[n])?;
    assert_eq!(normal.shape(), [2, n / 2]);
    let reveal = |tensor| Ok::<_, Error>(session.reveal(tensor, &["alice"])?.expect("all are here"));
    let [first, second] = [reveal(&uniform)?, reveal(&uniform)?];
    assert_eq!(first, second);
    assert!(first.iter().all(|x| (-1.0..3.0).contains(x)));
    // means of n numbers are 7 of their deviations off with probability below 10^-11
    let near = |mean: f64, expected: f64, deviation: f64| {
        assert!((mean - expected).abs() < 7.0 * deviation / (n as f64).sqrt(), "{mean}, not {expected}");
    };
    near(first.mean().unwrap_or_default(), 1.0, 4.0 / 12f64.sqrt());
    near(reveal(&normal)?.mean().unwrap_or_default(), 10.0, 0.5);
    near(reveal(&bits)?.mean().unwrap_or_default(), 0.25, 0.1875f64.sqrt());

    let x = session.input("x", "alice", &[n], ArrayD::from_elem(vec![n], 3.0))?;
    let dropped = session.reveal(&x.dropout(0.5), &["bob"])?.expect("all are here");
    assert!(dropped.iter().all(|&x| x == 0.0 || x == 6.0));
    near(dropped.mean().unwrap_or_default(), 3.0, 3.0);
    assert!(session.uniform(1.0, 1.0, &[1]).is_err());
    Ok(())
}
