//! The ring program in the clear: exactly the results of a private evaluation, up to the rounding of truncations.

use std::collections::BTreeMap;

use ndarray::{ArrayD, IxDyn};
use tacita_ring::{Exponential, FourierSum, RingTensor, decode};

use crate::allowed::quotient;
use crate::apply::{bilinear, linear};
use crate::draws;
use crate::operation::{RingOp, Threshold};
use crate::program::{RingId, RingNode, RingProgram, RingType, Visibility};
use crate::verify::VerifiedProgram;

/// How an evaluation rounds: its choice among the words that the functions of [`allowed`](crate::allowed()) say. With the rounding of a private evaluation, `fixed` equals it bit for bit. `value` is always the
/// node whose value is rounded.
pub trait Rounding {
    /// z / 2^bits for |z| < 2^62, a word of [`quotient`](crate::quotient) for each element: by `Truncate` or inside of `Select`, `SelectLargest` and `SelectScale`.
    fn truncate(&mut self, value: RingId, z: &RingTensor, bits: u32) -> RingTensor;

    /// `[z < t]`, a bit of [`below`](crate::below) for each element, by a comparison of so many bits.
    fn below(&mut self, _value: RingId, z: &RingTensor, threshold: Threshold, _bits: u32) -> RingTensor {
        map(z, |z| u64::from((z as i64) < threshold.at))
    }

    /// A trigonometric sum, a word of [`fourier_sum`](crate::fourier_sum()) for each element.
    fn fourier_sum(&mut self, _value: RingId, z: &RingTensor, sum: &FourierSum) -> RingTensor {
        RingTensor::new(z.shape().to_vec(), sum.evaluate(z.data()))
    }

    /// An exponential, a word of [`exponential`](crate::exponential()) for each element.
    fn exponential(&mut self, _value: RingId, z: &RingTensor, spec: &Exponential) -> RingTensor {
        RingTensor::new(z.shape().to_vec(), spec.evaluate(z.data()))
    }

    /// The value that `Random` draws: a word for each element, of which bits take the highest, the first of them in the last
    /// plane. By default the graph's evaluator in the clear draws the same, each time, so that the two can be compared.
    fn random(&mut self, _value: RingId, node: &RingNode, draw: u32) -> ClearValue {
        let words = draws::words(draw, node.shape.iter().product());
        match node.ty {
            RingType::Ring { .. } => ClearValue::Ring(RingTensor::new(node.shape.clone(), words)),
            RingType::Bits { planes } => {
                let plane = |i: usize| words.iter().map(|word| word >> (64 - planes + i) & 1).collect();
                ClearValue::Bits((0..planes).map(|i| RingTensor::new(node.shape.clone(), plane(i))).collect())
            }
        }
    }
}

/// Rounds down: an arithmetic shift.
#[derive(Clone, Copy, Debug, Default)]
pub struct Floor;

impl Rounding for Floor {
    fn truncate(&mut self, _value: RingId, z: &RingTensor, bits: u32) -> RingTensor {
        map(z, |z| ((z as i64) >> bits) as u64)
    }
}

/// Rounds to the nearest, halves up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nearest;

impl Rounding for Nearest {
    fn truncate(&mut self, _value: RingId, z: &RingTensor, bits: u32) -> RingTensor {
        let half = if bits == 0 { 0 } else { 1i64 << (bits - 1) };
        map(z, |z| ((z as i64).wrapping_add(half) >> bits) as u64)
    }
}

fn map(z: &RingTensor, f: impl Fn(u64) -> u64) -> RingTensor {
    RingTensor::new(z.shape().to_vec(), z.data().iter().map(|&z| f(z)).collect())
}

/// A ring node's value in the clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClearValue {
    /// Ring elements.
    Ring(RingTensor),
    /// One tensor of 0 and 1 for each plane.
    Bits(Vec<RingTensor>),
}

impl ClearValue {
    /// The real numbers at the fractional bits of `ty`; of bits, the first plane.
    pub fn to_f64(&self, ty: RingType) -> ArrayD<f64> {
        let frac = if let RingType::Ring { frac } = ty { frac } else { 0 };
        let tensor = match self {
            ClearValue::Ring(tensor) => tensor,
            ClearValue::Bits(planes) => &planes[0],
        };
        ArrayD::from_shape_vec(IxDyn(tensor.shape()), decode(tensor.data(), frac))
            .expect("a tensor has as many elements as its shape says")
    }
}

