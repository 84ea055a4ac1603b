//! What the members of an evaluation must have the same, and at which node they differ if they have not.
//!
//! # Security
//! Digests of programs and of public values are public, like the program. This protects from mistakes, such as another
//! batch size, and not from cheating.

use std::time::Duration;

use tacita_net::{Endpoint, Frame, FrameHeader, FrameKind, MemberId, NetError};
use tacita_program::{RingId, RingNode, RingOp, Visibility};

use crate::error::MpcError;
use crate::leaves::Leaves;
use crate::plan::Plan;
use crate::session::{Membership, WORDS, hex};

/// Step of the control frame with the recipe.
const RECIPE: u16 = 2;
/// Length of an announcement: a digest, and for the dealer whether a recipe follows.
const ANNOUNCEMENT: u64 = 33;
/// Bytes of a node's digest that are compared.
const SHORT: usize = 8;

/// What the members of an evaluation must agree on: the plan and the values of the public leaves.
pub(crate) fn agreed(plan: &Plan, leaves: &Leaves) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("tacita evaluation v1");
    hasher.update(&plan.digest());
    for id in plan.program.ids() {
        if let Some(value) = public_leaf(plan, leaves, id) {
            hasher.update(value);
        }
    }
    *hasher.finalize().as_bytes()
}

fn public_leaf<'a>(plan: &Plan, leaves: &'a Leaves, id: RingId) -> Option<&'a [u8]> {
    let node = plan.node(id);
    let is_public = matches!(node.op, RingOp::Input { .. }) && node.visibility == Visibility::Public;
    let value = leaves.get(&id).filter(|_| is_public)?;
    Some(bytemuck::cast_slice(value.data()))
}

/// Tells everybody what this member is about to evaluate, and reads what the others are, the dealer excepted, who hears
/// and compares for itself. One of the parties sends the dealer what it needs to make the same plan. `kept` is a digest of
/// the kept values that the parties take, about which nobody else knows.
///
/// # Errors
/// [`MpcError::Disagreement`], at every member alike, that names the first node that differs.
pub(crate) fn agree(
    member: &Membership,
    evaluation: u64,
    plan: &Plan,
    leaves: &Leaves,
    kept: Option<[u8; 32]>,
    recipe: Option<&[u8]>,
) -> Result<[u8; 32], MpcError> {
    let fail = |source| MpcError::Net { node: "agreement".into(), round: 0, source };
    let Membership { endpoint, config, parties, .. } = member;
    endpoint.set_place("agreement", 0);
    let own = agreed(plan, leaves);
    let among_parties = kept.map_or(own, |kept| {
        let mut hasher = blake3::Hasher::new_derive_key("tacita evaluation of kept values v1");
        *hasher.update(&own).update(&kept).finalize().as_bytes()
    });
    let own_to = |peer: MemberId| if peer.index() < *parties { among_parties } else { own };
    let announced = announce(member, evaluation, own_to, recipe);
    let mut different = None;
    for peer in endpoint.members().filter(|peer| peer.index() != *parties) {
        let (theirs, _) = hear(endpoint, peer, evaluation, config.timeout).map_err(fail)?;
        if theirs != own_to(peer) {
            different.get_or_insert((peer, theirs));
        }
    }
    // who has left because it disagrees has said what it wanted before: that is the better answer
    announced.map_err(fail)?;
    match different {
        None => Ok(own),
        Some((peer, theirs)) => Err(explain(member, plan, leaves, (peer, own_to(peer), theirs))),
    }
}

