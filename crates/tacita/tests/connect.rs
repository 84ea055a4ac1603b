//! The library between machines: every member runs the same program, and gives its own data.

use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ndarray::{ArrayD, arr1};
use tacita::{
    Error, Identity, ServeOptions, Served, Session, SessionFile, SessionMember, SessionSettings, Tensor,
    serve,
};

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
    program: impl Fn(&str, &mut Session) -> T + Sync,
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
                    let mut session = Session::connect(folder.join("session.toml"), name).unwrap();
                    program(name, &mut session)
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
            let error = outcome.err().expect("it is refused").to_string();
            assert!(error.contains(word), "{error}");
        };
        refused(session.input("x", other, &[3], own(me, me, [1.0; 3])), "alone");
        refused(session.input("x", me, &[3], None), "has to give");
        refused(session.input("x", "carol", &[3], None), "carol");
        refused(session.input("x", "dealer", &[3], None), "dealer");
        let x = session.input("x", "alice", &[3], own(me, "alice", [1.0, 2.0, 3.0])).unwrap();
        assert_eq!(session.reveal(&x, &["bob"]).unwrap().is_some(), me == "bob");
    });
}
