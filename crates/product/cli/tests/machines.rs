//! Members that are processes of their own, with folders of their own: nothing is shared but the session file and the graph.

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use common::machines::{LIMIT, Members, done, end, settings, until};
use common::{shipped, tacita};
use serde_json::Value;
use tacita::SessionSettings;

/// A session of alice, bob and a dealer on this machine, a folder each.
struct Machines {
    members: Members,
    graph: PathBuf,
}

impl std::ops::Deref for Machines {
    type Target = Members;

    fn deref(&self) -> &Members {
        &self.members
    }
}

impl Machines {
    fn new(parties: &[&str], settings: SessionSettings, export: &[&str]) -> Machines {
        Machines::with_owners(parties, &[], settings, export)
    }

    fn with_owners(
        parties: &[&str],
        owners: &[&str],
        settings: SessionSettings,
        export: &[&str],
    ) -> Machines {
        let members = Members::new(parties, owners, settings);
        let graph = members.folder.file("lenet.graph");
        let graph_name = graph.to_str().unwrap();
        tacita(&[&["export-graph", &shipped("lenet.onnx"), "-o", graph_name], export].concat()).ok();
        for name in [parties, &["dealer"], owners].concat() {
            std::fs::copy(&graph, members.home(name).join("lenet.graph")).unwrap();
        }
        Machines { members, graph }
    }

    fn alice(&self, more: &[&str]) -> Child {
        let input = shipped("mnist-200.npz:images");
        let arguments =
            ["join", "--graph", "lenet.graph", "--input", &input, "--scale", "255", "--threads", "1"];
        self.start("alice", &[&arguments[..], &["--output", "y.npy", "--report", "r.json"], more].concat())
    }

    fn bob(&self, more: &[&str]) -> Child {
        self.start("bob", &[&["join", "--model", &shipped("lenet.onnx"), "--threads", "1"], more].concat())
    }

    /// What a member's folder has beyond what it had.
    fn new_files(&self, name: &str) -> Vec<String> {
        let given = ["session.toml", "lenet.graph", &format!("{name}.crt"), &format!("{name}.key")]
            .map(str::to_owned);
        let mut names: Vec<String> = (std::fs::read_dir(self.home(name)).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !given.contains(name))
            .collect();
        names.sort();
        names
    }
}

/// That a member failed with this code and a last line that has all these words, leaving no file.
#[track_caller]
fn failed(machines: &Machines, name: &str, child: Child, code: i32, words: &[&str]) {
    let run = end(child, LIMIT);
    let line = run.err.lines().last().unwrap_or_default();
    assert_eq!(run.code, code, "{name}: {}", run.err);
    for word in words {
        assert!(line.contains(word), "{name}: no {word:?} in {line}");
    }
    assert!(!run.err.contains("panicked"), "{}", run.err);
    assert_eq!(machines.new_files(name), [""; 0], "{name}");
}

fn report(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn three_processes_give_what_one_does_bit_for_bit_with_the_same_seeds() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let seed = ["--insecure-fixed-seed-for-tests", &"07".repeat(32)];
    let dealer = machines.start("dealer", &[&["dealer", "--once"], &seed[..]].concat());
    let (bob, alice) = (machines.bob(&seed), machines.alice(&seed));
    let (dealer, bob, alice) = (done(dealer), done(bob), done(alice));
    for run in [&dealer, &bob, &alice] {
        assert!(run.err.contains("nothing in this run is private"), "{}", run.err);
    }
    let here = machines.folder.name("here.npy");
    let input = shipped("mnist-200.npz:images");
    let local = ["infer", &shipped("lenet.onnx"), "--input", &input, "--scale", "255", "--output", &here];
    let local = tacita(&[&local[..], &seed[..], &["--link", "memory"]].concat());
    assert_eq!(local.code, 0, "{}", local.err);
    let (here, there) =
        (std::fs::read(&here).unwrap(), std::fs::read(machines.home("alice").join("y.npy")).unwrap());
    assert!(here == there, "the logits differ");
}

/// Of 200 samples 32 at a time, from the plans of a batch and of the last, in which so few comparisons take fewer rounds.
fn rounds_of_200(batch: &Value, last: &Value) -> u64 {
    let rounds = |plan: &Value| plan["rounds"].as_u64().unwrap();
    assert!(rounds(last) < rounds(batch));
    6 * rounds(batch) + rounds(last)
}

