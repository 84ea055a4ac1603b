//! What repeated reveals of an approximated value say of the input (docs/protocol.md, "What approximations reveal").
//!
//! The observer is a computing party that receives the result: it knows every opening, and so the coin of every truncation.
//! Openings are uniform whatever the input is, so that after any number of reveals, each under masks of its own, the inputs
//! that it cannot tell apart are exactly those with which the same openings give the same results. The test has the openings
//! and counts these inputs.

use std::collections::BTreeMap;

use tacita_graph::ops::*;
use tacita_graph::testing::Random;
use tacita_graph::testing::TARGET;
use tacita_graph::*;
use tacita_program::{RingId, RingOp, Threshold, VerifiedProgram};
use tacita_ring::{Exponential, FourierSum, RingTensor, real};

/// Reveals of one value.
const REVEALS: u64 = 1 << 10;
/// How far inputs are looked for on both sides, in units of 2^-16.
const REACH: i64 = 1 << 10;
/// Bits that make what is dealt as good as exact.
const MORE: u32 = 6;
/// Inputs tried near each place.
const TRIES: i64 = 2;

/// What the dealer's cosines, sines and exponentials are rounded to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dealt {
    /// To a few bits more, beside which what they are rounded to counts as exact.
    Finer,
    AsItIs,
    /// To this many bits less.
    Coarser(u32),
}

/// One evaluation as the observer sees it.
struct View {
    number: u64,
    dealt: Dealt,
}

impl View {
    /// What is opened of a value, whatever it is.
    fn opening(&self, value: RingId) -> u64 {
        Random::new(Random::new(self.number).word() ^ u64::from(value.0)).word()
    }

    /// The masks with which the elements have this opening.
    fn masks(&self, value: RingId, z: &RingTensor) -> (Vec<u64>, Vec<u64>) {
        let opening = self.opening(value);
        (vec![opening; z.len()], z.data().iter().map(|z| opening.wrapping_sub(*z)).collect())
    }
}

fn map(z: &RingTensor, f: impl Fn(u64) -> u64) -> RingTensor {
    RingTensor::new(z.shape().to_vec(), z.data().iter().map(|&z| f(z)).collect())
}

impl Rounding for View {
    /// ⌈(z − ρ)/2^bits⌉, ρ the last bits of the opening.
    fn truncate(&mut self, value: RingId, z: &RingTensor, bits: u32) -> RingTensor {
        let coin = i128::from(self.opening(value) & ((1 << bits) - 1));
        map(z, |z| (-((coin - i128::from(z as i64)) >> bits)) as u64)
    }

    fn below(&mut self, value: RingId, z: &RingTensor, threshold: Threshold, sign: u32) -> RingTensor {
        let opened = self.opening(value).wrapping_sub(threshold.at as u64);
        let low = |word: u64| (word & ((1 << sign) - 1)) >> threshold.dropped;
        map(z, |z| {
            let mask = self.opening(value).wrapping_sub(z);
            (opened >> sign & 1) ^ (mask >> sign & 1) ^ u64::from(low(opened) < low(mask))
        })
    }

    fn fourier_sum(&mut self, value: RingId, z: &RingTensor, sum: &FourierSum) -> RingTensor {
        let (opened, masks) = self.masks(value, z);
        let mut dealt = vec![0; z.len() * sum.words()];
        sum.cosines(&masks, &mut dealt);
        if let Dealt::Coarser(bits) = self.dealt {
            dealt
                .iter_mut()
                .for_each(|word| *word = ((*word as i64 + (1 << (bits - 1))) >> bits << bits) as u64);
        }
        let mut out = vec![0; z.len()];
        sum.add_difference(&opened, &dealt, &mut out);
        if self.dealt == Dealt::Finer {
            let finer = FourierSum { cosine_bits: sum.cosine_bits + MORE, ..sum.clone() };
            let mut more = vec![0; out.len()];
            finer.cosines(&masks, &mut dealt);
            sum.add_difference(&opened, &dealt, &mut more);
            // 2^MORE times the sum, modulo 2^64: what it has in front is that of the other
            for (out, more) in out.iter_mut().zip(more) {
                let apart = more.wrapping_sub(*out << MORE) as i64;
                *out = out.wrapping_add((apart >> MORE) as u64);
            }
        }
        RingTensor::new(
            z.shape().to_vec(),
            out.iter().map(|sum_of| sum_of.wrapping_add(sum.whole())).collect(),
        )
    }

    fn exponential(&mut self, value: RingId, z: &RingTensor, spec: &Exponential) -> RingTensor {
        let (opened, masks) = self.masks(value, z);
        if self.dealt == Dealt::Finer {
            // room for a result below e
            let more = 61 - spec.result_frac();
            let finer = Exponential { small_bits: spec.small_bits + more, ..*spec };
            let y = finer.of_difference(&opened, &masks);
            return RingTensor::new(z.shape().to_vec(), y.iter().map(|y| y >> more).collect());
        }
        RingTensor::new(z.shape().to_vec(), spec.of_difference(&opened, &masks))
    }
}

