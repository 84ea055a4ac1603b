//! The shares of a dealt value add up to what its spec says, in as many words as its item declares, however many tiles it has.

use std::sync::Arc;

use tacita_correlations::testing::{KnownMasks, noise};
use tacita_correlations::{
    Bilinear, BitMask, Correction, Correlation, CorrelationError, Gate, Item, Number, OtherShares, RingMask,
    Shuffle, StreamId, Streams, TaskDealer, Use, ValueId, narrow,
};
use tacita_ring::{BitTensor, RingTensor, Seed, Sign};

const PARTIES: usize = 3;

fn streams() -> Streams {
    Streams::new((0..PARTIES).map(|party| Some(Seed::from_bytes([party as u8; 32]))).collect(), None)
}

fn masks(elements: usize) -> KnownMasks {
    let mut masks = KnownMasks::default();
    let ring = |stream| RingTensor::new(vec![elements], (0..elements).map(|e| noise(stream, e)).collect());
    masks.values.insert(0, ring(70));
    masks.values.insert(1, ring(71));
    let words = (0..elements.div_ceil(64) * 3).map(|at| noise(72, at)).collect();
    masks.planes.insert(2, BitTensor::from_words(elements, 3, words));
    masks
}

/// One correlation of each kind, of so many elements.
fn correlations(elements: usize) -> Vec<Correlation> {
    let r = || RingMask::Value(ValueId(0));
    let bits = || BitMask::Values(vec![ValueId(2)]);
    let gate = Gate::Bits { bits: bits(), wanted: vec![(0, true), (2, false)] };
    let high = |shift| Number::High { mask: r(), shift };
    let sets: Arc<[u64]> = [1, 2, 3, 1 << 40, 0b101 << 30].into();
    vec![
        Correlation::product(Bilinear::Mul, &[elements], [r(), RingMask::Value(ValueId(1))]),
        Correlation::bit_products(elements, BitMask::Ring(r()), sets),
        Correlation::bit_products(elements, bits(), [0b111, 0b101].into()),
        Correlation::bit_products(elements, BitMask::Step { step: 4, first: 5, planes: 2 }, [3].into()),
        Correlation::numbers(elements, 64, Gate::Always, high(7)),
        Correlation::numbers(elements, 8, gate.clone(), high(63)),
        Correlation::numbers(elements, 16, gate, Number::One),
        Correlation::numbers(elements, 32, Gate::Always, high(30)),
        Correlation::one_hot(elements, r(), 2),
        Correlation::shuffled(1, 2, Shuffle { matrices: 1, rows: elements, columns: 1 }),
    ]
}

#[test]
fn shares_add_up_to_the_value() {
    let streams = streams();
    for elements in [1, 70, 513, 40_000] {
        for (index, correlation) in (0..).zip(correlations(elements)) {
            let item = correlation.item;
            let stream = StreamId::Evaluation { evaluation: 3, task: 5, purpose: Use::Dealt(index) };
            let deal = |holders: &[usize]| {
                let (mut masks, shares) =
                    (masks(elements), OtherShares { item, streams: &streams, stream, holders });
                TaskDealer::new(&mut masks).deal(&correlation, &shares).unwrap().into_words()
            };
            let value = deal(&[]);
            assert_eq!(value.len(), item.words(), "{correlation:?}");
            let mut sum = deal(&[0, 2]);
            assert_ne!(sum, value, "{correlation:?}");
            for holder in [0, 2] {
                let share = streams.words(holder, stream, 0, item.words()).unwrap();
                narrow::combine(item, &mut sum, &share, Sign::Plus);
            }
            assert_eq!(sum, value, "{correlation:?}");
        }
    }
}

#[test]
fn a_value_of_another_size_than_declared_is_refused() {
    let streams = streams();
    let stream = StreamId::Evaluation { evaluation: 1, task: 0, purpose: Use::Dealt(0) };
    for mut correlation in correlations(100) {
        // the width of numbers and one-hot positions follows from the item
        let Item::Bits(words) = correlation.item else { continue };
        correlation.item = Item::Bits(words + 1);
        let (mut masks, item) = (masks(100), correlation.item);
        let shares = OtherShares { item, streams: &streams, stream, holders: &[] };
        let refused = TaskDealer::new(&mut masks).deal(&correlation, &shares);
        assert_eq!(
            refused.map(Correction::into_words),
            Err(CorrelationError::Size { dealt: words, declared: words + 1 })
        );
    }
}

#[test]
fn a_spec_names_the_values_whose_masks_it_reads() {
    let names: Vec<Vec<u32>> =
        correlations(4).iter().map(|c| c.values().iter().map(|value| value.0).collect()).collect();
    let expected: [&[u32]; 10] = [&[0, 1], &[0], &[2], &[], &[0], &[2, 0], &[2], &[0], &[0], &[]];
    assert_eq!(names, expected);
}

#[test]
fn a_missing_mask_is_an_error() {
    let streams = streams();
    let stream = StreamId::Evaluation { evaluation: 1, task: 0, purpose: Use::Dealt(0) };
    let correlation = Correlation::one_hot(4, RingMask::Value(ValueId(9)), 1);
    let shares = OtherShares { item: correlation.item, streams: &streams, stream, holders: &[] };
    let refused = TaskDealer::new(&mut masks(4)).deal(&correlation, &shares);
    assert_eq!(
        refused.map(Correction::into_words),
        Err(CorrelationError::Missing { what: "mask", value: 9 })
    );
}