/// Every node's value, by [`RingId`].
///
/// # Panics
/// If a leaf is missing or of another shape.
pub fn fixed(
    program: &VerifiedProgram,
    leaves: &BTreeMap<RingId, RingTensor>,
    rounding: &mut dyn Rounding,
) -> Vec<ClearValue> {
    fixed_kept(program, leaves, rounding, |_| true).into_values().collect()
}

/// The values of the nodes that `keep` names; others are freed as soon as they are used up.
///
/// # Panics
/// As [`fixed`].
pub fn fixed_kept(
    program: &VerifiedProgram,
    leaves: &BTreeMap<RingId, RingTensor>,
    rounding: &mut dyn Rounding,
    keep: impl Fn(RingId) -> bool,
) -> BTreeMap<RingId, ClearValue> {
    let mut left: Vec<usize> = program.ids().map(|id| usize::from(keep(id))).collect();
    for node in &program.nodes {
        node.inputs.iter().for_each(|input| left[input.index()] += 1);
    }
    let mut values: Vec<Option<ClearValue>> = Vec::with_capacity(left.len());
    for id in program.ids() {
        let node = program.node(id);
        let inputs: Vec<&ClearValue> =
            node.inputs.iter().filter_map(|input| values[input.index()].as_ref()).collect();
        let value = if let RingOp::Input { .. } = node.op {
            let leaf = leaves.get(&id).unwrap_or_else(|| panic!("leaf {} has no value", id.0));
            assert_eq!(leaf.shape(), node.shape, "leaf {}", id.0);
            ClearValue::Ring(leaf.clone())
        } else if let RingOp::Random { draw } = node.op {
            rounding.random(id, node, draw)
        } else {
            step(program, node, &inputs, rounding)
        };
        values.push(Some(value));
        for input in &node.inputs {
            left[input.index()] -= 1;
            if left[input.index()] == 0 {
                values[input.index()] = None;
            }
        }
        if left[id.index()] == 0 {
            values[id.index()] = None;
        }
    }
    program.ids().zip(values).filter_map(|(id, value)| Some((id, value?))).collect()
}

fn ring<'a>(value: &&'a ClearValue) -> &'a RingTensor {
    match value {
        ClearValue::Ring(tensor) => tensor,
        ClearValue::Bits(_) => panic!("bits where a ring value is expected"),
    }
}

fn planes<'a>(value: &&'a ClearValue) -> &'a [RingTensor] {
    match value {
        ClearValue::Bits(planes) => planes,
        ClearValue::Ring(_) => panic!("a ring value where bits are expected"),
    }
}

