//! Every precondition: a program that breaks exactly that one is refused, with the node and the fault.

mod common;

use std::collections::BTreeSet;

use common::{ALICE, BOB, FRAC, Sample, bits, every_operation, ring};
use tacita_program::{Fault, NodeId, Owner, RangeBound, RingId, RingOp, RingType, Threshold, Visibility};
use tacita_ring::{ConvSpec, Exponential, FourierSum, Window2d};

/// Changes a node of the valid program and expects this fault of it.
#[track_caller]
fn refused(name: &str, change: impl FnOnce(&mut Sample), fault: Fault) {
    let mut sample = every_operation();
    change(&mut sample);
    let (id, op) = (sample.id(name), sample.node(name).op.name());
    let error = sample.program.verify().expect_err(name);
    assert_eq!((error.node, error.op, error.fault), (id, op, fault), "{name}");
}

/// The same, of a change to the node itself.
#[track_caller]
fn refused_node(name: &str, change: impl FnOnce(&mut tacita_program::RingNode), fault: Fault) {
    refused(name, |sample| change(sample.node(name)), fault);
}

/// The same, of another operation.
#[track_caller]
fn refused_op(name: &str, op: RingOp, fault: Fault) {
    refused_node(name, |node| node.op = op, fault);
}

#[test]
fn a_program_with_every_operation_is_accepted() {
    let sample = every_operation();
    let names: BTreeSet<&str> = sample.program.nodes.iter().map(|node| node.op.name()).collect();
    assert_eq!(names.len(), 40, "{names:?}");
    let verified = sample.verified();
    assert_eq!(*verified, sample.program);
    for id in verified.ids() {
        assert_eq!(verified.bound(id), tacita_program::bounds(&verified)[id.index()]);
    }
    assert_eq!(verified.into_program().verify().map(|program| (*program).clone()), Ok(sample.program));
}

#[test]
fn errors_name_the_node_and_its_graph_node() {
    let mut sample = every_operation();
    sample.node("mul").ty = ring(3);
    let id = sample.id("mul").0;
    let error = sample.program.verify().unwrap_err().to_string();
    assert!(error.starts_with(&format!("ring node {id} (Mul), part of \"layer\": ")), "{error}");
}

#[test]
fn inputs_are_earlier_nodes_of_the_right_number_and_type() {
    let own = every_operation().id("add");
    refused_node("add", |node| node.inputs[1] = own, Fault::Order { input: own });
    let beyond = RingId(9999);
    refused_node("neg", |node| node.inputs[0] = beyond, Fault::Order { input: beyond });
    refused_node("neg", |node| node.inputs.clear(), Fault::Arity { got: 0 });
    refused_node("add", |node| node.inputs.truncate(1), Fault::Arity { got: 1 });
    refused_node("argmax", |node| node.inputs.truncate(1), Fault::Arity { got: 1 });
    refused_node("select", |node| node.inputs.truncate(1), Fault::Arity { got: 1 });
    refused_node("largest", |node| node.inputs.truncate(2), Fault::Arity { got: 2 });
    refused_node("scaled", |node| node.inputs.truncate(2), Fault::Arity { got: 2 });
    refused_node("and", |node| node.inputs = vec![node.inputs[0]; 9], Fault::Arity { got: 9 });
    refused_node("constant", |node| node.inputs = vec![RingId(0)], Fault::Arity { got: 1 });
    let swap = |name: &'static str, at: usize, other: &'static str, got: RingType| {
        let change = |sample: &mut Sample| {
            let id = sample.id(other);
            sample.node(name).inputs[at] = id;
        };
        refused(name, change, Fault::InputType { at, got });
    };
    swap("scaled", 1, "negative", bits(1));
    swap("xor", 1, "negative", bits(1));
    swap("and", 0, "argmax", bits(2));
    swap("select", 0, "add", ring(FRAC));
    swap("select", 1, "negative", bits(1));
    swap("bit0", 0, "add", ring(FRAC));
    swap("keep", 0, "negative", bits(1));
    swap("hot", 0, "negative", bits(1));
}

