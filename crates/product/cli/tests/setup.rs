//! Keys, certificates, session files.

mod common;

use common::{Folder, Run, tacita, tacita_in};
use serde_json::Value;

/// Keys and certificates of these members in the folder.
fn identities(folder: &Folder, names: &[&str]) {
    for name in names {
        tacita_in(folder.path(), &["identity", name]).ok();
    }
}

/// A session of alice, bob and a dealer.
const PARTIES: [&str; 8] = [
    "session",
    "new",
    "--party",
    "alice=alice.crt@alice.example:7400",
    "--party",
    "bob=bob.crt",
    "--dealer",
    "dealer=dealer.crt@dealer.example:7401",
];

fn session(folder: &Folder, more: &[&str]) -> Run {
    tacita_in(folder.path(), &[&PARTIES[..], &["-o", "session.toml"], more].concat())
}

fn read(folder: &Folder, name: &str) -> Vec<u8> {
    std::fs::read(folder.file(name)).unwrap()
}

#[test]
fn an_identity_is_two_files() {
    let folder = Folder::new();
    let made = tacita_in(folder.path(), &["identity", "alice", "--json"]).json();
    assert_eq!(folder.names(), ["alice.crt", "alice.key"]);
    let (key, certificate) = (read(&folder, "alice.key"), read(&folder, "alice.crt"));
    assert!(
        key.starts_with(b"-----BEGIN PRIVATE KEY-----")
            && certificate.starts_with(b"-----BEGIN CERTIFICATE-----")
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.file("alice.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // what is printed is about the certificate, and has nothing of the key
    let printed = made.to_string();
    let secret = String::from_utf8(key.clone()).unwrap();
    assert!(secret.lines().filter(|line| !line.starts_with('-')).all(|line| !printed.contains(line)));
    let spoken = made["fingerprint"].as_str().unwrap().replace(' ', "");
    assert!(spoken.len() == 20 && made["sha256"].as_str().unwrap().starts_with(&spoken), "{made}");

    // nothing is overwritten, not even one of the two
    tacita_in(folder.path(), &["identity", "alice"]).fails(3, &["alice."]);
    assert_eq!((read(&folder, "alice.key"), read(&folder, "alice.crt")), (key, certificate));
    std::fs::remove_file(folder.file("alice.crt")).unwrap();
    tacita_in(folder.path(), &["identity", "alice"]).fails(3, &["alice.key"]);
    assert_eq!(folder.names(), ["alice.key"]);
}

#[test]
fn identities_elsewhere_and_for_a_while() {
    let folder = Folder::new();
    let out = folder.path().to_str().unwrap();
    let expires = |name: &str, days: &str| {
        let made = tacita(&["identity", name, "--out", out, "--days", days, "--json"]).json();
        made["expires"].as_str().unwrap().to_owned()
    };
    assert!(expires("short", "10") < expires("long", "4000"));
    assert_ne!(read(&folder, "short.key"), read(&folder, "long.key"));
    let text = tacita(&["identity", "text", "--out", out]).ok();
    for word in ["text.key", "stays here", "text.crt", "fingerprint"] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
    for name in ["", "Alice", "a b", "../alice", "a.b", "äther", &"a".repeat(33)] {
        let run = tacita(&["identity", name, "--out", out]);
        assert!([2, 3].contains(&run.code) && run.out.is_empty(), "{name:?}: {}", run.err);
    }
    tacita(&["identity", "bob", "--out", out, "--days", "0"]).fails(2, &["0"]);
    tacita(&["identity", "bob", "--out", &folder.name("nowhere")]).fails(3, &["nowhere"]);
    assert_eq!(folder.names().len(), 6);
}

#[test]
fn a_session_file_says_who_takes_part() {
    let folder = Folder::new();
    identities(&folder, &["alice", "bob", "dealer"]);
    let made: Value = session(&folder, &["--json", "--precision", "18", "--timeout", "300"]).json();
    let shown = tacita(&["session", "show", &folder.name("session.toml"), "--json"]).json();
    assert_eq!(made, shown);
    let members: Vec<String> = shown["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| format!("{} {} {}", m["name"].as_str().unwrap(), m["role"].as_str().unwrap(), m["address"]))
        .collect();
    let addresses = ["\"alice.example:7400\"", "null", "\"dealer.example:7401\""];
    let roles = ["alice party", "bob party", "dealer dealer"];
    let want: Vec<String> =
        roles.iter().zip(addresses).map(|(role, address)| format!("{role} {address}")).collect();
    assert_eq!(members, want);
    assert_eq!((&shown["precision_bits"], &shown["timeout_seconds"]), (&18.into(), &300.0.into()));
    assert!(shown["notes"].as_array().unwrap().is_empty(), "{shown}");
    // the file is public: certificates are in it, keys are not
    let text = String::from_utf8(read(&folder, "session.toml")).unwrap();
    assert!(text.contains("CERTIFICATE") || text.contains("certificate"));
    assert!(!text.contains("PRIVATE"));

    let text = tacita(&["session", "show", &folder.name("session.toml")]).ok();
    for field in [&shown["fingerprint"], &shown["hash"], &shown["members"][1]["certificate"]["fingerprint"]] {
        assert!(text.contains(field.as_str().unwrap()), "{text}");
    }
    // and each certificate's is what its owner was told
    let carol = tacita_in(folder.path(), &["identity", "carol", "--json"]).json();
    let owned = session(&folder, &["--json", "--owner", "carol=carol.crt"]);
    owned.fails_json(2, &["bob has no address", "carol"]);
    let text = tacita_in(
        folder.path(),
        &[
            &PARTIES[..5],
            &["bob=bob.crt@b:1"],
            &PARTIES[6..],
            &["--owner", "carol=carol.crt", "-o", "s2", "--json"],
        ]
        .concat(),
    )
    .json();
    assert_eq!(text["members"][3]["certificate"]["sha256"], carol["sha256"]);
    assert_eq!(
        (&text["members"][3]["role"], &text["members"][3]["address"]),
        (&"owner".into(), &Value::Null)
    );
    // two sessions of the same members are two sessions
    let again = tacita_in(folder.path(), &[&PARTIES[..], &["-o", "s3", "--json"]].concat()).json();
    let other = tacita_in(folder.path(), &[&PARTIES[..], &["-o", "s4", "--json"]].concat()).json();
    assert_ne!(again["hash"], other["hash"]);
}

#[test]
fn sessions_that_make_no_sense() {
    let folder = Folder::new();
    identities(&folder, &["alice", "bob", "dealer"]);
    let before = folder.names();
    let new = |members: &str| {
        let words: Vec<&str> =
            ["session", "new", "-o", "s.toml"].into_iter().chain(members.split(' ')).collect();
        tacita_in(folder.path(), &words)
    };
    let (alice, bob, dealer) =
        ("--party alice=alice.crt@a:1", "--party bob=bob.crt@b:2", "--dealer d=dealer.crt@d:3");
    new(&format!("--party alice=alice.crt {bob} {dealer}"))
        .fails(2, &["alice", "bob", "alice=alice.crt@HOST:PORT"]);
    let owner = "--owner c=bob.crt";
    new(&format!("{alice} --party bob=bob.crt {dealer} {owner}")).fails(2, &["bob has no address", "c"]);
    new(&format!("{alice} {dealer}")).fails(3, &["2"]);
    new(&format!("{alice} {bob}")).fails(2, &["--dealer"]);
    new(&format!("{alice} --party alice=bob.crt@b:2 {dealer}")).fails(3, &["alice"]);
    new(&format!("{alice} --party bob=alice.crt@b:2 {dealer}")).fails(3, &["certificate"]);
    new(&format!("{alice} --party Bob=bob.crt@b:2 {dealer}")).fails(3, &["Bob"]);
    new(&format!("{alice} --party bob=nowhere.crt@b:2 {dealer}")).fails(3, &["nowhere.crt"]);
    new(&format!("{alice} --party bob=bob.crt@b {dealer}")).fails(3, &["bob.crt@b", "HOST:PORT"]);
    new(&format!("{alice} --party bob=bob.crt@b:99999 {dealer}")).fails(3, &["b:99999"]);
    new(&format!("{alice} --party bob.crt@b:2 {dealer}")).fails(2, &["NAME=CERTIFICATE@HOST:PORT"]);
    new(&format!("{alice} --party bob=bob.key@b:2 {dealer}")).fails(3, &["bob.key", "certificate"]);
    new(&format!("{alice} {bob} {dealer} --timeout 0")).fails(3, &["timeout_seconds", "0"]);
    new(&format!("{alice} {bob} {dealer} --precision 30")).fails(2, &["30"]);
    assert_eq!(folder.names(), before);
    // nobody needs to reach a dealer that only deals ahead
    let ahead = new(&format!("{alice} {bob} --dealer d=dealer.crt --json")).json();
    assert!(ahead["notes"][0].as_str().unwrap().contains("--ahead"), "{ahead}");
}

#[test]
fn session_files_that_are_none() {
    let folder = Folder::new();
    identities(&folder, &["alice", "bob", "dealer"]);
    session(&folder, &[]).ok();
    let text = String::from_utf8(read(&folder, "session.toml")).unwrap();
    let show = |name: &str, text: &str, words: &[&str]| {
        let path = folder.with(name, text.as_bytes());
        tacita(&["session", "show", &path]).fails(3, &[&[path.as_str()], words].concat());
    };
    show("empty", "", &[]);
    show("text", "no session at all", &[]);
    show("unknown", &format!("colour = \"red\"\n{text}"), &["colour"]);
    show("cut", &text[..text.len() / 2], &[]);
    show("large", &format!("{text}#{}", "x".repeat(1 << 16)), &[]);
    tacita(&["session", "show", &folder.name("nowhere")]).fails(3, &["nowhere"]);
    // any change is another session, also one that a parser does not see
    let hash = |name: &str| tacita(&["session", "show", &folder.name(name), "--json"]).json()["hash"].clone();
    folder.with("commented", format!("{text}# harmless\n").as_bytes());
    assert_ne!(hash("commented"), hash("session.toml"));
}

#[test]
fn all_in_one_folder_must_be_asked_for() {
    let folder = Folder::new();
    let run = |more: &[&str]| tacita_in(folder.path(), &[&["init", "try"][..], more].concat());
    run(&[]).fails(2, &["--insecure-all-keys-here", "tacita identity", "tacita session new"]);
    assert!(folder.names().is_empty());

    let made = run(&["--insecure-all-keys-here", "--json"]).json();
    assert_eq!(folder.names(), ["try"]);
    let mut names: Vec<String> = std::fs::read_dir(folder.file("try"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let all = ["alice.crt", "alice.key", "bob.crt", "bob.key", "dealer.crt", "dealer.key", "session.toml"];
    assert_eq!(names, all);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(folder.file("try")).unwrap().permissions().mode() & 0o777, 0o700);
    }
    let shown = tacita(&["session", "show", &folder.name("try/session.toml"), "--json"]).json();
    for (made, shown) in made["members"].as_array().unwrap().iter().zip(shown["members"].as_array().unwrap())
    {
        assert_eq!((&made["name"], &made["address"]), (&shown["name"], &shown["address"]));
    }
    assert_eq!(made["commands"].as_array().unwrap().len(), 3);

    // nothing is overwritten
    let key = read(&folder, "try/alice.key");
    run(&["--insecure-all-keys-here"]).fails(3, &["try", "not empty"]);
    assert!(read(&folder, "try/alice.key") == key && folder.names() == ["try"]);
}

#[test]
fn all_in_one_folder_with_owners() {
    let folder = Folder::new();
    let options =
        ["--insecure-all-keys-here", "--parties", "p1,p2,p3", "--owners", "clinic,lab", "--precision", "12"];
    std::fs::create_dir(folder.file("my try")).unwrap(); // empty, so it can be used
    let text = tacita_in(folder.path(), &[&["init", "my try"][..], &options].concat()).ok();
    let shown = tacita(&["session", "show", &folder.name("my try/session.toml"), "--json"]).json();
    assert_eq!(shown["precision_bits"], 12);
    let field = |name: &str| -> Vec<String> {
        let members = shown["members"].as_array().unwrap();
        members.iter().map(|member| member[name].as_str().unwrap_or("none").to_owned()).collect()
    };
    assert_eq!(field("name"), ["p1", "p2", "p3", "dealer", "clinic", "lab"]);
    let addresses = field("address");
    let mut ports: Vec<u16> = addresses
        .iter()
        .filter_map(|a| a.strip_prefix("127.0.0.1:"))
        .map(|port| port.parse().unwrap())
        .collect();
    assert_eq!((ports.len(), addresses[5].as_str()), (5, "none"));
    ports.dedup();
    assert!(ports.len() == 5 && ports.iter().all(|port| *port >= 7400), "{ports:?}");
    for word in ["insecure", "--as clinic", "--as lab", "--as p3", "'my try/session.toml'", "logits:clinic"] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }

    let other = |options: &[&str], words: &[&str], code: i32| {
        let run =
            tacita_in(folder.path(), &[&["init", "other", "--insecure-all-keys-here"][..], options].concat());
        run.fails(code, words);
        assert_eq!(folder.names(), ["my try"]);
    };
    other(&["--parties", "a,b,a"], &["a is given twice"], 2);
    other(&["--parties", "a,dealer"], &["dealer"], 2);
    other(&["--parties", "a"], &["2"], 3);
    other(&["--parties", "a,B"], &["B"], 2);
    other(&["--host", "192.0.2.1"], &["192.0.2.1", "--host"], 6);
    tacita_in(folder.path(), &["init", "no/where", "--insecure-all-keys-here"]).fails(3, &["no/where"]);
}
