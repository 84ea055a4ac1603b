//! Tests: the correlations of each primitive, interpreted on known masks, are what the primitive's definition says.
//!
//! Expected values are written from the definitions, element by element, and share no code with specs and kernels.

use std::collections::BTreeMap;

use tacita_correlations::testing::{KnownMasks, noise};
use tacita_correlations::{Correlation, Item, OtherShares, StreamId, Streams, TaskDealer, Use, narrow};
use tacita_program::{
    NodeId, Owner, RangeBound, RingId, RingNode, RingOp, RingProgram, RingType, Threshold, Visibility,
};
use tacita_ring::{BitTensor, ConvSpec, Exponential, FourierSum, RingTensor, Window2d};

use super::steps;
use crate::form::Form;
use crate::values::Values;

/// Elements: two words of bits, the second not full.
const N: usize = 70;

const RING: RingType = RingType::Ring { frac: 16 };

/// A program under test: inputs, then one node.
struct Case {
    program: RingProgram,
    masks: KnownMasks,
    parties: usize,
}

/// A dealt value: a number for each element and plane.
type Dealt = Vec<Vec<u64>>;

impl Case {
    fn new() -> Case {
        let program = RingProgram {
            nodes: vec![],
            precision: 16,
            owners: vec!["alice".into(), "bob".into()],
            node_names: vec!["node".into()],
            node_origins: vec![[0; 32]],
        };
        Case { program, masks: KnownMasks::default(), parties: 2 }
    }

    fn node(
        &mut self,
        op: RingOp,
        inputs: &[RingId],
        shape: &[usize],
        ty: RingType,
        visibility: Visibility,
    ) -> RingId {
        let node = RingNode {
            op,
            inputs: inputs.to_vec(),
            shape: shape.to_vec(),
            ty,
            visibility,
            origin: NodeId(0),
            bound: RangeBound::ANY,
        };
        self.program.nodes.push(node);
        RingId(self.program.nodes.len() as u32 - 1)
    }

    /// An input with a mask.
    fn ring(&mut self, shape: &[usize], visibility: Visibility) -> RingId {
        let id = self.node(RingOp::Input { persistent: false }, &[], shape, RING, visibility);
        let mask = |stream| {
            let words = (0..shape.iter().product()).map(|e| noise(stream, e)).collect();
            RingTensor::new(shape.to_vec(), words)
        };
        self.masks.values.insert(id.0, mask(u64::from(100 + id.0)));
        for party in 0..2 {
            self.masks.own.insert((id.0, party), mask(u64::from(200 + 10 * id.0) + party as u64));
        }
        id
    }

    fn secret(&mut self, shape: &[usize]) -> RingId {
        self.ring(shape, Visibility::Secret)
    }

    fn public(&mut self, shape: &[usize]) -> RingId {
        self.node(RingOp::Input { persistent: false }, &[], shape, RING, Visibility::Public)
    }

    /// Bits with masks.
    fn bits(&mut self, planes: usize) -> RingId {
        let ty = RingType::Bits { planes };
        let id = self.node(RingOp::Input { persistent: false }, &[], &[N], ty, Visibility::Secret);
        let words = (0..N.div_ceil(64) * planes).map(|at| noise(u64::from(300 + id.0), at)).collect();
        self.masks.planes.insert(id.0, BitTensor::from_words(N, planes, words));
        id
    }

    /// The mask of a value.
    fn r(&self, id: RingId, e: usize) -> u64 {
        self.masks.values[&id.0].data()[e]
    }

    /// The mask bit of a value of bits.
    fn rho(&self, id: RingId, plane: usize, e: usize) -> u64 {
        u64::from(self.masks.planes[&id.0].get(e, plane))
    }

    /// Interprets the correlations of a node, which is the result of `op`.
    fn deal(&mut self, op: RingOp, inputs: &[RingId], shape: &[usize], ty: RingType) -> Vec<Dealt> {
        let id = self.node(op, inputs, shape, ty, Visibility::Secret);
        let form = vec![Form::Masked; self.program.nodes.len()];
        let values = Values { program: &self.program, owners: &[0, 1], parties: self.parties, form: &form };
        let steps = steps(&values, id);
        let streams = Streams::new(vec![], None);
        let mut dealer = TaskDealer::new(&mut self.masks);
        let deal = |correlation: &Correlation| {
            let item = correlation.item;
            let stream = StreamId::Evaluation { evaluation: 1, task: 0, purpose: Use::Dealt(0) };
            let shares = OtherShares { item, streams: &streams, stream, holders: &[] };
            let words = dealer.deal(correlation, &shares).unwrap().into_words();
            assert_eq!(words.len(), item.words(), "{correlation:?}");
            match item {
                Item::Ring(_) => vec![words],
                Item::Narrow { .. } => vec![narrow::unpack(item, &words)],
                Item::Bits(words_of) => {
                    let elements = if shape.len() == 3 { pairs_of_sort(shape) } else { N };
                    let planes = words_of / elements.div_ceil(64);
                    let tensor = BitTensor::from_words(elements, planes, words);
                    (0..planes).map(|plane| tensor.to_ring(plane)).collect()
                }
            }
        };
        steps.dealt.iter().map(deal).collect()
    }
}

