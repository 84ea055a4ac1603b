//! Properties that hold whatever a member's peers send in a session. Only the fuzz target and the replay of its corpus use
//! this module; a failed assertion is a fault of the code under test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tacita_net::{Endpoint, Frame, FrameKind, Limits, MemberId, memory};
use tacita_program::{RingOp, VerifiedProgram};
use tacita_ring::RingTensor;

use crate::config::{Config, Hooks};
use crate::dealer::Dealer;
use crate::error::MpcError;
use crate::leaves::Leaves;
use crate::party::Party;
use crate::plan::Plan;

const NAMES: [&str; 3] = ["alice", "bob", "dealer"];
const PARTIES: usize = 2;

/// A recorded session: alice and bob compute, all members are honest and draw from a fixed seed.
pub struct Session {
    plan: Plan,
    /// The leaves that each party knows, and last those of the dealer.
    leaves: Vec<Leaves>,
    /// The frames that each member receives, with their senders: by sender, and in the order of each.
    received: Vec<Vec<(MemberId, Frame)>>,
}

impl Session {
    /// Runs a session that evaluates `program`, whose owners are alice and bob, and records its frames.
    ///
    /// # Panics
    /// If the program has other owners, or the session fails.
    pub fn record(program: VerifiedProgram) -> Session {
        let program = Arc::new(program);
        let names: Vec<String> = NAMES[..PARTIES].iter().map(|name| (*name).to_owned()).collect();
        let persistent = |id: &_| matches!(program.node(*id).op, RingOp::Input { persistent: true });
        let keys = program.ids().filter(persistent).map(|id| (id, [id.0 as u8; 32])).collect();
        let plan = Plan::new(program.clone(), &names, keys).expect("the owners are parties");
        let known = |me: Option<usize>| -> Leaves {
            let inputs = program.ids().filter(|id| matches!(program.node(*id).op, RingOp::Input { .. }));
            let value = |id| {
                let shape = program.node(id).shape.clone();
                let words = (0..shape.iter().product::<usize>() as u64).map(|n| (n + 1) << 14).collect();
                Arc::new(RingTensor::new(shape, words))
            };
            let is_known = |id: &_| plan.owner(*id).is_none_or(|owner| Some(owner) == me);
            inputs.filter(is_known).map(|id| (id, value(id))).collect()
        };
        let leaves = vec![known(Some(0)), known(Some(1)), known(None)];
        let mut session = Session { plan, leaves, received: vec![] };
        session.received = (0..NAMES.len()).map(|listener| relay(&session, listener)).collect();
        session
    }

    /// Replays the session to one member, which the first byte chooses, after edits to the frames that it receives. The
    /// other bytes say the edits. The member never panics, its error is one line, and without edits it succeeds.
    ///
    /// # Panics
    /// If one of these does not hold.
    pub fn replay(&self, bytes: &[u8]) {
        let Some((&choice, edits)) = bytes.split_first() else { return };
        let me = usize::from(choice) % NAMES.len();
        let mut frames = self.received[me].clone();
        let mut rest = edits;
        while edit(&mut frames, &mut rest).is_some() {}

        let mut members: Vec<Option<Endpoint>> =
            memory(&NAMES, &Limits::default()).into_iter().map(Some).collect();
        let Some(own) = members[me].take() else { unreachable!("every member has an endpoint") };
        for (from, frame) in frames {
            let peer = members[from.index()].as_ref();
            peer.expect("nobody sends to itself").post(own.id(), frame).expect("the member is there");
        }
        // all frames are there already
        let outcome = take_part(self, own, Duration::ZERO);
        match outcome {
            Err(error) => {
                assert!(!edits.is_empty(), "an honest session failed: {error}");
                let told = error.to_string();
                assert!(!told.contains(char::is_control), "not one line: {told:?}");
            }
            Ok(()) => drop(members),
        }
    }
}