#[test]
fn results_have_the_type_that_follows() {
    let expected = |ty, expected| Fault::Type { got: ty, expected };
    refused_node("add", |node| node.ty = bits(1), expected(bits(1), ring(0)));
    refused_node("mul", |node| node.ty = ring(FRAC), expected(ring(FRAC), ring(2 * FRAC)));
    refused_node("matmul", |node| node.ty = ring(FRAC), expected(ring(FRAC), ring(2 * FRAC)));
    refused_node("conv", |node| node.ty = ring(FRAC), expected(ring(FRAC), ring(2 * FRAC)));
    refused_node("reshape", |node| node.ty = ring(0), expected(ring(0), ring(FRAC)));
    refused_node("argmax", |node| node.ty = bits(3), expected(bits(3), bits(2)));
    refused_node("pairs", |node| node.ty = bits(2), expected(bits(2), bits(3)));
    refused_node("buckets", |node| node.ty = bits(2), expected(bits(2), bits(3)));
    refused_node("negative", |node| node.ty = ring(0), expected(ring(0), bits(1)));
    refused_node("hot", |node| node.ty = ring(1), expected(ring(1), ring(0)));
    refused_node("bit0", |node| node.ty = ring(1), expected(ring(1), ring(0)));
    refused_node("fourier", |node| node.ty = ring(55), expected(ring(55), ring(56)));
    refused_node("exponential", |node| node.ty = ring(56), expected(ring(56), ring(57)));
    refused_node("reveal", |node| node.ty = ring(0), expected(ring(0), ring(FRAC)));
    refused_node("x", |node| node.ty = bits(1), expected(bits(1), ring(0)));
    let drawn = Fault::Plane { plane: 65, planes: 64 };
    refused_node("drawn bits", |node| node.ty = bits(65), drawn);
}

#[test]
fn fractional_bits_go_together() {
    refused_node("add", |node| node.ty = ring(9), Fault::Frac { at: 0 });
    refused_node("pad", |node| node.ty = ring(9), Fault::Frac { at: 0 });
    refused_node("concat", |node| node.ty = ring(9), Fault::Frac { at: 0 });
    // columns of a sort have scales of their own, others do not
    refused_node("slice", |node| node.ty = ring(0), Fault::Frac { at: 0 });
    refused("sub", |sample| sample.node("constant").ty = ring(7), Fault::Frac { at: 1 });
    refused_op("select", RingOp::Select { truncate: vec![0, 7] }, Fault::Frac { at: 2 });
    refused_op("largest", RingOp::SelectLargest { truncate: 7 }, Fault::Frac { at: 1 });
    refused_node("x", |node| node.ty = ring(61), Fault::TooManyFractionalBits { got: 61, most: 60 });
}

#[test]
fn shapes_follow_from_inputs() {
    let got =
        |got: &[usize], expected: &[usize]| Fault::Shape { got: got.to_vec(), expected: expected.to_vec() };
    for (name, wrong) in [
        ("add", vec![4, 2]),
        ("neg", vec![8]),
        ("transpose", vec![2, 3, 4]),
        ("slice", vec![2, 2, 1]),
        ("gather", vec![2, 2, 2]),
        ("pad", vec![2, 3, 4]),
        ("concat", vec![4, 5]),
        ("sum", vec![4]),
        ("pool", vec![1, 1, 1, 3]),
        ("matmul", vec![3, 2]),
        ("conv", vec![1, 1, 1, 3]),
        ("truncate", vec![4, 2]),
        ("negative", vec![8]),
        ("argmax", vec![8]),
        ("select", vec![8]),
        ("scaled", vec![8]),
        ("hot", vec![2, 4, 1, 3]),
        ("buckets", vec![4, 2]),
        ("reveal", vec![4, 2]),
        ("keep", vec![4, 2]),
    ] {
        let expected = every_operation().node(name).shape.clone();
        refused_node(name, |node| node.shape = wrong.clone(), got(&wrong, &expected));
    }
    refused_node("reshape", |node| node.shape = vec![3, 3], Fault::InputShapes);
    refused_node("broadcast", |node| node.shape = vec![2, 3, 3], Fault::InputShapes);
    let other = |name: &'static str, at: usize, of: &'static str| {
        let change = |sample: &mut Sample| {
            let id = sample.id(of);
            sample.node(name).inputs[at] = id;
        };
        refused(name, change, Fault::InputShapes);
    };
    other("add", 1, "weights");
    other("matmul", 1, "y");
    other("conv", 1, "image");
    other("concat", 1, "weights");
    other("argmax", 1, "sum");
    other("select", 2, "matmul");
    let window = Window2d::new([3, 3]);
    refused_op("pool", RingOp::SumPool { window }, Fault::InputShapes);
    let spec = ConvSpec { window: Window2d::new([2, 2]), groups: 0 };
    refused_op("conv", RingOp::Conv { spec }, Fault::InputShapes);
    for shape in [vec![usize::MAX, 2], vec![1 << 31, 1 << 31], vec![0, usize::MAX, usize::MAX]] {
        refused_node("x", |node| node.shape = shape, Fault::Elements);
    }
    refused_node("drawn bits", |node| node.ty = bits(usize::MAX), Fault::Elements);
}

