//! Results that evaluators may give where an operation rounds.
//!
//! Most operations have one result for given inputs. A truncation may round down or up; a comparison that leaves out low
//! bits may go either way near its threshold; Fourier sums and exponentials may be off by a bounded error; a draw may be
//! anything. Whatever an evaluator computes, [`allowed`] accepts its values if each node's value is one that the operation
//! allows for the values of the node's inputs.

use std::collections::BTreeMap;

use tacita_ring::{Exponential, FourierSum, RingTensor};
use thiserror::Error;

use crate::evaluate::{ClearValue, Floor, step};
use crate::operation::{RingOp, Threshold};
use crate::program::{RingId, RingNode, RingType, Visibility};
use crate::verify::VerifiedProgram;

/// The words that an operation may give for one element: an interval modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    low: u64,
    width: u64,
}

impl Allowed {
    /// Every word.
    pub const ANY: Allowed = Allowed { low: 0, width: u64::MAX };

    /// One word.
    pub fn only(word: u64) -> Allowed {
        Allowed { low: word, width: 0 }
    }

    /// The words at most `error` away from one.
    pub fn near(word: u64, error: u64) -> Allowed {
        match error.checked_mul(2) {
            Some(width) => Allowed { low: word.wrapping_sub(error), width },
            None => Allowed::ANY,
        }
    }

    /// Whether a word is one of these.
    pub fn contains(self, word: u64) -> bool {
        word.wrapping_sub(self.low) <= self.width
    }

    /// The first of the words.
    pub fn first(self) -> u64 {
        self.low
    }

    /// The last of the words.
    pub fn last(self) -> u64 {
        self.low.wrapping_add(self.width)
    }
}

/// z / 2^bits rounded down or up: one word where 2^bits divides z, two where it does not. Any word for |z| >= 2^62.
pub fn quotient(z: u64, bits: u32) -> Allowed {
    let limit = 1i64 << 62;
    if !(-limit < z as i64 && (z as i64) < limit) && bits > 0 {
        return Allowed::ANY;
    }
    let down = (z as i64) >> bits;
    Allowed { low: down as u64, width: u64::from(down << bits != z as i64) }
}

/// `[z < t]`: either bit where low bits are left out and z is less than 2^dropped away from t. Any word where the difference
/// takes more than `bits` bits.
pub fn below(z: u64, threshold: Threshold, bits: u32) -> Allowed {
    let difference = i128::from(z as i64) - i128::from(threshold.at);
    let reach = if threshold.dropped == 0 { 0 } else { 1i128 << threshold.dropped };
    let limit = 1i128 << bits;
    let is_compared = -limit <= difference - reach && difference + reach < limit;
    if !is_compared {
        Allowed::ANY
    } else if difference.abs() < reach {
        Allowed { low: 0, width: 1 }
    } else {
        Allowed::only(u64::from(difference < 0))
    }
}

/// A Fourier sum with the [error](FourierSum::error) of rounded cosines and factors.
pub fn fourier_sum(z: &[u64], sum: &FourierSum) -> Vec<Allowed> {
    let error = sum.error();
    // what leaves the ring saturates in one evaluator and wraps in another
    let near = |word: u64| {
        let room = (i64::MAX as u64).saturating_sub((word as i64).unsigned_abs());
        if room > error { Allowed::near(word, error) } else { Allowed::ANY }
    };
    sum.evaluate(z).into_iter().map(near).collect()
}

/// An exponential with the [error](Exponential::error) of rounded factors.
pub fn exponential(z: &[u64], spec: &Exponential) -> Vec<Allowed> {
    spec.evaluate(z).into_iter().map(|word| Allowed::near(word, spec.error(word))).collect()
}

/// A value that an operation does not allow for the values of its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("ring node {} ({op}): element {element} is no result of it", node.0)]
pub struct NotAllowed {
    /// The first such node.
    pub node: RingId,
    /// Its operation.
    pub op: &'static str,
    /// Its first such element, over all planes of bits one after the other.
    pub element: usize,
}

