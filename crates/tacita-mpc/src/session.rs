//! What all members do before the first evaluation, and between evaluations: nonces into the session's id, a fresh seed for
//! every pair, agreement on what comes next, small public messages.
//!
//! # Security
//! Each seed is drawn by one of the pair from the operating system and crosses their own encrypted link only. What is
//! used is derived from it and the session's id, which hashes what the members agreed on before and a fresh nonce of
//! every member, so a restart reuses nothing even if a seed could be replayed.

use std::time::Duration;

use tacita_graph::{RingOp, Visibility};
use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError, Payload};
use tacita_ring::Seed;
use zeroize::Zeroize;

use crate::config::Config;
use crate::error::MpcError;
use crate::party::Leaves;
use crate::plan::Plan;

/// Steps of control frames: what they carry.
const NONCE: u16 = 0;
const SEED: u16 = 1;
const RECIPE: u16 = 2;
const WORD: u16 = 3;

/// The longest that a member waits for its last words to be sent.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most that a member says in an exchange.
const WORDS: usize = 1 << 16;

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
    /// Joins a session of so many parties and a dealer. Returns the seeds shared with each other member, by index.
    pub fn join(
        endpoint: Endpoint,
        parties: usize,
        config: Config,
    ) -> Result<(Membership, Vec<Option<Seed>>), MpcError> {
        let me = endpoint.id().index();
        endpoint.set_place("session", 0);
        config.hooks.at("session", 0);
        let shaken = handshake(&endpoint, &config);
        if let Err(error) = &shaken {
            endpoint.abort(&cause(error), "session", 0);
        }
        let Handshake { seeds, session } = shaken?;
        let (evaluations, poisoned) = (0, None);
        Ok((Membership { endpoint, config, me, parties, session, evaluations, poisoned }, seeds))
    }

    /// Begins the next evaluation. Its number is consumed whatever happens.
    pub fn begin(&mut self) -> Result<u64, MpcError> {
        self.check()?;
        self.evaluations += 1;
        Ok(self.evaluations)
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
                MpcError::MissingLeaf { node, .. } | MpcError::Unsupported { node, .. } => (node.as_str(), 0),
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

    /// The beginning of the session's id, for logs.
    pub fn short(&self) -> String {
        hex(&self.session[..4])
    }

    /// Sends a few bytes that all may know to all parties, and receives theirs.
    pub fn exchange(&mut self, topic: &str, bytes: &[u8]) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
        self.check()?;
        let result = self.try_exchange(topic, bytes);
        self.conclude(result)
    }

    fn try_exchange(&self, topic: &str, bytes: &[u8]) -> Result<Vec<(MemberId, Vec<u8>)>, MpcError> {
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

/// The seeds a member shares with each other, by index, and the session's id.
pub(crate) struct Handshake {
    pub seeds: Vec<Option<Seed>>,
    pub session: [u8; 32],
}

/// Exchanges nonces among all members and a seed between every two.
pub(crate) fn handshake(endpoint: &Endpoint, config: &Config) -> Result<Handshake, MpcError> {
    let me = endpoint.id().index();
    let fail = |source| MpcError::Net { node: "session".into(), round: 0, source };
    let peers: Vec<MemberId> = endpoint.members().collect();

    // a nonce and whether its sender draws from a fixed seed: one such member takes the secrecy of all
    let insecure = u8::from(config.hooks.insecure_fixed_seed.is_some());
    let mut nonces = vec![None; endpoint.count()];
    let mut hello = [0u8; 33];
    hello[..32].copy_from_slice(&draw(config, me, usize::MAX)?);
    hello[32] = insecure;
    nonces[me] = Some(hello);
    for &peer in &peers {
        post(endpoint, peer, NONCE, &hello).map_err(fail)?;
    }
    for &peer in &peers {
        let theirs: [u8; 33] = receive(endpoint, peer, NONCE, config.timeout).map_err(fail)?;
        if theirs[32] != insecure {
            let (here, there) = match insecure {
                0 => ("this member draws fresh ones", "uses an insecure fixed seed for tests"),
                _ => ("this member uses an insecure fixed seed for tests", "draws fresh seeds"),
            };
            let what = format!("{there}, {here}: all members must do the same");
            return Err(MpcError::Mismatch { peer: endpoint.name(peer).to_owned(), what });
        }
        nonces[peer.index()] = Some(theirs);
    }
    let mut hasher = blake3::Hasher::new_derive_key("tacita session id v1");
    // with a fixed seed a session between machines is to equal a local one
    hasher.update(if insecure == 0 { &config.context } else { &[0; 32] });
    for nonce in nonces.iter().flatten() {
        hasher.update(nonce);
    }
    let session = *hasher.finalize().as_bytes();

    // the lower index of a pair draws the seed, so a party draws the one it shares with the dealer
    let mut seeds: Vec<Option<Seed>> = (0..endpoint.count()).map(|_| None).collect();
    for &peer in peers.iter().filter(|peer| me < peer.index()) {
        let mut bytes = draw(config, me, peer.index())?;
        let seed = Seed::from_bytes(bytes);
        bytes.zeroize();
        post(endpoint, peer, SEED, seed.as_bytes()).map_err(fail)?;
        seeds[peer.index()] = Some(seed.derive("tacita pair seed v1", &session));
    }
    for &peer in peers.iter().filter(|peer| peer.index() < me) {
        let mut bytes: [u8; 32] = receive(endpoint, peer, SEED, config.timeout).map_err(fail)?;
        let seed = Seed::from_bytes(bytes);
        bytes.zeroize();
        seeds[peer.index()] = Some(seed.derive("tacita pair seed v1", &session));
    }
    Ok(Handshake { seeds, session })
}

fn draw(config: &Config, me: usize, peer: usize) -> Result<[u8; 32], MpcError> {
    if let Some(fixed) = config.hooks.insecure_fixed_seed {
        let mut label = [0u8; 16];
        label[..8].copy_from_slice(&(me as u64).to_le_bytes());
        label[8..].copy_from_slice(&(peer as u64).to_le_bytes());
        return Ok(*Seed::from_bytes(fixed).derive("tacita insecure fixed seed", &label).as_bytes());
    }
    let seed = Seed::random().map_err(|e| MpcError::Randomness(e.to_string()))?;
    Ok(*seed.as_bytes())
}

fn post(endpoint: &Endpoint, to: MemberId, step: u16, bytes: &[u8]) -> Result<(), NetError> {
    endpoint.post(to, Frame::new(0, 0, step, FrameKind::Control, Payload::secret(bytes)))
}

fn receive<const N: usize>(
    endpoint: &Endpoint,
    from: MemberId,
    step: u16,
    timeout: Duration,
) -> Result<[u8; N], NetError> {
    let header = FrameHeader { evaluation: 0, task: 0, step, kind: FrameKind::Control, length: N as u64 };
    let frame = endpoint.expect(from, header, timeout)?;
    let mut bytes = [0; N];
    bytes.copy_from_slice(frame.payload.bytes());
    Ok(bytes)
}

/// What the members of an evaluation must agree on: the plan and the values of the public leaves.
pub(crate) fn agreed(plan: &Plan, leaves: &Leaves) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tacita evaluation v1");
    hasher.update(&plan.digest());
    for id in plan.program.ids() {
        let node = plan.node(id);
        let is_public = matches!(node.op, RingOp::Input { .. }) && node.visibility == Visibility::Public;
        if let (true, Some(value)) = (is_public, leaves.get(&id)) {
            hasher.update(bytemuck::cast_slice(value.data()));
        }
    }
    *hasher.finalize().as_bytes()
}