#[test]
fn with_fresh_seeds_the_labels_are_as_good_and_the_report_says_what_it_cost() {
    let machines = Machines::new(&["alice", "bob"], settings(), &["--argmax"]);
    let labels = shipped("mnist-200.npz:labels");
    let (dealer, alice) = (machines.dealer(), machines.alice(&["--labels", &labels]));
    let bob = machines.bob(&["--argmax", "--report", "r.json"]);
    let (alice, bob, dealer) = (done(alice), done(bob), done(dealer));
    assert!(alice.err.contains("will be revealed to alice: logits:argmax"), "{}", alice.err);
    assert!(bob.err.contains("computed from data of"), "{}", bob.err);
    assert!(dealer.err.contains("session 1: all members are here"), "{}", dealer.err);
    assert_eq!(machines.new_files("alice"), ["r.json", "y.npy"]);
    assert_eq!(machines.new_files("bob"), ["r.json"]);
    let (alices, bobs) =
        (report(&machines.home("alice").join("r.json")), report(&machines.home("bob").join("r.json")));
    assert!(alices["accuracy"].as_f64().unwrap() >= 0.96, "{alices}");
    for field in
        ["graph_digest", "rounds", "online_bytes_per_party", "wire_bytes", "offline_bytes", "reveals"]
    {
        assert_eq!(alices[field], bobs[field], "{field}");
    }
    let plan = tacita(&["plan", machines.graph.to_str().unwrap(), "--batch", "32", "--json"]).json();
    assert_eq!(plan["graph_digest"], alices["graph_digest"]);
    let last = tacita(&["plan", machines.graph.to_str().unwrap(), "--batch", "8", "--json"]).json();
    assert_eq!(rounds_of_200(&plan, &last), alices["rounds"].as_u64().unwrap());
    assert_eq!(plan["setup_bytes_per_party"], alices["setup_bytes_per_party"], "once a session");
}

#[test]
fn three_parties_of_whom_one_only_computes() {
    let machines = Machines::new(&["alice", "bob", "carol"], settings(), &[]);
    let members = [
        machines.dealer(),
        machines.start("carol", &["join", "--graph", "lenet.graph", "--threads", "1"]),
        machines.bob(&[]),
        machines.alice(&[]),
    ];
    members.into_iter().for_each(|member| drop(done(member)));
    assert_eq!(machines.new_files("alice"), ["r.json", "y.npy"]);
    assert_eq!(machines.new_files("carol"), [""; 0]);
}

#[test]
fn a_reveal_of_ones_own_data_needs_a_yes() {
    let machines = Machines::new(&["alice", "bob"], settings(), &["--reveal", "alice,bob"]);
    let alice = machines.alice(&[]);
    failed(&machines, "alice", alice, 5, &["logits", "bob", "--allow-reveal"]);
    let (dealer, alice) = (machines.dealer(), machines.alice(&["--allow-reveal", "logits:bob"]));
    let bob = machines.bob(&["--reveal", "alice,bob", "--output", "y.npy"]);
    [dealer, bob, alice].into_iter().for_each(|member| drop(done(member)));
    let logits = |name: &str| std::fs::read(machines.home(name).join("y.npy")).unwrap();
    assert!(logits("alice") == logits("bob"));
}

#[test]
fn other_graphs_are_a_disagreement() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let (dealer, alice, bob) = (machines.dealer(), machines.alice(&[]), machines.bob(&["--argmax"]));
    failed(&machines, "alice", alice, 5, &["bob is about to evaluate another program", "`logits`"]);
    failed(&machines, "bob", bob, 5, &["alice is about to evaluate another program", "`logits:argmax`"]);
    // who is told by an abort before it could compare says 6, with the same cause
    let dealer = end(dealer, LIMIT);
    assert!(matches!(dealer.code, 5 | 6) && dealer.err.contains("`logits:argmax`"), "{}", dealer.err);
}

#[test]
fn a_session_file_that_differs_is_named_by_its_line() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let path = machines.home("bob").join("session.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("precision_bits = 16", "precision_bits = 18");
    std::fs::write(&path, text).unwrap();
    let (alice, bob) = (machines.alice(&[]), machines.bob(&[]));
    failed(&machines, "alice", alice, 5, &["line 7", "precision_bits = 16", "precision_bits = 18"]);
    failed(&machines, "bob", bob, 5, &["line 7", "precision_bits = 16", "precision_bits = 18"]);
}

