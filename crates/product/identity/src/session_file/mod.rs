//! The session file: who takes part, where, under which certificate, and what all must have the same.
//!
//! It has no secrets, and is the same, byte for byte, at every member: members compare it when they connect.

mod member;
mod read;
mod write;

use std::path::Path;
use std::time::Duration;

use tacita_net::{MemberId, Peer, Roster};

use crate::certificate::{self, Certificate};
use crate::error::IdentityError;
use crate::file_error::FileError;
use crate::identity::Identity;

use member::check_address;
pub use member::check_name;
pub use read::PRECISIONS;
use read::parse;
use write::write;

/// The version of the format that is written and read.
const VERSION: u32 = 1;
/// The longest file: links carry it whole.
const MAX_BYTES: usize = 1 << 16;

/// A member of a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionMember {
    /// Its name: 1 to 32 lower-case letters, digits, - and _.
    pub name: String,
    /// `host:port` where it listens; none if nobody dials it.
    pub address: Option<String>,
    /// Its certificate.
    pub certificate: Certificate,
}

/// What all members have the same.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SessionSettings {
    /// Fractional bits of fixed-point values, 4 to 24.
    pub precision_bits: u32,
    /// The longest wait for a peer in one step.
    pub timeout: Duration,
    /// The longest wait for all members to come.
    pub connect_timeout: Duration,
    /// The longest that nothing may be heard of a peer.
    pub silence: Duration,
}

impl Default for SessionSettings {
    fn default() -> SessionSettings {
        let seconds = Duration::from_secs;
        SessionSettings {
            precision_bits: 16,
            timeout: seconds(120),
            connect_timeout: seconds(60),
            silence: seconds(10),
        }
    }
}

/// A session file, read. Members are numbered in this order: parties, dealer, owners.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionFile {
    /// The file, byte for byte.
    pub text: String,
    /// BLAKE3 of the text: a part of each session's id, and for people to compare.
    pub hash: [u8; 32],
    /// Fractional bits of fixed-point values.
    pub precision_bits: u32,
    /// The longest wait for a peer in one step.
    pub timeout: Duration,
    /// The longest wait for all members to come.
    pub connect_timeout: Duration,
    /// The longest that nothing may be heard of a peer.
    pub silence: Duration,
    /// Those who compute, in order.
    pub parties: Vec<SessionMember>,
    /// The dealer.
    pub dealer: SessionMember,
    /// Those who own inputs or receive results and do not compute.
    pub owners: Vec<SessionMember>,
}