/// Does one edit to one of the frames. None once nothing is left of the edits.
fn edit(frames: &mut Vec<(MemberId, Frame)>, rest: &mut &[u8]) -> Option<()> {
    let mut next = || {
        let (first, more) = rest.split_first()?;
        *rest = more;
        Some(*first)
    };
    let (what, at) = (next()?, usize::from(next()?));
    let at = at % frames.len().max(1);
    let (from, frame) = frames.get(at).cloned()?;
    let mut header = frame.header;
    let mut payload = frame.payload.bytes().to_vec();
    match what % 8 {
        0 => {
            let (low, high, byte) = (next()?, next()?, next()?);
            let position = usize::from(u16::from_le_bytes([low, high])) % payload.len().max(1);
            if let Some(old) = payload.get_mut(position) {
                *old = byte;
            }
        }
        1 => payload.truncate(usize::from(u16::from_le_bytes([next()?, next()?]))),
        2 => payload.extend((0..next()?).map_while(|_| next())),
        3 => match next()? % 4 {
            0 => header.evaluation = next()?.into(),
            1 => header.task = u32::from_le_bytes([next()?, next()?, next()?, next()?]),
            2 => header.step = u16::from_le_bytes([next()?, next()?]),
            // links show no heartbeats
            _ => header.kind = FrameKind::ALL[usize::from(next()?) % 6],
        },
        4 => {
            frames.remove(at);
            return Some(());
        }
        5 => {
            frames.insert(at, (from, frame));
            return Some(());
        }
        6 => {
            let other = usize::from(next()?) % frames.len();
            frames.swap(at, other);
            return Some(());
        }
        _ => payload = (0..next()?).map_while(|_| next()).collect(),
    }
    let changed = Frame::new(header.evaluation, header.task, header.step, header.kind, payload);
    frames[at] = (from, changed);
    Some(())
}

/// A member's part: it joins, a party says a word and hears the others', and an evaluation is made.
fn take_part(recorded: &Session, endpoint: Endpoint, timeout: Duration) -> Result<(), MpcError> {
    let me = endpoint.id().index();
    let hooks = Hooks { insecure_fixed_seed: Some([7; 32]), ..Hooks::default() };
    let config = Config { timeout, idle: timeout, hooks, ..Config::default() };
    let (plan, leaves) = (&recorded.plan, &recorded.leaves[me]);
    if me == PARTIES {
        let mut dealer = Dealer::connect(endpoint, PARTIES, config)?;
        dealer.request()?;
        return dealer.deal(plan, leaves).map(drop);
    }
    let mut party = Party::connect(endpoint, PARTIES, config)?;
    party.exchange("terms", &[1, 2])?;
    let recipe = (me == 0).then_some(&b"recipe"[..]);
    party.evaluate(plan, leaves, recipe, &mut |_| ()).map(drop)
}

/// Runs the session with a relay between one member and its peers, and returns the frames that the member received.
fn relay(recorded: &Session, listener: usize) -> Vec<(MemberId, Frame)> {
    let mut peers = memory(&NAMES, &Limits::default());
    let mut outside = memory(&NAMES, &Limits::default());
    let member = outside.remove(listener);
    let stand_in = peers.remove(listener);
    let id = member.id();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let part = |endpoint| take_part(recorded, endpoint, Duration::from_secs(10)).expect("all are honest");
        let running: Vec<_> = peers.into_iter().map(|endpoint| scope.spawn(move || part(endpoint))).collect();
        let done = &done;
        scope.spawn(move || {
            part(member);
            done.store(true, Ordering::Release);
        });
        let mut noted = vec![];
        while !done.load(Ordering::Acquire) || !running.iter().all(|peer| peer.is_finished()) {
            for proxy in &outside {
                while let Ok(frame) = stand_in.receive(proxy.id(), Duration::ZERO) {
                    noted.push((proxy.id(), frame.clone()));
                    let _ = proxy.post(id, frame);
                }
                while let Ok(frame) = proxy.receive(id, Duration::ZERO) {
                    let _ = stand_in.post(proxy.id(), frame);
                }
            }
        }
        // the order of arrival from different senders is chance
        noted.sort_by_key(|(from, _)| *from);
        noted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    use tacita_graph::{Graph, Role, Visibility, dims, lower, ops};

    #[test]
    fn honest_sessions_are_recorded_alike() {
        let mut graph = Graph::new();
        let (alice, bob) = (graph.owner("alice"), graph.owner("bob"));
        let x = graph.input("x", &dims(&[3]), Visibility::Private(alice), Role::Data).unwrap();
        let w = graph.input("w", &dims(&[3]), Visibility::Private(bob), Role::Parameter).unwrap();
        let product = graph.add(ops::Mul {}, &[x, w], "product").unwrap();
        let relu = graph.add(ops::Relu {}, &[product], "relu").unwrap();
        graph.reveal(relu, &[bob], "values").unwrap();
        let record = || Session::record(lower(&graph, 16, &crate::TARGET).unwrap());
        let (one, other) = (record(), record());
        assert_eq!(one.received, other.received);
        assert!(one.received.iter().all(|frames| frames.len() > 5));
    }
}