/// A function of `n` secrets, of which nothing is known but, maybe, that they are not above zero.
fn program(op: &Op, n: usize, nonpositive: bool) -> VerifiedProgram {
    let mut graph = Graph::new();
    let alice = graph.owner("alice");
    let (shape, visibility) = (dims(&[n]), Visibility::Secret);
    let range = nonpositive.then_some(Interval::new(-1e9, 0.0));
    let input = Input { shape, visibility, role: Role::Data, range, dtype: DType::Fixed };
    let x = graph.add(input, &[], "x").unwrap();
    let y = graph.add(op.clone(), &[x], "y").unwrap();
    graph.reveal(y, &[alice], "result").unwrap();
    lower(&graph, 16, &TARGET).unwrap()
}

fn run(program: &VerifiedProgram, x: &[i64], view: &mut View) -> Vec<i64> {
    let is_input = |id: &RingId| matches!(program.node(*id).op, RingOp::Input { .. });
    let leaf = program.ids().find(is_input).unwrap();
    let x = RingTensor::new(vec![x.len()], x.iter().map(|&x| x as u64).collect());
    let reveal = program.reveals()[0];
    let mut values = fixed_kept(program, &BTreeMap::from([(leaf, x)]), view, |id| id == reveal);
    let Some(ClearValue::Ring(y)) = values.remove(&reveal) else { panic!("one result") };
    y.data().iter().map(|&y| y as i64).collect()
}

/// How many inputs, x among them, cannot be told from x after 1, 4, 16, … reveals.
fn consistent(case: &Case, x: i64, dealt: Dealt) -> Vec<usize> {
    let others = (x - REACH..=x + REACH).filter(|&other| other != x);
    let mut left: Vec<i64> = std::iter::once(x).chain(others).collect();
    let mut counts = Vec::new();
    let mut number = 0;
    for reveals in (0..).map(|level| 1 << (2 * level)).take_while(|&reveals| reveals <= REVEALS) {
        let program = program(&case.op, left.len(), case.nonpositive);
        let mut same = vec![true; left.len()];
        for number in number..reveals {
            let y = run(&program, &left, &mut View { number: (x as u64) << 32 | number, dealt });
            same.iter_mut().zip(&y).for_each(|(same, other)| *same &= *other == y[0]);
        }
        number = reveals;
        let mut same = same.into_iter();
        left.retain(|_| same.next() == Some(true));
        counts.push(left.len());
    }
    counts
}

/// A function, places inside its domain, and its slope.
struct Case {
    op: Op,
    nonpositive: bool,
    at: &'static [f64],
    slope: fn(f64) -> f64,
}

impl Case {
    fn new(op: impl Into<Op>, at: &'static [f64], slope: fn(f64) -> f64) -> Case {
        Case { op: op.into(), nonpositive: false, at, slope }
    }

    /// The inputs tried near a place.
    fn inputs(at: f64) -> impl Iterator<Item = i64> {
        (0..TRIES).map(move |i| (at * 65536.0) as i64 + 37 * i)
    }