#[test]
fn axes_and_indices_exist() {
    for perm in [vec![0, 1], vec![0, 1, 1], vec![0, 1, 3], vec![0, 1, 2, 3]] {
        refused_op("transpose", RingOp::Transpose { perm }, Fault::Axes);
    }
    for (starts, ends, steps) in [
        (vec![0; 3], vec![4, 3, 3], vec![1; 3]),
        (vec![2, 0, 0], vec![1, 3, 2], vec![1; 3]),
        (vec![0; 3], vec![4, 3, 2], vec![1, 0, 1]),
        (vec![0; 2], vec![4, 3], vec![1; 2]),
    ] {
        refused_op("slice", RingOp::Slice { starts, ends, steps }, Fault::Slice);
    }
    let gather = |axis, indices| RingOp::Gather { axis, indices };
    refused_op("gather", gather(3, vec![0]), Fault::Axes);
    refused_op("gather", gather(1, vec![0, 2]), Fault::Index { index: 2, size: 2 });
    refused_op("pad", RingOp::Pad { before: vec![0; 2], after: vec![0; 3], value: 0 }, Fault::Axes);
    refused_op("concat", RingOp::Concat { axis: 2 }, Fault::Axes);
    for axes in [vec![2], vec![0, 0], vec![1, 0]] {
        refused_op("sum", RingOp::Sum { axes, keepdims: true }, Fault::Axes);
    }
    let values = RingOp::ConstantTensor { values: vec![1; 3] };
    refused_op("numbers", values, Fault::Values { got: 3, expected: 4 });
    refused_op("bit2", RingOp::BitToArithmetic { plane: 3 }, Fault::Plane { plane: 3, planes: 3 });
}

#[test]
fn bits_are_within_the_operations_limits() {
    let limits = |got, least, most| Fault::Bits { got, least, most };
    for got in [0, 63] {
        refused_op("truncate", RingOp::Truncate { bits: got }, limits(got, 1, 62));
        refused_op("rounded", RingOp::RoundedUp { bits: got }, limits(got, 1, 62));
    }
    for got in [0, 64] {
        refused_op("negative", RingOp::LessThanZero { bits: got }, limits(got, 1, 63));
        refused_op("argmax", RingOp::OneHotArgmax { bits: got }, limits(got, 1, 63));
        refused_op("pairs", RingOp::LessThanPairs { bits: got }, limits(got, 1, 63));
        refused_op("sort", RingOp::Sort { shift: 2, bits: got }, limits(got, 1, 63));
        let thresholds = common::THRESHOLDS.to_vec();
        refused_op("buckets", RingOp::Bucketize { thresholds, bits: got }, limits(got, 1, 63));
    }
    refused_op("equal", RingOp::EqualZero { bits: 0 }, limits(0, 1, 64));
    refused_op("equal", RingOp::EqualZero { bits: 65 }, limits(65, 1, 64));
    refused_op("hot", RingOp::OneHot { bits: 33 }, limits(33, 1, 32));
    refused_op("sort", RingOp::Sort { shift: 62, bits: 63 }, limits(62, 1, 61));
    refused_op("select", RingOp::Select { truncate: vec![0, 63] }, limits(63, 0, 62));
    refused_op("largest", RingOp::SelectLargest { truncate: 63 }, limits(63, 0, 62));
    let scaled = RingOp::SelectScale { factors: vec![3, 0, -5], truncate: 63 };
    refused_op("scaled", scaled, limits(63, 0, 62));
    let one_each = |got, expected| Fault::Attributes { got, expected };
    refused_op("select", RingOp::Select { truncate: vec![0] }, one_each(1, 2));
    let scaled = RingOp::SelectScale { factors: vec![3, 0], truncate: 4 };
    refused_op("scaled", scaled, one_each(2, 3));
    let mut sample = every_operation();
    let op = RingOp::Select { truncate: vec![0, FRAC] };
    sample.add("late", op, &["buckets", "public", "mul"], &[2, 4], ring(FRAC));
    sample.reveal("late reveal", "late");
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("late"), one_each(3, 2)));
}

