//! Correlations as data: each value that the trusted dealer deals, as its width on the wire and a function of masks.
//!
//! Every evaluator of a plan reads this one list: cost and schedule the items, the dealer the specs, the parties the order.

use std::ops::Range;
use std::sync::Arc;

use tacita_ring::{
    ConvSpec, Exponential, FourierSum, RingTensor, Sign, conv2d_into, matmul_into, word_count,
};

use crate::item::Item;
use crate::shuffle::Shuffle;

/// A value of the program, by the number of its ring node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueId(pub u32);

/// One value that the trusted dealer deals: the parties' shares of the item add up to the spec's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correlation {
    /// The width on the wire.
    pub item: Item,
    /// The value, as a function of masks.
    pub spec: Spec,
}

/// A function of masks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spec {
    /// A bilinear map of two masks, of this shape.
    Product {
        /// The map.
        map: Bilinear,
        /// The result's shape.
        shape: Vec<usize>,
        /// The map's operands, in order.
        operands: [RingMask; 2],
    },
    /// For each set, a plane of bits: the product of the mask bits whose planes are in the set.
    BitProducts {
        /// Elements of each plane.
        elements: usize,
        /// The mask bits.
        bits: BitMask,
        /// Sets of planes: bit i of a word stands for plane i.
        sets: Arc<[u64]>,
    },
    /// For each element a number where the gate's mask bits are as wanted, and 0 elsewhere, reduced to the item's width.
    Numbers {
        /// Elements.
        elements: usize,
        /// The condition.
        gate: Gate,
        /// The number.
        number: Number,
    },
    /// For each element of a mask, 2^bits ring elements: 1 at the position that the mask is modulo 2^bits, and 0 elsewhere.
    OneHot {
        /// The mask.
        mask: RingMask,
        /// Bits of a position.
        bits: u32,
    },
    /// The rounded cosines and sines of a trigonometric sum, of some elements of a mask: [`FourierSum::cosines`].
    FourierTerms {
        /// The mask.
        mask: RingMask,
        /// The sum.
        sum: FourierSum,
        /// The elements.
        elements: Range<usize>,
    },
    /// `−π(a)`: the negated masks of this task's opening, in the order of a party's permutation.
    Shuffled {
        /// The opening, of ring elements.
        step: u16,
        /// The party.
        party: usize,
        /// The sizes.
        shuffle: Shuffle,
    },
}

/// Masks of ring elements, or numbers that follow from them by subtraction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RingMask {
    /// The mask of a value.
    Value(ValueId),
    /// The mask of a value without the part that one computing party draws.
    Others {
        /// The value.
        value: ValueId,
        /// The party.
        party: usize,
    },
    /// The mask of the first value less that of the second. A public value has none, and counts as zero.
    Difference(Option<ValueId>, Option<ValueId>),
    /// The masks of this task's opening: for each group of so many elements, the differences of all [`pairs`] in it.
    PairDifferences {
        /// The opening.
        step: u16,
        /// Its item.
        item: Item,
        /// Elements of a group.
        group: usize,
    },
}

/// Planes of mask bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BitMask {
    /// The 64 bits of ring elements.
    Ring(RingMask),
    /// The masks under which bits are opened, the planes of one value after those of another.
    Values(Vec<ValueId>),
    /// Masks of this task's opening of bits: so many planes, which begin at a word of the opening.
    Step {
        /// The opening.
        step: u16,
        /// The first word.
        first: usize,
        /// Planes.
        planes: usize,
    },
}

/// A condition on mask bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It always holds.
    Always,
    /// Each of these planes' bits is as wanted.
    Bits {
        /// The mask bits.
        bits: BitMask,
        /// Planes, each with its wanted bit.
        wanted: Vec<(usize, bool)>,
    },
}

/// A number for each element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// 1.
    One,
    /// The bits of a mask from `shift` on.
    High {
        /// The mask.
        mask: RingMask,
        /// Bits that are dropped.
        shift: u32,
    },
    /// A part of an exponential of a mask: [`Exponential::small_factors`].
    Exponential {
        /// The mask.
        mask: RingMask,
        /// The exponential.
        spec: Exponential,
        /// The part.
        part: ExponentialPart,
    },
}

