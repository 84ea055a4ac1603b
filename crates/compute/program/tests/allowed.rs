//! Results that operations allow: every rounding gives allowed values, within the range bounds; any other value is found.

mod common;

use common::{FRAC, Sample, every_operation};
use proptest::prelude::*;
use tacita_program::{
    Allowed, ClearValue, Floor, Nearest, RingId, RingType, Rounding, Threshold, allowed, below, exponential,
    fixed, fourier_sum, quotient,
};
use tacita_ring::{Exponential, FourierSum, Generator, RingTensor, Seed};

/// Picks among the allowed words by a stream; the same for a node whenever it is asked.
struct Random(u64);

impl Random {
    fn pick(&self, value: RingId, allowed: impl Iterator<Item = Allowed>, shape: &[usize]) -> RingTensor {
        let mut purpose = self.0.to_le_bytes().to_vec();
        purpose.extend(value.0.to_le_bytes());
        let coins = Generator::new(&Seed::from_bytes([3; 32]), &purpose).vec(shape.iter().product());
        let word = |(allowed, coin): (Allowed, u64)| {
            let steps = allowed.last().wrapping_sub(allowed.first());
            allowed.first().wrapping_add(steps.checked_add(1).map_or(coin, |count| coin % count))
        };
        RingTensor::new(shape.to_vec(), allowed.zip(coins).map(word).collect())
    }
}

impl Rounding for Random {
    fn truncate(&mut self, value: RingId, z: &RingTensor, bits: u32) -> RingTensor {
        self.pick(value, z.data().iter().map(|&z| quotient(z, bits)), z.shape())
    }

    fn below(&mut self, value: RingId, z: &RingTensor, threshold: Threshold, bits: u32) -> RingTensor {
        self.pick(value, z.data().iter().map(|&z| below(z, threshold, bits)), z.shape())
    }

    fn fourier_sum(&mut self, value: RingId, z: &RingTensor, sum: &FourierSum) -> RingTensor {
        self.pick(value, fourier_sum(z.data(), sum).into_iter(), z.shape())
    }

    fn exponential(&mut self, value: RingId, z: &RingTensor, spec: &Exponential) -> RingTensor {
        self.pick(value, exponential(z.data(), spec).into_iter(), z.shape())
    }
}

/// Each rounding's values of a sample.
fn values(sample: &Sample, seed: u64) -> [Vec<ClearValue>; 3] {
    let (program, leaves) = (sample.verified(), sample.leaves(seed));
    let mut random = Random(seed);
    let roundings: [&mut dyn Rounding; 3] = [&mut Floor, &mut Nearest, &mut random];
    roundings.map(|rounding| fixed(&program, &leaves, rounding))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_rounding_is_allowed_and_within_the_range_bounds(seed in any::<u64>()) {
        let sample = every_operation();
        let program = sample.verified();
        for values in values(&sample, seed) {
            prop_assert_eq!(allowed(&program, &values), Ok(()));
            for (id, value) in program.ids().zip(&values) {
                let bound = program.bound(id);
                let planes = match value {
                    ClearValue::Ring(tensor) => std::slice::from_ref(tensor),
                    ClearValue::Bits(planes) => planes,
                };
                for &word in planes.iter().flat_map(|plane| plane.data()) {
                    prop_assert!(bound.contains(word), "{} of node {} in {bound:?}", word as i64, id.0);
                }
            }
        }
    }

    #[test]
    fn a_wrong_value_is_found(seed in any::<u64>(), node in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()) {
        let sample = every_operation();
        let program = sample.verified();
        let [mut values, _, _] = values(&sample, seed);
        let id = RingId(node.index(values.len()) as u32);
        let is_draw = matches!(program.node(id).op, tacita_program::RingOp::Random { .. });
        let element = match &mut values[id.index()] {
            ClearValue::Ring(tensor) => {
                let element = at.index(tensor.len());
                // further from what is allowed than any rounding goes
                tensor.data_mut()[element] ^= 1 << 62;
                element
            }
            ClearValue::Bits(planes) => {
                let n = planes[0].len();
                let element = at.index(n * planes.len());
                planes[element / n].data_mut()[element % n] = 2;
                0
            }
        };
        let ring = matches!(program.node(id).ty, RingType::Ring { .. });
        let error = allowed(&program, &values).expect_err("no operation gives this");
        // any word may be drawn: its reveal then shows another
        prop_assert!((error.node, error.element) == (id, element) || is_draw && ring && error.node > id);
    }

    #[test]
    fn quotients_are_the_integers_around(z in any::<i64>(), bits in 1u32..62) {
        let z = z >> 2;
        let set = quotient(z as u64, bits);
        let (down, rest) = (z.div_euclid(1 << bits), z.rem_euclid(1 << bits));
        prop_assert_eq!((set.first() as i64, set.last() as i64), (down, down + i64::from(rest != 0)));
        prop_assert!(!set.contains(set.first().wrapping_sub(1)) && !set.contains(set.last().wrapping_add(1)));
    }
}

#[test]
fn the_next_integer_is_not_allowed() {
    let sample = every_operation();
    let (program, leaves) = (sample.verified(), sample.leaves(1));
    for name in ["truncate", "select", "largest", "scaled", "sine", "power"] {
        for up in [2, u64::MAX] {
            // off by one more than from one allowed word to the other
            let mut values = fixed(&program, &leaves, &mut Floor);
            let id = sample.id(name);
            let ClearValue::Ring(tensor) = &mut values[id.index()] else { panic!("{name} is a ring value") };
            let factor = if name == "scaled" { 7 } else { 1 };
            let element = 5;
            tensor.data_mut()[element] = tensor.data()[element].wrapping_add(up.wrapping_mul(factor));
            let error = allowed(&program, &values).expect_err(name);
            assert_eq!((error.node, error.element), (id, element), "{name}");
        }
    }
}