#[test]
fn comparisons_take_the_bits_that_ranges_need() {
    let width = |op: fn(u32) -> RingOp, name: &str| {
        let mut sample = every_operation();
        let needed = sample.node(name).op.compared_bits().unwrap();
        refused_op(name, op(needed - 1), Fault::Width { got: needed - 1, needed });
        sample.node(name).op = op(63);
        sample.verified();
    };
    width(|bits| RingOp::LessThanZero { bits }, "negative");
    width(|bits| RingOp::OneHotArgmax { bits }, "argmax");
    width(|bits| RingOp::LessThanPairs { bits }, "pairs");
    width(|bits| RingOp::Sort { shift: 2, bits }, "sort");
    width(|bits| RingOp::Bucketize { thresholds: common::THRESHOLDS.to_vec(), bits }, "buckets");
    // a leaf whose bound is forgotten may be anything
    let forgotten = |sample: &mut Sample| sample.node("x").bound = RangeBound::ANY;
    let got = every_operation().bound("sub").sign_bits();
    refused("negative", forgotten, Fault::Width { got, needed: 63 });
    let empty = RangeBound { low: 1, high: 0 };
    refused_node("x", |node| node.bound = empty, Fault::Bound);
}

#[test]
fn thresholds_ascend_and_leave_room() {
    let bits = every_operation().node("buckets").op.compared_bits().unwrap();
    let of = |list: &[(i64, u32)]| RingOp::Bucketize {
        thresholds: list.iter().map(|&(at, dropped)| Threshold { at, dropped }).collect(),
        bits,
    };
    for list in [
        vec![(5, 0), (5, 0)],
        vec![(6, 0), (5, 0)],
        // 2^4 on one side and 2^8 on the other
        vec![(0, 4), (271, 8)],
        vec![(0, 0), (255, 8)],
        vec![(0, 3), (512, 0)],
        vec![(0, bits.next_multiple_of(4)), (512, 0)],
    ] {
        refused_op("buckets", of(&list), Fault::Thresholds);
    }
    for list in [[(5, 0), (6, 0)], [(0, 4), (272, 8)]] {
        let mut sample = every_operation();
        sample.node("buckets").op = of(&list);
        sample.verified();
    }
    refused_op("buckets", of(&[]), Fault::Thresholds);
}

#[test]
fn truncations_have_an_input_that_may_be_below_2_to_the_62() {
    let mut sample = every_operation();
    sample.leaf("far", Visibility::Private(ALICE), &[2, 4], false);
    sample.node("far").bound = RangeBound { low: i64::MIN, high: -1 << 62 };
    let shape = [2, 4];
    sample.add("large", RingOp::OneHotArgmax { bits: 63 }, &["far", "x"], &shape, bits(2));
    sample.add("large pairs", RingOp::LessThanPairs { bits: 63 }, &["far", "x"], &shape, bits(1));
    let fine = sample.clone();
    let truncate = vec![FRAC, FRAC];
    let scaled = RingOp::SelectScale { factors: vec![3, 0, -5], truncate: 4 };
    for (op, inputs, ty, at) in [
        (RingOp::Truncate { bits: FRAC }, &["far"][..], ring(0), 0),
        (RingOp::RoundedUp { bits: FRAC }, &["far"], bits(1), 0),
        (RingOp::Select { truncate }, &["large", "x", "far"], ring(0), 2),
        (RingOp::SelectLargest { truncate: FRAC }, &["large pairs", "far", "x"], ring(0), 1),
        (scaled, &["buckets", "factor", "far"], ring(FRAC), 2),
    ] {
        let mut sample = fine.clone();
        sample.add("quotient", op, inputs, &shape, ty);
        sample.reveal("quotient reveal", "quotient");
        sample.finish();
        let error = sample.program.clone().verify().unwrap_err();
        assert_eq!((error.node, error.fault), (sample.id("quotient"), Fault::Beyond { at }));
        sample.node("far").bound.high += 1;
        sample.verified();
    }
    let far = RangeBound { low: 1 << 62, high: i64::MAX };
    let mut sample = fine.clone();
    sample.node("far").bound = far;
    sample.add("quotient", RingOp::Truncate { bits: FRAC }, &["far"], &shape, ring(0));
    sample.finish();
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("quotient"), Fault::Beyond { at: 0 }));
    // a selection that divides by nothing takes any value
    let mut sample = fine;
    let op = RingOp::Select { truncate: vec![0, 0] };
    sample.add("whole", op, &["large", "x", "far"], &shape, ring(FRAC));
    sample.finish();
    sample.verified();
}

