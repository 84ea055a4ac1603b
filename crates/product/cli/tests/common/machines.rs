//! Members that are processes of their own, with folders of their own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tacita::{Identity, SessionFile, SessionMember, SessionSettings};

use super::{Folder, Run};

/// A session on this machine, a folder for each member with its key and the session file.
pub struct Members {
    pub folder: Folder,
}

pub fn settings() -> SessionSettings {
    let seconds = Duration::from_secs;
    SessionSettings {
        timeout: seconds(20),
        connect_timeout: seconds(15),
        silence: seconds(3),
        ..Default::default()
    }
}

impl Members {
    /// These parties, a dealer, and these owners.
    pub fn new(parties: &[&str], owners: &[&str], settings: SessionSettings) -> Members {
        let folder = Folder::new();
        let mut members: Vec<SessionMember> = vec![];
        let all: Vec<&str> = [parties, &["dealer"], owners].concat();
        for name in &all {
            let home = folder.file(name);
            std::fs::create_dir(&home).unwrap();
            let identity = Identity::create(name, 2).unwrap();
            identity.write(&home).unwrap();
            // held until all are found, so that no two are the same
            let probe = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = Some(probe.local_addr().unwrap().to_string());
            let certificate = identity.certificate().clone();
            members.push(SessionMember { name: (*name).to_owned(), address, certificate });
        }
        let owners = members.split_off(parties.len() + 1);
        let dealer = members.pop().unwrap();
        let file = SessionFile::new(members, dealer, owners, settings).unwrap();
        for name in &all {
            std::fs::write(folder.file(name).join("session.toml"), &file.text).unwrap();
        }
        Members { folder }
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }

    /// Starts a member on its machine.
    pub fn start(&self, name: &str, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_tacita"))
            .args(arguments)
            .args(["--session", "session.toml", "--as", name])
            .current_dir(self.home(name))
            .env_remove("RUST_BACKTRACE")
            .env("TACITA_LOG", "tacita_net=debug,warn") // says when a member has all others
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    pub fn dealer(&self) -> Child {
        self.start("dealer", &["dealer", "--once"])
    }
}

/// Waits for a member to end, which it must in this time.
#[track_caller]
pub fn end(mut child: Child, limit: Duration) -> Run {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > limit {
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            panic!("it hangs: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

pub const LIMIT: Duration = Duration::from_secs(60);

#[track_caller]
pub fn done(child: Child) -> Run {
    let run = end(child, LIMIT);
    assert_eq!(run.code, 0, "{}", run.err);
    run
}

/// Reads what a member says until a line has this in it; returns that line.
pub fn until(child: &mut Child, word: &str) -> String {
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "it ended and did not say {word}");
    }
    child.stderr = Some(said.into_inner());
    line
}
