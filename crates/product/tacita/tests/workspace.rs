//! The workspace of a session: what is kept, forgotten, shared by threads, and planned once.

use std::thread;

use ndarray::{ArrayD, arr1, arr2};
use tacita::graph::{DType, functions, ops};
use tacita::{Error, Session, Tensor, Value};

fn close(got: &ArrayD<f64>, want: &[f64]) -> bool {
    got.len() == want.len() && got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-3)
}

/// Alice's numbers plus zeros of bob: in shares only.
fn secret(session: &Session, name: &str, numbers: &[f64]) -> Result<Tensor, Error> {
    let shape = [numbers.len()];
    let x = session.input(name, "alice", &shape, arr1(numbers))?;
    let zero = session.input(&format!("{name}0"), "bob", &shape, ArrayD::<f64>::zeros(&shape[..]))?;
    Ok(x + zero)
}

fn show(session: &Session, tensor: &Tensor) -> Result<ArrayD<f64>, Error> {
    Ok(session.reveal(tensor, &["alice"])?.expect("alice is here"))
}

#[test]
fn numbers_stand_on_both_sides_of_operators() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = secret(&session, "x", &[1.0, -2.0, 4.0])?;
    let cases: [(Tensor, [f64; 3]); 9] = [
        (&x * 2.0 + 1.0, [3.0, -3.0, 9.0]),
        (1.0 + 2.0 * &x, [3.0, -3.0, 9.0]),
        (10.0 - &x, [9.0, 12.0, 6.0]),
        (&x - 0.5, [0.5, -2.5, 3.5]),
        (&x / 4.0, [0.25, -0.5, 1.0]),
        (2.0 / x.clone(), [2.0, -1.0, 0.5]),
        (-(&x + x.clone()), [-2.0, 4.0, -8.0]),
        (x.clone() * &x, [1.0, 4.0, 16.0]),
        (-&x, [-1.0, 2.0, -4.0]),
    ];
    for (number, (tensor, want)) in cases.iter().enumerate() {
        let got = show(&session, tensor)?;
        assert!(close(&got, want), "case {number}: {got}");
    }
    let n = session.input_of("n", "alice", &[2], DType::Int, arr1(&[7i64, -3]))?;
    let tripled = &n * 3.0 + 1.0;
    assert_eq!(tripled.dtype(), DType::Int);
    assert_eq!(show(&session, &tripled)?, arr1(&[22.0, -8.0]).into_dyn());
    let half = &n * 0.5;
    assert_eq!(half.dtype(), DType::Fixed);
    assert!(close(&show(&session, &half)?, &[3.5, -1.5]));
    Ok(())
}

#[test]
fn every_operation_has_a_form_that_returns_an_error() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = session.input("x", "alice", &[2, 3], arr2(&[[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]))?;
    let y = session.input("y", "bob", &[4], arr1(&[0.0; 4]))?;
    let refused = x.apply(ops::MatMul {}, &[&y]).expect_err("shapes do not fit").to_string();
    assert!(refused.contains("[2, 3]") && refused.contains("[4]"), "{refused}");
    let refused = x.build(&[], |graph, x| functions::split(graph, x[0], &[1, 1], 1, "")).err();
    assert!(refused.is_some_and(|error| error.exit_code() == 4));
    let parts = x.build(&[], |graph, x| functions::split(graph, x[0], &[1, 2], 1, ""))?;
    assert_eq!(parts.iter().map(Tensor::shape).collect::<Vec<_>>(), [[2, 1], [2, 2]]);
    let other = Session::local(2)?;
    let z = other.input("z", "alice", &[2, 3], ArrayD::<f64>::zeros(vec![2, 3]))?;
    assert!(x.apply(ops::Add {}, &[&z]).is_err_and(|e| e.to_string().contains("two sessions")));
    assert!(session.reveal(&z, &["alice"]).is_err_and(|e| e.exit_code() == 2));
    Ok(())
}

#[test]
fn several_reveals_to_several_receivers_are_one_evaluation() -> Result<(), Error> {
    let session = Session::local(3)?;
    let x = secret(&session, "x", &[3.0, 9.0, -1.0])?;
    let best = x.argmax(0);
    let reveals: [(&Tensor, &[&str]); 2] = [(&x, &["carol", "alice"]), (&best, &["bob"])];
    let (evaluation, prepared) = session.run_with(&reveals, &[], &mut |_| ())?;
    let received: Vec<Vec<&str>> = evaluation
        .revealed
        .values()
        .map(|values| values.iter().map(|(name, _)| name.as_str()).collect())
        .collect();
    assert_eq!(received, [vec!["alice", "carol"], vec!["bob"]]);
    assert_eq!(prepared.graph().reveals().len(), 2);
    let [first, second] = session.run(&reveals, &[])?.try_into().expect("two");
    assert!(close(&first.expect("they are here").to_f64(), &[3.0, 9.0, -1.0]));
    assert!(second.expect("bob is here").is_same(&ndarray::arr0(1i64).into()));
    assert!(session.run(&[], &[]).is_err_and(|e| e.exit_code() == 2));
    assert!(session.run(&[(&x, &[])], &[]).is_err_and(|e| e.exit_code() == 2));
    assert!(session.run(&[(&x, &["mallory"])], &[]).is_err_and(|e| e.to_string().contains("mallory")));
    Ok(())
}