#[test]
fn sums_and_exponentials_are_those_that_evaluators_have() {
    for sum in [
        FourierSum { step: 0, ..common::sum() },
        FourierSum { step: 3, ..common::sum() },
        FourierSum { cosine_bits: 41, ..common::sum() },
    ] {
        refused_op("fourier", RingOp::FourierSum { sum }, Fault::Sum);
    }
    for spec in [
        Exponential { frac: FRAC + 1, ..common::EXPONENTIAL },
        Exponential { window: 2, ..common::EXPONENTIAL },
        Exponential { window: 5, ..common::EXPONENTIAL },
        Exponential { small_bits: 44, ..common::EXPONENTIAL },
        Exponential { large_bits: u32::MAX, ..common::EXPONENTIAL },
    ] {
        refused_op("exponential", RingOp::Exponential { spec }, Fault::Window);
    }
    let reveals_sum = |sample: &mut Sample| {
        let id = sample.id("fourier");
        let node = sample.node("reveal");
        (node.inputs[0], node.ty) = (id, ring(56));
    };
    refused("reveal", reveals_sum, Fault::RevealedSum);
    let keeps_sum = |sample: &mut Sample| {
        let id = sample.id("fourier");
        let node = sample.node("keep");
        (node.inputs[0], node.ty) = (id, ring(56));
    };
    refused("keep", keeps_sum, Fault::RevealedSum);
    // a selection without truncation shows it, too
    let mut sample = every_operation();
    let ids = ["pairs", "zero", "fourier", "zero"];
    let op = RingOp::SelectLargest { truncate: 0 };
    let late = sample.add("late", op, &ids, &[2, 4], ring(56));
    sample.reveal("late reveal", "late");
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("late reveal"), Fault::RevealedSum));
    sample.program.nodes[late.index()].op = RingOp::SelectLargest { truncate: 48 };
    sample.program.nodes[late.index()].ty = ring(FRAC);
    sample.node("late reveal").ty = ring(FRAC);
    sample.verified();
}

#[test]
fn sorts_have_keys_with_room_for_indices() {
    refused_op("sort", RingOp::Sort { shift: 1, bits: 63 }, Fault::SortRows { rows: 4, shift: 1 });
    for values in [vec![0, 1, 2, 2], vec![1, 2, 3, 4], vec![0, 1, 2, -1]] {
        let change = |sample: &mut Sample| sample.node("numbers").op = RingOp::ConstantTensor { values };
        refused("sort", change, Fault::SortIndices);
    }
    let swapped = |sample: &mut Sample| {
        sample.node("table").inputs.swap(0, 1);
        sample.node("table").ty = ring(0);
        sample.node("sort").ty = ring(0);
    };
    refused("sort", swapped, Fault::SortIndices);
    let mut sample = every_operation();
    sample.add("late", RingOp::Sort { shift: 2, bits: 63 }, &["add"], &[2, 4], ring(FRAC));
    sample.reveal("late reveal", "late");
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("late"), Fault::InputShapes));
}

