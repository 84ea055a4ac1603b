//! A bilinear map of two masks.

use tacita_ring::RingTensor;

use crate::error::CorrelationError;
use crate::masks::Masks;
use crate::spec::{Bilinear, RingMask};

pub fn value<M: Masks>(
    map: &Bilinear,
    shape: &[usize],
    [x, y]: &[RingMask; 2],
    masks: &mut M,
) -> Result<Vec<u64>, CorrelationError> {
    let mut out = RingTensor::zeros(shape);
    if let (Some(x), Some(y)) = (x.read(masks)?, y.read(masks)?) {
        map.add_to(&mut out, &x, &y);
    }
    Ok(out.into_data())
}