/// Checks that each node's value is one that its operation allows for the values of its inputs. `values` has all nodes'
/// values, by [`RingId`], as [`fixed`](crate::fixed()) gives them. A leaf's value may be any
/// within its recorded bound.
///
/// # Errors
/// [`NotAllowed`] names the first node whose value is none of these.
///
/// # Panics
/// If there are not as many values as nodes.
pub fn allowed(program: &VerifiedProgram, values: &[ClearValue]) -> Result<(), NotAllowed> {
    assert_eq!(values.len(), program.nodes.len(), "one value for each node");
    let mut truncations: BTreeMap<(RingId, u32), RingId> = BTreeMap::new();
    for id in program.ids() {
        let node = program.node(id);
        let not = |element: usize| NotAllowed { node: id, op: node.op.name(), element };
        if !fits(&values[id.index()], node) {
            return Err(not(0));
        }
        if let RingOp::Truncate { bits } = node.op {
            truncations.insert((node.inputs[0], bits), id);
        }
        let check = Check { program, node, values, got: words(&values[id.index()]) };
        if let Some(element) = check.first_wrong(&truncations) {
            return Err(not(element));
        }
    }
    Ok(())
}

/// Whether a value has the node's type and shape.
fn fits(value: &ClearValue, node: &RingNode) -> bool {
    let shape = |tensor: &RingTensor| tensor.shape() == node.shape;
    match (value, node.ty) {
        (ClearValue::Ring(tensor), RingType::Ring { .. }) => shape(tensor),
        (ClearValue::Bits(list), RingType::Bits { planes }) => {
            list.len() == planes
                && list.iter().all(|plane| shape(plane) && plane.data().iter().all(|&bit| bit < 2))
        }
        (ClearValue::Ring(_), RingType::Bits { .. }) | (ClearValue::Bits(_), RingType::Ring { .. }) => false,
    }
}

/// All words of a value, plane by plane.
fn words(value: &ClearValue) -> Vec<u64> {
    match value {
        ClearValue::Ring(tensor) => tensor.data().to_vec(),
        ClearValue::Bits(planes) => planes.iter().flat_map(|plane| plane.data()).copied().collect(),
    }
}

/// The check of one node.
struct Check<'a> {
    program: &'a VerifiedProgram,
    node: &'a RingNode,
    values: &'a [ClearValue],
    got: Vec<u64>,
}