#[test]
fn keys_and_indices_are_one_column_each() {
    let refused = |change: fn(&mut Sample), table: [&str; 2], shape: [usize; 3]| {
        let mut sample = every_operation();
        change(&mut sample);
        sample.add("late table", RingOp::Concat { axis: 2 }, &table, &shape, ring(FRAC));
        sample.add("late", RingOp::Sort { shift: 2, bits: 63 }, &["late table"], &shape, ring(FRAC));
        sample.reveal("late reveal", "late");
        let error = sample.program.clone().verify().unwrap_err();
        assert_eq!((error.node, error.fault), (sample.id("late"), Fault::SortIndices), "{table:?}");
    };
    let two = |s: &mut Sample| {
        s.add("keys", RingOp::Concat { axis: 2 }, &["reshape", "reshape"], &[2, 4, 2], ring(FRAC));
        s.add("twice", RingOp::Broadcast, &["numbers"], &[2, 4, 2], ring(0));
    };
    refused(two, ["keys", "indices"], [2, 4, 3]);
    refused(two, ["reshape", "twice"], [2, 4, 3]);
    // a number for each matrix instead of each row
    let matrices = |s: &mut Sample| {
        s.add("keys", RingOp::Reshape, &["concat"], &[4, 4, 1], ring(FRAC));
        s.add("each", RingOp::ConstantTensor { values: vec![0, 1, 2, 3] }, &[], &[4, 1, 1], ring(0));
        s.add("spread", RingOp::Broadcast, &["each"], &[4, 4, 1], ring(0));
    };
    refused(matrices, ["keys", "spread"], [4, 4, 2]);
    let nothing = |s: &mut Sample| {
        let slice = RingOp::Slice { starts: vec![0; 3], ends: vec![2, 0, 1], steps: vec![1; 3] };
        s.add("keys", slice, &["reshape"], &[2, 0, 1], ring(FRAC));
        s.add("none", RingOp::ConstantTensor { values: vec![] }, &[], &[2, 0, 1], ring(0));
    };
    refused(nothing, ["keys", "none"], [2, 0, 2]);
}

#[test]
fn selections_take_one_plane_at_most() {
    for bits in ["not", "xor", "drawn bits"] {
        let mut sample = every_operation();
        if bits == "drawn bits" {
            sample.node(bits).ty = common::bits(2);
            sample.node("drawn bit").op = RingOp::BitToArithmetic { plane: 1 };
        }
        let op = RingOp::Select { truncate: vec![0, FRAC] };
        sample.add("late", op, &[bits, "public", "mul"], &[2, 4], ring(FRAC));
        sample.reveal("late reveal", "late");
        let error = sample.program.clone().verify().unwrap_err();
        assert_eq!((error.node, error.fault), (sample.id("late"), Fault::PlaneSets), "{bits}");
    }
    // one plane is at most one, however it came about, and moved planes stay what they were
    let mut sample = every_operation();
    let op = RingOp::Select { truncate: vec![FRAC] };
    sample.add("late", op, &["and", "mul"], &[2, 4], ring(FRAC));
    sample.add("moved", RingOp::Reshape, &["argmax"], &[8], bits(2));
    sample.add("back", RingOp::Reshape, &["moved"], &[2, 4], bits(2));
    let op = RingOp::Select { truncate: vec![0, FRAC] };
    sample.add("later", op, &["back", "public", "mul"], &[2, 4], ring(FRAC));
    sample.reveal("late reveal", "late");
    sample.reveal("later reveal", "later");
    sample.verified();
    let other_bits = |sample: &mut Sample| {
        sample.add("late", RingOp::XorBits, &["pairs", "pairs"], &[2, 4], bits(3));
        sample.add(
            "x late",
            RingOp::SelectLargest { truncate: 0 },
            &["late", "x", "y", "add"],
            &[2, 4],
            ring(FRAC),
        );
        sample.reveal("late reveal", "x late");
    };
    let mut sample = every_operation();
    other_bits(&mut sample);
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("x late"), Fault::Pairs { values: 3 }));
    refused_node("largest", |node| node.inputs.truncate(3), Fault::Pairs { values: 2 });
}

#[test]
fn factors_are_the_sum_of_planes() {
    let scaled = |factors: [i64; 3]| RingOp::SelectScale { factors: factors.to_vec(), truncate: 4 };
    for factors in [[3, 0, 5], [0, 3, -5], [3, 1, -5]] {
        refused_op("scaled", scaled(factors), Fault::Factor);
    }
    for other in ["add", "weight0", "bit0", "truncate"] {
        let change = |sample: &mut Sample| {
            let id = sample.id(other);
            sample.node("scaled").inputs[1] = id;
        };
        refused("scaled", change, Fault::Factor);
    }
    // a difference of planes is no sum
    let difference = |sample: &mut Sample| sample.node("factor").op = RingOp::Sub;
    refused("scaled", difference, Fault::Factor);
}