impl SessionFile {
    /// Reads a session file.
    ///
    /// # Errors
    /// [`FileError`] naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<SessionFile, FileError> {
        let bytes = certificate::read(path, MAX_BYTES)?;
        parse(&bytes).map_err(|error| error.of(path))
    }

    /// Reads the bytes of a session file, whatever they are.
    ///
    /// # Errors
    /// [`FileError`] naming the line or field.
    pub fn parse(bytes: &[u8]) -> Result<SessionFile, FileError> {
        parse(bytes)
    }

    /// Makes a file that differs from every other, also from one of the same members.
    ///
    /// # Errors
    /// [`FileError`] if members or settings cannot be, [`IdentityError::Internal`] if there is no randomness.
    pub fn new(
        parties: Vec<SessionMember>,
        dealer: SessionMember,
        owners: Vec<SessionMember>,
        settings: SessionSettings,
    ) -> Result<SessionFile, IdentityError> {
        let mut id = [0; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| IdentityError::Internal("no randomness".into()))?;
        let all = parties.iter().chain([&dealer]).chain(&owners);
        for SessionMember { name, address, .. } in all {
            check_name(name)?;
            address.as_deref().map_or(Ok(()), check_address)?;
        }
        let text = write(&id, &parties, &dealer, &owners, &settings);
        // what is written is what can be read, by the same rules
        let refused = |error| match error {
            // the lines are of a text that nobody has
            FileError::Invalid { reason, .. } => FileError::invalid(reason),
            other => other,
        };
        Ok(parse(text.as_bytes()).map_err(refused)?)
    }

    /// All members: parties, the dealer, owners.
    pub fn members(&self) -> impl Iterator<Item = &SessionMember> {
        self.parties.iter().chain([&self.dealer]).chain(&self.owners)
    }

    /// All members' names in order, for messages.
    pub fn names(&self) -> String {
        self.members().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// A member's identity: its certificate as this file has it, its key from a file.
    ///
    /// # Errors
    /// [`IdentityError::UnknownMember`] if there is no such member, [`FileError`] if the key cannot be used.
    pub fn identity(&self, name: &str, key: &Path) -> Result<Identity, IdentityError> {
        let unknown = || IdentityError::UnknownMember { name: name.to_owned(), members: self.names() };
        let member = self.members().find(|member| member.name == name).ok_or_else(unknown)?;
        Ok(Identity::with_key(member.certificate.clone(), key)?)
    }

    /// The members as links take them, with a dealer among them.
    pub fn roster(&self) -> Roster {
        let peer = |member: &SessionMember| Peer {
            name: member.name.clone(),
            address: member.address.clone(),
            certificate: member.certificate.der().to_vec(),
        };
        Roster {
            members: self.members().map(peer).collect(),
            dealer: MemberId(self.parties.len() as u16),
            absent: None,
            terms: self.text.clone().into_bytes(),
            mode: "a dealer".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, address: Option<&str>) -> SessionMember {
        let certificate = Identity::create(name, 30).unwrap().certificate().clone();
        SessionMember { name: name.to_owned(), address: address.map(str::to_owned), certificate }
    }

    fn made(owners: &[&str]) -> SessionFile {
        let parties = vec![member("alice", Some("a.example:7400")), member("bob", Some("192.0.2.1:7400"))];
        let owners = owners.iter().map(|name| member(name, Some("[2001:db8::1]:1"))).collect();
        SessionFile::new(parties, member("dealer", Some("d:7401")), owners, SessionSettings::default())
            .unwrap()
    }

    fn refusal(text: &str) -> String {
        let error = SessionFile::parse(text.as_bytes()).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    }

    #[test]
    fn a_file_comes_back() {
        for owners in [&[][..], &["carol"], &["carol", "dave"]] {
            let file = made(owners);
            assert_eq!(SessionFile::parse(file.text.as_bytes()).unwrap(), file);
            assert_eq!(file.names(), [&["alice", "bob", "dealer"], owners].concat().join(", "));
            assert_eq!(file.owners.len(), owners.len());
            let roster = file.roster();
            assert_eq!((roster.dealer, roster.members.len()), (MemberId(2), 3 + owners.len()));
            assert_eq!(roster.terms, file.text.as_bytes());
        }
        let settings = SessionSettings {
            precision_bits: 20,
            timeout: Duration::from_millis(1500),
            connect_timeout: Duration::from_secs(604_800),
            silence: Duration::from_millis(100),
        };
        let parties = vec![member("p", Some("p:1")), member("q", None)];
        let file = SessionFile::new(parties.clone(), member("d", None), vec![], settings).unwrap();
        assert_eq!((file.precision_bits, file.timeout), (20, settings.timeout));
        assert_eq!((file.connect_timeout, file.silence), (settings.connect_timeout, settings.silence));
        assert_eq!(file.parties, parties);
    }

    #[test]
    fn every_file_is_another_session() {
        let parties = || vec![member("p", Some("p:1")), member("q", None)];
        let (parties, dealer) = (parties(), member("d", Some("d:1")));
        let new =
            || SessionFile::new(parties.clone(), dealer.clone(), vec![], SessionSettings::default()).unwrap();
        let (one, two) = (new(), new());
        assert_ne!(one.hash, two.hash);
        let spaced = SessionFile::parse(format!("{}\n", one.text).as_bytes()).unwrap();
        assert_ne!(one.hash, spaced.hash);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let text = made(&["carol"]).text;
        let number = |part: &str| 1 + text[..text.find(part).unwrap()].matches('\n').count();
        for (from, to, word) in [
            ("version = 1", "version = 2\ncolour = 1", "`version` 2"),
            ("id = \"", "id = \"x", "`id`"),
            ("precision_bits = 16", "precision_bits = 60", "`precision_bits` is 60: 4 to 24"),
            ("precision_bits = 16", "precision = 16", "precision"),
            ("precision_bits = 16", "precision_bits = -1", "-1"),
            ("timeout_seconds = 120", "timeout_seconds = \"long\"", "expected"),
            ("timeout_seconds = 120", "timeout_seconds = 1e9", "`timeout_seconds`"),
            ("silence_seconds = 10", "silence_seconds = nan", "`silence_seconds`"),
            ("silence_seconds = 10", "silence_seconds = 0", "`silence_seconds`"),
            ("silence_seconds = 10", "silence_seconds = 10\nsilence_seconds = 10", "duplicate"),
            ("name = \"bob\"", "name = \"Bob!\"", "\"Bob!\""),
            ("a.example:7400", "a.example", "HOST:PORT"),
            ("a.example:7400", "a.example:0", "HOST:PORT"),
            ("a.example:7400", "a.example:65536", "HOST:PORT"),
            ("a.example:7400", "a example:1", "HOST:PORT"),
            ("a.example:7400", ":1", "HOST:PORT"),
            ("a.example:7400", "2001:db8::1:1", "HOST:PORT"),
            ("a.example:7400", "[2001:db8::g]:1", "HOST:PORT"),
            ("[dealer]", "[dealer]\ncolour = 1", "colour"),
        ] {
            let told = refusal(&text.replacen(from, to, 1));
            assert!(told.contains(word), "{to}: {told}");
            let (least, most) = (number(from), number(from) + 1);
            let here =
                told.starts_with(&format!("line {least}: ")) || told.starts_with(&format!("line {most}: "));
            assert!(here, "{to}, line {least}: {told}");
        }
        for (from, to, word) in [
            ("name = \"bob\"", "name = \"alice\"", "two members are called alice"),
            ("[[party]]", "[[partei]]", "partei"),
            ("[dealer]", "[trader]", "trader"),
            ("BEGIN CERTIFICATE", "BEGIN CERTIFICATION", "`certificate` of alice: "),
            ("address = \"192.0.2.1:7400\"\n", "", "bob has no `address`, and carol dials it"),
            ("[[party]]", "[[owner]]", "1 computing parties"),
            ("silence_seconds = 10\n", "", "silence_seconds"),
        ] {
            let told = refusal(&text.replacen(from, to, 1));
            assert!(told.contains(word), "{to}: {told}");
        }
        refusal("");
        refusal("no session at all");
        assert!(refusal(&format!("{text}#{}", "x".repeat(MAX_BYTES))).contains("65536"));
        assert_eq!(
            SessionFile::parse(b"version = 1\n\xff").unwrap_err().to_string(),
            "line 2: not UTF-8 text"
        );
    }

    #[test]
    fn a_refused_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.toml");
        assert!(SessionFile::read(&path).unwrap_err().to_string().contains("cannot read"));
        std::fs::write(&path, "version = 1\nversion").unwrap();
        let told = SessionFile::read(&path).unwrap_err().to_string();
        assert!(told.starts_with(&format!("{}: line 2: ", path.display())), "{told}");
    }

    #[test]
    fn what_could_not_be_read_is_not_written() {
        let dealer = || member("d", Some("d:1"));
        let new = |parties: Vec<SessionMember>, precision_bits| {
            let settings = SessionSettings { precision_bits, ..SessionSettings::default() };
            SessionFile::new(parties, dealer(), vec![], settings).map(drop)
        };
        let (p, q) = (member("p", Some("p:1")), member("q", None));
        assert!(new(vec![p.clone(), q.clone()], 16).is_ok());
        let named = |name: &str| SessionMember { name: name.into(), ..p.clone() };
        let at = |address: &str| SessionMember { address: Some(address.into()), ..p.clone() };
        for (parties, precision, word) in [
            (vec![p.clone(), q.clone()], 30, "`precision_bits`"),
            (vec![p.clone()], 16, "1 computing parties"),
            (vec![named("p\""), q.clone()], 16, "p\\\""),
            (vec![at("p:1\"\nname = \"x"), q.clone()], 16, "HOST:PORT"),
            (vec![p.clone(), named("r")], 16, "p and r are of the same key"),
            (vec![q.clone(), p.clone()], 16, "q has no `address`, and p dials it"),
            ((0..17).map(|n| member(&format!("p{n}"), Some("p:1"))).collect(), 16, "17 computing parties"),
        ] {
            let told = new(parties, precision).unwrap_err().to_string();
            assert!(told.contains(word) && !told.contains("line "), "{told}");
        }
    }

    #[test]
    fn a_member_has_its_own_key() {
        let folder = tempfile::tempdir().unwrap();
        let (alice, bob) = (Identity::create("alice", 1).unwrap(), Identity::create("bob", 1).unwrap());
        let [(_, key), (_, other)] = [&alice, &bob].map(|identity| identity.write(folder.path()).unwrap());
        let of = |identity: &Identity| SessionMember {
            name: identity.certificate().name().to_owned(),
            address: Some("h:1".into()),
            certificate: identity.certificate().clone(),
        };
        let dealer = member("dealer", Some("h:2"));
        let file =
            SessionFile::new(vec![of(&alice), of(&bob)], dealer, vec![], SessionSettings::default()).unwrap();
        assert_eq!(file.identity("alice", &key).unwrap().certificate(), alice.certificate());
        assert!(file.identity("alice", &other).unwrap_err().to_string().contains("another certificate"));
        let unknown = file.identity("carol", &key).unwrap_err();
        assert!(matches!(unknown, IdentityError::UnknownMember { .. }));
        assert!(unknown.to_string().contains("alice, bob, dealer"), "{unknown}");
    }

    #[test]
    fn cut_and_changed_files_are_errors_or_files() {
        let text = made(&[]).text;
        for end in (0..text.len()).step_by(7) {
            assert!(SessionFile::parse(&text.as_bytes()[..end]).is_err());
            let mut bytes = text.as_bytes().to_vec();
            bytes[end] ^= 0x15;
            if let Ok(file) = SessionFile::parse(&bytes) {
                assert!(file.text.as_bytes() == bytes && file.hash == *blake3::hash(&bytes).as_bytes());
            }
        }
    }
}
