//! Members that are killed exactly where it hurts. Each is a process with a folder of its own, and this test program is
//! also theirs: [`member`] is a member where the environment says so, and says on standard output when it has come to the
//! place at which it is to be held, until a line comes on standard input.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use ndarray::arr2;
use tacita::graph::{Graph, Inputs, Role, Visibility, dims, ops};
use tacita::{
    ConnectOptions, Consent, Error, Identity, Part, ServeOptions, SessionFile, SessionMember,
    SessionSettings, WatchForTests,
};
use tacita_data::Staged;
use tempfile::TempDir;

/// Which member a process is, and where it is held, as a phase and a round.
const NAME: &str = "TACITA_FAULTS_NAME";
const HOLD: &str = "TACITA_FAULTS_HOLD";
/// Whether it finds in the end that it cannot write its output.
const ABANDON: &str = "TACITA_FAULTS_ABANDON";
/// How a line begins that says that a member is held.
const HELD: &str = "held at ";

const PARTIES: [&str; 3] = ["alice", "bob", "carol"];

/// The longest that anything may take on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);
/// In this time from the fault on everybody has ended: far less than any of the session's own limits, because a process
/// that ends is noticed by its connections.
const SOON: Duration = Duration::from_secs(15);

/// Three products and three comparisons, one after another: carol owns nothing and learns nothing.
fn graph() -> Graph {
    let mut graph = Graph::new();
    let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
    let x = graph.input("x", &dims(&[2, 3]), Visibility::Private(alice), Role::Data).unwrap();
    let mut value = x;
    for layer in 1..=3 {
        let name = format!("w{layer}");
        let w = graph.input(&name, &dims(&[3, 3]), Visibility::Private(bob), Role::Parameter).unwrap();
        let product = graph.add(ops::MatMul {}, &[value, w], &format!("product {layer}")).unwrap();
        value = graph.add(ops::Relu {}, &[product], &format!("relu {layer}")).unwrap();
    }
    graph.reveal(value, &[alice], "answer").unwrap();
    graph
}

/// The program of the members' processes; no test of its own.
#[test]
fn member() {
    let Ok(name) = std::env::var(NAME) else { return };
    let code = match take_part(&name) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    };
    std::process::exit(code.into());
}