#[test]
fn factors_have_no_other_terms_and_no_other_bits() {
    let refused = |sample: &mut Sample, factor: &str| {
        let op = RingOp::SelectScale { factors: vec![3, 0, -5], truncate: 4 };
        sample.add("late", op, &["buckets", factor, "add"], &[2, 4], ring(FRAC));
        sample.reveal("late reveal", "late");
        let error = sample.program.clone().verify().unwrap_err();
        assert_eq!((error.node, error.fault), (sample.id("late"), Fault::Factor), "{factor}");
    };
    let mut sample = every_operation();
    sample.add("and more", RingOp::Add, &["drawn", "factor"], &[2, 4], ring(0));
    refused(&mut sample, "and more");
    let mut sample = every_operation();
    for (plane, bit, weight, factor) in [(0, "pair0", "pair weight0", 3), (2, "pair2", "pair weight2", -5)] {
        sample.add(bit, RingOp::BitToArithmetic { plane }, &["pairs"], &[2, 4], ring(0));
        sample.add(weight, RingOp::Scale { factor }, &[bit], &[2, 4], ring(0));
    }
    sample.add("of pairs", RingOp::Add, &["pair weight0", "pair weight2"], &[2, 4], ring(0));
    refused(&mut sample, "of pairs");
}

#[test]
fn one_part_with_more_planes_makes_the_whole_have_more() {
    for parts in [["argmax", "not"], ["not", "argmax"]] {
        let mut sample = every_operation();
        sample.add("parts", RingOp::Concat { axis: 0 }, &parts, &[4, 4], bits(2));
        let op = RingOp::Select { truncate: vec![0, 0] };
        sample.add("late", op, &["parts", "concat", "concat"], &[4, 4], ring(FRAC));
        sample.reveal("late reveal", "late");
        let error = sample.program.clone().verify().unwrap_err();
        assert_eq!((error.node, error.fault), (sample.id("late"), Fault::PlaneSets));
    }
}

#[test]
fn the_limits_themselves_are_accepted() {
    let accepted = |change: fn(&mut Sample)| {
        let mut sample = every_operation();
        change(&mut sample);
        sample.finish();
        sample.verified();
    };
    accepted(|s| {
        let nothing = RingOp::Slice { starts: vec![0, 2], ends: vec![2, 2], steps: vec![1; 2] };
        s.add("nothing", nothing, &["add"], &[2, 0], ring(FRAC));
    });
    accepted(|s| {
        let sum = FourierSum { cosine_bits: 40, ..common::sum() };
        s.node("fourier").op = RingOp::FourierSum { sum };
    });
    accepted(|s| {
        s.leaf("fine", Visibility::Private(ALICE), &[2, 4], false);
        s.node("fine").ty = ring(48);
        let spec = Exponential { frac: 48, small_bits: 43, ..common::EXPONENTIAL };
        s.add("fine power", RingOp::Exponential { spec }, &["fine"], &[2, 4], ring(60));
    });
    accepted(|s| {
        s.leaf("finest", Visibility::Private(ALICE), &[2, 4], false);
        s.node("finest").ty = ring(60);
    });
    accepted(|s| {
        s.add("alone", RingOp::Concat { axis: 0 }, &["x"], &[2, 4], ring(FRAC));
    });
    accepted(|s| {
        s.add("rows", RingOp::Sum { axes: vec![0], keepdims: false }, &["x"], &[4], ring(FRAC));
    });
    accepted(|s| s.node("x").bound = RangeBound::exactly(5));
    accepted(|s| {
        let factors = vec![3, 0, -5];
        s.node("scaled").op = RingOp::SelectScale { factors, truncate: 0 };
    });
    accepted(|s| {
        let scaled = RingOp::SelectScale { factors: vec![3, 0, -5], truncate: 30 };
        s.add("scaled sum", scaled, &["buckets", "factor", "fourier"], &[2, 4], ring(26));
    });
    // and one more is refused
    let mut sample = every_operation();
    let scaled = RingOp::SelectScale { factors: vec![3, 0, -5], truncate: 0 };
    sample.add("scaled sum", scaled, &["buckets", "factor", "fourier"], &[2, 4], ring(56));
    sample.reveal("late reveal", "scaled sum");
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("late reveal"), Fault::RevealedSum));
    let mut sample = every_operation();
    sample.add("late", RingOp::Sort { shift: 2, bits: 63 }, &["reshape"], &[2, 4, 1], ring(FRAC));
    sample.reveal("late reveal", "late");
    let error = sample.program.clone().verify().unwrap_err();
    assert_eq!((error.node, error.fault), (sample.id("late"), Fault::InputShapes));
    let unknown = NodeId(every_operation().program.node_names.len() as u32);
    refused_node("add", |node| node.origin = unknown, Fault::Origin);
    let thresholds = vec![Threshold { at: 0, dropped: 24 }, Threshold { at: 1 << 40, dropped: 0 }];
    refused_op("buckets", RingOp::Bucketize { thresholds, bits: 24 }, Fault::Thresholds);
}

