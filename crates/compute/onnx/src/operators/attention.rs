//! Attention as one operator.

use tacita_graph::{DType, NodeId, functions, ops};

use super::Values;
use crate::call::Call;
use crate::error::{Fault, refuse};
use crate::value::Value;

/// What stands for a score that must not count: representable at every precision, and e to this power is 0 in f64 as in
/// fixed point beside any other score of the row that is above -7000.
const MASKED: f64 = -8192.0;

/// softmax(scale · q kᵀ + mask) v, by heads. Keys and values may come after those of earlier steps; both are outputs,
/// and so are the scores, at the stage that the node names.
pub(super) fn attention(call: &mut Call<'_, '_>) -> Values {
    if call.optional(6)?.is_some() {
        return refuse("nonpad_kv_seqlen is not supported");
    }
    let _in_which_others_compute = call.int("softmax_precision")?;
    let (queries, keys) = (call.count("q_num_heads", 0)?, call.count("kv_num_heads", 0)?);
    let mut inputs = [call.operand(0)?, call.operand(1)?, call.operand(2)?];
    let merged = call.shape(inputs[0]).len() == 3;
    if merged {
        for (x, heads) in inputs.iter_mut().zip([queries, keys, keys]) {
            *x = by_heads(call, *x, heads)?;
        }
    }
    let [q, mut k, mut v] = inputs;
    let mut past = 0;
    if let Some(earlier) = call.optional_operand(4)? {
        past = known(call, earlier, 2)?;
        k = call.add(ops::Concat { axis: 2 }, &[earlier, k])?;
    }
    if let Some(earlier) = call.optional_operand(5)? {
        v = call.add(ops::Concat { axis: 2 }, &[earlier, v])?;
    }
    let (present_keys, present_values) = (k, v);
    let (heads, shared, width) = (known(call, q, 1)?, known(call, k, 1)?, known(call, q, 3)?);
    if shared == 0 || heads % shared != 0 {
        return refuse(format!("{heads} heads of queries for {shared} of keys"));
    }
    for x in [&mut k, &mut v] {
        let one = *x;
        *x = call.apply(|graph, name| functions::repeat(graph, one, heads / shared, 1, name))?;
    }

    let transposed = call.add(ops::Transpose { perm: vec![0, 1, 3, 2] }, &[k])?;
    let scores = call.apply(|graph, name| functions::mat_mul(graph, q, transposed, name))?;
    let scale = match call.float("scale")? {
        Some(scale) if scale != 0.0 => scale,
        _ => 1.0 / (width as f64).sqrt(),
    };
    let mut stages = [scores; 4];
    let scale = call.number(scale)?;
    stages[0] = call.add(ops::Mul, &[scores, scale])?;
    stages[1] = capped(call, stages[0])?;
    stages[2] = masked(call, stages[1], past)?;
    let rows = stages[2];
    stages[3] = call.apply(|graph, name| functions::softmax(graph, rows, &[-1], false, name))?;
    let weights = stages[3];
    let mut y = call.apply(|graph, name| functions::mat_mul(graph, weights, v, name))?;
    if merged {
        let shape = call.shape(y);
        let moved = call.add(ops::Transpose { perm: vec![0, 2, 1, 3] }, &[y])?;
        let columns = heads * known(call, y, 3)?;
        y = call.add(ops::Reshape { shape: vec![shape[0], shape[2], columns] }, &[moved])?;
    }
    let stage = call.count("qk_matmul_output_mode", 0)?;
    let Some(&stage) = stages.get(stage) else {
        return refuse(format!("qk_matmul_output_mode {stage} is unknown"));
    };
    Ok([y, present_keys, present_values, stage].map(Value::Node).to_vec())
}

/// x (batch, length, heads · width) as (batch, heads, length, width).
fn by_heads(call: &mut Call<'_, '_>, x: NodeId, heads: usize) -> Result<NodeId, Fault> {
    let columns = known(call, x, 2)?;
    if heads == 0 || columns % heads != 0 {
        return refuse(format!("{heads} heads of {columns} columns"));
    }
    let shape = call.shape(x);
    let shape = vec![shape[0], shape[1], heads, (columns / heads)];
    let apart = call.add(ops::Reshape { shape }, &[x])?;
    call.add(ops::Transpose { perm: vec![0, 2, 1, 3] }, &[apart])
}

fn known(call: &Call<'_, '_>, x: NodeId, axis: usize) -> Result<usize, Fault> {
    match call.shape(x).get(axis) {
        Some(size) => Ok(*size),
        _ => refuse("its inputs must be of three or four axes, and only the first may be the batch"),
    }
}

/// Scores between -c and c, where the node has a c.
fn capped(call: &mut Call<'_, '_>, scores: NodeId) -> Result<NodeId, Fault> {
    match call.float("softcap")? {
        Some(cap) if cap != 0.0 => {
            let (cap, part) = (call.number(cap)?, call.number(1.0 / cap)?);
            let small = call.add(ops::Mul, &[scores, part])?;
            let bounded = call.add(ops::Tanh, &[small])?;
            call.add(ops::Mul, &[bounded, cap])
        }
        _ => Ok(scores),
    }
}

/// Scores with a mask added, or without those that a mask of bits excludes; and, if so said, without those of keys after the
/// query, of which `past` come before the first.
fn masked(call: &mut Call<'_, '_>, mut scores: NodeId, past: usize) -> Result<NodeId, Fault> {
    let shape = call.shape(scores);
    if call.optional(3)?.is_some() {
        let mask = call.operand_of(3, DType::Bit)?;
        scores = if call.dtype(mask) == DType::Bit {
            let excluded = call.number(MASKED)?;
            call.add(ops::Select, &[mask, scores, excluded])?
        } else {
            call.add(ops::Add, &[scores, mask])?
        };
        if call.shape(scores) != shape {
            return refuse("its mask has more elements than its scores along some axis");
        }
    }
    if call.flag("is_causal")? {
        let ones = call.add(ops::Constant { shape: shape[2..].to_vec(), value: 1.0 }, &[])?;
        let past = isize::try_from(past).unwrap_or(isize::MAX);
        let kept = call.apply(|graph, name| functions::tril(graph, ones, past, name))?;
        let kept = call.add(ops::Cast { to: DType::Bit, rounding: ops::ToWhole::TowardsZero }, &[kept])?;
        let excluded = call.number(MASKED)?;
        scores = call.add(ops::Select, &[kept, scores, excluded])?;
    }
    Ok(scores)
}
