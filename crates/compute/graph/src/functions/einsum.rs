use std::collections::BTreeMap;
use tacita_program::NodeId;

use super::{Build, diagonal};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::ops::{MatMul, Mul, Sum};

/// The most operands of one equation.
const MAX_OPERANDS: usize = 64;

/// An axis: a letter of the equation, or one of those that an ellipsis stands for, counted from the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Dots(usize),
    Letter(char),
}

/// A value and the labels of its axes.
#[derive(Clone, Debug)]
struct Term {
    value: NodeId,
    labels: Vec<Label>,
}

/// Einstein's sum: `"bij,bjk->bik"` multiplies matrices, `"ii"` is a trace. As NumPy has it: a letter for each axis,
/// `...` for axes that broadcast; letters that the result lacks are summed over; without `->` the result has the axes
/// of the ellipsis and then, in alphabetical order, the letters that occur once. Operands are taken from left to right,
/// and each pair is a product of matrices (or elementwise, if nothing is summed over). Fixed; without sums and products
/// any kind.
///
/// # Errors
/// If the equation is none or does not fit the operands.
pub fn einsum(
    graph: &mut Graph,
    equation: &str,
    operands: &[NodeId],
    name: &str,
) -> Result<NodeId, GraphError> {
    let mut b = Build::new(graph, "Einsum", name);
    let (mut terms, output) = parse(&b, equation, operands)?;
    let sizes = sizes(&b, &terms)?;
    for term in &mut terms {
        take_diagonals(&mut b, term)?;
        drop_stretched(&mut b, term, &sizes)?;
    }
    let mut rest = terms.into_iter();
    let Some(mut result) = rest.next() else { return b.refuse("it has no operands") };
    while let Some(mut next) = rest.next() {
        let later = rest.as_slice().iter().flat_map(|term| &term.labels);
        let needed: Vec<Label> = output.iter().chain(later).copied().collect();
        let wanted = |other: &Term| [needed.as_slice(), other.labels.as_slice()].concat();
        let (of_next, of_result) = (wanted(&next), wanted(&result));
        sum_others(&mut b, &mut result, &of_next)?;
        sum_others(&mut b, &mut next, &of_result)?;
        result = multiply(&mut b, &result, &next, &needed, &sizes)?;
    }
    sum_others(&mut b, &mut result, &output)?;
    let perm = output.iter().map(|label| place(&result.labels, *label)).collect();
    b.transpose(result.value, perm)
}

fn place(labels: &[Label], label: Label) -> usize {
    labels.iter().position(|&other| other == label).expect("the labels are collected from the operands")
}

/// The labels of a comma's part; `dots` is how many axes its ellipsis stands for.
fn labels(b: &Build<'_>, text: &str, dots: usize) -> Result<Vec<Label>, GraphError> {
    let expanded = |letters: &str| letters.chars().map(Label::Letter).collect::<Vec<_>>();
    let list = match text.split_once("...") {
        Some((before, after)) => {
            let dots = (0..dots).rev().map(Label::Dots);
            expanded(before).into_iter().chain(dots).chain(expanded(after)).collect()
        }
        None => expanded(text),
    };
    match list.iter().find(|label| matches!(label, Label::Letter(c) if !c.is_ascii_alphabetic())) {
        Some(Label::Letter(wrong)) => b.refuse(format!("{wrong:?} in {text:?} is no letter of an axis")),
        _ => Ok(list),
    }
}

/// The operands with their labels, and the result's labels.
fn parse(b: &Build<'_>, equation: &str, operands: &[NodeId]) -> Result<(Vec<Term>, Vec<Label>), GraphError> {
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (equation.as_str(), None),
    };
    let parts: Vec<&str> = inputs.split(',').collect();
    if operands.len() > MAX_OPERANDS {
        return b.refuse(format!("{} operands; {MAX_OPERANDS} are possible", operands.len()));
    }
    if parts.len() != operands.len() {
        return b.refuse(format!("{equation:?} is for {} operands, not {}", parts.len(), operands.len()));
    }
    let mut terms = Vec::with_capacity(parts.len());
    let mut dots = 0;
    for (text, &value) in parts.iter().zip(operands) {
        let rank = b.shape(value).len();
        let letters = text.chars().filter(|&c| c != '.').count();
        let own = if text.contains("...") { rank.saturating_sub(letters) } else { 0 };
        let labels = labels(b, text, own)?;
        if labels.len() != rank {
            return b.refuse(format!("{text:?} names {} axes of a value with {rank}", labels.len()));
        }
        dots = dots.max(own);
        terms.push(Term { value, labels });
    }
    let all: Vec<Label> = terms.iter().flat_map(|term| term.labels.iter().copied()).collect();
    let output = match output {
        Some(text) => labels(b, text, dots)?,
        None => {
            let mut once: Vec<Label> = all
                .iter()
                .copied()
                .filter(|label| all.iter().filter(|other| *other == label).count() == 1)
                .collect();
            once.retain(|label| matches!(label, Label::Letter(_)));
            once.sort_unstable();
            (0..dots).rev().map(Label::Dots).chain(once).collect()
        }
    };
    for (i, label) in output.iter().enumerate() {
        if !all.contains(label) || output[..i].contains(label) {
            return b
                .refuse(format!("the result of {equation:?} has an axis twice, or one that no operand has"));
        }
    }
    if dots > 0 && !output.contains(&Label::Dots(0)) {
        return b.refuse(format!("the result of {equation:?} lacks the ellipsis"));
    }
    Ok((terms, output))
}