impl Check<'_> {
    fn input(&self, i: usize) -> Vec<u64> {
        words(&self.values[self.node.inputs[i].index()])
    }

    /// The first element of the value that the operation does not allow.
    fn first_wrong(&self, truncations: &BTreeMap<(RingId, u32), RingId>) -> Option<usize> {
        match &self.node.op {
            RingOp::Input { .. } => self.got.iter().position(|&word| !self.node.bound.contains(word)),
            RingOp::Random { .. } => None,
            RingOp::Truncate { bits } => self.outside(self.input(0).iter().map(|&z| quotient(z, *bits))),
            RingOp::FourierSum { sum } => self.outside(fourier_sum(&self.input(0), sum).into_iter()),
            RingOp::Exponential { spec } => self.outside(exponential(&self.input(0), spec).into_iter()),
            RingOp::Bucketize { thresholds, bits } => self.bucketize(thresholds, *bits),
            RingOp::RoundedUp { bits } => {
                let rounded = truncations.get(&(self.node.inputs[0], *bits));
                self.rounded_up(*bits, rounded.map(|id| words(&self.values[id.index()])))
            }
            RingOp::Select { truncate } => self.selected(&self.input(0), truncate),
            RingOp::SelectLargest { truncate } => {
                let ClearValue::Bits(pairs) = &self.values[self.node.inputs[0].index()] else {
                    return Some(0);
                };
                let values = self.node.inputs.len() - 1;
                let planes = crate::evaluate::largest(pairs, values);
                let planes: Vec<u64> = planes.iter().flat_map(|plane| plane.data()).copied().collect();
                self.selected(&planes, &vec![*truncate; values])
            }
            RingOp::SelectScale { truncate, .. } => {
                let (factors, x) = (self.input(1), self.input(2));
                let quotients = self.quotients(2, &x, *truncate);
                let product = |(&factor, quotient): (&u64, Allowed)| {
                    [quotient.first(), quotient.last()].map(|word| factor.wrapping_mul(word))
                };
                let products: Vec<[u64; 2]> =
                    factors.iter().zip(quotients.iter().copied()).map(product).collect();
                (0..self.got.len())
                    .find(|&e| quotients[e] != Allowed::ANY && !products[e].contains(&self.got[e]))
            }
            RingOp::LessThanZero { .. }
            | RingOp::OneHotArgmax { .. }
            | RingOp::LessThanPairs { .. }
            | RingOp::Sort { .. }
            | RingOp::Constant { .. }
            | RingOp::ConstantTensor { .. }
            | RingOp::Add
            | RingOp::Sub
            | RingOp::Neg
            | RingOp::Scale { .. }
            | RingOp::Broadcast
            | RingOp::Reshape
            | RingOp::Transpose { .. }
            | RingOp::Slice { .. }
            | RingOp::Gather { .. }
            | RingOp::Pad { .. }
            | RingOp::Concat { .. }
            | RingOp::Sum { .. }
            | RingOp::SumPool { .. }
            | RingOp::Mul
            | RingOp::MatMul
            | RingOp::Conv { .. }
            | RingOp::NotBits
            | RingOp::XorBits
            | RingOp::AndBits
            | RingOp::EqualZero { .. }
            | RingOp::OneHot { .. }
            | RingOp::Reveal { .. }
            | RingOp::Keep
            | RingOp::BitToArithmetic { .. } => self.exact(),
        }
    }

    fn outside(&self, allowed: impl Iterator<Item = Allowed>) -> Option<usize> {
        self.got.iter().zip(allowed).position(|(&word, allowed)| !allowed.contains(word))
    }

    /// The operation has one result.
    fn exact(&self) -> Option<usize> {
        let inputs: Vec<&ClearValue> =
            self.node.inputs.iter().map(|input| &self.values[input.index()]).collect();
        let expected = words(&step(self.program, self.node, &inputs, &mut Floor));
        self.got.iter().zip(&expected).position(|(got, expected)| got != expected)
    }

    /// The quotients of an input inside of a selection: a public one is rounded down.
    fn quotients(&self, input: usize, x: &[u64], bits: u32) -> Vec<Allowed> {
        let is_public = self.program.node(self.node.inputs[input]).visibility == Visibility::Public;
        let of = |&x: &u64| match (bits, is_public) {
            (0, _) => Allowed::only(x),
            (_, true) => Allowed::only(((x as i64) >> bits) as u64),
            (_, false) => quotient(x, bits),
        };
        x.iter().map(of).collect()
    }

    /// The quotient of the candidate whose plane is 1, or zero.
    fn selected(&self, planes: &[u64], truncate: &[u32]) -> Option<usize> {
        let n = self.got.len();
        let mut allowed = vec![Allowed::only(0); n];
        for (i, &bits) in truncate.iter().enumerate() {
            let quotients = self.quotients(i + 1, &self.input(i + 1), bits);
            for e in (0..n).filter(|e| planes[i * n + e] == 1) {
                allowed[e] = quotients[e];
            }
        }
        self.outside(allowed.into_iter())
    }

    /// The interval that follows from comparisons with each threshold, of which some may go either way.
    fn bucketize(&self, thresholds: &[Threshold], bits: u32) -> Option<usize> {
        let (x, n) = (self.input(0), self.node.shape.iter().product::<usize>());
        (0..n).find(|&e| {
            let outcomes: Vec<Allowed> = thresholds.iter().map(|t| below(x[e], *t, bits)).collect();
            if outcomes.contains(&Allowed::ANY) {
                return false;
            }
            let ones: Vec<usize> = (0..=thresholds.len()).filter(|i| self.got[i * n + e] == 1).collect();
            let [at] = ones[..] else { return true };
            let fits = |(i, outcome): (usize, &Allowed)| outcome.contains(u64::from(at <= i));
            !outcomes.iter().enumerate().all(fits)
        })
    }

    /// Whether the truncation of the same value, where the program has it, is above the quotient rounded down.
    fn rounded_up(&self, bits: u32, rounded: Option<Vec<u64>>) -> Option<usize> {
        let x = self.input(0);
        (0..self.got.len()).find(|&e| {
            let quotient = quotient(x[e], bits);
            let got = quotient.first().wrapping_add(self.got[e]);
            quotient != Allowed::ANY
                && (!quotient.contains(got) || rounded.as_ref().is_some_and(|rounded| rounded[e] != got))
        })
    }
}
