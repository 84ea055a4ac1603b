//! Levels of a comparison's tree, which combine neighbouring nodes.

use std::sync::LazyLock;

use tacita_correlations::{Lane, xor};

use crate::products::Products;

/// The most nodes of a group.
pub const ARITY: usize = 4;

/// Combines k nodes. Wires: lt and eq of each from the lowest on, but no lt of the highest and, with `lowest`, no eq of the
/// lowest. Outputs: lt less that of the highest; then, if not `lowest`, eq.
fn group(k: usize, lowest: bool) -> Products {
    let before = usize::from(lowest);
    let lt = |node: usize| (2 * node).saturating_sub(before);
    let eq = |node: usize| if node == k - 1 { 2 * k - 2 - before } else { 2 * node + 1 - before };
    let eqs = |from: usize| (from..k).map(eq);
    let less = (0..k - 1).map(|node| std::iter::once(lt(node)).chain(eqs(node + 1)).collect()).collect();
    let outputs = if lowest { vec![less] } else { vec![less, vec![eqs(0).collect()]] };
    Products::new(2 * k - 1 - before, &outputs)
}

/// Groups of two to four with the lowest node of all.
static LOWEST: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| [2, 3, 4].map(|k| group(k, true)));
/// Groups of two to four without it.
static INNER: LazyLock<[Products; ARITY - 1]> = LazyLock::new(|| [2, 3, 4].map(|k| group(k, false)));

/// One level of a comparison's tree: nodes in groups of two to four, from the lowest. Or the root alone, a group of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level(Vec<usize>);

impl Level {
    /// So many nodes in as many groups, the lowest the largest.
    pub fn new(nodes: usize, groups: usize) -> Level {
        Level((0..groups).map(|g| (nodes + g) / groups).rev().collect())
    }

    /// Planes opened: (lt, eq) of each node, but no `eq` of the lowest and no `lt` of the highest of a group.
    pub fn wires(&self) -> usize {
        2 * self.0.iter().sum::<usize>() - 1 - self.kept()
    }

    /// Planes kept: `lt` of the highest of each group. Of the root it is the result.
    pub fn kept(&self) -> usize {
        self.0.len()
    }

    /// The groups with where their wires and dealt planes begin.
    fn groups(&self) -> impl Iterator<Item = (&'static Products, usize, usize)> + '_ {
        let (mut wire, mut dealt) = (0, 0);
        self.0.iter().enumerate().map(move |(g, &size)| {
            let products = if g == 0 { &LOWEST[size - 2] } else { &INNER[size - 2] };
            let at = (products, wire, dealt);
            wire += products.wires();
            dealt += products.dealt();
            at
        })
    }

    /// Planes dealt.
    pub fn dealt(&self) -> usize {
        self.groups().map(|(products, ..)| products.dealt()).sum()
    }

    /// For each dealt plane the opened planes whose masks it multiplies.
    pub fn sets(&self) -> impl Iterator<Item = u64> + '_ {
        self.groups().flat_map(|(products, wire, _)| products.sets().map(move |set| set << wire))
    }

    /// A party's shares of the nodes that the groups become, from the opened planes and its shares of the masks, of the dealt
    /// planes and of those kept.
    #[inline(always)]
    pub fn evaluate(&self, first: bool, [public, lambda, dealt, kept]: [&[Lane]; 4], mut nodes: Nodes<'_>) {
        for ((products, wire, start), kept) in self.groups().zip(kept) {
            let mut out = [[0; 8]; 2];
            let outputs = &mut out[..products.outputs()];
            products.evaluate(first, &public[wire..], &lambda[wire..], &dealt[start..], outputs);
            nodes.push(&xor(&out[0], kept), &out[1]);
        }
    }
}

/// Shares of the nodes of a level, which come from the lowest on: what it opens and what it keeps.
pub struct Nodes<'a> {
    level: &'a Level,
    opened: &'a mut [Lane],
    kept: &'a mut [Lane],
    /// How many planes there are of each, and nodes of the group.
    next: (usize, usize, usize),
}

impl<'a> Nodes<'a> {
    pub fn new(level: &'a Level, opened: &'a mut [Lane], kept: &'a mut [Lane]) -> Nodes<'a> {
        Nodes { level, opened, kept, next: (0, 0, 0) }
    }

    #[inline(always)]
    pub fn push(&mut self, lt: &Lane, eq: &Lane) {
        let (opened, group, node) = &mut self.next;
        let (lowest, highest) = (*group == 0 && *node == 0, *node + 1 == self.level.0[*group]);
        if highest {
            self.kept[*group] = *lt;
        } else {
            self.opened[*opened] = *lt;
            *opened += 1;
        }
        if !lowest {
            self.opened[*opened] = *eq;
            *opened += 1;
        }
        if highest {
            (*group, *node) = (*group + 1, 0);
        } else {
            *node += 1;
        }
    }
}
