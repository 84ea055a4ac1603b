//! Linear maps: of shares, of masked values and of masks alike, without communication.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacita_program::linear as on_tensors;
use tacita_program::{RingId, RingNode, RingOp, Visibility, bilinear, linear_homogeneous};
use tacita_ring::RingTensor;

use crate::form::{Form, mask_sources};
use crate::values::Values;

/// A tensor, or zero.
pub(crate) type Maybe = Option<Arc<RingTensor>>;

/// What is being mapped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    /// A value that holds the constants: a masked value, a public value, the first party's share.
    Whole,
    /// A mask, or another party's share: constants count as zero.
    Homogeneous,
}

/// Applies a linear node to its inputs, of which absent ones are zero. Public operands of a bilinear map are always
/// present.
pub(crate) fn apply(values: Values<'_>, node: &RingNode, inputs: &[Maybe], image: Image) -> Maybe {
    let shape = &node.shape;
    if node.op.is_bilinear() {
        return match inputs {
            [Some(x), Some(y)] => Some(Arc::new(bilinear(&node.op, x, y, shape))),
            _ => None,
        };
    }
    let constant = matches!(node.op, RingOp::Pad { value, .. } if value != 0) && image == Image::Whole;
    if inputs.iter().all(Option::is_none) && !constant {
        return None;
    }
    match (&node.op, inputs) {
        (RingOp::Add, [Some(x), None]) | (RingOp::Add, [None, Some(x)]) | (RingOp::Sub, [Some(x), None]) => {
            return Some(broadcast(x, shape));
        }
        (RingOp::Sub, [None, Some(x)]) => {
            let mut out = x.broadcast_to(shape);
            out.negate();
            return Some(Arc::new(out));
        }
        _ => {}
    }
    let zeros: Vec<Option<RingTensor>> = inputs
        .iter()
        .zip(&node.inputs)
        .map(|(tensor, id)| tensor.is_none().then(|| RingTensor::zeros(&values.node(*id).shape)))
        .collect();
    let tensors: Vec<&RingTensor> =
        inputs.iter().zip(&zeros).filter_map(|(tensor, zero)| tensor.as_deref().or(zero.as_ref())).collect();
    Some(Arc::new(match image {
        Image::Whole => on_tensors(&node.op, &tensors, shape),
        Image::Homogeneous => linear_homogeneous(&node.op, &tensors, shape),
    }))
}

/// The value of a public constant that is one number all over. It is built on demand.
pub(crate) fn uniform(node: &RingNode) -> Option<RingTensor> {
    match &node.op {
        RingOp::Constant { value } => Some(RingTensor::filled(&node.shape, *value as u64)),
        _ => None,
    }
}

/// A public value: one of these, or a constant of one number.
pub(crate) fn known(values: Values<'_>, public: &BTreeMap<RingId, Arc<RingTensor>>, id: RingId) -> Maybe {
    public.get(&id).cloned().or_else(|| uniform(values.node(id)).map(Arc::new))
}

/// The value of another public constant.
pub(crate) fn constant(node: &RingNode) -> Option<RingTensor> {
    match &node.op {
        RingOp::ConstantTensor { values } => {
            Some(RingTensor::new(node.shape.clone(), values.iter().map(|&v| v as u64).collect()))
        }
        _ => None,
    }
}

fn broadcast(x: &Arc<RingTensor>, shape: &[usize]) -> Arc<RingTensor> {
    if x.shape() == shape { x.clone() } else { Arc::new(x.broadcast_to(shape)) }
}

/// The mask of an opened value, or a party's share of it, from those of the values it is an image of.
pub(crate) fn mask<E>(
    values: Values<'_>,
    id: RingId,
    mut base: impl FnMut(RingId) -> Result<Maybe, E>,
    mut public: impl FnMut(RingId) -> Result<Arc<RingTensor>, E>,
) -> Result<Maybe, E> {
    if values.form(id) != Form::Derived {
        return base(id);
    }
    let sources = mask_sources(values.program, values.form, id);
    let mut masks: BTreeMap<RingId, Maybe> = BTreeMap::new();
    for &source in &sources {
        let value = match values.form(source) {
            Form::Public => None,
            Form::Derived => {
                let node = values.node(source);
                let bilinear = node.op.is_bilinear();
                let inputs = node
                    .inputs
                    .iter()
                    .map(|i| match values.form(*i) {
                        Form::Public if bilinear => public(*i).map(Some),
                        _ => Ok(masks.get(i).cloned().flatten()),
                    })
                    .collect::<Result<Vec<_>, E>>()?;
                apply(values, node, &inputs, Image::Homogeneous)
            }
            _ => base(source)?,
        };
        masks.insert(source, value);
    }
    Ok(masks.remove(&id).flatten())
}

/// Public values that masks are multiplied by: leaves, constants, and what is computed from them, but for constants that
/// are one number all over ([`uniform`]).
pub(crate) fn constants(
    values: Values<'_>,
    public: &BTreeMap<RingId, Arc<RingTensor>>,
) -> BTreeMap<RingId, Arc<RingTensor>> {
    let mut all = public.clone();
    for (i, node) in values.program.nodes.iter().enumerate() {
        let id = RingId(i as u32);
        if node.visibility != Visibility::Public || all.contains_key(&id) {
            continue;
        }
        let inputs: Vec<_> = node.inputs.iter().map(|input| known(values, &all, *input)).collect();
        let linear = node.op.is_linear() || node.op.is_bilinear();
        let value =
            if linear { apply(values, node, &inputs, Image::Whole) } else { constant(node).map(Arc::new) };
        if let Some(value) = value {
            all.insert(id, value);
        }
    }
    all
}
