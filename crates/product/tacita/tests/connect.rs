//! The library between machines: every member runs the same program, and gives its own data.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ndarray::{ArrayD, arr1};
use tacita::graph::{Graph, Inputs, Role, Value, Visibility, dims, functions, ops};
use tacita::onnx::Sizes;
use tacita::{
    ConnectOptions, Consent, Error, Identity, ServeOptions, Served, Session, SessionFile, SessionMember,
    SessionSettings, Tensor, deal_ahead, serve,
};

#[allow(dead_code)]
#[path = "../examples/ensemble.rs"]
mod ensemble;

/// A session file and keys in a folder.
fn session(folder: &Path, parties: &[&str], owners: &[&str]) -> SessionFile {
    let mut probes = vec![];
    let mut member = |name: &&str| {
        let identity = Identity::create(name, 2).unwrap();
        identity.write(folder).unwrap();
        // all ports are held until the last is found
        probes.push(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = Some(probes.last().unwrap().local_addr().unwrap().to_string());
        SessionMember { name: (*name).to_owned(), address, certificate: identity.certificate().clone() }
    };
    let dealer = member(&"dealer");
    let (parties, owners) =
        (parties.iter().map(&mut member).collect(), owners.iter().map(&mut member).collect());
    let settings = SessionSettings {
        timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(20),
        ..SessionSettings::default()
    };
    let file = SessionFile::new(parties, dealer, owners, settings).unwrap();
    std::fs::write(folder.join("session.toml"), &file.text).unwrap();
    file
}

/// Runs a program at every member but the dealer, each a thread, with a dealer; returns what each had.
fn everywhere<T: Send>(
    folder: &Path,
    file: &SessionFile,
    members: &[&str],
    program: impl Fn(&str, &Session) -> T + Sync,
) -> Vec<T> {
    let stop = AtomicBool::new(false);
    let dealer = file.identity("dealer", &folder.join("dealer.key")).unwrap();
    let files = std::slice::from_ref(file);
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let mut failures = vec![];
            let mut say = |served: &Served| {
                if let Served::Failed { error, .. } = served {
                    failures.push(error.to_string());
                }
            };
            let ended = serve(files, dealer, &ServeOptions::default(), &stop, &mut say);
            (ended, failures)
        });
        let program = &program;
        let running: Vec<_> = members
            .iter()
            .map(|&name| {
                scope.spawn(move || {
                    let session = Session::connect(folder.join("session.toml"), name).unwrap();
                    session.consent_to(Consent::EverythingThisProgramReveals);
                    program(name, &session)
                })
            })
            .collect();
        let ended: Vec<_> = running.into_iter().map(|member| member.join()).collect();
        stop.store(true, Ordering::Relaxed); // also if a member panicked
        let results = ended.into_iter().map(Result::unwrap).collect();
        let (ended, failures) = serving.join().unwrap();
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(failures, [""; 0]);
        results
    })
}

/// This member's own data, and nobody else's.
fn own(me: &str, owner: &str, numbers: [f64; 3]) -> Option<ArrayD<f64>> {
    (me == owner).then(|| arr1(&numbers).into_dyn())
}

#[test]
fn parties_and_data_owners_run_one_program() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob"], &["clinic", "lab"]);
    let answers = everywhere(folder.path(), &file, &["alice", "bob", "clinic", "lab"], |me, session| {
        assert_eq!(session.data_owners().collect::<Vec<_>>(), ["clinic", "lab"]);
        let doses = session.input("doses", "clinic", &[3], own(me, "clinic", [1.0, 2.0, -3.0])).unwrap();
        let factors = session.input("factors", "lab", &[3], own(me, "lab", [0.5, 4.0, 2.0])).unwrap();
        let offset = session.input("offset", "bob", &[3], own(me, "bob", [0.25, 0.0, 1.0])).unwrap();
        let sum: Tensor = (&doses * &factors) + offset;
        let shown = session.reveal(&sum.relu(), &["clinic"]).unwrap();
        // what one of them knows is shared by others' saying, too, and an own value can be shown to another
        let total = session.reveal(&doses.sum(&[0]), &["alice", "lab"]).unwrap();
        (shown, total)
    });
    let close = |got: &Option<ArrayD<f64>>, want: &[f64]| {
        let got = got.as_ref().expect("a receiver receives");
        got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-3) && got.len() == want.len()
    };
    let [alice, bob, clinic, lab] = answers.try_into().unwrap();
    assert!(alice.0.is_none() && bob.0.is_none() && lab.0.is_none() && close(&clinic.0, &[0.75, 8.0, 0.0]));
    assert!(clinic.1.is_none() && bob.1.is_none() && close(&alice.1, &[0.0]) && close(&lab.1, &[0.0]));
}

