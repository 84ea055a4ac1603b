//! The first message of a dialler on each connection, and the answer: both ends check that they expect the same
//! session.

use std::time::Instant;

use crate::tls::{Connection, Failed, TlsStream};

/// The protocol that this crate speaks.
const VERSION: u32 = 1;
/// The longest terms.
pub(crate) const TERMS: usize = 1 << 16;
/// The longest mode, and the longest line in a displayed reason.
const MODE: usize = 200;
/// Bytes shown before and after a difference that is otherwise invisible.
const AROUND: usize = 20;
/// The longest answer.
const REASON: usize = 1024;
const HEADER: usize = 4 + 1 + 16 + 2 + 4;

/// The dialler's message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Preamble {
    /// Whether the dialler writes on this connection, or reads.
    pub writes: bool,
    /// Equal on all connections of one member for one session, and on no others, so that a restarted member is
    /// distinguished from its earlier process.
    pub attempt: [u8; 16],
    pub mode: String,
    pub terms: Vec<u8>,
}

/// The acceptor's answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    Accepted,
    Refused(String),
    /// Not now; the same request may be accepted a moment later.
    Later(String),
}

impl Preamble {
    pub fn encode(&self) -> Vec<u8> {
        let mode = &self.mode.as_bytes()[..self.mode.len().min(MODE)];
        let mut bytes = VERSION.to_le_bytes().to_vec();
        bytes.push(u8::from(self.writes));
        bytes.extend(self.attempt);
        bytes.extend((mode.len() as u16).to_le_bytes());
        bytes.extend((self.terms.len() as u32).to_le_bytes());
        bytes.extend(mode);
        bytes.extend(&self.terms);
        bytes
    }

    /// Reads a message; asks for a field's bytes only after checking its length.
    pub fn read(mut more: impl FnMut(&mut [u8]) -> Result<(), Failed>) -> Result<Self, Failed> {
        let wrong = |what: String| Failed::Wrong(what);
        let mut header = [0; HEADER];
        more(&mut header)?;
        let [v0, v1, v2, v3, writes, rest @ ..] = header;
        let version = u32::from_le_bytes([v0, v1, v2, v3]);
        if version != VERSION {
            return Err(wrong(format!("it speaks version {version} of the protocol, not {VERSION}")));
        }
        if writes > 1 {
            return Err(wrong(format!("it asks for direction {writes}")));
        }
        let (attempt, rest) = rest.split_at(16);
        let [m0, m1, t0, t1, t2, t3] = *rest else { return Err(wrong("its header is too short".to_owned())) };
        let (mode, terms) = (u16::from_le_bytes([m0, m1]), u32::from_le_bytes([t0, t1, t2, t3]));
        if usize::from(mode) > MODE || terms as usize > TERMS {
            return Err(wrong(format!("it announces terms of {terms} bytes and a mode of {mode}")));
        }
        let (mut mode, mut terms) = (vec![0; usize::from(mode)], vec![0; terms as usize]);
        more(&mut mode)?;
        more(&mut terms)?;
        let mode = String::from_utf8(mode).map_err(|_| wrong("its mode is no text".to_owned()))?;
        let mut name = [0; 16];
        name.copy_from_slice(attempt);
        Ok(Self { writes: writes == 1, attempt: name, mode, terms })
    }

    /// The reason why the two ends expect different sessions, from the acceptor's side; `None` if they agree.
    pub fn difference(&self, acceptor: &str, dialler: &str, mode: &str, terms: &[u8]) -> Option<String> {
        if self.terms != terms {
            return Some(first_difference((acceptor, terms), (dialler, &self.terms)));
        }
        (self.mode != mode).then(|| {
            let (theirs, ours) = (shown(self.mode.as_bytes()), shown(mode.as_bytes()));
            format!("{dialler} runs the session with {theirs}, {acceptor} with {ours}")
        })
    }
}

/// The first difference between two texts.
fn first_difference((one, a): (&str, &[u8]), (other, b): (&str, &[u8])) -> String {
    let mut lines = (a.split(|byte| *byte == b'\n'), b.split(|byte| *byte == b'\n'));
    let mut number = 1;
    loop {
        let (left, right) = (lines.0.next(), lines.1.next());
        if left != right || left.is_none() {
            let (left, right) = distinct(left, right);
            return format!(
                "the session files differ in line {number}: {left} at {one}, {right} at {other}; all members need the same file"
            );
        }
        number += 1;
    }
}

/// Two different lines, one of which may be missing, as parts of a message in which the difference is visible.
fn distinct(one: Option<&[u8]>, other: Option<&[u8]>) -> (String, String) {
    let piece = |line: Option<&[u8]>, show: &dyn Fn(&[u8]) -> String| match line {
        Some(line) => format!("`{}`", show(line)),
        None => "the end".to_owned(),
    };
    let pair = |show: &dyn Fn(&[u8]) -> String| (piece(one, show), piece(other, show));
    let plain = pair(&|line| shown(line));
    if plain.0 != plain.1 {
        return plain;
    }
    // the difference is invisible: blanks, control characters, the end of a long line
    let (a, b) = (one.unwrap_or_default(), other.unwrap_or_default());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let near = |line: &[u8]| {
        line[same.saturating_sub(AROUND)..line.len().min(same + AROUND)].escape_ascii().to_string()
    };
    pair(&near)
}