/// What `tacita dealer --once` and `tacita join` do.
fn take_part(name: &str) -> Result<(), Error> {
    let file = SessionFile::read("session.toml".as_ref())?;
    let identity = file.identity(name, format!("{name}.key").as_ref())?;
    let held = std::env::var(HOLD).unwrap_or_default();
    let watch: tacita_mpc::Watch = Arc::new(move |phase: &str, round: u32| {
        if held == format!("{phase} {round}") {
            println!("\n{HELD}{held}");
            std::io::stdout().flush().unwrap();
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
    });
    let watch_for_tests = WatchForTests(Some(watch.clone()));
    if name == "dealer" {
        let options = ServeOptions { once: true, watch_for_tests, ..ServeOptions::default() };
        return tacita::serve(&[file], identity, &options, &AtomicBool::new(false), &mut |_| ());
    }
    let weights = arr2(&[[0.5, -0.25, 1.0], [1.5, 0.75, -1.0], [-0.5, 1.0, 0.25]]).into_dyn();
    let weight = |layer: usize| (format!("w{layer}"), weights.clone());
    let part = Part {
        template: graph().into(),
        sizes: Default::default(),
        parameters: if name == "bob" { Inputs::from([1, 2, 3].map(weight)) } else { Inputs::new() },
        samples: (name == "alice").then(|| arr2(&[[1.5, -2.0, 0.25], [4.0, 0.5, -1.0]]).into_dyn()),
        batch: None,
        usual_batch: |_, _, count| count,
        labels: None,
        notes: vec![],
    };
    let consent = Consent::EverythingThisProgramReveals;
    let options = ConnectOptions { watch_for_tests, consent, ..ConnectOptions::default() };
    let joined = tacita::join(&file, name, &identity, &options, part, |_| (), &mut |_| ())?;
    // written before the others are told that all is well, and under its name only once they have said so
    let write = |error: tacita_data::DataError| Error::Input(error.to_string());
    let mut staged: Vec<Staged> = vec![];
    if let Some(output) = &joined.output {
        staged.push(tacita_data::stage_f32("y.npy".as_ref(), output.view()).map_err(write)?);
    }
    watch("written", 0);
    if std::env::var_os(ABANDON).is_some() {
        joined.abandon("the disk is full");
        return Err(Error::Input("the disk is full".into()));
    }
    joined.finish()?;
    staged.into_iter().try_for_each(Staged::commit).map_err(write)
}

/// A session's folders, one for each member.
struct Site(TempDir);

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        let mut members: Vec<SessionMember> = vec![];
        for name in PARTIES.iter().chain(&["dealer"]) {
            let home = folder.path().join(name);
            std::fs::create_dir(&home).unwrap();
            let identity = Identity::create(name, 2).unwrap();
            identity.write(&home).unwrap();
            let address = Some(format!("127.0.0.1:{}", free_port()));
            let certificate = identity.certificate().clone();
            members.push(SessionMember { name: (*name).to_owned(), address, certificate });
        }
        let seconds = Duration::from_secs;
        let settings = SessionSettings {
            timeout: seconds(40),
            connect_timeout: seconds(40),
            silence: seconds(30),
            ..SessionSettings::default()
        };
        let dealer = members.pop().unwrap();
        let file = SessionFile::new(members, dealer, vec![], settings).unwrap();
        for name in PARTIES.iter().chain(&["dealer"]) {
            std::fs::write(folder.path().join(name).join("session.toml"), &file.text).unwrap();
        }
        Site(folder)
    }

    fn home(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a member, who is held at this place if it comes to it.
    fn start(&self, name: &'static str, hold: &str) -> Member {
        self.start_with(Command::new(std::env::current_exe().unwrap()), name, hold)
    }

    fn start_with(&self, mut command: Command, name: &'static str, hold: &str) -> Member {
        let mut child = command
            .args(["member", "--exact", "--nocapture", "--test-threads=1"])
            .current_dir(self.home(name))
            .env(NAME, name)
            .env(HOLD, hold)
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Member { name, child, input, said }
    }

    /// All members, the one of this name held at that place.
    fn start_all(&self, held: &str, place: &str) -> Vec<Member> {
        let names = ["dealer"].into_iter().chain(PARTIES);
        names.map(|name| self.start(name, if name == held { place } else { "" })).collect()
    }

    /// What a member has beyond what it was given.
    fn new_files(&self, name: &str) -> Vec<String> {
        let given = ["session.toml".to_owned(), format!("{name}.crt"), format!("{name}.key")];
        let names = std::fs::read_dir(self.home(name)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !given.contains(name)).collect()
    }
}

