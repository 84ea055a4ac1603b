//! What goes wrong between machines, end to end: alice, bob, carol and a dealer are processes of the program with a folder
//! each, and every one of them ends in its time with an exit code and a line that says whose fault it was. `docs/user.md`
//! has the same as a table. Members that are killed at an exact place are in `crates/product/tacita/tests/faults.rs`.
#![cfg(unix)]

mod common;

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use common::{Folder, images, shipped, tacita};
use tacita::{Certificate, Identity, SessionFile, SessionMember, SessionSettings};

const PARTIES: [&str; 3] = ["alice", "bob", "carol"];
const ALL: [&str; 4] = ["dealer", "alice", "bob", "carol"];

/// The longest that anything may take on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);
/// How long members wait for each other to come where one does not.
const CONNECT: Duration = Duration::from_secs(4);
/// The same where all come, also on a slow machine.
const PATIENT: Duration = Duration::from_secs(40);
/// How long nothing may be heard of a member.
const SILENCE: Duration = Duration::from_secs(5);

/// The folders of a session.
struct Site {
    folder: Folder,
    file: SessionFile,
}

impl Site {
    fn new(connect: Duration) -> Site {
        let identity = |name: &str, home: &Path| {
            let identity = Identity::create(name, 2).unwrap();
            identity.write(home).unwrap();
            identity.certificate().clone()
        };
        Site::with(connect, identity)
    }

    /// A session with certificates from elsewhere, whose keys are put into the members' folders.
    fn with(connect_timeout: Duration, identity: impl Fn(&str, &Path) -> Certificate) -> Site {
        let folder = Folder::new();
        let mut members: Vec<SessionMember> = vec![];
        for name in PARTIES.iter().chain(&["dealer"]) {
            let home = folder.file(name);
            std::fs::create_dir(&home).unwrap();
            let certificate = identity(name, &home);
            let address = Some(format!("127.0.0.1:{}", free_port()));
            members.push(SessionMember { name: (*name).to_owned(), address, certificate });
        }
        let settings = SessionSettings {
            timeout: Duration::from_secs(20),
            connect_timeout,
            silence: SILENCE,
            ..Default::default()
        };
        let dealer = members.pop().unwrap();
        let file = SessionFile::new(members, dealer, vec![], settings).unwrap();
        let graph = folder.name("lenet.graph");
        tacita(&["export-graph", &shipped("lenet.onnx"), "-o", &graph]).ok();
        folder.with("x.npy", &images(3, 1.0));
        let site = Site { folder, file };
        for name in ALL {
            site.give(name, &site.file.text);
        }
        site
    }

    /// Puts a session file into a member's folder.
    fn give(&self, name: &str, text: &str) {
        std::fs::write(self.home(name).join("session.toml"), text).unwrap();
    }

