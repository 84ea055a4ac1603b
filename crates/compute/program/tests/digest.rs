//! Digests: the same for the same program, another for any that differs in what parties must agree on.

mod common;

use common::{ALICE, Sample, every_operation, ring};
use tacita_program::{RangeBound, RingId, RingOp, Visibility};

#[test]
fn the_digest_is_this_one() {
    // a change here is a change of the version in the digest's name
    let hex: String =
        every_operation().program.digest()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "a3903fe70fa2b93e");
}

#[test]
fn whatever_parties_must_agree_on_is_in_the_digest() {
    type Change = fn(&mut Sample);
    let all: [(&str, Change); 12] = [
        ("precision", |s| s.program.precision += 1),
        ("owner", |s| s.program.owners[1].push('x')),
        ("order of owners", |s| s.program.owners.swap(0, 1)),
        ("node", |s| drop(s.program.nodes.pop())),
        ("operation", |s| s.node("add").op = RingOp::Sub),
        ("attribute", |s| s.node("scale").op = RingOp::Scale { factor: 6 }),
        ("input", |s| s.node("add").inputs.swap(0, 1)),
        ("shape", |s| s.node("reshape").shape.swap(0, 1)),
        ("type", |s| s.node("scale").ty = ring(3)),
        ("visibility", |s| s.node("indices").visibility = Visibility::Secret),
        ("bound", |s| s.node("x").bound = RangeBound::ANY),
        ("definition of a leaf", |s| s.program.node_origins[0] = [1; 32]),
    ];
    let original = every_operation().program;
    for (what, change) in all {
        let mut changed = every_operation();
        change(&mut changed);
        assert_ne!(changed.program.digest(), original.digest(), "{what}");
    }
    let mut renamed = original.clone();
    renamed.node_names[0] = "another".to_owned();
    assert_eq!(renamed.digest(), original.digest(), "names are for reports");
}

#[test]
fn attributes_of_every_operation_are_in_the_digest() {
    // two programs that differ in a single operation have two digests, for each pair of nodes
    let sample = every_operation();
    let mut digests: Vec<[u8; 32]> = (0..sample.program.nodes.len())
        .map(|index| {
            let mut program = sample.program.clone();
            let op = program.nodes[index].op.clone();
            program.nodes[0].op = op;
            program.digest()
        })
        .collect();
    digests.sort();
    digests.dedup();
    let mut ops: Vec<String> = sample.program.nodes.iter().map(|node| format!("{:?}", node.op)).collect();
    ops.sort();
    ops.dedup();
    assert_eq!(digests.len(), ops.len());
}

#[test]
fn digests_of_nodes_tell_where_programs_differ() {
    let (sample, mut other) = (every_operation(), every_operation());
    other.node("sub").visibility = Visibility::Private(ALICE);
    let (a, b) = (sample.program.node_digests(), other.program.node_digests());
    let first = a.iter().zip(&b).position(|(a, b)| a != b).map(|index| RingId(index as u32));
    assert_eq!(first, Some(sample.id("sub")));
    let depends = sample.id("negative").index();
    assert_ne!(a[depends], b[depends], "what is computed from it differs, too");
    let apart = sample.id("mul").index();
    assert_eq!(a[apart], b[apart]);
}
