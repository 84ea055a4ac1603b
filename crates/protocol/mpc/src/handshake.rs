//! Seeds and the session's id: what members exchange once, before anything else.
//!
//! # Security
//! Each seed is drawn by one of the pair from the operating system and crosses their own encrypted link only. What is
//! used is derived from it and the session's id, which hashes what the members agreed on before and a fresh nonce of
//! every member, so a restart reuses nothing even if a seed could be replayed.
//!
//! Each party also draws a seed that it sends to nobody. Values that nobody is to know, the dealer included, are sums of what
//! the parties take from theirs.
//!
//! A data owner and each party share a seed that the dealer knows too, and no other party: it is derived from the seed of
//! owner and dealer, and sent by the owner to that party. It masks the owner's inputs, so that the dealer knows their
//! masks; the masked value, the input plus the sum of all parties' masks, goes to the parties and never to the dealer. Of P
//! parties, P - 1 that pool do not know the mask of the last.

use std::time::Duration;

use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError, Payload};
use tacita_ring::Seed;
use zeroize::Zeroize;

use crate::config::Config;
use crate::error::MpcError;
use crate::members::mask_streams;

/// Steps of its control frames: what they carry.
const NONCE: u16 = 0;
const SEED: u16 = 1;
const MASKS: u16 = 2;

/// What a member has of the others once they have met.
pub(crate) struct Handshake {
    /// Seeds that the dealer knows, by holder: see [`tacita_correlations::Streams`].
    pub streams: Vec<Option<Seed>>,
    /// Seeds between two parties, by the other's index; under a party's own index one that it has alone.
    pub pairwise: Vec<Option<Seed>>,
    /// The session's id.
    pub session: [u8; 32],
}

/// Exchanges nonces among all members and a seed between every two. `dealt` is the seed shared with a dealer who dealt
/// ahead and is not there.
pub(crate) fn handshake(
    endpoint: &Endpoint,
    parties: usize,
    config: &Config,
    dealt: Option<Seed>,
) -> Result<Handshake, MpcError> {
    let me = endpoint.id().index();
    let fail = |source| MpcError::Net { node: "session".into(), round: 0, source };
    let session = session_id(endpoint, config)?;
    let mut seeds = pair_seeds(endpoint, config, &session)?;
    if let Some(dealt) = dealt {
        seeds[parties] = Some(dealt);
    }
    let owners = parties + 1..endpoint.count();
    let mut streams: Vec<Option<Seed>> = (0..parties + owners.len() * parties).map(|_| None).collect();
    if me == parties {
        for party in 0..parties {
            streams[party] = seeds[party].take();
        }
        for owner in owners {
            for (party, at) in mask_streams(Some(owner), parties).enumerate() {
                streams[at] = seeds[owner].as_ref().map(|seed| mask_seed(seed, party));
            }
        }
    } else if me > parties {
        for (party, at) in mask_streams(Some(me), parties).enumerate() {
            let shared = seeds[parties].as_ref();
            let seed = shared.map(|seed| mask_seed(seed, party)).ok_or_else(no_dealer)?;
            post(endpoint, MemberId(party as u16), MASKS, seed.as_bytes()).map_err(fail)?;
            streams[at] = Some(seed);
        }
    } else {
        streams[me] = Some(seeds[parties].take().ok_or_else(no_dealer)?);
        for owner in owners {
            let from = MemberId(owner as u16);
            let seed = receive_seed(endpoint, from, MASKS, config.timeout).map_err(fail)?;
            streams[mask_streams(Some(owner), parties).start + me] = Some(seed);
        }
    }
    seeds.truncate(parties);
    if me < parties {
        // never sent: what it gives is this party's contribution to values that nobody is to know
        let mut bytes = draw(config, me, me)?;
        seeds[me] = Some(Seed::from_bytes(bytes).derive("tacita own seed v1", &session));
        bytes.zeroize();
    }
    Ok(Handshake { streams, pairwise: seeds, session })
}

/// The seed of one party's part of a data owner's masks, from the one that the owner shares with the dealer.
pub(crate) fn mask_seed(shared: &Seed, party: usize) -> Seed {
    shared.derive("tacita data owner's mask v1", &(party as u64).to_le_bytes())
}

fn no_dealer() -> MpcError {
    MpcError::Internal("a session without a dealer and without what one dealt ahead".into())
}

/// Exchanges nonces: the session's id is a hash of all.
fn session_id(endpoint: &Endpoint, config: &Config) -> Result<[u8; 32], MpcError> {
    let me = endpoint.id().index();
    let fail = |source| MpcError::Net { node: "session".into(), round: 0, source };
    // a nonce and whether its sender draws from a fixed seed: one such member takes the secrecy of all
    let insecure = u8::from(config.hooks.insecure_fixed_seed.is_some());
    let mut nonces = vec![None; endpoint.count()];
    let mut hello = [0u8; 33];
    hello[..32].copy_from_slice(&draw(config, me, usize::MAX)?);
    hello[32] = insecure;
    nonces[me] = Some(hello);
    for peer in endpoint.members() {
        post(endpoint, peer, NONCE, &hello).map_err(fail)?;
    }
    for peer in endpoint.members() {
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
    Ok(*hasher.finalize().as_bytes())
}

/// A seed with every other member who is there, by index. The lower index of a pair draws it, so a party draws the one
/// that it shares with the dealer.
fn pair_seeds(
    endpoint: &Endpoint,
    config: &Config,
    session: &[u8; 32],
) -> Result<Vec<Option<Seed>>, MpcError> {
    let me = endpoint.id().index();
    let fail = |source| MpcError::Net { node: "session".into(), round: 0, source };
    let mut seeds: Vec<Option<Seed>> = (0..endpoint.count()).map(|_| None).collect();
    for peer in endpoint.members().filter(|peer| me < peer.index()) {
        let mut bytes = draw(config, me, peer.index())?;
        let seed = Seed::from_bytes(bytes);
        bytes.zeroize();
        post(endpoint, peer, SEED, seed.as_bytes()).map_err(fail)?;
        seeds[peer.index()] = Some(seed.derive("tacita pair seed v1", session));
    }
    for peer in endpoint.members().filter(|peer| peer.index() < me) {
        let seed = receive_seed(endpoint, peer, SEED, config.timeout).map_err(fail)?;
        seeds[peer.index()] = Some(seed.derive("tacita pair seed v1", session));
    }
    Ok(seeds)
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

fn receive_seed(endpoint: &Endpoint, from: MemberId, step: u16, timeout: Duration) -> Result<Seed, NetError> {
    let mut bytes: [u8; 32] = receive(endpoint, from, step, timeout)?;
    let seed = Seed::from_bytes(bytes);
    bytes.zeroize();
    Ok(seed)
}
