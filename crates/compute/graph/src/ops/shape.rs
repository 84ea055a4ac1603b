//! Shape rules shared by the operations.

use super::Inferred;
use crate::error::InferError;
use crate::types::{DType, MAX_RANK, Type};

/// Refuses any number of inputs other than `N`.
pub(crate) fn arity<'a, const N: usize>(
    inputs: &'a [&'a Type],
    expected: &'static str,
) -> Result<&'a [&'a Type; N], InferError> {
    inputs.try_into().map_err(|_| InferError::Arity { expected, got: inputs.len() })
}

/// Refuses inputs of another type.
pub(crate) fn kinds(inputs: &[&Type], expected: DType) -> Result<(), InferError> {
    match inputs.iter().position(|ty| ty.dtype != expected) {
        Some(input) => Err(InferError::DType { input, expected, got: inputs[input].dtype }),
        None => Ok(()),
    }
}

/// The only input, which must be fixed-point.
pub(crate) fn one_fixed<'a>(inputs: &'a [&'a Type]) -> Result<&'a Type, InferError> {
    let [x] = arity(inputs, "one")?;
    kinds(inputs, DType::Fixed)?;
    Ok(x)
}

/// Refuses a first input that an owner knows if the result is secret: its comparisons would run on shares.
pub(crate) fn secret_unless_known(inputs: &[&Type]) -> Result<(), InferError> {
    let [x, rest @ ..] = inputs else { return Ok(()) };
    let result = rest.iter().fold(x.visibility, |joined, ty| joined.join(ty.visibility));
    match x.visibility.is_clear() && !result.is_clear() {
        false => Ok(()),
        true => Err(InferError::Visibility {
            input: 0,
            visibility: x.visibility,
            reason: "it is compared in shares: of what somebody knows, compare and select instead".into(),
        }),
    }
}

/// The common type of inputs that are all fixed-point or all integers.
pub(crate) fn numbers(inputs: &[&Type]) -> Result<DType, InferError> {
    let dtype = match inputs.first() {
        Some(ty) if ty.dtype == DType::Int => DType::Int,
        _ => DType::Fixed,
    };
    kinds(inputs, dtype).map(|()| dtype)
}

/// The only input and its type, fixed or int.
pub(crate) fn one_number<'a>(inputs: &'a [&'a Type]) -> Result<(&'a Type, DType), InferError> {
    let [x] = arity(inputs, "one")?;
    Ok((x, numbers(inputs)?))
}

/// The largest number of secret values in one sort, which compares all pairs.
const MOST_SORTED: usize = 1 << 10;

/// The only input and its type, for a sort along an axis.
pub(crate) fn one_sorted<'a>(inputs: &'a [&'a Type], along: usize) -> Result<(&'a Type, DType), InferError> {
    let (x, dtype) = one_number(inputs)?;
    axis(x, along)?;
    match x.shape[along] {
        size if size > MOST_SORTED && !x.visibility.is_clear() => Err(InferError::Visibility {
            input: 0,
            visibility: x.visibility,
            reason: format!(
                "it has {size} values along axis {along}, and at most {MOST_SORTED} are sorted, since all pairs are \
                 compared; sort parts, or take the maximum, which has no such limit"
            ),
        }),
        _ => Ok((x, dtype)),
    }
}

/// The only input, a bit.
pub(crate) fn one_bit<'a>(inputs: &'a [&'a Type]) -> Result<&'a Type, InferError> {
    let [x] = arity(inputs, "one")?;
    kinds(inputs, DType::Bit)?;
    Ok(x)
}

/// Two inputs of one type, fixed or int, that broadcast against each other, with a result of that type.
pub(crate) fn arithmetic(inputs: &[&Type]) -> Result<Inferred, InferError> {
    let [a, b] = arity(inputs, "two")?;
    Ok(Inferred { dtype: numbers(inputs)?, shape: broadcast(&a.shape, &b.shape)? })
}

/// Two inputs of one type, fixed or int, that broadcast against each other, with a result of bits.
pub(crate) fn comparison(inputs: &[&Type]) -> Result<Inferred, InferError> {
    Ok(Inferred { dtype: DType::Bit, ..arithmetic(inputs)? })
}

/// Two inputs of any one type that broadcast against each other, with a result of bits.
pub(crate) fn equality(inputs: &[&Type]) -> Result<Inferred, InferError> {
    match inputs {
        [a, _] if a.dtype == DType::Bit => logical(inputs),
        _ => comparison(inputs),
    }
}

/// Two bits that broadcast against each other.
pub(crate) fn logical(inputs: &[&Type]) -> Result<Inferred, InferError> {
    let [a, b] = arity(inputs, "two")?;
    kinds(inputs, DType::Bit)?;
    Ok(Inferred { dtype: DType::Bit, shape: broadcast(&a.shape, &b.shape)? })
}

/// NumPy broadcasting: axes are aligned at the last, and an axis of size 1 stretches.
pub(crate) fn broadcast(left: &[usize], right: &[usize]) -> Result<Vec<usize>, InferError> {
    let rank = left.len().max(right.len());
    let at = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(index) => shape[index],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (at(left, axis), at(right, axis)) {
            (a, b) if a == b => Ok(a),
            (1, b) => Ok(b),
            (a, 1) => Ok(a),
            _ => Err(InferError::Shapes {
                left: left.to_vec(),
                right: right.to_vec(),
                reason: "they do not broadcast",
            }),
        })
        .collect()
}

/// The product of the sizes; `None` if it overflows.
pub(crate) fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size))
}

/// An error about one input's shape.
pub(crate) fn misfit<T>(ty: &Type, reason: impl Into<String>) -> Result<T, InferError> {
    Err(InferError::Shape { shape: ty.shape.clone(), reason: reason.into() })
}

/// An error about an attribute.
pub(crate) fn attribute<T>(reason: impl Into<String>) -> Result<T, InferError> {
    Err(InferError::Attribute(reason.into()))
}

/// Refuses an axis that the input does not have.
pub(crate) fn axis(ty: &Type, axis: usize) -> Result<(), InferError> {
    if axis < ty.rank() { Ok(()) } else { misfit(ty, format!("it has no axis {axis}")) }
}

/// The shape without `axes`, or with them of size 1.
pub(crate) fn reduce(ty: &Type, axes: &[usize], keepdims: bool) -> Result<Vec<usize>, InferError> {
    if axes.len() > MAX_RANK || !axes.is_sorted_by(|a, b| a < b) {
        return attribute(format!("axes {axes:?} are not in ascending order, each once"));
    }
    axes.iter().try_for_each(|&a| axis(ty, a))?;
    let kept = |(index, &dim): (usize, &usize)| match (axes.contains(&index), keepdims) {
        (false, _) => Some(dim),
        (true, true) => Some(1),
        (true, false) => None,
    };
    Ok(ty.shape.iter().enumerate().filter_map(kept).collect())
}

/// Refuses numbers that are NaN or infinite.
pub(crate) fn finite(what: &str, value: f64) -> Result<(), InferError> {
    if value.is_finite() { Ok(()) } else { attribute(format!("{what} is {value}, not a finite number")) }
}