#[test]
fn what_is_held_is_kept_and_not_computed_again() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = secret(&session, "x", &[1.0, 2.0, 3.0, -4.0])?;
    let squares = (&x * &x).sum(&[0]).sqrt();
    assert!(!squares.is_kept());
    let first = session.run_with(&[(&squares, &["alice"])], &[], &mut |_| ())?.0;
    assert!(squares.is_kept() && x.is_kept());
    let again = session.run_with(&[(&squares, &["bob"])], &[], &mut |_| ())?.0;
    assert!(first.cost.rounds > 5 && again.cost.rounds == 1, "{} {}", first.cost.rounds, again.cost.rounds);
    let more = session.run_with(&[(&(&squares + 1.0), &["bob"])], &[], &mut |_| ())?.0;
    assert_eq!(more.cost.rounds, 1);
    // what no variable held was not kept
    let sum = (&x * &x).sum(&[0]);
    assert!(!sum.is_kept());
    session.run(&[], &[&sum])?;
    assert!(sum.is_kept());
    assert!(session.run(&[], &[&sum]).is_err(), "nothing to do");
    // all of a chain, whichever is shown
    let chain = [&x + 1.0, &x + 2.0];
    let last = &chain[0] * &chain[1];
    show(&session, &last)?;
    assert!(chain.iter().all(Tensor::is_kept));
    Ok(())
}

#[test]
fn a_draw_is_drawn_once_whoever_uses_it() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = secret(&session, "x", &[5.0; 200])?;
    let (one, two) = {
        let mask = session.bernoulli(0.5, &[200])?;
        let noise = session.uniform(0.0, 1.0, &[200])?;
        (mask.to_fixed() * &x + &noise, mask.to_fixed() * 2.0 + noise)
    };
    // the draws have no variable any more, and the second result is computed in another evaluation
    let (one, two) = (show(&session, &one)?, show(&session, &two)?);
    for (one, two) in one.iter().zip(&two) {
        let (first, second) = (*one >= 4.0, *two >= 2.0);
        assert_eq!(first, second, "{one} {two}");
        let noise = (one - if first { 5.0 } else { 0.0 }, two - if second { 2.0 } else { 0.0 });
        assert!((noise.0 - noise.1).abs() < 1e-3, "{noise:?}");
    }
    Ok(())
}

#[test]
fn a_loop_is_planned_once_and_the_workspace_does_not_grow() -> Result<(), Error> {
    let session = Session::local(2)?;
    let mut w = secret(&session, "w", &[1.0, 1.0])?;
    let mut digests = std::collections::BTreeSet::new();
    for step in 0..200 {
        // the same name in every step: the last one is not reached any more
        let x = session.input("x", "bob", &[2], arr1(&[0.5, 0.25]))?;
        w = &w * 0.5 + &x;
        let (evaluation, prepared) = session.run_with(&[(&w.sum(&[0]), &["alice"])], &[&w], &mut |_| ())?;
        let shown = &evaluation.revealed.values().next().expect("a reveal")[0].1;
        assert!(shown.to_f64()[[]].is_finite());
        if step > 1 {
            digests.insert(prepared.graph().digest());
        }
        drop(x);
    }
    assert_eq!(digests.len(), 1);
    assert!(close(&show(&session, &w)?, &[1.0, 0.5]));
    Ok(())
}