#[test]
fn comparisons_are_exact_but_near_thresholds() {
    let near = Threshold { at: 1000, dropped: 4 };
    let either = |z: i64| below(z as u64, near, 20).contains(0) && below(z as u64, near, 20).contains(1);
    assert!(!either(984) && either(985) && either(1000) && either(1015) && !either(1016));
    let exact = Threshold { at: 1000, dropped: 0 };
    for z in [-(1 << 20) + 1000, -5, 999, 1000, 1001, (1 << 20) + 999] {
        assert_eq!(below(z as u64, exact, 20), Allowed::only(u64::from(z < 1000)), "{z}");
    }
    for z in [-(1 << 20) + 999, (1 << 20) + 1000, i64::MIN, i64::MAX] {
        assert_eq!(below(z as u64, exact, 20), Allowed::ANY, "{z} takes more bits");
    }
}

#[test]
fn a_rounded_up_bit_goes_with_the_truncation() {
    let sample = every_operation();
    let mut with = sample.clone();
    with.node("rounded").op = tacita_program::RingOp::RoundedUp { bits: FRAC };
    let (program, leaves) = (with.verified(), with.leaves(2));
    let mut values = fixed(&program, &leaves, &mut Floor);
    let id = with.id("rounded");
    let ClearValue::Bits(planes) = &mut values[id.index()] else { panic!("bits") };
    // the truncation of the same product rounded down
    planes[0].data_mut()[0] ^= 1;
    assert_eq!(allowed(&program, &values).unwrap_err().node, id);
}

#[test]
fn intervals_wrap() {
    let near = Allowed::near(3, 5);
    assert_eq!((near.first(), near.last()), (-2i64 as u64, 8));
    assert!(near.contains(u64::MAX) && near.contains(8) && !near.contains(9) && !near.contains(-3i64 as u64));
    assert_eq!(Allowed::near(0, u64::MAX), Allowed::ANY);
    assert_eq!(quotient(1 << 62, 4), Allowed::ANY);
    assert_eq!(quotient(-(1i64 << 62) as u64, 4), Allowed::ANY);
    assert_eq!(quotient(1 << 62, 0), Allowed::only(1 << 62));
}

#[test]
fn a_wrong_interval_is_found_but_near_a_threshold() {
    let sample = every_operation();
    let (program, mut leaves) = (sample.verified(), sample.leaves(3));
    let (x, y) = (sample.id("x"), sample.id("y"));
    leaves.insert(y, RingTensor::zeros(&[2, 4]));
    // thresholds at -300 and, without the lowest four bits, at 512
    let sums = [-301i64, -300, 0, 496, 497, 511, 527, 528];
    leaves.insert(x, RingTensor::new(vec![2, 4], sums.iter().map(|&sum| sum as u64).collect()));
    let id = sample.id("buckets");
    for (element, may_be_either) in
        [false, false, false, false, true, true, true, false].into_iter().enumerate()
    {
        let mut values = fixed(&program, &leaves, &mut Floor);
        let ClearValue::Bits(planes) = &mut values[id.index()] else { panic!("bits") };
        let at = (0..3).find(|&plane| planes[plane].data()[element] == 1).unwrap();
        let other = if at == 1 { 2 } else { 1 };
        (planes[at].data_mut()[element], planes[other].data_mut()[element]) = (0, 1);
        let error = allowed(&program, &values).unwrap_err();
        // what is computed from the planes shows the change where the planes themselves may
        let wrong = error.node == id;
        assert_eq!(!wrong, may_be_either, "{}", sums[element]);
    }
}

#[test]
fn values_that_take_more_bits_than_are_compared_may_be_anything() {
    let mut sample = Sample::new();
    sample.leaf("x", tacita_program::Visibility::Private(common::ALICE), &[2], false);
    sample.node("x").bound = tacita_program::RangeBound::ANY;
    let thresholds = vec![Threshold { at: 512, dropped: 0 }];
    let op = tacita_program::RingOp::Bucketize { thresholds, bits: 63 };
    sample.add("buckets", op, &["x"], &[2], common::bits(2));
    sample.finish();
    let leaf = RingTensor::new(vec![2], vec![i64::MIN as u64, 0]);
    let mut values = fixed(&sample.verified(), &[(RingId(0), leaf)].into(), &mut Floor);
    for (element, may_be_anything) in [(0, true), (1, false)] {
        for value in &mut values[1..3] {
            let ClearValue::Bits(planes) = value else { panic!("bits") };
            planes.iter_mut().for_each(|plane| plane.data_mut()[element] ^= 1);
        }
        assert_eq!(allowed(&sample.verified(), &values).is_ok(), may_be_anything);
    }
}

#[test]
fn a_sum_that_leaves_the_ring_may_be_anything() {
    let whole = FourierSum { terms: vec![], constant: 1 << 34, ..common::sum() };
    assert_ne!(fourier_sum(&[0], &whole)[0], Allowed::ANY);
    let beyond = FourierSum { constant: 1 << 35, ..common::sum() };
    assert_eq!(fourier_sum(&[0], &beyond)[0], Allowed::ANY);
}