pub(crate) fn step(
    program: &RingProgram,
    node: &RingNode,
    inputs: &[&ClearValue],
    rounding: &mut dyn Rounding,
) -> ClearValue {
    let op = &node.op;
    if let (true, RingType::Bits { planes: count }) = (op.is_linear(), node.ty) {
        let plane = |i: usize| {
            let inputs: Vec<&RingTensor> = inputs.iter().map(|bits| &planes(bits)[i]).collect();
            linear(op, &inputs, &node.shape)
        };
        return ClearValue::Bits((0..count).map(plane).collect());
    }
    if op.is_linear() {
        let inputs: Vec<&RingTensor> = inputs.iter().map(ring).collect();
        return ClearValue::Ring(linear(op, &inputs, &node.shape));
    }
    if op.is_bilinear() {
        return ClearValue::Ring(bilinear(op, ring(&inputs[0]), ring(&inputs[1]), &node.shape));
    }
    match op {
        RingOp::Constant { value } => ClearValue::Ring(RingTensor::filled(&node.shape, *value as u64)),
        RingOp::ConstantTensor { values } => {
            let values = values.iter().map(|&value| value as u64).collect();
            ClearValue::Ring(RingTensor::new(node.shape.clone(), values))
        }
        RingOp::Truncate { bits } => {
            ClearValue::Ring(quotients(node.inputs[0], ring(&inputs[0]), *bits, rounding))
        }
        RingOp::LessThanZero { .. } => ClearValue::Bits(vec![map(ring(&inputs[0]), |z| z >> 63)]),
        RingOp::OneHotArgmax { .. } => one_hot_argmax(&inputs.iter().map(ring).collect::<Vec<_>>()),
        RingOp::LessThanPairs { .. } => {
            ClearValue::Bits(less_than_pairs(&inputs.iter().map(ring).collect::<Vec<_>>()))
        }
        RingOp::Select { truncate } => {
            selected(program, node, planes(&inputs[0]), inputs, truncate, rounding)
        }
        RingOp::SelectLargest { truncate } => {
            let candidates = inputs.len() - 1;
            let selected_by = largest(planes(&inputs[0]), candidates);
            selected(program, node, &selected_by, inputs, &vec![*truncate; candidates], rounding)
        }
        RingOp::NotBits => {
            ClearValue::Bits(planes(&inputs[0]).iter().map(|plane| map(plane, |bit| bit ^ 1)).collect())
        }
        RingOp::XorBits => {
            let pairs = planes(&inputs[0]).iter().zip(planes(&inputs[1]));
            let xor = |(a, b): (&RingTensor, &RingTensor)| {
                let bits = a.data().iter().zip(b.data()).map(|(a, b)| a ^ b).collect();
                RingTensor::new(a.shape().to_vec(), bits)
            };
            ClearValue::Bits(pairs.map(xor).collect())
        }
        RingOp::AndBits => {
            let mut product = planes(&inputs[0])[0].clone();
            for bits in &inputs[1..] {
                product = product.mul(&planes(bits)[0]);
            }
            ClearValue::Bits(vec![product])
        }
        RingOp::EqualZero { bits } => {
            let high = 64 - bits;
            ClearValue::Bits(vec![map(ring(&inputs[0]), |z| u64::from(z << high == 0))])
        }
        RingOp::RoundedUp { bits } => {
            let z = ring(&inputs[0]);
            let mut above = quotients(node.inputs[0], z, *bits, rounding);
            above.sub_assign(&Floor.truncate(node.inputs[0], z, *bits));
            ClearValue::Bits(vec![above])
        }
        RingOp::Sort { .. } => ClearValue::Ring(sorted(ring(&inputs[0]))),
        RingOp::OneHot { bits } => {
            let hot = |&z: &u64| (0..1 << bits).map(move |at| u64::from(z % (1 << bits) == at));
            let hot = ring(&inputs[0]).data().iter().flat_map(hot).collect();
            ClearValue::Ring(RingTensor::new(node.shape.clone(), hot))
        }
        RingOp::Reveal { .. } | RingOp::Keep => inputs[0].clone(),
        RingOp::Bucketize { thresholds, bits } => {
            let x = ring(&inputs[0]);
            let below: Vec<RingTensor> =
                thresholds.iter().map(|t| rounding.below(node.inputs[0], x, *t, *bits)).collect();
            ClearValue::Bits(one_hot(&below))
        }
        RingOp::FourierSum { sum } => {
            ClearValue::Ring(rounding.fourier_sum(node.inputs[0], ring(&inputs[0]), sum))
        }
        RingOp::Exponential { spec } => {
            ClearValue::Ring(rounding.exponential(node.inputs[0], ring(&inputs[0]), spec))
        }
        RingOp::BitToArithmetic { plane } => ClearValue::Ring(planes(&inputs[0])[*plane].clone()),
        RingOp::SelectScale { truncate, .. } => {
            let (factor, x) = (ring(&inputs[1]), ring(&inputs[2]));
            let truncated = truncated(program, node.inputs[2], x, *truncate, rounding);
            ClearValue::Ring(factor.mul(&truncated))
        }
        RingOp::Input { .. } | RingOp::Random { .. } => {
            unreachable!("inputs are leaves, and draws the rounding's")
        }
        RingOp::Add
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
        | RingOp::Conv { .. } => {
            unreachable!("linear and bilinear operations are computed above")
        }
    }
}