fn pairs_of_sort(shape: &[usize]) -> usize {
    shape[0] * (shape[1] * (shape[1] - 1) / 2)
}

/// A number for each of so many elements.
fn each(elements: usize, of: impl FnMut(usize) -> u64) -> Dealt {
    vec![(0..elements).map(of).collect()]
}

/// The planes dealt for the leaves of numbers r, each leaf some bits of r, and for the sign.
fn leaves(elements: usize, spans: &[(u32, u32)], sign: Option<u32>, r: impl Fn(usize) -> u64) -> Dealt {
    let mut planes = vec![];
    for &(low, high) in spans {
        for set in 1..1u64 << (high - low) {
            planes.extend(each(elements, |e| u64::from(r(e) >> low & set == set)));
        }
    }
    planes.extend(sign.into_iter().flat_map(|bit| each(elements, |e| r(e) >> bit & 1)));
    planes
}

/// The mask bits of an opening of bits, whose planes begin at a word.
fn lambda(step: u16, first: usize, planes: usize, elements: usize) -> impl Fn(usize, usize) -> u64 {
    move |plane, e| u64::from(KnownMasks::step_bit(step, first, planes, elements, plane, e))
}

/// The product of the two planes that the level above two leaves opens.
fn level(step: u16, first: usize, elements: usize) -> Dealt {
    let lambda = lambda(step, first, 2, elements);
    each(elements, |e| lambda(0, e) & lambda(1, e))
}

/// The leaves of six bits.
const SIX: [(u32, u32); 2] = [(0, 3), (3, 6)];

fn bit() -> RingType {
    RingType::Bits { planes: 1 }
}

#[test]
fn products_are_of_both_masks() {
    let mut case = Case::new();
    let (x, y) = (case.secret(&[N]), case.secret(&[N]));
    let dealt = case.deal(RingOp::Mul, &[x, y], &[N], RING);
    assert_eq!(dealt, [each(N, |e| case.r(x, e).wrapping_mul(case.r(y, e)))]);

    let (a, b) = (case.secret(&[2, 3]), case.secret(&[3, 4]));
    let dealt = case.deal(RingOp::MatMul, &[a, b], &[2, 4], RING);
    let entry = |e: usize| {
        let terms = (0..3).map(|k| case.r(a, e / 4 * 3 + k).wrapping_mul(case.r(b, k * 4 + e % 4)));
        terms.fold(0, u64::wrapping_add)
    };
    assert_eq!(dealt, [each(8, entry)]);

    let (image, kernel) = (case.secret(&[1, 1, 3, 3]), case.secret(&[1, 1, 2, 2]));
    let spec = ConvSpec { window: Window2d::new([2, 2]), groups: 1 };
    let dealt = case.deal(RingOp::Conv { spec }, &[image, kernel], &[1, 1, 2, 2], RING);
    let entry = |e: usize| {
        let terms = (0..4).map(|k| {
            let at = (e / 2 + k / 2) * 3 + e % 2 + k % 2;
            case.r(image, at).wrapping_mul(case.r(kernel, k))
        });
        terms.fold(0, u64::wrapping_add)
    };
    assert_eq!(dealt, [each(4, entry)]);
}

#[test]
fn the_product_of_an_owner_leaves_out_its_own_part_of_the_other_mask() {
    for (owner, at) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let mut case = Case::new();
        let mut ids = [case.ring(&[N], Visibility::Private(Owner(owner))), case.secret(&[N])];
        let [y, x] = ids;
        if at == 1 {
            ids.reverse();
        }
        let dealt = case.deal(RingOp::Mul, &ids, &[N], RING);
        let own = &case.masks.own[&(x.0, usize::from(owner))];
        let want = each(N, |e| case.r(x, e).wrapping_sub(own.data()[e]).wrapping_mul(case.r(y, e)));
        assert_eq!(dealt, [want], "owner {owner} of operand {at}");
    }
}