/// Length of an announcement: a digest, and for the dealer whether a recipe follows.
const ANNOUNCEMENT: u64 = 33;

/// Tells every peer what this member is about to evaluate. Nobody waits for an answer: it is read before the first
/// frame of the evaluation. The dealer is sent, by one of the parties, what it needs to make the same plan.
pub(crate) fn announce(
    member: &Membership,
    evaluation: u64,
    digest: [u8; 32],
    recipe: Option<&[u8]>,
) -> Result<(), NetError> {
    for peer in member.endpoint.members() {
        let recipe = recipe.filter(|_| peer.index() == member.parties);
        let mut bytes = digest.to_vec();
        bytes.push(u8::from(recipe.is_some()));
        member.endpoint.post(peer, Frame::new(evaluation, 0, 0, FrameKind::Hello, bytes))?;
        if let Some(recipe) = recipe {
            member
                .endpoint
                .post(peer, Frame::new(evaluation, 0, RECIPE, FrameKind::Control, recipe.to_vec()))?;
        }
    }
    Ok(())
}

/// Reads what a peer is about to evaluate, and the recipe if one follows.
pub(crate) fn hear(
    endpoint: &Endpoint,
    from: MemberId,
    evaluation: u64,
    timeout: Duration,
) -> Result<([u8; 32], Option<Vec<u8>>), NetError> {
    let header = FrameHeader { evaluation, task: 0, step: 0, kind: FrameKind::Hello, length: ANNOUNCEMENT };
    let frame = endpoint.expect(from, header, timeout)?;
    let (digest, flag) = frame.payload.bytes().split_at(32);
    let mut theirs = [0; 32];
    theirs.copy_from_slice(digest);
    let recipe = match flag {
        [1] => {
            let frame = endpoint.receive(from, timeout)?;
            let expected = FrameHeader {
                evaluation,
                task: 0,
                step: RECIPE,
                kind: FrameKind::Control,
                length: frame.header.length,
            };
            if frame.header != expected {
                let peer = endpoint.name(from).to_owned();
                return Err(NetError::Unexpected { peer, expected, found: frame.header });
            }
            Some(frame.payload.bytes().to_vec())
        }
        _ => None,
    };
    Ok((theirs, recipe))
}

/// Reads what a peer is about to evaluate and compares.
pub(crate) fn agree(
    endpoint: &Endpoint,
    from: MemberId,
    evaluation: u64,
    digest: [u8; 32],
    timeout: Duration,
) -> Result<(), MpcError> {
    let heard = hear(endpoint, from, evaluation, timeout);
    let (theirs, _) = heard.map_err(|source| MpcError::Net { node: "agreement".into(), round: 0, source })?;
    if theirs != digest {
        return Err(MpcError::Disagreement {
            peer: endpoint.name(from).to_owned(),
            ours: hex(&digest[..8]),
            theirs: hex(&theirs[..8]),
        });
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