#[test]
fn data_is_given_where_its_owner_is_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob"], &[]);
    everywhere(folder.path(), &file, &["alice", "bob"], |me, session| {
        let other = if me == "alice" { "bob" } else { "alice" };
        let refused = |outcome: Result<Tensor, Error>, word: &str| {
            let error = outcome.expect_err("it is refused").to_string();
            assert!(error.contains(word), "{error}");
        };
        refused(session.input("x", other, &[3], own(me, me, [1.0; 3])), "alone");
        refused(session.input("x", me, &[3], None::<Value>), "has to give");
        refused(session.input("x", "carol", &[3], None::<Value>), "carol");
        refused(session.input("x", "dealer", &[3], None::<Value>), "dealer");
        let x = session.input("x", "alice", &[3], own(me, "alice", [1.0, 2.0, 3.0])).unwrap();
        assert_eq!(session.reveal(&x, &["bob"]).unwrap().is_some(), me == "bob");
    });
}

#[test]
fn what_nobody_knows_is_drawn_without_a_dealer_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob"], &[]);
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let x = graph.input("x", &dims(&[64]), Visibility::Private(alice), Role::Data).unwrap();
    let noise = functions::normal(&mut graph, &dims(&[64]), 0.0, 1.0, "noise").unwrap();
    let bits = functions::bernoulli(&mut graph, &dims(&[64]), 0.3, "bits").unwrap();
    let sum = graph.add(ops::Add {}, &[x, noise], "sum").unwrap();
    let chosen = graph.add(ops::Select {}, &[bits, x, sum], "chosen").unwrap();
    graph.reveal(chosen, &[alice], "result").unwrap();

    let base = folder.path().join("ahead");
    let identity = |name: &str| file.identity(name, &folder.path().join(format!("{name}.key"))).unwrap();
    let template = graph.clone().into();
    deal_ahead(&file, &identity("dealer"), (&template, &Sizes::new()), (2, 1), &base, &mut |_, _| ())
        .unwrap();
    let run = |name: &str| {
        let correlations = Some(folder.path().join(format!("ahead.{name}")));
        let consent = Consent::EverythingThisProgramReveals;
        let options = ConnectOptions { correlations, consent, ..ConnectOptions::default() };
        let session = Session::connect_with(&file, name, &identity(name), &options).unwrap();
        let prepared = session.prepare(&graph).unwrap();
        let mut inputs = Inputs::new();
        if name == "alice" {
            inputs.insert("x".to_owned(), ArrayD::from_elem(vec![64], 100.0));
        }
        let evaluate = || {
            let evaluation = session.evaluate(&prepared, &inputs, &mut |_| ()).unwrap();
            let received = evaluation.revealed.into_values().next().unwrap().pop();
            received.map(|(name, value)| (name, value.to_f64()))
        };
        [evaluate(), evaluate()]
    };
    let [first, second] = thread::scope(|scope| {
        let bob = scope.spawn(|| run("bob"));
        let alice = run("alice");
        assert!(bob.join().unwrap().iter().all(Option::is_none));
        alice.map(|result| result.expect("alice receives").1)
    });
    assert_ne!(first, second, "each evaluation draws anew");
    for result in [first, second] {
        // nothing is further than 6.2 deviations; between 1 and 63 of 64 bits are 1 but with probability 10^-9
        assert!(result.iter().all(|x| (x - 100.0).abs() < 6.3));
        let plain = result.iter().filter(|x| (**x - 100.0).abs() < 2f64.powi(-15)).count();
        assert!((1..64).contains(&plain), "{plain}");
    }
}

