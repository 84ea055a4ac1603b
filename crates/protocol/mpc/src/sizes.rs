//! The sizes of a node's value.

use tacita_correlations::Item;
use tacita_program::{RingNode, RingType};

/// Elements of a node's value.
pub(crate) fn elements(node: &RingNode) -> usize {
    node.shape.iter().product()
}

/// Words that one share of a node's value takes on the wire.
pub(crate) fn words(node: &RingNode) -> usize {
    match node.ty {
        RingType::Ring { .. } => elements(node),
        RingType::Bits { planes } => tacita_ring::word_count(elements(node), planes),
    }
}

/// A share of a node's value as it is added.
pub(crate) fn item(node: &RingNode) -> Item {
    match node.ty {
        RingType::Ring { .. } => Item::Ring(words(node)),
        RingType::Bits { .. } => Item::Bits(words(node)),
    }
}