#[test]
fn a_product_with_a_public_operand_is_dealt_nothing() {
    let mut case = Case::new();
    let (x, y) = (case.secret(&[N]), case.public(&[N]));
    assert!(case.deal(RingOp::Mul, &[x, y], &[N], RING).is_empty());
}

#[test]
fn truncations_take_high_bits_and_the_highest() {
    for bits in [5, 12, 30, 40] {
        let mut case = Case::new();
        let x = case.secret(&[N]);
        let dealt = case.deal(RingOp::Truncate { bits }, &[x], &[N], RING);
        assert_eq!(dealt, [each(N, |e| case.r(x, e) >> bits), each(N, |e| case.r(x, e) >> 63)]);
    }
}

#[test]
fn comparisons_take_products_of_bits_and_of_opened_masks() {
    let mut case = Case::new();
    let x = case.secret(&[N]);
    let dealt = case.deal(RingOp::LessThanZero { bits: 6 }, &[x], &[N], bit());
    assert_eq!(dealt, [leaves(N, &SIX, Some(6), |e| case.r(x, e)), level(0, 0, N)]);
    let dealt = case.deal(RingOp::RoundedUp { bits: 6 }, &[x], &[N], bit());
    assert_eq!(dealt, [leaves(N, &SIX, None, |e| case.r(x, e)), level(0, 0, N)]);
    let thresholds = vec![Threshold { at: -3, dropped: 0 }, Threshold { at: 9, dropped: 4 }];
    let dealt =
        case.deal(RingOp::Bucketize { thresholds, bits: 6 }, &[x], &[N], RingType::Bits { planes: 3 });
    // three leaves, so that both comparisons begin at one. Of them the first opens lt, lt, eq, eq, and less is
    // lt 0 · eq 1 · eq 2 ⊕ lt 1 · eq 2 ⊕ lt 2; the second has the highest leaf alone
    let lambda = lambda(0, 0, 4, N);
    let products: [&[usize]; 5] = [&[0, 2], &[0, 3], &[1, 3], &[2, 3], &[0, 2, 3]];
    let product =
        |planes: &&[usize]| each(N, |e| planes.iter().fold(1, |all, &plane| all & lambda(plane, e)));
    let want = [
        leaves(N, &[(0, 2), (2, 4), (4, 6)], Some(6), |e| case.r(x, e)),
        products.iter().flat_map(product).collect(),
    ];
    assert_eq!(dealt, want);
}

#[test]
fn pairs_are_compared_by_differences_of_their_masks() {
    let mut case = Case::new();
    let (x, y, z) = (case.secret(&[N]), case.secret(&[N]), case.public(&[N]));
    let op = RingOp::LessThanPairs { bits: 6 };
    let dealt = case.deal(op, &[x, y, z], &[N], RingType::Bits { planes: 3 });
    let of = |e| (case.r(x, e), case.r(y, e));
    let want = [
        leaves(N, &SIX, Some(6), |e| of(e).0.wrapping_sub(of(e).1)),
        leaves(N, &SIX, Some(6), |e| of(e).0),
        leaves(N, &SIX, Some(6), |e| of(e).1),
        level(0, 0, N),
        level(0, 4, N),
        level(0, 8, N),
    ];
    assert_eq!(dealt, want);

    let op = RingOp::OneHotArgmax { bits: 6 };
    let mut dealt = case.deal(op, &[z, x, y], &[N], RingType::Bits { planes: 3 });
    let lambda = lambda(1, 0, 3, N);
    // of the pairs 01, 02, 12: value 2 is in the last two, 0 in the first two, 1 in the first and the last
    let products = [(1, 2), (0, 1), (0, 2)];
    let want: Dealt = products.iter().flat_map(|&(a, b)| each(N, |e| lambda(a, e) & lambda(b, e))).collect();
    assert_eq!(dealt.pop(), Some(want));
    assert_eq!(dealt[0], leaves(N, &SIX, Some(6), |e| case.r(x, e).wrapping_neg()));

    let dealt = case.deal(RingOp::OneHotArgmax { bits: 6 }, &[x, y], &[N], RingType::Bits { planes: 2 });
    assert_eq!(dealt.len(), 2, "of two values nothing but the comparison");
}

#[test]
fn equality_takes_bits_and_their_products() {
    let mut case = Case::new();
    let x = case.secret(&[N]);
    let dealt = case.deal(RingOp::EqualZero { bits: 6 }, &[x], &[N], bit());
    let r = |e| case.r(x, e);
    // leaves of three bits: each bit, then the products of at least two bits of a leaf
    let sets = (0..6)
        .map(|bit| 1u64 << bit)
        .chain([3, 5, 6, 7].map(|set| set))
        .chain([3, 5, 6, 7].map(|set| set << 3));
    let planes = sets.flat_map(|set| each(N, |e| u64::from(r(e) & set == set)));
    assert_eq!(dealt, [planes.collect(), level(0, 0, N)]);
}

