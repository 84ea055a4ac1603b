//! The generic dealer: interprets specs.
//!
//! # Security
//! A value is a function of masks alone. The words that leave this module are the receiver's share: the value less the
//! streams of all other parties, each with an address of its own.

use crate::error::CorrelationError;
use crate::kernels::{Exponentials, bit_products, fourier_terms, numbers, one_hot, product, shuffled};
use crate::masks::Masks;
use crate::other_shares::OtherShares;
use crate::out::Out;
use crate::share::Correction;
use crate::spec::{Correlation, Spec};

/// Deals the correlations of one task.
pub struct TaskDealer<'a, M> {
    masks: &'a mut M,
    exponentials: Exponentials,
}

impl<'a, M: Masks> TaskDealer<'a, M> {
    /// A dealer that knows the task's masks.
    pub fn new(masks: &'a mut M) -> TaskDealer<'a, M> {
        TaskDealer { masks, exponentials: Exponentials::default() }
    }

    /// The correction of a correlation: its value less the shares of the other parties.
    ///
    /// # Errors
    /// If a mask or seed is missing, or the value is not of the declared size.
    pub fn deal(
        &mut self,
        correlation: &Correlation,
        shares: &OtherShares<'_>,
    ) -> Result<Correction, CorrelationError> {
        let masks = &mut *self.masks;
        let out = Out::new(correlation.item, shares);
        let rest = match &correlation.spec {
            Spec::Product { map, shape, operands } => out.whole(product::value(map, shape, operands, masks)?),
            Spec::BitProducts { elements, bits, sets } => {
                bit_products::deal(*elements, bits, sets, masks, &out)
            }
            Spec::Numbers { elements, gate, number } => {
                numbers::deal(*elements, gate, number, masks, &mut self.exponentials, &out)
            }
            Spec::OneHot { mask, bits } => out.whole(one_hot::value(mask, *bits, out.item, masks)?),
            Spec::FourierTerms { mask, sum, elements } => {
                fourier_terms::deal(mask, sum, elements, masks, &out)
            }
            Spec::Shuffled { step, party, shuffle } => {
                out.whole(shuffled::value(*step, *party, *shuffle, masks)?)
            }
        }?;
        Ok(Correction::new(rest))
    }
}