/// Foreign bytes as part of a message.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MODE)]);
    text.trim().replace(char::is_control, " ")
}

impl Answer {
    pub fn send<C: Connection>(&self, stream: &mut TlsStream<C>, until: Instant) -> Result<(), Failed> {
        stream.send(&self.encode(), until)
    }

    pub fn encode(&self) -> Vec<u8> {
        let (status, reason) = match self {
            Self::Accepted => (1, ""),
            Self::Refused(reason) => (2, reason.as_str()),
            Self::Later(reason) => (3, reason.as_str()),
        };
        let reason = &reason.as_bytes()[..reason.floor_char_boundary(REASON)];
        let length = (reason.len() as u16).to_le_bytes();
        [&[status], &length[..], reason].concat()
    }

    pub fn read(mut more: impl FnMut(&mut [u8]) -> Result<(), Failed>) -> Result<Self, Failed> {
        let mut header = [0; 3];
        more(&mut header)?;
        let [status, l0, l1] = header;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        if length > REASON {
            return Err(Failed::Wrong("its answer is too long".to_owned()));
        }
        let mut reason = vec![0; length];
        more(&mut reason)?;
        let reason = String::from_utf8_lossy(&reason).replace(char::is_control, " ");
        match status {
            1 => Ok(Self::Accepted),
            2 => Ok(Self::Refused(reason)),
            3 => Ok(Self::Later(reason)),
            _ => Err(Failed::Wrong("it does not speak our protocol".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads from a complete slice.
    fn from(mut bytes: &[u8]) -> impl FnMut(&mut [u8]) -> Result<(), Failed> {
        move |into| {
            let (now, later) =
                bytes.split_at_checked(into.len()).ok_or_else(|| Failed::Lost("the end".to_owned()))?;
            into.copy_from_slice(now);
            bytes = later;
            Ok(())
        }
    }

    proptest! {
        #[test]
        fn preambles_come_back(
            writes: bool, attempt: [u8; 16], mode in "[a-z ]{0,100}",
            terms in proptest::collection::vec(any::<u8>(), 0..300), cut: proptest::sample::Index
        ) {
            let preamble = Preamble { writes, attempt, mode, terms };
            let bytes = preamble.encode();
            prop_assert_eq!(&Preamble::read(from(&bytes)).unwrap(), &preamble);
            prop_assert!(Preamble::read(from(&bytes[..cut.index(bytes.len())])).is_err());
        }

        #[test]
        fn any_bytes_are_a_preamble_or_an_error(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), plausible: bool) {
            if plausible && bytes.len() >= 27 {
                bytes[..5].copy_from_slice(&[1, 0, 0, 0, 1]);
                bytes[22] = 0;
                bytes[24..27].fill(0);
            }
            if let Ok(preamble) = Preamble::read(from(&bytes)) {
                prop_assert!(preamble.terms.len() <= TERMS && bytes.starts_with(&preamble.encode()));
            }
            let _ = Answer::read(from(&bytes));
        }
    }

    #[test]
    fn a_difference_is_named_by_its_line() {
        let (here, there) = (b"a = 1\nprecision_bits = 16\n", b"a = 1\nprecision_bits = 18\n");
        let preamble = Preamble { writes: true, attempt: [0; 16], mode: "x".into(), terms: there.to_vec() };
        let reason = preamble.difference("alice", "bob", "x", here).unwrap();
        assert!(
            reason.contains("line 2: `precision_bits = 16` at alice, `precision_bits = 18` at bob"),
            "{reason}"
        );
        assert_eq!(preamble.difference("alice", "bob", "x", there), None);
        assert!(
            preamble.difference("alice", "bob", "y", there).unwrap().contains("bob runs the session with x")
        );
        let longer = preamble.difference("alice", "bob", "x", b"a = 1\n").unwrap();
        assert!(longer.contains("line 2: `` at alice, `precision_bits = 18` at bob"), "{longer}");
    }

    #[test]
    fn a_difference_that_cannot_be_seen_is_shown_all_the_same() {
        let difference = |here: &str, there: &str| {
            let terms = there.as_bytes().to_vec();
            let preamble = Preamble { writes: true, attempt: [0; 16], mode: "x".into(), terms };
            preamble.difference("alice", "bob", "x", here.as_bytes()).unwrap()
        };
        for (here, there, want) in [
            ("# note\n", "# note \n", "line 1: `# note` at alice, `# note ` at bob"),
            ("a = 1\r\nb\r\n", "a = 1\nb\n", r"line 1: `a = 1\r` at alice, `a = 1` at bob"),
            ("a = 1\n", "a = 1", "line 2: `` at alice, the end at bob"),
            ("a\tb", "a b", r"line 1: `a\tb` at alice, `a b` at bob"),
            ("\u{e9}", "e\u{301}", "line 1"),
        ] {
            let reason = difference(here, there);
            assert!(reason.contains(want), "{reason}");
        }
        let long = "x".repeat(300);
        let reason = difference(&format!("{long}y"), &format!("{long}z"));
        assert!(reason.contains("xxy` at alice") && reason.contains("xxz` at bob"), "{reason}");
    }
}