    fn home(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    fn address(&self, name: &str) -> &str {
        let member = self.file.members().find(|member| member.name == name).unwrap();
        member.address.as_deref().unwrap()
    }

    /// Starts a member in its folder.
    fn start(&self, name: &'static str) -> Member {
        self.start_by(program(), name)
    }

    /// Starts a member whose arguments are added to this command.
    fn start_by(&self, command: Command, name: &'static str) -> Member {
        self.start_on(&["--input", "../x.npy"], command, name)
    }

    /// The same in a session that takes a second or more.
    fn start_long(&self, command: Command, name: &'static str) -> Member {
        let images = shipped("mnist-200.npz:images");
        self.start_on(&["--input", &images, "--batch", "8"], command, name)
    }

    /// The same with alice's samples.
    fn start_on(&self, input: &[&str], mut command: Command, name: &'static str) -> Member {
        let (graph, model) = ("../lenet.graph", shipped("lenet.onnx"));
        let more = match name {
            "dealer" => vec!["dealer", "--once"],
            "alice" => [&["join", "--graph", graph, "--output", "y.npy"], input].concat(),
            "bob" => vec!["join", "--model", &model],
            _ => vec!["join", "--graph", graph],
        };
        command.args(more).args(["--session", "session.toml", "--as", name, "--threads", "1"]);
        if name != "dealer" {
            command.args(["--report", "r.json"]);
        }
        let child = command
            .current_dir(self.home(name))
            .env_remove("RUST_BACKTRACE")
            .env_remove("TACITA_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        Member::new(name, child)
    }

    fn start_all(&self) -> Vec<Member> {
        ALL.map(|name| self.start(name)).into()
    }

    /// Waits until a member listens. What asks is one more stranger that it refuses.
    fn wait_listening(&self, name: &str) {
        let begun = Instant::now();
        while TcpStream::connect(self.address(name)).is_err() {
            assert!(begun.elapsed() < LIMIT, "{name} does not listen");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What a member has beyond what it was given.
    fn new_files(&self, name: &str) -> Vec<String> {
        let given = ["session.toml".to_owned(), format!("{name}.crt"), format!("{name}.key")];
        let names = std::fs::read_dir(self.home(name)).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !given.contains(name)).collect();
        names.sort();
        names
    }

    /// That these members end with this code and a last line that has all these words, leaving no file.
    #[track_caller]
    fn fail(&self, members: impl IntoIterator<Item = Member>, code: i32, words: &[&str]) {
        for member in members {
            let name = member.name;
            let (found, text) = member.end();
            let line = text.lines().last().unwrap_or_default();
            println!("    {name} {found}: {line}");
            assert_eq!(found, code, "{name}: {text}");
            for word in words {
                assert!(line.contains(word), "{name}: no {word:?} in {line}");
            }
            assert_eq!(self.new_files(name), [""; 0], "{name}");
        }
    }

    /// That all members end well and leave what they should.
    #[track_caller]
    fn succeed(&self, members: impl IntoIterator<Item = Member>) {
        for member in members {
            let name = member.name;
            let (code, text) = member.end();
            assert_eq!(code, 0, "{name}: {text}");
            let files: &[&str] = match name {
                "dealer" => &[],
                "alice" => &["r.json", "y.npy"],
                _ => &["r.json"],
            };
            assert_eq!(self.new_files(name), files, "{name}");
        }
    }
}

fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tacita"))
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
    /// What it says on standard error, by line.
    said: Receiver<String>,
}

impl Member {
    fn new(name: &'static str, mut child: Child) -> Member {
        let (sender, said) = channel();
        let output = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Member { name, child, said }
    }

    /// Waits until it says such a line, and returns it.
    #[track_caller]
    fn wait_for(&self, is_it: impl Fn(&str) -> bool) -> String {
        loop {
            match self.said.recv_timeout(LIMIT) {
                Ok(line) if is_it(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("{} does not say it: {error}", self.name),
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end: the exit code, and what it said that nobody waited for.
    fn end(mut self) -> (i32, String) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begun.elapsed() > LIMIT {
                self.child.kill().unwrap();
                panic!("{} hangs: {}", self.name, self.said.iter().collect::<Vec<_>>().join("\n"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let text = self.said.iter().collect::<Vec<_>>().join("\n");
        assert!(!text.contains("panicked") && !text.contains("internal error"), "{}: {text}", self.name);
        (self.child.wait().unwrap().code().unwrap_or(-1), text)
    }
}

fn take(members: &mut Vec<Member>, name: &str) -> Member {
    let index = members.iter().position(|member| member.name == name).unwrap();
    members.remove(index)
}

/// The time that a fault took from here to the end, as the table in the user's manual states it.
struct Watch(Instant);

impl Watch {
    fn start() -> Watch {
        Watch(Instant::now())
    }

    /// That it took no longer than this and what starting processes takes on a slow machine.
    #[track_caller]
    fn within(self, limit: Duration) {
        let took = self.0.elapsed();
        println!("    after {:.1} s", took.as_secs_f64());
        assert!(took < limit + Duration::from_secs(15), "took {took:?}");
    }
}

/// Plays cases that mostly wait, all at once.
fn at_once<C: Send>(cases: impl IntoIterator<Item = C>, play: impl Fn(C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| play(case));
        }
    });
}

#[test]
fn a_certificate_that_is_not_the_pinned_one_is_refused_by_all() {
    at_once(["alice", "bob"], |name| {
        let site = Site::new(CONNECT);
        // somebody else at the member's place, with a certificate of the member's name and a key of its own
        let other = Folder::new();
        let identity = Identity::create(name, 2).unwrap();
        let (_, key) = identity.write(other.path()).unwrap();
        std::fs::copy(key, site.home(name).join(format!("{name}.key"))).unwrap();
        let real = site.file.members().find(|member| member.name == name).unwrap().certificate.to_pem();
        site.give(name, &site.file.text.replace(&real, &identity.certificate().to_pem()));
        let watch = Watch::start();
        let mut members = site.start_all();
        let (impostor, dealer) = (take(&mut members, name), take(&mut members, "dealer"));
        // the impostor may be gone, refused by the dealer, before another member dials it
        site.fail(members, 6, &[name]);
        let refused = "came and was refused: it showed another certificate than the session's";
        site.fail([dealer], 6, &[&format!("waiting for {name} took longer than 4.0s"), refused]);
        site.fail([impostor], 6, &["no secure connection with", "it refused this member's certificate"]);
        watch.within(CONNECT);
    });
}

#[test]
fn a_key_of_another_certificate_is_refused_where_it_lies_and_the_others_say_who_did_not_come() {
    let site = Site::new(CONNECT);
    let other = Folder::new();
    let (_, key) = Identity::create("bob", 2).unwrap().write(other.path()).unwrap();
    std::fs::copy(key, site.home("bob").join("bob.key")).unwrap();
    let watch = Watch::start();
    let mut members = site.start_all();
    let bob = take(&mut members, "bob");
    site.fail([bob], 3, &["bob.key", "another certificate"]);
    site.fail(members, 6, &["waiting for bob"]);
    watch.within(CONNECT);
}

/// A ClientHello of TLS 1.2 and a ServerHello, as `crates/protocol/net/src/hostile.rs` takes them apart.
const CLIENT_HELLO_1_2: &[u8] = &[
    22, 3, 1, 0, 90, 1, 0, 0, 86, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 4, 192, 43, 192, 47, 1, 0, 0, 41, 0, 10, 0, 6, 0, 4, 0, 29, 0, 23, 0,
    11, 0, 2, 1, 0, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4, 0, 16, 0, 11, 0, 9, 8, 116, 97, 99, 105, 116, 97, 47, 49,
];
const SERVER_HELLO_1_2: &[u8] = &[
    22, 3, 3, 0, 44, 2, 0, 0, 40, 3, 3, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 192, 43, 0, 0, 0,
];
/// The alert `protocol_version`.
const WRONG_VERSION: [u8; 4] = [0, 2, 2, 70];

fn rest(mut socket: TcpStream) -> Vec<u8> {
    let mut bytes = vec![];
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    // closed with unread bytes is a reset
    let _ = socket.read_to_end(&mut bytes);
    bytes
}

#[test]
fn plain_tcp_and_tls_1_2_are_refused_and_the_session_goes_on() {
    let site = Site::new(PATIENT);
    let logging = || {
        let mut command = program();
        command.args(["--log", "info"]);
        command
    };
    let mut waiting = Vec::from(["dealer", "alice"].map(|name| site.start_by(logging(), name)));
    let mut silent = vec![];
    for name in ["dealer", "alice"] {
        site.wait_listening(name);
        let connect = || TcpStream::connect(site.address(name)).unwrap();
        silent.push(connect());
        let mut plain = connect();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(rest(plain).len() <= 7, "at most an alert");
        let mut old = connect();
        old.write_all(CLIENT_HELLO_1_2).unwrap();
        assert!(rest(old).ends_with(&WRONG_VERSION), "{name} speaks TLS 1.2");
    }
    for member in &waiting {
        let refused = |line: &str| line.contains("refused a connection") && line.contains("127.0.0.1");
        member.wait_for(|line| refused(line) && line.contains("does not speak TLS 1.3"));
    }
    waiting.extend([site.start("bob"), site.start("carol")]);
    site.succeed(waiting);
}

#[test]
fn a_member_that_speaks_tls_1_2_is_named_by_all() {
    let site = Site::new(CONNECT);
    let listener = TcpListener::bind(site.address("alice")).unwrap();
    std::thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            assert!(socket.read(&mut [0; 4096]).unwrap() > 0);
            socket.write_all(SERVER_HELLO_1_2).unwrap();
            assert!(rest(socket).ends_with(&WRONG_VERSION));
        }
    });
    let watch = Watch::start();
    let [dealer, bob, carol] = ["dealer", "bob", "carol"].map(|name| site.start(name));
    site.fail([bob, carol], 6, &["no secure connection with alice at 127.0.0.1", "does not speak TLS 1.3"]);
    site.fail([dealer], 6, &["waiting for alice"]);
    watch.within(CONNECT);
}

#[test]
fn an_expired_certificate_is_named_by_all_at_once() {
    let site = Site::with(PATIENT, |name, home| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        if name == "carol" {
            parameters.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let path = home.join(format!("{name}.key"));
        let base64 = Base64::encode_string(&key.serialize_der());
        let text = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        Certificate::from_der(parameters.self_signed(&key).unwrap().der()).unwrap()
    });
    let watch = Watch::start();
    site.fail(site.start_all(), 6, &["carol", "certificate expired on", "make a new one"]);
    watch.within(Duration::ZERO);
}

#[test]
fn a_session_file_that_differs_in_one_byte_is_a_disagreement_named_by_its_line() {
    let cases = [
        ("Every member needs", "every member needs", ["line 1", "Every", "every"]),
        ("precision_bits = 16", "precision_bits = 18", ["line 7", "= 16", "= 18"]),
        ("silence_seconds = 5\n", "silence_seconds = 5 \n", ["line 13", "= 5`", "= 5 `"]),
    ];
    at_once(cases, |(from, to, words)| {
        let site = Site::new(CONNECT);
        assert!(site.file.text.contains(from));
        site.give("bob", &site.file.text.replace(from, to));
        let watch = Watch::start();
        let [dealer, alice] = ["dealer", "alice"].map(|name| site.start(name));
        site.wait_listening("dealer");
        site.wait_listening("alice");
        let carol = site.start("carol");
        let bob = site.start("bob");
        site.fail([bob, alice, dealer], 5, &[&["session files differ in"][..], &words].concat());
        // who asked bob himself says 5, who only hears of it 6
        let (code, text) = carol.end();
        println!("    carol {code}: {text}");
        assert!(matches!(code, 5 | 6), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
        assert_eq!(site.new_files("carol"), [""; 0]);
        watch.within(CONNECT);
    });
}

#[test]
fn a_member_that_never_comes_is_named_by_all() {
    at_once(["carol", "alice", "dealer"], |absent| {
        let site = Site::new(CONNECT);
        let watch = Watch::start();
        for member in
            ALL.into_iter().filter(|name| *name != absent).map(|name| site.start(name)).collect::<Vec<_>>()
        {
            // the dealer is dialled by all and dials nobody; of two others the later dials the earlier
            let dials = absent == "dealer" || (absent == "alice" && member.name != "dealer");
            let why = if dials { "Connection refused" } else { "" };
            site.fail([member], 6, &[&format!("waiting for {absent} took longer than 4.0s"), why]);
        }
        watch.within(CONNECT);
    });
}

#[test]
fn a_member_killed_while_others_are_still_to_come_is_named_by_all() {
    let site = Site::new(CONNECT);
    let watch = Watch::start();
    let mut members = vec![site.start("dealer"), site.start("alice")];
    let mut carol = site.start("carol");
    carol.wait_for(|line| line.contains("nothing else is revealed"));
    // wherever it is by then: connected with those who are there, or not
    std::thread::sleep(Duration::from_millis(200));
    carol.child.kill().unwrap();
    members.push(site.start("bob"));
    site.fail(members, 6, &["carol"]);
    watch.within(CONNECT);
}

#[test]
fn a_port_in_use_is_named_and_so_is_by_the_others_whose_it_was() {
    at_once(["alice", "dealer"], |name| {
        let site = Site::new(CONNECT);
        let _taken = TcpListener::bind(site.address(name)).unwrap();
        let watch = Watch::start();
        let mut members = site.start_all();
        let unlucky = take(&mut members, name);
        site.fail([unlucky], 6, &[site.address(name), "in use", "--listen"]);
        site.fail(members, 6, &["waiting for", name]);
        watch.within(CONNECT);
    });
}

/// The program with all its writes to files failing after the first few bytes, as on a disk that is full.
fn on_a_full_disk() -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_tacita")]);
    command
}

#[test]
fn a_full_disk_is_named_by_its_file_and_nobody_takes_the_session_for_a_success() {
    for (name, file) in [("alice", "y.npy"), ("carol", "r.json")] {
        let site = Site::new(PATIENT);
        let watch = Watch::start();
        let mut members: Vec<Member> =
            ALL.into_iter().filter(|other| *other != name).map(|name| site.start(name)).collect();
        let full = site.start_by(on_a_full_disk(), name);
        site.fail([full], 3, &[&format!("cannot write {file}: File too large (os error 27)")]);
        let dealer = take(&mut members, "dealer");
        site.fail(members, 6, &[name, "cannot write what it received"]);
        site.fail([dealer], 6, &[name, "cannot write what it received"]);
        watch.within(Duration::ZERO);
    }
}

/// Debian's package faketime, whose library tells a process another time.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The program by a wall clock that is as far from the real one as this file says at any time; what cannot jump is
/// left alone.
fn by_the_clock(clock: &Path) -> Command {
    let mut command = program();
    // with times on its log
    command.args(["--log", "debug"]).env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", clock).envs(
        [("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("DONT_FAKE_MONOTONIC", "1")],
    );
    command
}

#[test]
#[ignore = "needs Debian's package faketime, which .ci/run installs"]
fn a_clock_that_jumps_by_a_year_changes_nothing() {
    assert!(Path::new(FAKETIME).exists(), "{FAKETIME} is not there: apt-get install faketime");
    let clock = |site: &Site, name: &str, jump: &str| {
        let path = site.home(name).with_extension("clock");
        std::fs::write(&path, jump).unwrap();
        path
    };
    let site = Site::new(PATIENT);
    let mut members: Vec<Member> =
        ALL.into_iter().map(|name| site.start_long(by_the_clock(&clock(&site, name, "+0")), name)).collect();
    let alice = take(&mut members, "alice");
    let round = |line: &str| line.contains("a round");
    let year = alice.wait_for(round)[..4].to_owned();
    for (name, jump) in [("dealer", "+400d"), ("alice", "-400d"), ("bob", "+400d")] {
        clock(&site, name, jump);
    }
    alice.wait_for(|line| round(line) && !line.starts_with(&year));
    members.push(alice);
    site.succeed(members);
}

/// Starts all members of a session that takes a while, and stops carol in the middle of it.
fn with_carol_stopped(site: &Site) -> (Vec<Member>, Member) {
    let logging = || {
        let mut command = program();
        command.args(["--log", "debug"]);
        command
    };
    let mut members: Vec<Member> = ALL.map(|name| site.start_long(logging(), name)).into();
    let carol = take(&mut members, "carol");
    // that the dealer has all members does not say that they have each other; a round does
    members[1].wait_for(|line| line.contains("a round"));
    carol.signal("-STOP");
    (members, carol)
}

#[test]
fn a_member_that_is_stopped_for_less_than_the_limit_goes_on() {
    let site = Site::new(PATIENT);
    let (mut members, carol) = with_carol_stopped(&site);
    std::thread::sleep(SILENCE / 3);
    carol.signal("-CONT");
    members.push(carol);
    site.succeed(members);
}

#[test]
fn a_member_that_is_stopped_for_longer_than_the_limit_is_named_by_all() {
    let site = Site::new(PATIENT);
    let (members, carol) = with_carol_stopped(&site);
    let watch = Watch::start();
    site.fail(members, 6, &["carol was silent for"]);
    watch.within(SILENCE);
    carol.signal("-CONT");
    site.fail([carol], 6, &["carol was silent for"]);
}