#[test]
fn exponentials_take_both_parts_and_the_growth_under_the_mask_bit() {
    let mut case = Case::new();
    let x = case.secret(&[N]);
    let spec = Exponential { frac: 3, window: 3, small_bits: 30, large_bits: 10 };
    let dealt = case.deal(RingOp::Exponential { spec }, &[x], &[N], RING);
    let r = |e| case.r(x, e);
    let numbers = |e| {
        let (mut least, mut growth) = ([0], [0]);
        spec.small_factors(&[r(e)], &mut least, &mut growth);
        (least[0], growth[0])
    };
    let rho = lambda(1, 0, 1, N);
    let want = [
        leaves(N, &SIX, None, r),
        level(0, 0, N),
        each(N, |e| numbers(e).0),
        each(N, |e| numbers(e).1),
        each(N, |e| rho(0, e) * numbers(e).1),
    ];
    assert_eq!(dealt, want);
}

#[test]
fn fourier_sums_take_cosines_and_sines_of_the_mask() {
    let n = (1 << 16) + 3;
    let mut case = Case::new();
    let x = case.secret(&[n]);
    let sum = FourierSum {
        frequency: 1 << 40,
        constant: 3,
        step: 1,
        cosine_bits: 20,
        terms: vec![(5, 7), (1, -2)],
    };
    let dealt = case.deal(RingOp::FourierSum { sum: sum.clone() }, &[x], &[n], RING);
    let of = |elements: std::ops::Range<usize>| -> Dealt {
        let mut words = vec![];
        for start in elements.clone().step_by(512) {
            let masks: Vec<u64> = (start..(start + 512).min(elements.end)).map(|e| case.r(x, e)).collect();
            let mut out = vec![0; masks.len() * sum.words()];
            sum.cosines(&masks, &mut out);
            words.extend(out);
        }
        vec![words]
    };
    assert_eq!(dealt, [of(0..1 << 16), of(1 << 16..n)]);
}

#[test]
fn selections_take_numbers_where_the_mask_bit_is_one() {
    let mut case = Case::new();
    let bits = case.bits(4);
    let zero = case.node(RingOp::Constant { value: 0 }, &[], &[N], RING, Visibility::Public);
    let (public, x, y) = (case.public(&[N]), case.secret(&[N]), case.secret(&[N]));
    let truncate = vec![0, 3, 0, 12];
    let dealt = case.deal(RingOp::Select { truncate }, &[bits, zero, public, x, y], &[N], RING);
    let rho = |plane, e| case.rho(bits, plane, e);
    let want = [
        each(N, |e| rho(1, e)),
        each(N, |e| rho(2, e)),
        each(N, |e| rho(2, e) * case.r(x, e)),
        each(N, |e| rho(3, e)),
        each(N, |e| (1 - rho(3, e)) * (case.r(y, e) >> 12)),
        each(N, |e| rho(3, e) * (case.r(y, e) >> 12)),
        each(N, |e| (1 - rho(3, e)) * (case.r(y, e) >> 63)),
        each(N, |e| rho(3, e) * (case.r(y, e) >> 63)),
    ];
    assert_eq!(dealt, want);
}

#[test]
fn the_largest_is_selected_by_the_pattern_of_its_pairs() {
    let mut case = Case::new();
    let bits = case.bits(3);
    let (x, public, y) = (case.secret(&[N]), case.public(&[N]), case.secret(&[N]));
    for truncate in [0, 9] {
        let dealt = case.deal(RingOp::SelectLargest { truncate }, &[bits, x, public, y], &[N], RING);
        let mut want = vec![];
        // the pairs of each value among 01, 02, 12
        for (value, pairs) in [(Some(x), [0, 1]), (None, [0, 2]), (Some(y), [1, 2])] {
            for pattern in 0..4 {
                let has = |e: usize| {
                    let [low, high] = pairs.map(|pair| case.rho(bits, pair, e));
                    u64::from(low + 2 * high == pattern)
                };
                want.push(each(N, has));
                if let Some(value) = value {
                    want.push(each(N, |e| has(e) * (case.r(value, e) >> truncate)));
                    if truncate > 0 {
                        want.push(each(N, |e| has(e) * (case.r(value, e) >> 63)));
                    }
                }
            }
        }
        assert_eq!(dealt, want, "truncated by {truncate}");
    }
}

