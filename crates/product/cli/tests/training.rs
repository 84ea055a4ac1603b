//! `tacita train`, and `tacita join --train` by members that are processes of their own.

mod common;

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use common::machines::{LIMIT, Members, done, end, settings};
use common::{Folder, shipped, tacita_in};
use serde_json::Value;

/// The shipped table: names, and rows of fields.
fn table() -> (Vec<String>, Vec<Vec<String>>) {
    let text = std::fs::read_to_string(shipped("breast_cancer.csv")).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    (lines.next().unwrap(), lines.collect())
}

/// Some columns and rows of it as a file.
fn write(path: &Path, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>, label: bool) {
    let (names, table) = table();
    let pick = |fields: &[String]| {
        let mut picked = fields[columns.clone()].to_vec();
        picked.extend(label.then(|| fields[30].clone()));
        picked.join(",") + "\n"
    };
    let text: String = std::iter::once(&names).chain(&table[rows]).map(|fields| pick(fields)).collect();
    std::fs::write(path, text).unwrap();
}

/// Alice has the first columns, the last owner the others and the labels; who is between has some too.
fn by_columns(steps: u64, owners: &[&str]) -> String {
    let mut text = format!(
        "version = 1\nsplit = \"columns\"\nloss = \"bce_with_logits\"\nbatch = 64\nsteps = {steps}\ntest_share = 0.2\n\
         order = 7\ncheckpoint_every = 10\n[optimiser]\nrule = \"sgd\"\nlr = 0.1\nmomentum = 0.9\n\
         [[layer]]\nkind = \"linear\"\noutputs = 8\n[[layer]]\nkind = \"relu\"\n[[layer]]\nkind = \"linear\"\noutputs = 1\n\
         [reveal]\nloss = [\"alice\", \"bob\"]\naccuracy = [\"alice\", \"bob\"]\nauc = [\"bob\"]\n"
    );
    for owner in owners {
        text += &format!("[[data]]\nowner = \"{owner}\"\nfile = \"{owner}.csv\"\nstandardise = true\n");
        if Some(owner) == owners.last() {
            text += "label = \"target\"\n";
        }
    }
    text
}

/// A training in one process: alice and bob by columns.
struct Local {
    folder: Folder,
}

impl Local {
    fn new(config: &str) -> Local {
        let folder = Folder::new();
        write(&folder.file("alice.csv"), 0..15, 0..569, false);
        write(&folder.file("bob.csv"), 15..30, 0..569, true);
        std::fs::write(folder.file("train.toml"), config).unwrap();
        Local { folder }
    }

    fn run(&self, more: &[&str]) -> common::Run {
        let arguments = ["train", "train.toml", "--link", "memory", "--threads", "1"];
        tacita_in(self.folder.path(), &[&arguments[..], more].concat())
    }

    fn report(&self, more: &[&str]) -> Value {
        self.run(&[&["--json"], more].concat()).json()
    }
}

fn number(report: &Value, field: &str) -> f64 {
    report[field].as_f64().unwrap_or_else(|| panic!("no {field} in {report}"))
}