fn announce(
    member: &Membership,
    evaluation: u64,
    digest: impl Fn(MemberId) -> [u8; 32],
    recipe: Option<&[u8]>,
) -> Result<(), NetError> {
    for peer in member.endpoint.members() {
        let recipe = recipe.filter(|_| peer.index() == member.parties);
        let mut bytes = digest(peer).to_vec();
        bytes.push(u8::from(recipe.is_some()));
        member.endpoint.post(peer, Frame::new(evaluation, 0, 0, FrameKind::Hello, bytes))?;
        if let Some(recipe) = recipe {
            let frame = Frame::new(evaluation, 0, RECIPE, FrameKind::Control, recipe.to_vec());
            member.endpoint.post(peer, frame)?;
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

/// The error of members that differ. All of them know that they do, and find out together at which node: they exchange
/// the digests of their nodes in order, and then what the first is that is not the same everywhere.
fn explain(
    member: &Membership,
    plan: &Plan,
    leaves: &Leaves,
    (peer, ours, theirs): (MemberId, [u8; 32], [u8; 32]),
) -> MpcError {
    let unknown = || (String::new(), digests_differ(&ours, &theirs));
    let (node, difference) = first_difference(member, plan, leaves, peer).unwrap_or_else(unknown);
    MpcError::Disagreement { peer: member.endpoint.name(peer).to_owned(), node, difference }
}

/// What is said of programs of which no more is known than their digests.
pub(crate) fn digests_differ(ours: &[u8; 32], theirs: &[u8; 32]) -> String {
    format!("{} here, {} there", hex(&ours[..SHORT]), hex(&theirs[..SHORT]))
}

/// The name of the first node that differs, and what it is here and at a peer. None if somebody left meanwhile, which is
/// no better answer than that they differ.
fn first_difference(
    member: &Membership,
    plan: &Plan,
    leaves: &Leaves,
    peer: MemberId,
) -> Option<(String, String)> {
    let own: Vec<u8> = digests(plan, leaves).concat();
    let all = member.try_exchange("nodes", &own[..own.len().min(WORDS)]).ok()?;
    let lists: Vec<&[u8]> = all.iter().map(|(_, list)| list.as_slice()).chain([own.as_slice()]).collect();
    let digest = |list: &[u8], at: usize| list.get(at * SHORT..(at + 1) * SHORT).map(<[u8]>::to_vec);
    let longest = lists.iter().map(|list| list.len().min(WORDS) / SHORT).max().unwrap_or(0);
    let first = (0..longest).find(|&at| lists.iter().any(|list| digest(list, at) != digest(&own, at)));
    let here = match first {
        Some(at) => describe(plan, at),
        None => "the same nodes, of other parties, other weights or other kept values".to_owned(),
    };
    let described = member.try_exchange("difference", here.as_bytes()).ok()?;
    let (_, there) = described.into_iter().find(|(id, _)| *id == peer)?;
    // a peer's words go into a line of ours
    let there: String =
        String::from_utf8_lossy(&there).chars().filter(|c| !c.is_control()).take(200).collect();
    let name = first.and_then(|at| plan.program.nodes.get(at)).map_or("", |node| plan.name(node.origin));
    let difference = format!("first {here} here, {there} at {}", member.endpoint.name(peer));
    // nobody leaves before everybody knows
    let _ = member.try_exchange("known", &[]);
    Some((name.to_owned(), difference))
}

/// A node's digest, with what identifies a weight and the value of a public leaf.
fn digests(plan: &Plan, leaves: &Leaves) -> Vec<[u8; SHORT]> {
    let short = |(id, digest): (RingId, [u8; 32])| {
        let mut hasher = blake3::Hasher::new_derive_key("tacita agreed node v1");
        hasher.update(&digest);
        if let Some(key) = plan.leaf_key(id) {
            hasher.update(key);
        }
        if let Some(value) = public_leaf(plan, leaves, id) {
            hasher.update(value);
        }
        let mut short = [0; SHORT];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..SHORT]);
        short
    };
    plan.program.ids().zip(plan.program.node_digests()).map(short).collect()
}

fn describe(plan: &Plan, at: usize) -> String {
    match plan.program.nodes.get(at) {
        None => "no further node".to_owned(),
        Some(node) => {
            let RingNode { op, shape, origin, .. } = node;
            let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
            let attributes = match op {
                RingOp::Input { .. } => match node.visibility {
                    Visibility::Private(owner) => format!(" of {}", plan.program.owners[owner.0 as usize]),
                    Visibility::Public | Visibility::Secret => " of everybody".to_owned(),
                },
                RingOp::Constant { value } => format!(" of {value}"),
                RingOp::Truncate { bits } => format!(" by {bits} bits"),
                _ => String::new(),
            };
            format!("`{}` ({}{attributes}, {})", plan.name(*origin), op.name(), shape.join("×"))
        }
    }
}