/// The sum of each plane times its candidate, truncated; `inputs` are the node's, of which the first is not a candidate.
fn selected(
    program: &RingProgram,
    node: &RingNode,
    planes: &[RingTensor],
    inputs: &[&ClearValue],
    truncate: &[u32],
    rounding: &mut dyn Rounding,
) -> ClearValue {
    let mut sum = RingTensor::zeros(&node.shape);
    for (i, plane) in planes.iter().enumerate() {
        let (id, x) = (node.inputs[i + 1], ring(&inputs[i + 1]));
        sum.add_assign(&plane.mul(&truncated(program, id, x, truncate[i], rounding)));
    }
    ClearValue::Ring(sum)
}

fn truncated(
    program: &RingProgram,
    id: RingId,
    x: &RingTensor,
    bits: u32,
    rounding: &mut dyn Rounding,
) -> RingTensor {
    match (bits, program.node(id).visibility) {
        (0, _) => x.clone(),
        (_, Visibility::Public) => Floor.truncate(id, x, bits),
        (_, Visibility::Private(_) | Visibility::Secret) => quotients(id, x, bits, rounding),
    }
}

/// The quotients that an evaluation's rounding gives, which must be among those that truncations allow.
fn quotients(id: RingId, x: &RingTensor, bits: u32, rounding: &mut dyn Rounding) -> RingTensor {
    let rounded = rounding.truncate(id, x, bits);
    debug_assert!(
        x.data().iter().zip(rounded.data()).all(|(&x, &got)| quotient(x, bits).contains(got)),
        "ring node {} is rounded to no quotient",
        id.0
    );
    rounded
}

/// From `[z < t_i]` of ascending t, which of the intervals between them z is in.
fn one_hot(below: &[RingTensor]) -> Vec<RingTensor> {
    let shape = below[0].shape().to_vec();
    let planes = (0..=below.len()).map(|i| {
        let bit = |e: usize| {
            let before = i.checked_sub(1).map_or(0, |i| below[i].data()[e]);
            before ^ below.get(i).map_or(1, |below| below.data()[e])
        };
        RingTensor::new(shape.clone(), (0..below[0].len()).map(bit).collect())
    });
    planes.collect()
}

/// The first of the largest candidates, one plane a candidate.
fn one_hot_argmax(candidates: &[&RingTensor]) -> ClearValue {
    let shape = candidates[0].shape();
    let mut planes = vec![RingTensor::zeros(shape); candidates.len()];
    for element in 0..candidates[0].len() {
        let mut best = 0;
        for (i, candidate) in candidates.iter().enumerate() {
            if candidate.data()[element] as i64 > candidates[best].data()[element] as i64 {
                best = i;
            }
        }
        planes[best].data_mut()[element] = 1;
    }
    ClearValue::Bits(planes)
}

/// The rows of each (n, columns) in order of their first two columns.
fn sorted(x: &RingTensor) -> RingTensor {
    let [_, n, columns] = x.shape()[..] else { panic!("{x:?} has not three axes") };
    let mut out = Vec::with_capacity(x.len());
    for matrix in x.data().chunks_exact(n * columns) {
        let mut rows: Vec<&[u64]> = matrix.chunks_exact(columns).collect();
        rows.sort_by_key(|row| (row[0] as i64, row[1]));
        rows.into_iter().for_each(|row| out.extend_from_slice(row));
    }
    RingTensor::new(x.shape().to_vec(), out)
}

/// `[a_i < a_j]` for all pairs i < j.
fn less_than_pairs(candidates: &[&RingTensor]) -> Vec<RingTensor> {
    let pairs = (0..candidates.len()).flat_map(|i| (i + 1..candidates.len()).map(move |j| (i, j)));
    pairs.map(|(i, j)| map(&candidates[i].sub(candidates[j]), |z| z >> 63)).collect()
}

/// The one-hot position of the largest of k values, from the bits of all pairs.
pub(crate) fn largest(below: &[RingTensor], k: usize) -> Vec<RingTensor> {
    let mut planes = vec![RingTensor::filled(below[0].shape(), 1); k];
    let pairs = (0..k).flat_map(|i| (i + 1..k).map(move |j| (i, j)));
    for ((i, j), below) in pairs.zip(below) {
        planes[i] = planes[i].mul(&map(below, |bit| 1 - bit));
        planes[j] = planes[j].mul(below);
    }
    planes
}