    /// The counts of all inputs near a place, added up.
    fn counts(&self, at: f64, dealt: Dealt) -> Vec<usize> {
        let lists = Case::inputs(at).map(|x| consistent(self, x, dealt));
        lists.reduce(|sums, list| sums.iter().zip(&list).map(|(a, b)| a + b).collect()).unwrap()
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn normal(x: f64) -> f64 {
    0.5 + 0.5 * real::erf(x / 2f64.sqrt())
}

fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Steep places and flat ones, up to the ends of the domains.
fn cases() -> Vec<Case> {
    vec![
        Case::new(Sigmoid, &[0.3, 4.0, 9.7], |x| logistic(x) * logistic(-x)),
        Case::new(Tanh, &[0.3, 4.8], |x| 1.0 / x.cosh().powi(2)),
        Case::new(Erf, &[0.3, 2.9], |x| 2.0 * density(x * 2f64.sqrt()) * 2f64.sqrt()),
        Case::new(Gelu { tanh: false }, &[0.3, -4.3], |x| normal(x) + x * density(x)),
        Case::new(Silu, &[0.3, -11.5], |x| logistic(x) * (1.0 + x * logistic(-x))),
        Case::new(Softplus, &[0.3, -9.0], logistic),
        Case::new(Exp, &[-1.0, -9.0, -11.0], f64::exp),
        Case { nonpositive: true, ..Case::new(Exp, &[-6.0, -11.0], f64::exp) },
        Case::new(Reciprocal, &[2.0, 40.0, 3000.0], |x| 1.0 / (x * x)),
        Case::new(Rsqrt, &[2.0, 300.0], |x| 0.5 / (x * x.sqrt())),
        Case::new(Sqrt, &[2.0, 1e4, 1e6, 1e8], |x| 0.5 / x.sqrt()),
        Case::new(Log, &[2.0, 1e4, 1e6], |x| 1.0 / x),
    ]
}

/// Whether the rounding of what is dealt leaves as many inputs as exact numbers would, of those near a place: a reveal tells
/// an input from another by this noise in at most one of 2^11, so that of those that it does not tell apart otherwise
/// e^(−2^10/2^11) = 0.6 are left. Half of them, for what a sample of two varies.
fn is_covered(case: &Case, at: f64, dealt: Dealt) -> bool {
    let (exact, dealt) = (case.counts(at, Dealt::Finer), case.counts(at, dealt));
    println!("{} at {at}: {exact:?} {dealt:?}", case.op.name());
    exact.iter().zip(&dealt).all(|(exact, dealt)| 2 * dealt >= *exact)
}

/// At the flattest place of each function, where the noise would count most.
#[test]
fn the_noise_of_what_is_dealt_tells_no_inputs_apart() {
    for case in cases() {
        let &at = case.at.last().unwrap();
        assert!(is_covered(&case, at, Dealt::AsItIs), "{} at {at}", case.op.name());
    }
}

#[test]
#[ignore = "slow: some ten seconds"]
fn the_noise_of_what_is_dealt_tells_no_inputs_apart_anywhere() {
    for case in cases() {
        for &at in case.at {
            assert!(is_covered(&case, at, Dealt::AsItIs), "{} at {at}", case.op.name());
        }
    }
}

#[test]
fn with_too_few_bits_dealt_it_would() {
    // as many bits for the dealt factor as for the public one leave too few to logarithm and root, and six fewer to all
    for (case, bits, at) in cases().iter().filter_map(|case| match case.op {
        Op::Log(_) => Some((case, 6, 1e6)),
        Op::Sqrt(_) => Some((case, 6, 1e8)),
        Op::Tanh(_) => Some((case, 12, 4.8)),
        Op::Silu(_) => Some((case, 12, -11.5)),
        _ => None,
    }) {
        let case = Case { op: case.op.clone(), ..*case };
        assert!(!is_covered(&case, at, Dealt::Coarser(bits)), "{} at {at}", case.op.name());
    }
}

/// Of what N reveals of f leave, its slope decides: results of inputs d apart differ in a reveal with
/// probability |f'| d, so that some 1/(N |f'|) on both sides are left. A fit's slope is off by less than 2^-8.5 on the smooth
/// functions' domains, and by less than the slope itself where functions are scaled.
#[test]
fn reveals_of_a_fit_say_little_more_than_those_of_the_function() {
    for case in cases() {
        for &at in case.at {
            let slope = (case.slope)(at).abs();
            let scaled =
                matches!(case.op, Op::Exp(_) | Op::Reciprocal(_) | Op::Rsqrt(_) | Op::Sqrt(_) | Op::Log(_));
            let slope = if scaled { 2.0 * slope } else { slope + 2f64.powf(-8.5) };
            let counts = case.counts(at, Dealt::AsItIs);
            // each count varies as much as it is large: their mean over the numbers of reveals
            let ratios = counts.iter().enumerate().map(|(level, &count)| {
                let expected = (1.0 / (slope * 4f64.powi(level as i32))).min(REACH as f64);
                count as f64 / TRIES as f64 / expected.max(1.0)
            });
            let ratio = ratios.sum::<f64>() / counts.len() as f64;
            assert!(ratio >= 0.5, "{} at {at}: {ratio} of what is expected: {counts:?}", case.op.name());
        }
    }
}

/// Where a function saturates, results are the same whatever the input is, opening for opening: they say nothing else.
#[test]
fn saturated_values_say_nothing_but_that() {
    let below = [-12.5, -13.0, -100.25, -65536.0, -1e9];
    let above = below.map(|x: f64| -x);
    let far = [-16.0, -17.5, -99.0, -4097.25, -1e9];
    let most = [30.0f64, 31.5, 100.0, 65535.5, 1e9];
    let not_positive = [0.0, -0.25, -3.0, -65536.5, -1e9];
    let both: [(Op, f64, f64); 3] =
        [(Sigmoid.into(), 0.0, 1.0), (Tanh.into(), -1.0, 1.0), (Erf.into(), -1.0, 1.0)];
    let constant = both
        .into_iter()
        .flat_map(|(op, low, high)| [(op.clone(), below, Some(low)), (op, above, Some(high))]);
    let zero: [Op; 4] =
        [Gelu { tanh: false }.into(), Gelu { tanh: true }.into(), Silu.into(), Softplus.into()];
    let zero = zero.into_iter().map(|op| (op, below, Some(0.0)));
    let others: [(Op, [f64; 5], Option<f64>); 5] = [
        (Exp.into(), far, Some(0.0)),
        (Exp.into(), most, None),
        (Sqrt.into(), not_positive, Some(0.0)),
        (Rsqrt.into(), not_positive, None),
        (Log.into(), not_positive, None),
    ];
    for (op, inputs, expected) in constant.chain(zero).chain(others) {
        let x = inputs.map(|x| (x * 65536.0) as i64);
        let program = program(&op, x.len(), false);
        for number in 0..10_000 {
            let y = run(&program, &x, &mut View { number, dealt: Dealt::AsItIs });
            assert!(y.iter().all(|other| *other == y[0]), "{} of {inputs:?}: {y:?}", op.name());
            assert!(
                expected.is_none_or(|expected| y[0] == (expected * 65536.0) as i64),
                "{}: {y:?}",
                op.name()
            );
        }
    }
}