/// Which of the two numbers that an exponential of a mask gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExponentialPart {
    /// The factor where masked value and mask do not wrap.
    Least,
    /// Its growth where they wrap.
    Growth,
}

/// A bilinear map of ring tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bilinear {
    /// Element by element, with broadcasting.
    Mul,
    /// Matrix products.
    MatMul,
    /// Convolutions.
    Conv(ConvSpec),
}

impl Bilinear {
    /// Adds the map of `x` and `y` to `out`.
    ///
    /// # Panics
    /// If shapes do not fit.
    pub fn add_to(&self, out: &mut RingTensor, x: &RingTensor, y: &RingTensor) {
        match self {
            Bilinear::Mul => out.add_assign(&x.mul(y)),
            Bilinear::MatMul => matmul_into(out, x, y, Sign::Plus),
            Bilinear::Conv(spec) => conv2d_into(out, x, y, spec, Sign::Plus),
        }
    }
}

impl Correlation {
    /// A bilinear map of two masks.
    pub fn product(map: Bilinear, shape: &[usize], operands: [RingMask; 2]) -> Correlation {
        let item = Item::Ring(shape.iter().product());
        Correlation { item, spec: Spec::Product { map, shape: shape.to_vec(), operands } }
    }

    /// Products of mask bits, a plane for each set.
    pub fn bit_products(elements: usize, bits: BitMask, sets: Arc<[u64]>) -> Correlation {
        let item = Item::Bits(word_count(elements, sets.len()));
        Correlation { item, spec: Spec::BitProducts { elements, bits, sets } }
    }

    /// Numbers of which the low `width` bits matter.
    pub fn numbers(elements: usize, width: u32, gate: Gate, number: Number) -> Correlation {
        Correlation { item: Item::holding(elements, width), spec: Spec::Numbers { elements, gate, number } }
    }

    /// One-hot positions of `elements` elements of a mask, modulo 2^bits.
    pub fn one_hot(elements: usize, mask: RingMask, bits: u32) -> Correlation {
        Correlation { item: Item::Ring(elements << bits), spec: Spec::OneHot { mask, bits } }
    }

    /// Cosines and sines of some elements of a mask.
    pub fn fourier_terms(mask: RingMask, sum: &FourierSum, elements: Range<usize>) -> Correlation {
        let item = Item::Ring(elements.len() * sum.words());
        Correlation { item, spec: Spec::FourierTerms { mask, sum: sum.clone(), elements } }
    }

    /// The negated masks of an opening in the order of a party's permutation.
    pub fn shuffled(step: u16, party: usize, shuffle: Shuffle) -> Correlation {
        Correlation { item: Item::Ring(shuffle.elements()), spec: Spec::Shuffled { step, party, shuffle } }
    }

    /// The values whose masks the spec refers to.
    pub fn values(&self) -> Vec<ValueId> {
        match &self.spec {
            Spec::Product { operands, .. } => operands.iter().flat_map(RingMask::values).collect(),
            Spec::BitProducts { bits, .. } => bits.values(),
            Spec::Numbers { gate, number, .. } => {
                let mut values = match gate {
                    Gate::Always => vec![],
                    Gate::Bits { bits, .. } => bits.values(),
                };
                match number {
                    Number::One => {}
                    Number::High { mask, .. } | Number::Exponential { mask, .. } => {
                        values.extend(mask.values())
                    }
                }
                values
            }
            Spec::OneHot { mask, .. } | Spec::FourierTerms { mask, .. } => mask.values(),
            Spec::Shuffled { .. } => vec![],
        }
    }
}

impl RingMask {
    fn values(&self) -> Vec<ValueId> {
        match self {
            RingMask::Value(value) | RingMask::Others { value, .. } => vec![*value],
            RingMask::Difference(a, b) => a.iter().chain(b).copied().collect(),
            RingMask::PairDifferences { .. } => vec![],
        }
    }
}

impl BitMask {
    fn values(&self) -> Vec<ValueId> {
        match self {
            BitMask::Ring(mask) => mask.values(),
            BitMask::Values(values) => values.clone(),
            BitMask::Step { .. } => vec![],
        }
    }
}

/// All pairs (i, j), i < j, of k things, in order.
pub fn pairs(k: usize) -> Vec<(usize, usize)> {
    (0..k).flat_map(|i| (i + 1..k).map(move |j| (i, j))).collect()
}