#[test]
fn a_party_that_never_comes_is_named_by_everybody() {
    let quick = SessionSettings { connect_timeout: Duration::from_secs(2), ..settings() };
    let machines = Machines::new(&["alice", "bob"], quick, &[]);
    let (dealer, alice) = (machines.dealer(), machines.alice(&[]));
    failed(&machines, "alice", alice, 6, &["bob", "waiting for"]);
    failed(&machines, "dealer", dealer, 6, &["bob"]);
}

#[test]
fn a_port_in_use_is_named() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let alice = machines.alice(&["--listen", &address]);
    failed(&machines, "alice", alice, 6, &[&address, "in use", "--listen"]);
}

/// Starts all three and waits until each has the others.
fn begun(machines: &Machines) -> (Child, Child, Child) {
    let mut dealer = machines.dealer();
    let slow = ["--batch", "1"];
    let (mut alice, mut bob) = (machines.alice(&slow), machines.bob(&slow));
    until(&mut dealer, "all members are here");
    until(&mut alice, "connected with all members");
    until(&mut bob, "connected with all members");
    (dealer, alice, bob)
}

#[test]
fn a_killed_member_is_named_by_the_others() {
    for victim in ["bob", "dealer"] {
        let machines = Machines::new(&["alice", "bob"], settings(), &[]);
        let (mut dealer, alice, mut bob) = begun(&machines);
        match victim {
            "bob" => bob.kill().unwrap(),
            _ => dealer.kill().unwrap(),
        }
        let begun = Instant::now();
        failed(&machines, "alice", alice, 6, &[victim]);
        match victim {
            "bob" => assert!(end(dealer, LIMIT).err.contains("bob")),
            _ => failed(&machines, "bob", bob, 6, &[victim]),
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[cfg(unix)]
#[test]
fn a_stopped_member_is_silent_and_a_short_stop_is_none() {
    let signal = |child: &Child, name: &str| {
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let (dealer, alice, bob) = begun(&machines);
    signal(&bob, "-STOP");
    std::thread::sleep(Duration::from_secs(1));
    signal(&bob, "-CONT");
    [dealer, alice, bob].into_iter().for_each(|member| drop(done(member)));

    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let (dealer, alice, bob) = begun(&machines);
    signal(&bob, "-STOP");
    failed(&machines, "alice", alice, 6, &["bob", "silent"]);
    assert!(end(dealer, LIMIT).err.contains("bob"));
    signal(&bob, "-CONT");
    failed(&machines, "bob", bob, 6, &["bob", "silent"]);
}

#[cfg(unix)]
#[test]
fn a_member_that_is_asked_to_stop_tells_the_others() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let (dealer, alice, bob) = begun(&machines);
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-TERM", &bob.id().to_string()]).status().unwrap().success());
    failed(&machines, "bob", bob, 6, &["SIGTERM"]);
    failed(&machines, "alice", alice, 6, &["bob", "SIGTERM"]);
    assert!(end(dealer, LIMIT).err.contains("SIGTERM"));
}

#[test]
fn owners_that_compute_nothing_give_data_and_weights_and_get_results() {
    let export = ["--weights", "lab", "--input", "clinic", "--reveal", "clinic"];
    let machines = Machines::with_owners(&["alice", "bob"], &["clinic", "lab"], settings(), &export);
    let input = shipped("mnist-200.npz:images");
    let common = ["join", "--graph", "lenet.graph", "--threads", "1"];
    let clinic = ["--input", &input, "--scale", "255", "--output", "y.npy", "--report", "r.json"];
    let labels = ["--labels", &shipped("mnist-200.npz:labels")];
    let lab = ["--model", &shipped("lenet.onnx"), "--allow-reveal", "logits:clinic"];
    let members = [
        machines.dealer(),
        machines.start("alice", &common),
        machines.start("lab", &[&common[..], &lab].concat()),
        machines.start("clinic", &[&common[..], &clinic, &labels].concat()),
        machines.start("bob", &[&common[..], &["--report", "r.json"]].concat()),
    ];
    members.into_iter().for_each(|member| drop(done(member)));
    assert_eq!(machines.new_files("clinic"), ["r.json", "y.npy"]);
    // what was planned for these members is what they sent
    let session = machines.home("clinic").join("session.toml");
    let graph = machines.graph.to_str().unwrap();
    let plan = ["plan", graph, "--batch", "32", "--session", session.to_str().unwrap()];
    let planned = tacita(&[&plan[..], &["--json"]].concat()).json();
    assert!(tacita(&plan).ok().contains("2 parties, 2 data owners and a dealer"));
    assert_eq!((&planned["parties"], &planned["data_owners"]), (&2.into(), &2.into()));
    assert!(planned["bytes_per_data_owner"].as_u64().unwrap() > 0);
    let whole = report(&machines.home("bob").join("r.json"));
    assert_eq!(planned["setup_bytes_per_party"], whole["setup_bytes_per_party"]);
    let last = ["plan", graph, "--batch", "8", "--session", session.to_str().unwrap(), "--json"];
    assert_eq!(rounds_of_200(&planned, &tacita(&last).json()), whole["rounds"].as_u64().unwrap());
    for name in ["alice", "lab"] {
        assert_eq!(machines.new_files(name), [""; 0], "{name}");
    }
    let [clinics, bobs] = ["clinic", "bob"].map(|name| report(&machines.home(name).join("r.json")));
    assert!(clinics["accuracy"].as_f64().unwrap() >= 0.96, "{clinics}");
    assert_eq!(clinics["reveals"], bobs["reveals"]);
    assert_eq!(clinics["wire_bytes"], bobs["wire_bytes"]);
    assert_eq!(bobs["parties"], 2);
}

#[test]
fn an_owner_that_says_no_ends_it_for_nobody_but_itself_before_anything_is_sent() {
    let export = ["--weights", "bob", "--input", "clinic", "--reveal", "bob"];
    let machines = Machines::with_owners(&["alice", "bob"], &["clinic"], settings(), &export);
    let input = shipped("mnist-200.npz:images");
    let clinic =
        machines.start("clinic", &["join", "--graph", "lenet.graph", "--input", &input, "--scale", "255"]);
    failed(&machines, "clinic", clinic, 5, &["logits", "bob", "--allow-reveal"]);
}

/// Deals ahead on the dealer's machine and brings each member its file.
fn dealt(machines: &Machines, members: &[&str], samples: &[&str]) {
    let arguments = ["dealer", "--ahead", "tonight", "--graph", "lenet.graph", "--samples"];
    done(machines.start("dealer", &[&arguments[..], samples].concat()));
    for name in members {
        let file = format!("tonight.{name}");
        std::fs::copy(machines.home("dealer").join(&file), machines.home(name).join(&file)).unwrap();
    }
}

#[test]
fn what_was_dealt_ahead_serves_without_a_dealer_and_once() {
    let export = ["--weights", "bob", "--input", "clinic", "--reveal", "clinic"];
    let machines = Machines::with_owners(&["alice", "bob"], &["clinic"], settings(), &export);
    let all = ["alice", "bob", "clinic"];
    dealt(&machines, &all, &["200"]);
    let input = shipped("mnist-200.npz:images");
    let labels = shipped("mnist-200.npz:labels");
    let start = || {
        let with = |name: &str, more: &[&str]| {
            let file = format!("tonight.{name}");
            let common = ["join", "--graph", "lenet.graph", "--threads", "1", "--correlations", &file];
            machines.start(name, &[&common[..], more].concat())
        };
        let clinic = [
            "--input", &input, "--scale", "255", "--labels", &labels, "--output", "y.npy", "--report",
            "r.json",
        ];
        let bob = ["--model", &shipped("lenet.onnx"), "--allow-reveal", "logits:clinic"];
        [with("alice", &[]), with("bob", &bob), with("clinic", &clinic)]
    };
    start().into_iter().for_each(|member| drop(done(member)));
    let report = report(&machines.home("clinic").join("r.json"));
    assert!(report["accuracy"].as_f64().unwrap() >= 0.96, "{report}");
    for (name, member) in all.iter().zip(start()) {
        let run = end(member, LIMIT);
        assert_eq!(run.code, 3, "{}", run.err);
        assert!(
            run.err.contains(&format!("tonight.{name}")) && run.err.contains("used already"),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_crash_uses_up_what_was_dealt_once_something_may_have_been_opened() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    dealt(&machines, &["alice", "bob"], &["200", "--batch", "1"]);
    let path = machines.home("alice").join("tonight.alice");
    let with = |name: &str| {
        let file = format!("tonight.{name}");
        match name {
            "alice" => machines.alice(&["--correlations", &file]),
            _ => machines.bob(&["--correlations", &file]),
        }
    };
    // alone: nothing is opened, and the file is as it was
    let good = std::fs::read(&path).unwrap();
    let mut alice = with("alice");
    until(&mut alice, "nothing else is revealed");
    alice.kill().unwrap();
    alice.wait().unwrap();
    assert!(std::fs::read(&path).unwrap() == good);
    // killed as soon as it is used
    let (mut alice, bob) = (with("alice"), with("bob"));
    let used = || std::fs::read(&path).unwrap().starts_with(b"TACITA-U");
    let begun = Instant::now();
    while !used() {
        assert!(begun.elapsed() < LIMIT);
    }
    alice.kill().unwrap();
    alice.wait().unwrap();
    let bob = end(bob, LIMIT);
    assert!(bob.code == 6 && bob.err.contains("alice"), "{}", bob.err);
    for name in ["alice", "bob"] {
        let run = end(with(name), LIMIT);
        assert!(run.code == 3 && run.err.contains("used already"), "{}", run.err);
    }
}

#[test]
fn correlations_that_do_not_fit_are_refused_by_file() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    dealt(&machines, &["alice", "bob"], &["100"]);
    let with = |file: &str| machines.alice(&["--correlations", file]);
    let refuse = |file: &str, words: &[&str]| {
        let run = end(with(file), LIMIT);
        assert_eq!(run.code, 3, "{}", run.err);
        let line = run.err.lines().last().unwrap();
        assert!(line.contains(file) && words.iter().all(|word| line.contains(word)), "{line}");
    };
    let path = machines.home("alice").join("tonight.alice");
    let good = std::fs::read(&path).unwrap();
    let with_bytes = |bytes: &[u8], words: &[&str]| {
        std::fs::write(machines.home("alice").join("other"), bytes).unwrap();
        refuse("other", words);
    };
    with_bytes(&good[..50], &["cut off"]);
    with_bytes(&good[..1000], &["damaged"]);
    with_bytes(b"", &["not what"]);
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    with_bytes(&changed(8), &["version 3"]);
    with_bytes(&changed(20), &["another session file"]);
    with_bytes(&changed(42), &["dealt for bob, not for alice"]);
    with_bytes(&changed(80), &["damaged"]);
    with_bytes(&changed(200), &["damaged"]);
    refuse("nowhere", &["cannot read"]);
    // dealt for 100 samples, and there are 200: told by both, and not used up
    let bob = machines.bob(&["--correlations", "tonight.bob"]);
    let alice = with("tonight.alice");
    for member in [alice, bob] {
        let run = end(member, LIMIT);
        assert_eq!(run.code, 3, "{}", run.err);
        assert!(run.err.contains("dealt for 100 samples"), "{}", run.err);
    }
    assert!(std::fs::read(&path).unwrap() == good, "it is as it was");
    // one of them has none
    for member in [with("tonight.alice"), machines.bob(&[])] {
        let run = end(member, LIMIT);
        assert_eq!(run.code, 5, "{}", run.err);
        assert!(run.err.contains("dealt ahead"), "{}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn a_daemon_serves_one_session_after_another_counts_and_stops_when_asked() {
    let machines = Machines::new(&["alice", "bob"], settings(), &[]);
    let mut dealer = machines.start("dealer", &["dealer", "--metrics", "127.0.0.1:0"]);
    let line = until(&mut dealer, "metrics at http://");
    let address = line.trim().strip_prefix("metrics at http://").unwrap().strip_suffix("/metrics").unwrap();
    for _ in 0..2 {
        let (alice, bob) = (machines.alice(&[]), machines.bob(&[]));
        [alice, bob].into_iter().for_each(|member| drop(done(member)));
    }
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let report = report(&machines.home("alice").join("r.json"));
    let metrics = get("/metrics");
    let value = |name: &str| -> f64 {
        let found = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        found.unwrap_or_else(|| panic!("no {name} in {metrics}"))
    };
    assert_eq!(value("tacita_evaluations_total"), 14.0);
    let sent = |peer: &str| value(&format!("tacita_sent_bytes_total{{peer=\"{peer}\",phase=\"offline\"}}"));
    assert_eq!(sent("alice") + sent("bob"), 2.0 * report["offline_bytes"].as_f64().unwrap());
    assert!(value("tacita_wait_seconds_total{peer=\"alice\"}") > 0.0);
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    assert!(Command::new("kill").args(["-TERM", &dealer.id().to_string()]).status().unwrap().success());
    let dealer = done(dealer);
    assert!(dealer.out.contains("2 sessions and 14 evaluations"), "{}", dealer.out);
}