#[test]
fn the_models_of_two_owners_are_used_by_a_member_that_owns_neither() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob", "carol"], &[]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../models/mlp.onnx");
    let image = ArrayD::from_shape_fn(vec![1, 1, 28, 28], |at| ((at[2] * at[3]) % 7) as f64 / 7.0);
    let answers = everywhere(folder.path(), &file, &["alice", "bob", "carol"], |me, session| {
        let own = (me == "alice").then(|| image.clone());
        let x = session.input("image", "alice", &[1, 1, 28, 28], own).unwrap();
        // both have weights of the same names
        let [one, other] = ["bob", "carol"].map(|owner| session.model(path, owner).unwrap());
        let [one, other] = [one.forward(&x), other.forward(&x)];
        let alone = session.reveal(&one, &["alice"]).unwrap();
        let both = session.reveal(&(&one + &other), &["alice"]).unwrap();
        alone.zip(both)
    });
    let (alone, both) = answers[0].as_ref().expect("alice receives");
    assert!(alone.iter().zip(both).all(|(one, two)| (2.0 * one - two).abs() < 0.01), "{alone} {both}");
    assert!(alone.iter().any(|logit| logit.abs() > 0.5), "{alone}");
    assert!(answers[1..].iter().all(Option::is_none));
}

#[test]
fn a_program_reveals_nothing_that_its_member_has_not_agreed_to() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob"], &[]);
    everywhere(folder.path(), &file, &["alice", "bob"], |me, session| {
        session.consent_to(Consent::default());
        let x = session.input("x", "alice", &[3], own(me, "alice", [1.0, 2.0, 3.0])).unwrap();
        let y = session.input("y", "bob", &[3], own(me, "bob", [2.0, 0.5, 1.0])).unwrap();
        let product = &x * &y;
        // both begin, so that neither waits: each refuses what is computed from its data and goes to the other
        let refused = |to: &[&str]| session.reveal(&product, to).expect_err("not agreed to");
        let error = refused(&["alice", "bob"]);
        assert!(
            matches!(&error, Error::NotAllowed { value, of, .. } if value == "result" && of == me),
            "{error}"
        );
        // what is kept is still of both
        session.run(&[], &[&product]).unwrap();
        assert!(matches!(refused(&["alice", "bob"]), Error::NotAllowed { .. }));
        let other = if me == "alice" { "bob" } else { "alice" };
        session.allow(&format!("result:{other}")).unwrap();
        let shown = session.reveal(&product, &["alice", "bob"]).unwrap().expect("both receive");
        assert!((shown[[1]] - 1.0).abs() < 1e-3);
    });
}

#[test]
fn an_ensemble_of_two_organisations_judges_a_third_ones_picture() {
    let folder = tempfile::tempdir().unwrap();
    let file = session(folder.path(), &["alice", "bob", "carol"], &[]);
    let picture = ArrayD::from_shape_fn(vec![1, 1, 28, 28], |at| {
        f64::from(u8::from((4..24).contains(&at[2]) && (13..16).contains(&at[3])))
    });
    let answers = everywhere(folder.path(), &file, &["alice", "bob", "carol"], |me, session| {
        // of everything else nothing is revealed
        session.consent_to(Consent::default());
        ensemble::judge(session, me, &picture).unwrap()
    });
    let mean = answers[0].as_ref().expect("alice receives");
    assert!(answers[1].is_none() && answers[2].is_none());
    assert!((mean.sum() - 1.0).abs() < 0.01 && mean.iter().all(|p| (-0.01..1.01).contains(p)), "{mean}");
    // of each alone, in the clear
    let probabilities = |model: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../models").join(model);
        let model = tacita::onnx::import(&path, &tacita::onnx::ImportOptions::default()).unwrap();
        let mut inputs = model.parameters.clone();
        inputs.insert(model.input.clone(), picture.clone());
        let graph = model.template.at(&Sizes::from([("batch".to_owned(), 1)])).unwrap();
        let logits = tacita::graph::plain(&graph, &inputs).unwrap().into_values().next().unwrap();
        let powers = logits.mapv(f64::exp);
        &powers / powers.sum()
    };
    let want = (probabilities("lenet.onnx") + probabilities("mlp.onnx")) / 2.0;
    assert!((mean - &want).iter().all(|e| e.abs() < 0.01), "{mean} {want}");
}