/// The size of each label: the operands' common one, those of 1 apart.
fn sizes(b: &Build<'_>, terms: &[Term]) -> Result<BTreeMap<Label, usize>, GraphError> {
    let mut sizes = BTreeMap::new();
    for term in terms {
        for (&label, dim) in term.labels.iter().zip(b.shape(term.value)) {
            let known = sizes.entry(label).or_insert(dim);
            if *known == 1 {
                *known = dim;
            } else if dim != *known && dim != 1 {
                let axis = match label {
                    Label::Letter(letter) => format!("axis {letter:?}"),
                    Label::Dots(_) => "an axis of the ellipsis".to_owned(),
                };
                return b.refuse(format!("{axis} has sizes {known} and {dim}"));
            }
        }
    }
    Ok(sizes)
}

/// Makes the axes of a repeated letter one.
fn take_diagonals(b: &mut Build<'_>, term: &mut Term) -> Result<(), GraphError> {
    let repeated = |labels: &[Label]| {
        let pair = |j: usize| labels[..j].iter().position(|label| *label == labels[j]).map(|i| (i, j));
        (0..labels.len()).find_map(pair)
    };
    while let Some((i, j)) = repeated(&term.labels) {
        let shape = b.shape(term.value);
        if shape[i] != shape[j] {
            return b.refuse(format!("a repeated letter names axes of {} and {}", shape[i], shape[j]));
        }
        let others: Vec<usize> = (0..shape.len()).filter(|&axis| axis != i && axis != j).collect();
        let label = term.labels[i];
        let moved = b.transpose(term.value, [others.as_slice(), &[i, j]].concat())?;
        term.value = diagonal(b.graph, moved, 0, b.name)?;
        term.labels = others.iter().map(|&axis| term.labels[axis]).chain([label]).collect();
    }
    Ok(())
}

/// Drops axes of size 1 whose label has more elsewhere: they stretch by being absent.
fn drop_stretched(
    b: &mut Build<'_>,
    term: &mut Term,
    sizes: &BTreeMap<Label, usize>,
) -> Result<(), GraphError> {
    let shape = b.shape(term.value);
    let stays = |axis: &usize| shape[*axis] == sizes[&term.labels[*axis]];
    let kept: Vec<usize> = (0..shape.len()).filter(stays).collect();
    term.value = b.reshape(term.value, kept.iter().map(|&axis| shape[axis]).collect())?;
    term.labels = kept.iter().map(|&axis| term.labels[axis]).collect();
    Ok(())
}

/// Sums over the axes whose label is not `wanted`.
fn sum_others(b: &mut Build<'_>, term: &mut Term, wanted: &[Label]) -> Result<(), GraphError> {
    let axes: Vec<usize> =
        (0..term.labels.len()).filter(|&axis| !wanted.contains(&term.labels[axis])).collect();
    if !axes.is_empty() {
        for &axis in &axes {
            b.size(term.value, axis);
        }
        term.value = b.add(Sum { axes, keepdims: false }, &[term.value])?;
        term.labels.retain(|label| wanted.contains(label));
    }
    Ok(())
}

/// The product of two terms, summed over the labels that both have and nobody needs.
fn multiply(
    b: &mut Build<'_>,
    left: &Term,
    right: &Term,
    needed: &[Label],
    sizes: &BTreeMap<Label, usize>,
) -> Result<Term, GraphError> {
    let shared = |label: &Label| left.labels.contains(label) && right.labels.contains(label);
    let both = left.labels.iter().copied().filter(shared);
    let (lead, summed): (Vec<Label>, Vec<Label>) = both.partition(|label| needed.contains(label));
    let own =
        |term: &Term| -> Vec<Label> { term.labels.iter().copied().filter(|label| !shared(label)).collect() };
    let (rows, columns) = (own(left), own(right));
    let dims = |labels: &[Label]| labels.iter().map(|label| sizes[label]).collect::<Vec<usize>>();
    let mut ready = |term: &Term, first: &[Label], second: &[Label]| {
        let present: Vec<Label> = lead.iter().copied().filter(|label| term.labels.contains(label)).collect();
        let order = [&present, first, second].concat();
        let moved =
            b.transpose(term.value, order.iter().map(|&label| place(&term.labels, label)).collect())?;
        let stretch = |label: &Label| if present.contains(label) { sizes[label] } else { 1 };
        let mut shape: Vec<usize> = lead.iter().map(stretch).collect();
        shape.extend([b.merged(&dims(first))?, b.merged(&dims(second))?]);
        b.reshape(moved, shape)
    };
    let a = ready(left, &rows, &summed)?;
    let c = ready(right, &summed, &columns)?;
    let product = if summed.is_empty() { b.add(Mul, &[a, c])? } else { b.add(MatMul, &[a, c])? };
    let labels = [lead, rows, columns].concat();
    let value = b.reshape(product, dims(&labels))?;
    Ok(Term { value, labels })
}