#[test]
fn names_are_free_again_but_those_of_parameters() -> Result<(), Error> {
    let session = Session::local(2)?;
    let numbers = |x: f64| arr1(&[x, x]);
    let x = session.input("x", "alice", &[2], numbers(1.0))?;
    let y = &x + 1.0;
    drop(x);
    let taken = session.input("x", "alice", &[2], numbers(2.0)).expect_err("y is computed from it");
    assert!(taken.to_string().contains("`x`"), "{taken}");
    assert!(close(&show(&session, &y)?, &[2.0, 2.0]));
    drop(y);
    let x = session.input("x", "alice", &[2], numbers(2.0))?;
    assert!(close(&show(&session, &x)?, &[2.0, 2.0]));
    // inputs without a name are told apart
    let [a, b] = [3.0, 4.0].map(|x| session.input("", "bob", &[2], numbers(x)).expect("no name is taken"));
    assert!(close(&show(&session, &(&a * &x + b))?, &[10.0, 10.0]));

    let hidden = session.input("a\nb", "bob", &[2], numbers(1.0)).expect_err("a line break in a name");
    assert!(hidden.exit_code() == 2 && !hidden.to_string().contains('\n'), "{hidden}");

    let w = session.parameter("w", "bob", &[2], numbers(5.0))?;
    assert!(close(&show(&session, &(&w * &a * &x))?, &[30.0, 30.0]));
    let in_use = session.forget(&["w"]).expect_err("w is in use");
    assert!(in_use.to_string().contains("in use"), "{in_use}");
    drop(w);
    session.forget(&["w"])?;
    session.forget(&["w"])?;
    assert!(session.parameter("w", "bob", &[2], numbers(6.0)).is_err(), "a mask serves one value");
    assert!(session.forget(&["v"]).is_err_and(|e| e.exit_code() == 2));
    let v = session.parameter("v", "bob", &[2], numbers(6.0))?;
    assert!(close(&show(&session, &(v * x))?, &[12.0, 12.0]));
    Ok(())
}

#[test]
fn integers_come_out_as_they_went_in() -> Result<(), Error> {
    let session = Session::local(2)?;
    let large = (1i64 << 62) - 1;
    let x = session.input_of("x", "alice", &[3], DType::Int, arr1(&[large, -large, 5]))?;
    let zero = session.input_of("zero", "bob", &[3], DType::Int, arr1(&[0i64; 3]))?;
    let sum = x + zero;
    let [exact] = session.run(&[(&sum, &["bob"])], &[])?.try_into().expect("one");
    assert!(exact.expect("bob is here").is_same(&arr1(&[large, -large, 5]).into()));
    let refused = session.reveal(&sum, &["bob"]).expect_err("an f64 cannot hold them");
    assert!(refused.to_string().contains("2^53"), "{refused}");
    let bits = session.input_of("bits", "alice", &[2], DType::Bit, arr1(&[true, false]))?;
    let [shown] = session.run(&[(&bits.not(), &["bob"])], &[])?.try_into().expect("one");
    assert!(shown.expect("bob is here").is_same(&arr1(&[false, true]).into()));
    Ok(())
}

#[test]
fn a_bad_input_is_refused_before_anything_is_sent() -> Result<(), Error> {
    let session = Session::local(3)?;
    let good = session.input("good", "alice", &[2], arr1(&[1.0, 2.0]))?;
    for (name, owner, numbers) in [("one", "bob", [0.5, 7.0]), ("two", "carol", [-3.0, 0.0])] {
        let bad = session.input_within(name, owner, &[2], 0.0..=1.0, arr1(&numbers))?;
        let refused = session.reveal(&(&good * &bad), &["alice"]).expect_err("out of its range");
        assert!(refused.to_string().contains(name) && refused.exit_code() == 3, "{refused}");
    }
    let w = session.parameter("w", "bob", &[2], arr1(&[1e300, 0.0]))?;
    assert!(session.reveal(&(&good * &w), &["alice"]).is_err());
    let fine = session.input_within("fine", "bob", &[2], 0.0..=1.0, arr1(&[0.5, 1.0]))?;
    assert!(close(&show(&session, &(&good * &fine))?, &[0.5, 2.0]), "the session goes on");
    Ok(())
}

#[test]
fn a_cost_is_known_before_a_reveal() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = secret(&session, "x", &[1.0, -2.0, 3.0])?;
    let y = x.relu();
    let estimate = session.estimate(&[(&y, &["alice"])])?;
    assert_eq!((estimate.reveals[0].to[0].as_str(), estimate.reveals.len()), ("alice", 1));
    let evaluation = session.run_with(&[(&y, &["alice"])], &[], &mut |_| ())?.0;
    assert_eq!(estimate.rounds, evaluation.cost.rounds);
    assert_eq!(Some(&estimate.online_bytes_per_party), evaluation.cost.online_bytes.iter().max());
    assert_eq!(session.estimate(&[(&y, &["alice"])])?.rounds, 1, "it is kept now");
    Ok(())
}

