//! Weights, which are opened once a session, each under its owner's mask.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tacita_correlations::{
    CorrelationError, Item, MaskStreams, Masked, Outgoing, RingShare, Share, StreamId, Streams,
};
use tacita_net::{Frame, FrameHeader, FrameKind, MemberId, Payload};
use tacita_program::RingId;
use tacita_ring::RingTensor;

use crate::error::MpcError;
use crate::evaluation::Stored;
use crate::form::LeafKey;
use crate::leaves::{Leaves, leaf};
use crate::plan::{PERSISTENT, Plan};
use crate::session::Membership;
use crate::sizes::{item, words};

/// Opens the weights that this session has not opened yet, each under the owner's mask.
pub(crate) fn open_persistent(
    member: &Membership,
    streams: &Streams,
    store: &mut BTreeMap<LeafKey, Stored>,
    (plan, leaves, number): (&Plan, &Leaves, u64),
) -> Result<(), MpcError> {
    let Membership { endpoint, config, me, parties, .. } = member;
    let (me, parties) = (*me, *parties);
    endpoint.set_place("weights", 0);
    let all: Vec<RingId> = plan.persistent().collect();
    let new: Vec<(u32, RingId)> = (PERSISTENT..)
        .zip(all)
        .filter(|(_, id)| !plan.keys.get(id).is_some_and(|key| store.contains_key(key)))
        .collect();
    let fail = |id: RingId| {
        let node = plan.name(plan.node(id).origin).to_owned();
        move |source| MpcError::Net { node, round: 0, source }
    };
    for &(task, id) in new.iter().filter(|(_, id)| plan.owner(*id) == Some(me)) {
        let value = Share::new(leaf(plan, leaves, id)?.clone());
        let key = key(plan, id)?;
        for part in item(plan.node(id)).parts() {
            let masked = Outgoing::from(masked_weight(streams, me, &key, &value, part)?);
            let payload = Payload::from(masked.into_words());
            for peer in (0..parties).filter(|&peer| peer != me) {
                let frame = Frame::new(number, task, 0, FrameKind::Opening, payload.clone());
                config.hooks.sent(me, peer, &frame);
                endpoint.post(MemberId(peer as u16), frame).map_err(fail(id))?;
            }
        }
        store.insert(key, Stored::Value(value));
    }
    for &(task, id) in &new {
        let node = plan.node(id);
        let Some(owner) = plan.owner(id).filter(|&owner| owner != me) else { continue };
        let mut opened = Vec::with_capacity(words(node));
        for part in item(node).parts() {
            let length = part.len() as u64 * 8;
            let header = FrameHeader { evaluation: number, task, step: 0, kind: FrameKind::Opening, length };
            let frame = endpoint.expect(MemberId(owner as u16), header, config.timeout);
            let part = frame.map_err(fail(id))?.payload.into_words();
            opened.extend_from_slice(&part);
            endpoint.buffers().give(part);
        }
        let masked = Masked::known(Arc::new(RingTensor::new(node.shape.clone(), opened)));
        store.insert(key(plan, id)?, Stored::Masked(masked));
    }
    Ok(())
}

fn key(plan: &Plan, id: RingId) -> Result<LeafKey, MpcError> {
    plan.keys.get(&id).copied().ok_or_else(|| MpcError::Internal(format!("leaf {} has no key", id.0)))
}

/// Some words of a weight under its owner's mask.
pub(crate) fn masked_weight(
    streams: &Streams,
    owner: usize,
    key: &LeafKey,
    value: &RingShare,
    range: Range<usize>,
) -> Result<Masked<Vec<u64>>, CorrelationError> {
    let mask = MaskStreams { streams, holders: owner..owner + 1, stream: StreamId::Persistent(*key) };
    let item = Item::Ring(range.len());
    value.packed(item, range.clone()).masked(&mask, item, range.start)
}
