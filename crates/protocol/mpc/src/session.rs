//! A member's place in a session, whichever its role: how far the session is, whether it has failed, small public messages.

use std::time::{Duration, Instant};

use tacita_correlations::Streams;
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError};
use tacita_ring::Seed;

use crate::config::Config;
use crate::error::MpcError;
use crate::handshake::{Handshake, handshake};
use crate::plan::Plan;

/// Step of control frames in an exchange.
const WORD: u16 = 3;

/// The longest that a member waits for its last words to be sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most that a member says in an exchange.
pub(crate) const WORDS: usize = 1 << 16;

/// A member's place in a session: its links, how far the session is, whether it has failed.
pub(crate) struct Membership {
    pub endpoint: Endpoint,
    pub config: Config,
    /// This member's index.
    pub me: usize,
    /// Computing parties; the dealer is the member after them.
    pub parties: usize,
    /// The session's id.
    pub session: [u8; 32],
    evaluations: u64,
    poisoned: Option<String>,
}

impl Membership {
    /// Joins a session of so many parties, a dealer and data owners. Returns the streams that the dealer knows, and those
    /// between two parties with a party's own. `dealt` is the seed of a dealer who dealt ahead.
    pub fn join(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
        dealt: Option<Seed>,
    ) -> Result<(Membership, Streams, Streams), MpcError> {
        let me = endpoint.id().index();
        endpoint.set_place("session", 0);
        config.hooks.at("session", 0);
        let shaken = handshake(&endpoint, parties, &config, dealt);
        if let Err(error) = &shaken {
            endpoint.abort(&cause(error), "session", 0);
        }
        let Handshake { streams, pairwise, session } = shaken?;
        let overrides = config.hooks.overrides.clone();
        let streams = Streams::new(streams, overrides.clone());
        let (evaluations, poisoned) = (0, None);
        let member = Membership { endpoint, config, me, parties, session, evaluations, poisoned };
        Ok((member, streams, Streams::new(pairwise, overrides)))
    }

    /// Begins the next evaluation. Its number is consumed whatever happens.
    pub fn begin(&mut self) -> Result<u64, MpcError> {
        self.check()?;
        self.evaluations += 1;
        Ok(self.evaluations)
    }

    /// Refuses a plan for another number of parties.
    pub fn fits(&self, plan: &Plan) -> Result<(), MpcError> {
        let (planned, here) = (plan.parties(), self.parties);
        match planned == here {
            true => Ok(()),
            false => Err(MpcError::Internal(format!("a plan for {planned} parties in a session of {here}"))),
        }
    }

    fn check(&self) -> Result<(), MpcError> {
        match &self.poisoned {
            Some(cause) => Err(MpcError::Poisoned { cause: cause.clone() }),
            None => Ok(()),
        }
    }

    /// Ends an evaluation, or anything else that others take part in: an error is told to all of them, once, and is the
    /// end of the session.
    pub fn conclude<T>(&mut self, result: Result<T, MpcError>) -> Result<T, MpcError> {
        if let Err(error) = &result {
            let (node, round) = match error {
                MpcError::Net { node, round, .. } => (node.as_str(), *round),
                MpcError::MissingLeaf { node, .. }
                | MpcError::Unsupported { node, .. }
                | MpcError::NotKept { node, .. }
                | MpcError::Disagreement { node, .. } => (node.as_str(), 0),
                _ => ("", 0),
            };
            if matches!(error, MpcError::Disagreement { .. } | MpcError::Mismatch { .. }) {
                // an abort overtakes what is queued, and the others should see for themselves that they differ
                let _ = self.endpoint.flush(FAREWELL);
            }
            self.endpoint.abort(&cause(error), node, round);
            tracing::warn!(session = self.short(), node, round, %error, "the session failed");
            self.poisoned.get_or_insert_with(|| error.to_string());
        }
        result
    }

    /// Leaves the session: tells the others why, and refuses any further evaluation.
    pub fn abort(&mut self, cause: &str) {
        self.endpoint.abort(cause, "", 0);
        self.poisoned.get_or_insert_with(|| cause.to_owned());
    }

    /// What every line of the log that is about an evaluation says.
    pub fn span(&self, number: u64) -> tracing::Span {
        tracing::info_span!("evaluation", session = self.short(), number)
    }

    /// Says and counts that an evaluation went well.
    pub fn evaluated(&self, rounds: u32, begun: Instant) {
        let seconds = begun.elapsed().as_secs_f64();
        tracing::info!(rounds, seconds, "evaluated");
        metrics::counter!("tacita_evaluations_total").increment(1);
        metrics::histogram!("tacita_evaluation_seconds").record(seconds);
    }

    /// The beginning of the session's id, for logs.
    pub fn short(&self) -> String {
        hex(&self.session[..4])
    }

    /// Sends a few bytes that all may know to all members but the dealer, and receives theirs.
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
        self.check()?;
        let result = self.try_exchange(topic, bytes);
        self.conclude(result)
    }

    /// As [`Membership::exchange`], within something that others take part in.
    pub(crate) fn try_exchange(
        &self,
        topic: &str,
        bytes: &[u8],
    ) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
        let fail = |source| MpcError::Net { node: topic.to_owned(), round: 0, source };
        if bytes.len() > WORDS {
            return Err(MpcError::Internal(format!("{} bytes about {topic}, at most {WORDS}", bytes.len())));
        }
        // the topic is the task, so that no message is taken for one about something else
        let (number, task) = (self.evaluations + 1, topic_number(topic));
        let peers: Vec<MemberId> =
            self.endpoint.members().filter(|peer| peer.index() != self.parties).collect();
        self.endpoint.set_place(topic, 0);
        for &peer in &peers {
            let frame = Frame::new(number, task, WORD, FrameKind::Control, bytes.to_vec());
            self.endpoint.post(peer, frame).map_err(fail)?;
        }
        let mut said = Vec::with_capacity(peers.len());
        for &peer in &peers {
            let frame = self.endpoint.receive(peer, self.config.timeout).map_err(fail)?;
            let expected = FrameHeader {
                evaluation: number,
                task,
                step: WORD,
                kind: FrameKind::Control,
                length: frame.header.length.min(WORDS as u64),
            };
            if frame.header != expected {
                let name = self.endpoint.name(peer).to_owned();
                return Err(fail(NetError::Unexpected { peer: name, expected, found: frame.header }));
            }
            said.push((peer, frame.payload.bytes().to_vec()));
        }
        Ok(said)
    }
}

/// What others are told of an error. A value that is out of range or missing is its owner's affair alone.
fn cause(error: &MpcError) -> String {
    match error {
        // the place travels beside it
        MpcError::Net { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

fn topic_number(topic: &str) -> u32 {
    let hash = blake3::hash(topic.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    u32::from_le_bytes([a, b, c, d])
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