#[test]
fn a_training_reports_what_it_cost_and_what_was_revealed() {
    let local = Local::new(&by_columns(60, &["alice", "bob"]));
    let report = local.report(&["--report", "r.json"]);
    let written: Value =
        serde_json::from_slice(&std::fs::read(local.folder.file("r.json")).unwrap()).unwrap();
    assert_eq!(written, report);
    assert_eq!((number(&report, "steps"), number(&report, "test_rows")), (60.0, 114.0));
    assert!(number(&report, "accuracy") > 0.93 && number(&report, "auc") > 0.97, "{report}");
    assert!(number(&report, "final_loss") < 0.3);
    assert!(number(&report, "seconds_per_step") > 0.0 && number(&report, "rounds_per_step") > 5.0);
    assert!(number(&report, "online_bytes_per_step") > 1e4 && number(&report, "peak_rss_bytes") > 1e6);
    assert_eq!(report["losses"].as_array().unwrap().len(), 60);
    let revealed: Vec<&str> = report["reveals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reveal| reveal["value"].as_str().unwrap())
        .collect();
    assert_eq!(revealed, ["loss", "accuracy", "auc"], "and nothing else");
    let text = local.run(&[]).ok();
    assert!(text.trim_end().lines().last().unwrap().starts_with("accuracy: 9"), "{text}");
    assert!(text.contains("revealed to bob: auc") && text.contains("anything else: nothing"), "{text}");
}

/// The model that was revealed is the one whose test rows were counted.
#[test]
fn the_trained_model_and_the_curves_are_files() {
    let config = std::fs::read_to_string(shipped("digits.toml")).unwrap();
    let small = config.replace("epochs = 2", "steps = 70").replace("channels = 20", "channels = 4");
    let small = small.replace("channels = 50", "channels = 8").replace("outputs = 500", "outputs = 32");
    let folder = Folder::new();
    for name in ["digits-alice.npz", "digits-bob.npz", "mnist-test.npz"] {
        std::fs::copy(shipped(name), folder.file(name)).unwrap();
    }
    std::fs::write(folder.file("train.toml"), small).unwrap();
    let train = |more: &[&str]| {
        tacita_in(folder.path(), &[&["train", "train.toml", "--link", "memory", "--json"], more].concat())
    };
    let report = train(&["--save-model", "m.onnx", "--curves", "c.svg"]).json();
    assert!(number(&report, "accuracy") > 0.5, "{report}");
    let said = report["confusion"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    assert_eq!(said.map(|count| count.as_u64().unwrap()).sum::<u64>(), 1000);
    let infer = ["infer", "m.onnx", "--input", "mnist-test.npz:images", "--scale", "255", "--link", "memory"];
    let used = tacita_in(
        folder.path(),
        &[&infer[..], &["--labels", "mnist-test.npz:labels", "--argmax", "--json"]].concat(),
    );
    // of 1,000 labels few are so close that a rounding decides
    assert!((number(&used.json(), "accuracy") - number(&report, "accuracy")).abs() < 0.003);
    let curves = std::fs::read_to_string(folder.file("c.svg")).unwrap();
    assert!(curves.contains("<svg") && curves.contains("loss") && curves.contains("accuracy"));

    train(&["--save-model", "m.safetensors"]).json();
    let read = tacita_data::read_safetensors(&folder.file("m.safetensors")).unwrap();
    assert_eq!(read.tensors["0.weight"].shape(), [4, 1, 5, 5]);
    assert_eq!(read.tensors.len(), 8);
    train(&["--save-model", "m.bin"]).fails_json(2, &["m.bin", ".onnx or .safetensors"]);
    train(&["--curves", "no/c.svg"]).fails_json(3, &["no/c.svg"]);
}

#[test]
fn without_receivers_no_loss_is_shown() {
    let config = by_columns(3, &["alice", "bob"]).replace("loss = [\"alice\", \"bob\"]\n", "");
    let report = Local::new(&config).report(&[]);
    assert_eq!((&report["final_loss"], &report["losses"]), (&Value::Null, &serde_json::json!([])));
}

#[test]
fn rows_of_two_owners_train_one_network() {
    let config = by_columns(80, &["alice", "bob"])
        .replace("split = \"columns\"", "split = \"rows\"")
        .replace("standardise = true\n", "")
        .replace("owner = \"alice\"\n", "owner = \"alice\"\nlabel = \"target\"\n")
        .replacen("[[layer]]\n", "[[layer]]\nkind = \"batch_norm\"\n[[layer]]\n", 1);
    let local = Local::new(&config);
    write(&local.folder.file("alice.csv"), 0..30, 0..200, true);
    write(&local.folder.file("bob.csv"), 0..30, 200..569, true);
    let report = local.report(&[]);
    assert!(number(&report, "accuracy") > 0.93, "{report}");
    assert_eq!(number(&report, "rows") + number(&report, "test_rows"), 569.0);
}

#[test]
fn numbers_are_predicted_too() {
    let config = by_columns(150, &["alice", "bob"])
        .replace("bce_with_logits", "mse")
        .replace("auc = [\"bob\"]\n", "")
        .replace("lr = 0.1", "lr = 0.02");
    let report = Local::new(&config).report(&[]);
    assert_eq!(report["accuracy"], Value::Null);
    // a label of 0 and 1 with a share of 0.63 has a variance of 0.23
    assert!(number(&report, "test_loss") < 0.12, "{report}");
}

#[test]
fn ready_models_bring_network_loss_and_optimiser() {
    let layers = |text: &str| {
        let (before, after) = text.split_once("[optimiser]").unwrap();
        format!("{before}[reveal]{}", after.split_once("[reveal]").unwrap().1)
    };
    let config = layers(&by_columns(150, &["alice", "bob"])).replace("loss = \"bce_with_logits\"\n", "");
    let with = |model: &str| config.replace("[reveal]", &format!("[model]\n{model}\n[reveal]"));
    for model in ["kind = \"logistic_regression\"\nc = 2.0", "kind = \"linear_svm\"\nc = 0.1"] {
        let report = Local::new(&with(model)).report(&[]);
        assert!(number(&report, "accuracy") > 0.94 && number(&report, "auc") > 0.97, "{report}");
    }
    let regression = |model: &str| with(model).replace("auc = [\"bob\"]\n", "");
    for model in ["kind = \"linear_regression\"", "kind = \"ridge\"\nalpha = 2.0"] {
        let report = Local::new(&regression(model)).report(&[]);
        assert!(number(&report, "test_loss") < 0.12, "{report}");
    }
    let several = regression("kind = \"multinomial_regression\"").replace("batch =", "classes = 2\nbatch =");
    assert!(number(&Local::new(&several).report(&[]), "accuracy") > 0.94);
    Local::new(&with("kind = \"ridge\"\nalpha = -1.0").replace("auc = [\"bob\"]\n", ""))
        .run(&[])
        .fails(3, &["`alpha` -1"]);
}

/// A killed process cannot be had in one; so the first part ends early, which a checkpoint cannot tell from it.
#[test]
fn what_is_resumed_ends_as_what_was_not_broken() {
    let whole = Local::new(&by_columns(40, &["alice", "bob"])).report(&[]);
    let local = Local::new(&by_columns(20, &["alice", "bob"]));
    local.report(&["--checkpoints", "saved"]);
    std::fs::write(local.folder.file("train.toml"), by_columns(40, &["alice", "bob"])).unwrap();
    let saved = |local: &Local| {
        let mut names: Vec<String> = (std::fs::read_dir(local.folder.file("saved")).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let files =
        ["00000010", "00000020"].map(|step| ["alice", "bob"].map(|name| format!("{name}-{step}.checkpoint")));
    let mut files = files.concat();
    files.push("local.key".into());
    files.sort();
    assert_eq!(saved(&local), files);
    local.run(&["--checkpoints", "saved"]).fails(3, &["saved", "alice", "--resume"]);
    let resumed = local.report(&["--checkpoints", "saved", "--resume"]);
    assert_eq!((number(&resumed, "resumed_from"), number(&resumed, "steps")), (20.0, 40.0));
    assert_eq!(resumed["losses"].as_array().unwrap().len(), 40, "those of before too");
    // truncation noise alone
    assert!((number(&resumed, "final_loss") - number(&whole, "final_loss")).abs() < 0.005);
    assert!((number(&resumed, "accuracy") - number(&whole, "accuracy")).abs() < 0.01);

    // a file that is damaged, missing at one, of another configuration, of another session
    let path = local.folder.file("saved").join("bob-00000040.checkpoint");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 9]).unwrap();
    local.run(&["--checkpoints", "saved", "--resume"]).fails(3, &["bob-00000040", "cut off"]);
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(local.folder.file("saved").join("bob-00000030.checkpoint")).unwrap();
    local.run(&["--checkpoints", "saved", "--resume"]).fails(3, &["no checkpoint of bob"]);
    std::fs::write(&path, &good).unwrap();
    let other = by_columns(60, &["alice", "bob"]).replace("batch = 64", "batch = 32");
    std::fs::write(local.folder.file("train.toml"), other).unwrap();
    local.run(&["--checkpoints", "saved", "--resume"]).fails(3, &["alice-000000", "another configuration"]);
    local.run(&["--checkpoints", "none", "--resume"]).fails(3, &["none"]);
    local.run(&["--resume"]).fails(2, &["--checkpoints"]);
}

#[test]
fn bad_data_is_named_by_owner_file_row_and_column() {
    let alice = |text: &str, words: &[&str]| {
        let local = Local::new(&by_columns(3, &["alice", "bob"]));
        std::fs::write(local.folder.file("alice.csv"), text).unwrap();
        local.run(&["--report", "r.json"]).fails(3, &[&["alice", "alice.csv"], words].concat());
        assert!(!local.folder.file("r.json").exists());
    };
    alice("a,b\n1,2\n3\n", &["line 3", "\"b\""]);
    alice("a,b\n1,2\n3,x\n", &["line 3", "\"b\"", "\"x\""]);
    alice("", &["empty"]);
    alice("a,b\n", &["no row"]);
    let rows = "1,2\n".repeat(569);
    alice(&format!("a,b\n{rows}"), &["\"a\"", "every row has 1"]);

    let local = Local::new(&by_columns(3, &["alice", "bob"]));
    write(&local.folder.file("alice.csv"), 0..15, 0..568, false);
    local.run(&[]).fails(5, &["alice has 568 rows", "bob 569"]);
    let local = Local::new(&by_columns(3, &["alice", "bob"]));
    let text = std::fs::read_to_string(local.folder.file("bob.csv")).unwrap();
    std::fs::write(
        local.folder.file("bob.csv"),
        text.trim_end().trim_end_matches(['0', '1']).to_owned() + "2\n",
    )
    .unwrap();
    local.run(&[]).fails(3, &["bob", "line 570", "\"target\"", "2 is not a class"]);

    let config = by_columns(3, &["alice", "bob"])
        .replace("split = \"columns\"", "split = \"rows\"")
        .replace("standardise = true\n", "")
        .replace("owner = \"alice\"\n", "owner = \"alice\"\nlabel = \"target\"\n");
    let local = Local::new(&config);
    write(&local.folder.file("alice.csv"), 0..5, 0..100, true);
    write(&local.folder.file("bob.csv"), 1..6, 0..100, true);
    local.run(&[]).fails(5, &["column 1", "\"mean_radius\" at alice", "\"mean_texture\" at bob"]);
}

#[test]
fn bad_configurations_are_named_by_field() {
    let good = by_columns(3, &["alice", "bob"]);
    for (from, to, words) in [
        ("batch = 64", "batch = 0", &["`batch` 0"][..]),
        ("batch = 64", "batch = 6000", &["`batch` 6000", "455 rows"]),
        ("batch = 64", "bach = 64", &["line 4", "bach"]),
        ("version = 1", "version = 3", &["`version` 3"]),
        ("steps = 3", "steps = 3\nepochs = 1.0", &["`epochs` and `steps`"]),
        ("lr = 0.1", "lr = -1.0", &["`lr` -1"]),
        ("outputs = 1", "outputs = 2", &["ends with [2]", "outputs = 1"]),
        ("kind = \"relu\"", "kind = \"max_pool2d\"\nkernel = 2", &["[[layer]] 2", "max_pool2d"]),
        ("kind = \"relu\"", "kind = \"rellu\"", &["rellu"]),
        ("label = \"target\"", "label = \"nothing\"", &["bob.csv", "\"nothing\"", "no such column"]),
        ("label = \"target\"\n", "", &["nobody has labels"]),
        ("[reveal]", "[schedule]\nkind = \"step\"\n[reveal]", &["needs `every`"]),
        ("test_share = 0.2", "test_share = 0.0", &["test_share"]),
        ("file = \"bob.csv\"", "file = \"missing.csv\"", &["bob", "missing.csv"]),
    ] {
        let local = Local::new(&good.replace(from, to));
        let run = local.run(&[]);
        assert!([2, 3].contains(&run.code), "{}", run.err);
        run.fails(run.code, words);
    }
    let local = Local::new(&good);
    local.run(&["--save-model", "m.onnx"]).fails(2, &["[reveal]", "model"]);
}

/// Members on machines of their own, each with its own data alone.
fn machines(parties: &[&str], data_owners: &[&str], owners: &[&str], config: &str) -> Members {
    let members = Members::new(parties, data_owners, settings());
    let all: Vec<&str> = [parties, data_owners].concat();
    for name in &all {
        std::fs::write(members.home(name).join("train.toml"), config).unwrap();
    }
    let each = 30 / owners.len();
    for (at, owner) in owners.iter().enumerate() {
        let columns = at * each..if at + 1 == owners.len() { 30 } else { (at + 1) * each };
        write(&members.home(owner).join(format!("{owner}.csv")), columns, 0..569, at + 1 == owners.len());
    }
    members
}

fn member(members: &Members, name: &str, more: &[&str]) -> Child {
    let allow = "loss,accuracy,auc";
    let arguments =
        ["join", "--train", "train.toml", "--threads", "1", "--allow-reveal", allow, "--report", "r.json"];
    members.start(name, &[&arguments[..], more].concat())
}

fn read(members: &Members, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(members.home(name).join("r.json")).unwrap()).unwrap()
}

#[test]
fn members_on_machines_of_their_own_train_as_one_process_does() {
    let schedule = "[schedule]\nkind = \"step\"\nevery = 10\nfactor = 0.5\nwarm_up = 3\n[reveal]";
    // with a public input that changes from step to step, which the dealer is told
    let config = by_columns(30, &["alice", "bob"]).replace("[reveal]", schedule);
    let expected = Local::new(&config).report(&[]);
    let members = machines(&["alice", "bob"], &[], &["alice", "bob"], &config);
    let started = [members.dealer(), member(&members, "alice", &[]), member(&members, "bob", &[])];
    let said = started.map(|child| done(child).err);
    assert!(said[1].contains("will be revealed to alice, bob: loss"), "{}", said[1]);
    let (alice, bob) = (read(&members, "alice"), read(&members, "bob"));
    for report in [&alice, &bob] {
        assert!((number(report, "final_loss") - number(&expected, "final_loss")).abs() < 0.005);
        assert!((number(report, "accuracy") - number(&expected, "accuracy")).abs() < 0.01);
        assert_eq!(report["rounds_per_step"], expected["rounds_per_step"]);
    }
    assert_eq!((&alice["auc"], bob["auc"].is_null()), (&Value::Null, false), "which is bob's alone");
}

/// Carol computes nothing; the organisation of the dealer, dora, owns columns too. The order is drawn.
#[test]
fn owners_that_compute_nothing_and_three_parties() {
    for (parties, data_owners, owners) in [
        (&["alice", "bob"][..], &["carol"][..], &["carol", "bob"][..]),
        (&["alice", "bob", "carol"], &["dora"], &["alice", "dora", "bob"]),
    ] {
        let config = by_columns(40, owners).replace("order = 7\n", "");
        let members = machines(parties, data_owners, owners, &config);
        let mut started = vec![members.dealer()];
        started.extend([parties, data_owners].concat().iter().map(|name| member(&members, name, &[])));
        started.into_iter().for_each(|child| drop(done(child)));
        let report = read(&members, "bob");
        assert!(number(&report, "accuracy") > 0.9, "{report}");
        assert_eq!(number(&report, "parties"), parties.len() as f64);
        assert_eq!(read(&members, data_owners[0])["losses"], serde_json::json!([]), "it receives none");
    }
}

#[test]
fn a_killed_party_is_named_and_the_training_resumed() {
    let config = by_columns(400, &["alice", "bob"]);
    let members = machines(&["alice", "bob"], &[], &["alice", "bob"], &config);
    let saving = ["--checkpoints", "saved"];
    let dealer = members.dealer();
    let (alice, mut bob) = (member(&members, "alice", &saving), member(&members, "bob", &saving));
    let begun = Instant::now();
    while !members.home("bob").join("saved/bob-00000020.checkpoint").exists() {
        assert!(begun.elapsed() < LIMIT && bob.try_wait().unwrap().is_none(), "bob saves nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    bob.kill().unwrap();
    let killed = Instant::now();
    let run = end(alice, LIMIT);
    assert_eq!(run.code, 6, "{}", run.err);
    assert!(run.err.lines().last().unwrap().contains("bob"), "{}", run.err);
    assert!(end(dealer, LIMIT).err.contains("bob"));
    assert!(killed.elapsed() < Duration::from_secs(10));
    assert!(!members.home("alice").join("r.json").exists());
    drop(end(bob, LIMIT));

    // one alone who does not resume
    let (dealer, alice) =
        (members.dealer(), member(&members, "alice", &["--checkpoints", "saved", "--resume"]));
    let bob = member(&members, "bob", &["--checkpoints", "new"]);
    for child in [alice, bob] {
        let run = end(child, LIMIT);
        assert!(run.code == 5 || run.code == 6, "{}", run.err);
        assert!(run.err.contains("alice resumes") || run.err.contains("alice"), "{}", run.err);
    }
    drop(end(dealer, LIMIT));

    let resume = ["--checkpoints", "saved", "--resume"];
    let started = [members.dealer(), member(&members, "alice", &resume), member(&members, "bob", &resume)];
    started.into_iter().for_each(|child| drop(done(child)));
    let (resumed, whole) = (read(&members, "alice"), Local::new(&config).report(&[]));
    assert!(number(&resumed, "resumed_from") >= 10.0);
    let apart = |field: &str| (number(&resumed, field) - number(&whole, field)).abs();
    assert!(apart("final_loss") < 0.01 && apart("accuracy") < 0.01, "{resumed} and {whole}");
}

#[test]
fn members_that_want_something_else_are_told_what() {
    let config = by_columns(5, &["alice", "bob"]);
    let members = machines(&["alice", "bob"], &[], &["alice", "bob"], &config);
    std::fs::write(members.home("bob").join("train.toml"), config.replace("lr = 0.1", "lr = 0.2")).unwrap();
    let dealer = members.dealer();
    for child in [member(&members, "alice", &[]), member(&members, "bob", &[])].map(|child| end(child, LIMIT))
    {
        assert!(child.code == 5 || child.code == 6, "{}", child.err);
        assert!(child.err.contains("\"lr\": 0.") || child.err.contains("cannot go on"), "{}", child.err);
    }
    drop(end(dealer, LIMIT));

    let carols =
        machines(&["alice", "bob"], &["carol"], &["carol", "bob"], &by_columns(5, &["carol", "bob"]));
    let run = end(member(&carols, "carol", &["--checkpoints", "saved"]), LIMIT);
    assert!(run.code == 2 && run.err.contains("carol computes nothing"), "{}", run.err);

    let members = machines(&["alice", "bob"], &[], &["alice", "bob"], &config);
    let alice = members.start("alice", &["join", "--train", "train.toml", "--allow-reveal", "loss:bob"]);
    let run = end(alice, LIMIT);
    assert_eq!(run.code, 5);
    assert!(run.err.contains("accuracy") && run.err.contains("--allow-reveal accuracy:bob"), "{}", run.err);
}