#[test]
fn nothing_secret_becomes_visible() {
    use Visibility::{Private, Public, Secret};
    let seen = |got, expected| Fault::Visibility { got, expected };
    refused_node("add", |node| node.visibility = Public, seen(Public, Secret));
    refused_node("add", |node| node.visibility = Private(ALICE), seen(Private(ALICE), Secret));
    refused_node("reveal", |node| node.visibility = Private(ALICE), seen(Private(ALICE), Secret));
    refused_node("keep", |node| node.visibility = Public, seen(Public, Secret));
    refused_node("drawn", |node| node.visibility = Public, seen(Public, Secret));
    refused_node("constant", |node| node.visibility = Secret, seen(Secret, Public));
    refused_node("x", |node| node.visibility = Private(Owner(2)), Fault::Owner { owner: 2 });
    refused_node("weights", |node| node.visibility = Secret, Fault::SecretPersistent);
    let public = |name: &'static str, input: &'static str| {
        let change = |sample: &mut Sample| {
            let id = sample.id(input);
            let node = sample.node(name);
            node.inputs.iter_mut().for_each(|input| *input = id);
            node.visibility = Public;
        };
        refused(name, change, Fault::Public);
    };
    public("truncate", "public");
    public("rounded", "public");
    public("negative", "public");
    public("argmax", "public");
    public("pairs", "public");
    public("equal", "public");
    public("buckets", "public");
    public("fourier", "public");
    public("exponential", "public");
    // a value may be more secret than its inputs
    let mut sample = every_operation();
    sample.node("indices").visibility = Secret;
    sample.verified();
}

#[test]
fn results_are_told_apart() {
    let to = |to: &[u16]| RingOp::Reveal { to: to.iter().map(|&owner| Owner(owner)).collect() };
    for list in [&[][..], &[1, 0], &[1, 1]] {
        refused_op("reveal", to(list), Fault::Receivers);
    }
    refused_op("reveal", to(&[0, 2]), Fault::Owner { owner: 2 });
    let shared = |sample: &mut Sample| {
        let origin = sample.node("reveal").origin;
        sample.node("keep").origin = origin;
    };
    refused("keep", shared, Fault::SharedOrigin);
    refused_node("add", |node| node.origin = NodeId(99), Fault::Origin);
    let unnamed = |sample: &mut Sample| {
        let origin = sample.node("keep").origin;
        sample.program.node_names[origin.index()].clear();
    };
    refused("keep", unnamed, Fault::Unnamed);
    refused_op("drawn", RingOp::Random { draw: 0 }, Fault::RepeatedDraw);
    let last = RingId(every_operation().program.nodes.len() as u32 - 1);
    let mut sample = every_operation();
    let removed = sample.program.nodes.pop().unwrap();
    let error = sample.program.verify().unwrap_err();
    assert!(removed.inputs[0] < last && error.node == removed.inputs[0] && error.fault == Fault::Unused);
}

#[test]
fn values_of_hidden_owners_become_secret() {
    let mut sample = every_operation();
    sample.add("twice", RingOp::Scale { factor: 2 }, &["y"], &[2, 4], ring(FRAC));
    sample.add("alices", RingOp::Scale { factor: 2 }, &["x"], &[2, 4], ring(FRAC));
    sample.reveal("twice reveal", "twice");
    sample.reveal("alices reveal", "alices");
    let mut program = sample.verified();
    program.hide(|owner| owner == BOB);
    let of = |name: &str| program.node(sample.id(name)).visibility;
    assert_eq!((of("y"), of("twice")), (Visibility::Private(BOB), Visibility::Secret));
    assert_eq!((of("x"), of("alices")), (Visibility::Private(ALICE), Visibility::Private(ALICE)));
    program.into_program().verify().unwrap();
}