#[test]
fn scales_take_parts_of_the_mask_where_the_mask_bit_is_one() {
    let mut case = Case::new();
    let (bits, f, x) = (case.bits(3), case.secret(&[N]), case.secret(&[N]));
    let factors = vec![3, 0, -5];
    for truncate in [0, 20] {
        let op = RingOp::SelectScale { factors: factors.clone(), truncate };
        let dealt = case.deal(op, &[bits, f, x], &[N], RING);
        let parts = |gate: &dyn Fn(usize) -> u64| {
            let low = each(N, |e| gate(e) * (case.r(x, e) >> truncate));
            let top = each(N, |e| gate(e) * (case.r(x, e) >> 63));
            if truncate == 0 { vec![low] } else { vec![low, top] }
        };
        let whole = if truncate == 0 { vec![] } else { parts(&|_| 1) };
        let planes = [0, 2].map(|plane| parts(&|e| case.rho(bits, plane, e)));
        assert_eq!(dealt, [vec![whole], planes.to_vec()].concat().concat(), "truncated by {truncate}");
    }
}

#[test]
fn bits_are_dealt_as_numbers_and_as_products() {
    let mut case = Case::new();
    let (a, b, c) = (case.bits(2), case.bits(1), case.bits(1));
    let dealt = case.deal(RingOp::BitToArithmetic { plane: 1 }, &[a], &[N], RING);
    assert_eq!(dealt, [each(N, |e| case.rho(a, 1, e))]);
    let d = case.bits(1);
    let dealt = case.deal(RingOp::AndBits, &[b, c, d], &[N], bit());
    let rho = |e| [b, c, d].map(|id| case.rho(id, 0, e));
    let products: [&dyn Fn([u64; 3]) -> u64; 4] =
        [&|r| r[0] & r[1], &|r| r[0] & r[2], &|r| r[1] & r[2], &|r| r[0] & r[1] & r[2]];
    let want: Dealt = products.iter().flat_map(|product| each(N, |e| product(rho(e)))).collect();
    assert_eq!(dealt, [want]);
}

#[test]
fn positions_are_one_hot() {
    let mut case = Case::new();
    let x = case.secret(&[N]);
    let dealt = case.deal(RingOp::OneHot { bits: 3 }, &[x], &[N, 8], RING);
    assert_eq!(dealt, [each(8 * N, |at| u64::from(case.r(x, at / 8) % 8 == at as u64 % 8))]);
}

#[test]
fn sorts_take_permuted_masks_and_compare_differences_of_key_masks() {
    let (matrices, rows, columns) = (2, 4, 3);
    let shape = [matrices, rows, columns];
    let size = matrices * rows * columns;
    let mut case = Case::new();
    case.parties = 3;
    let x = case.secret(&shape);
    let mut dealt = case.deal(RingOp::Sort { shift: 2, bits: 6 }, &[x], &shape, RING).into_iter();
    let mut orders = BTreeMap::new();
    for party in 0..3 {
        let Some([words]) = dealt.next().map(|dealt| <[Vec<u64>; 1]>::try_from(dealt).unwrap()) else {
            panic!("a permuted mask for each party")
        };
        let a = |e| KnownMasks::step_element(party, Item::Ring(size), e);
        let row = |at: usize| (0..columns).map(move |column| at * columns + column);
        // where each row of the masks went, which says the permutation
        let order: Vec<usize> = (0..matrices * rows)
            .map(|to| {
                let is = |from: &usize| {
                    row(to).zip(row(*from)).all(|(to, from)| words[to] == a(from).wrapping_neg())
                };
                (0..matrices * rows).find(is).expect("a row of the masks")
            })
            .collect();
        for (matrix, order) in order.chunks(rows).enumerate() {
            let mut sorted = order.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (matrix * rows..(matrix + 1) * rows).collect::<Vec<_>>(), "party {party}");
        }
        orders.insert(order, party);
    }
    assert_eq!(orders.len(), 3, "each party has a permutation of its own");
    let keys = Item::Narrow { elements: matrices * rows, width: 8 };
    let pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let difference = |at: usize| {
        let (matrix, (i, j)) = (at / 6, pairs[at % 6]);
        let key = |row| KnownMasks::step_element(3, keys, matrix * rows + row);
        key(i).wrapping_sub(key(j))
    };
    let compared = pairs_of_sort(&shape);
    let want = [leaves(compared, &SIX, Some(6), difference), level(4, 0, compared)];
    assert_eq!(dealt.collect::<Vec<_>>(), want);
}
