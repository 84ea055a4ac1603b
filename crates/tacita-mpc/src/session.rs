//! What all members do before the first evaluation: nonces into the session's id, a fresh seed for every pair.
//!
//! # Security
//! Each seed is drawn by one of the pair from the operating system and crosses their own encrypted link only. What is
//! used is derived from it and the session's id, which hashes a fresh nonce of every member, so a restart reuses
//! nothing even if a seed could be replayed.

use std::time::Duration;

use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError, Payload};
use tacita_ring::Seed;
use zeroize::Zeroize;

use crate::config::Config;
use crate::error::MpcError;

const NONCE: u16 = 0;
const SEED: u16 = 1;

/// The seeds a member shares with each other, by index, and the session's id.
pub(crate) struct Handshake {
    pub seeds: Vec<Option<Seed>>,
    pub session: [u8; 32],
}

/// Exchanges nonces among all members and a seed between every two.
pub(crate) fn handshake(endpoint: &Endpoint, config: &Config) -> Result<Handshake, MpcError> {
    let me = endpoint.id().0 as usize;
    let members = endpoint.members().count() + 1;
    let fail = |source| MpcError::Net { node: "session".into(), round: 0, source };
    let peers: Vec<usize> = (0..members).filter(|&m| m != me).collect();

    let mut nonces = vec![[0u8; 32]; members];
    nonces[me] = draw(config, me, usize::MAX)?;
    for &peer in &peers {
        post(endpoint, peer, NONCE, &nonces[me]).map_err(fail)?;
    }
    for &peer in &peers {
        nonces[peer] = receive(endpoint, peer, NONCE, config.timeout).map_err(fail)?;
    }
    let mut hasher = blake3::Hasher::new_derive_key("tacita session id v1");
    for nonce in &nonces {
        hasher.update(nonce);
    }
    let session = *hasher.finalize().as_bytes();

    // the lower index of a pair draws the seed, so a party draws the one it shares with the dealer
    let mut seeds: Vec<Option<Seed>> = (0..members).map(|_| None).collect();
    for &peer in peers.iter().filter(|&&peer| me < peer) {
        let mut bytes = draw(config, me, peer)?;
        let seed = Seed::from_bytes(bytes);
        bytes.zeroize();
        post(endpoint, peer, SEED, seed.as_bytes()).map_err(fail)?;
        seeds[peer] = Some(seed.derive("tacita pair seed v1", &session));
    }
    for &peer in peers.iter().filter(|&&peer| peer < me) {
        let mut bytes = receive(endpoint, peer, SEED, config.timeout).map_err(fail)?;
        let seed = Seed::from_bytes(bytes);
        bytes.zeroize();
        seeds[peer] = Some(seed.derive("tacita pair seed v1", &session));
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

fn post(endpoint: &Endpoint, to: usize, step: u16, bytes: &[u8; 32]) -> Result<(), NetError> {
    let frame = Frame::new(0, 0, step, FrameKind::Control, Payload::from(bytes.to_vec()));
    endpoint.post(MemberId(to as u16), frame)
}

fn receive(endpoint: &Endpoint, from: usize, step: u16, timeout: Duration) -> Result<[u8; 32], NetError> {
    let header = FrameHeader { evaluation: 0, task: 0, step, kind: FrameKind::Control, length: 32 };
    let frame = endpoint.expect(MemberId(from as u16), header, timeout)?;
    let mut bytes = [0; 32];
    bytes.copy_from_slice(frame.payload.bytes());
    Ok(bytes)
}

/// Tells every peer what this member is about to evaluate. Nobody waits for an answer: it is read before the first
/// frame of the evaluation.
pub(crate) fn announce(
    endpoint: &Endpoint,
    to: &[MemberId],
    evaluation: u64,
    digest: [u8; 32],
) -> Result<(), NetError> {
    for &peer in to {
        endpoint
            .post(peer, Frame::new(evaluation, 0, 0, FrameKind::Hello, Payload::from(digest.to_vec())))?;
    }
    Ok(())
}

/// Reads what a peer is about to evaluate and compares.
pub(crate) fn agree(
    endpoint: &Endpoint,
    from: MemberId,
    evaluation: u64,
    digest: [u8; 32],
    timeout: Duration,
) -> Result<(), MpcError> {
    let header = FrameHeader { evaluation, task: 0, step: 0, kind: FrameKind::Hello, length: 32 };
    let frame = endpoint.expect(from, header, timeout).map_err(|source| MpcError::Net {
        node: "agreement".into(),
        round: 0,
        source,
    })?;
    let theirs = frame.payload.bytes();
    if theirs != digest {
        let hex = |bytes: &[u8]| bytes[..8].iter().map(|b| format!("{b:02x}")).collect::<String>();
        return Err(MpcError::Disagreement {
            peer: endpoint.name(from).to_owned(),
            ours: hex(&digest),
            theirs: hex(theirs),
        });
    }
    Ok(())
}