/// A port that nobody listens at and that the system gives nobody who dials.
fn free_port() -> u16 {
    const RANGE: std::ops::Range<u16> = 10_000..32_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
        // test programs that run at once begin at different places
        let place =
            std::process::id().wrapping_mul(97).wrapping_add(step) % u32::from(RANGE.end - RANGE.start);
        let port = RANGE.start + place as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A member's process.
struct Member {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Member {
    /// Waits until it is held.
    fn wait_held(&mut self) {
        loop {
            match self.said.recv_timeout(LIMIT) {
                Ok(line) if line.starts_with(HELD) => return,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => panic!("{} does not come to its place", self.name),
                Err(RecvTimeoutError::Disconnected) => panic!("{} ended before its place", self.name),
            }
        }
    }

    fn release(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// Waits for its end: its exit code and its last line.
    fn end(mut self) -> (i32, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > LIMIT {
                self.child.kill().unwrap();
                let output = self.child.wait_with_output().unwrap();
                panic!("{} hangs: {}", self.name, String::from_utf8_lossy(&output.stderr));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        drop(self.input);
        let output = self.child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!text.contains("panicked"), "{}: {text}", self.name);
        (output.status.code().unwrap_or(-1), text.lines().last().unwrap_or_default().to_owned())
    }
}

fn take(members: &mut Vec<Member>, name: &str) -> Member {
    let index = members.iter().position(|member| member.name == name).unwrap();
    members.remove(index)
}

/// That a member ended with an error of the network that says who is to blame, and left nothing.
#[track_caller]
fn blames(site: &Site, member: Member, culprit: &str) {
    let name = member.name;
    let (code, line) = member.end();
    println!("    {name} {code}: {line}");
    assert_eq!(code, 6, "{name}: {line}");
    assert!(line.starts_with("error: ") && line.contains(culprit), "{name} does not name {culprit}: {line}");
    assert_eq!(site.new_files(name), [""; 0], "{name}");
}

/// Holds `held` at a place and kills `victim`; everybody else ends soon and says whose fault it was.
#[track_caller]
fn kill(victim: &str, held: &str, place: &str) {
    let site = Site::new();
    let mut members = site.start_all(held, place);
    let mut standing = take(&mut members, held);
    standing.wait_held();
    let begun = Instant::now();
    println!("{victim} is killed while {held} is at {place}");
    if victim == held {
        standing.child.kill().unwrap();
        members.into_iter().for_each(|member| blames(&site, member, victim));
        standing.child.wait().unwrap();
        assert_eq!(site.new_files(victim), [""; 0]);
    } else {
        take(&mut members, victim).child.kill().unwrap();
        members.into_iter().for_each(|member| blames(&site, member, victim));
        // last, so that it can do nothing that would let the others go on before they have seen what happened
        standing.release();
        blames(&site, standing, victim);
    }
    println!("    after {:.1} s", begun.elapsed().as_secs_f64());
    assert!(begun.elapsed() < SOON, "took {:?}", begun.elapsed());
}

#[test]
fn without_a_fault_all_is_well() {
    let site = Site::new();
    let mut members = site.start_all("carol", "round 7");
    let mut carol = take(&mut members, "carol");
    carol.wait_held();
    carol.release();
    for member in members.into_iter().chain([carol]) {
        let name = member.name;
        assert_eq!(member.end(), (0, String::new()), "{name}");
    }
    assert_eq!(site.new_files("alice"), ["y.npy"]);
}

#[test]
fn a_party_killed_in_setup_is_named_by_all() {
    kill("carol", "carol", "session 0");
    kill("carol", "carol", "setup 0");
}

#[test]
fn a_party_killed_in_the_offline_phase_is_named_by_all() {
    kill("carol", "carol", "offline 0");
}

#[test]
fn a_party_killed_in_round_7_is_named_by_all() {
    kill("carol", "carol", "round 7");
}

#[test]
fn a_party_killed_just_before_the_reveal_is_named_by_all() {
    kill("carol", "carol", "reveal 0");
}

#[test]
fn a_dealer_killed_in_setup_is_named_by_all() {
    kill("dealer", "dealer", "session 0");
}

#[test]
fn a_dealer_killed_while_it_deals_is_named_by_all() {
    kill("dealer", "dealer", "offline 0");
    kill("dealer", "dealer", "dealt 2");
}

#[test]
fn a_dealer_killed_during_round_7_is_named_by_all() {
    kill("dealer", "carol", "round 7");
}

#[test]
fn a_dealer_killed_just_before_the_reveal_is_named_by_all() {
    kill("dealer", "carol", "reveal 0");
}

#[test]
fn a_member_that_cannot_write_what_it_got_lets_nobody_take_the_session_for_a_success() {
    let site = Site::new();
    let members = ["dealer", "bob", "carol"].map(|name| site.start(name, ""));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(ABANDON, "1");
    let mut alice = site.start_with(command, "alice", "written 0");
    alice.wait_held();
    // time for all others to say that they have what they wanted: then there is nothing left that alice waits for
    std::thread::sleep(Duration::from_millis(300));
    alice.release();
    let (code, line) = alice.end();
    assert_eq!((code, line.as_str()), (3, "error: the disk is full"));
    assert_eq!(site.new_files("alice"), [""; 0]);
    members
        .into_iter()
        .for_each(|member| blames(&site, member, "alice stopped the session: the disk is full"));
}