#[test]
fn derivatives_survive_an_evaluation_and_stop_where_they_are_detached() -> Result<(), Error> {
    let session = Session::local(2)?;
    let x = session.input("x", "alice", &[3], arr1(&[1.0, 2.0, -1.0]))?;
    let w = secret(&session, "w", &[0.5, -1.0, 2.0])?.requires_grad();
    let hidden = &x * &w;
    let loss = (&hidden * &hidden).mean(&[0]);
    drop(hidden);
    assert!(close(&show(&session, &loss)?, &[8.25 / 3.0]));
    // 2 x² w / 3, of a loss that was shown before
    let gradient = loss.backward()?.of(&w).expect("w requires one");
    assert!(close(&show(&session, &gradient)?, &[1.0 / 3.0, -8.0 / 3.0, 4.0 / 3.0]));
    let both = loss.grad(&[&w])?.remove(0);
    assert!(close(&show(&session, &both)?, &[1.0 / 3.0, -8.0 / 3.0, 4.0 / 3.0]));
    assert!(loss.backward()?.of(&x).is_none());
    let half = (w.detach() * &w).sum(&[0]);
    assert!(close(&show(&session, &half.backward()?.of(&w).expect("w"))?, &[0.5, -1.0, 2.0]));
    assert!((&x * &x).sum(&[0]).backward().is_err_and(|e| e.to_string().contains("requires_grad")));
    assert!((&x * &w).backward().is_err_and(|e| e.to_string().contains("[3]")));
    Ok(())
}

#[test]
fn dropout_is_the_same_in_its_derivative() -> Result<(), Error> {
    let session = Session::local(2)?;
    let w = secret(&session, "w", &[1.0; 64])?.requires_grad();
    let kept = w.dropout(0.5);
    let loss = kept.sum(&[0]);
    let shown = show(&session, &kept)?;
    drop(kept);
    // computed in another evaluation, with the mask of the first
    let gradient = show(&session, &loss.backward()?.of(&w).expect("w"))?;
    assert_eq!(shown.mapv(f64::round), gradient.mapv(f64::round));
    Ok(())
}

#[test]
fn threads_share_a_session() -> Result<(), Error> {
    let session = Session::local(2)?;
    let w = session.parameter("w", "bob", &[3], arr1(&[1.0, -2.0, 0.5]))?;
    thread::scope(|scope| {
        for client in 0..4u8 {
            let (session, w) = (&session, w.clone());
            scope.spawn(move || {
                for request in 0..20u8 {
                    let x = f64::from(client) + f64::from(request) / 10.0;
                    let input = session.input("", "alice", &[3], arr1(&[x, 1.0, 2.0])).expect("an input");
                    let got = show(session, &(&w * &input).sum(&[0])).expect("a result");
                    assert!((got[[]] - (x - 1.0)).abs() < 1e-3, "client {client}, request {request}: {got}");
                }
            });
        }
    });
    Ok(())
}

#[test]
fn a_session_for_each_member_runs_a_program_as_between_machines() -> Result<(), Error> {
    let sessions = Session::local_each(3)?;
    let names = ["alice", "bob", "carol"];
    let results: Vec<Option<ArrayD<f64>>> = thread::scope(|scope| {
        let run = |session: Session, me: &'static str| {
            let own = |owner: &str, x: f64| (me == owner).then(|| arr1(&[x, 2.0]));
            let mut all = vec![];
            for (name, x) in names.iter().zip([1.0, 20.0, 300.0]) {
                all.push(session.input(name, name, &[2], own(name, x)).expect("an input"));
            }
            let sum = &(&all[0] + &all[1]) + &all[2];
            let noise = session.uniform(0.0, 1.0, &[2]).expect("a draw");
            let sum = sum + &noise - &noise;
            session.run(&[], &[&sum]).expect("kept");
            session.reveal(&(sum * 2.0), &["bob"]).expect("a result")
        };
        let threads: Vec<_> = sessions
            .into_iter()
            .zip(names)
            .map(|(session, me)| scope.spawn(move || run(session, me)))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    assert!(results[0].is_none() && results[2].is_none());
    assert!(close(results[1].as_ref().expect("bob receives"), &[642.0, 12.0]));
    Ok(())
}

#[test]
fn floats_of_both_widths_and_bytes_are_inputs() -> Result<(), Error> {
    let session = Session::local(2)?;
    let f = session.input("f", "alice", &[2], arr1(&[0.5f32, -1.0]))?;
    let d = session.input("d", "bob", &[2], Value::from(arr1(&[2.0f64, 4.0])))?;
    let b = session.input("b", "bob", &[2], Some(arr1(&[3u8, 255])))?;
    assert!(close(&show(&session, &(f * d + b))?, &[4.0, 251.0]));
    let nan = session.input("nan", "alice", &[1, 2], arr2(&[[0.0f32, f32::NAN]]));
    assert!(nan.is_err_and(|e| e.to_string().contains("NaN at [0, 1]")));
    Ok(())
}
