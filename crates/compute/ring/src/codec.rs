//! Fixed-point numbers: `x` is `round(x · 2^frac)` modulo 2^64.

/// The largest number of fractional bits.
pub const MAX_FRAC: u32 = 60;

/// The reason why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecReason {
    /// The number is NaN or infinite.
    #[error("is not finite")]
    NotFinite,
    /// The number's absolute value reaches the limit.
    #[error("is out of range: its absolute value must be below the limit")]
    OutOfRange,
}

/// A number that fixed point cannot represent.
///
/// `value` is private data: show the error to its owner only.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("element {index} ({value}) {reason} (limit {limit})")]
pub struct CodecError {
    /// Position of the first number that was refused.
    pub index: usize,
    /// That number.
    pub value: f64,
    /// The absolute value that numbers must stay below.
    pub limit: f64,
    /// The reason for the refusal.
    pub reason: CodecReason,
}

/// Encodes numbers with `frac` fractional bits, to nearest, ties to even.
///
/// Numbers must be below 2^(62 − 2·frac) in absolute value (2^30 at 16 bits), so that the product of such a number with
/// a number of at most 1 stays below 2^62 before truncation.
///
/// # Errors
/// [`CodecError`] for the first number that is NaN, infinite or out of range.
///
/// # Panics
/// If `frac` is above [`MAX_FRAC`].
///
/// ```
/// use tacita_ring::{decode, encode};
///
/// let x = encode(&[1.5, -0.25], 16)?;
/// assert_eq!(x, [0x18000, (-0x4000i64) as u64]);
/// assert_eq!(decode(&x, 16), [1.5, -0.25]);
/// assert!(encode(&[1073741824.0], 16).is_err());
/// # Ok::<(), tacita_ring::CodecError>(())
/// ```
pub fn encode(x: &[f64], frac: u32) -> Result<Vec<u64>, CodecError> {
    check_frac(frac);
    encode_at(x, frac, power_of_two(62 - 2 * frac as i32))
}

/// Encodes numbers with `frac` fractional bits, to nearest, ties to even. Absolute values must be below `limit`. A
/// limit above 2^(63 − frac), where the ring ends, is reduced to it.
///
/// # Errors
/// [`CodecError`] for the first number that is NaN, infinite or out of range.
///
/// # Panics
/// If `frac` is above [`MAX_FRAC`].
pub fn encode_at<T: Copy + Into<f64>>(x: &[T], frac: u32, limit: f64) -> Result<Vec<u64>, CodecError> {
    check_frac(frac);
    let limit = limit.min(power_of_two(63 - frac as i32));
    let scale = power_of_two(frac as i32);
    let refused = |x: f64| x.is_nan() || x.abs() >= limit;
    if let Some(index) = x.iter().position(|x| refused((*x).into())) {
        let value: f64 = x[index].into();
        let reason = if value.is_finite() { CodecReason::OutOfRange } else { CodecReason::NotFinite };
        return Err(CodecError { index, value, limit, reason });
    }
    Ok(crate::simd::dispatch(
        #[inline(always)]
        || x.iter().map(|x| ((*x).into() * scale).round_ties_even() as i64 as u64).collect(),
    ))
}

/// Encodes integers with `frac` fractional bits, exactly. Absolute values must be below `limit`.
///
/// # Errors
/// [`CodecError`] for the first integer that is out of range.
///
/// # Panics
/// If `frac` is above [`MAX_FRAC`].
pub fn encode_integers_at(x: &[i64], frac: u32, limit: f64) -> Result<Vec<u64>, CodecError> {
    check_frac(frac);
    let limit = limit.min(power_of_two(63 - frac as i32));
    // the limit is at most 2^63, which fits in u64
    let below = limit.ceil() as u64;
    if let Some(index) = x.iter().position(|x| x.unsigned_abs() >= below) {
        let reason = CodecReason::OutOfRange;
        return Err(CodecError { index, value: x[index] as f64, limit, reason });
    }
    Ok(x.iter().map(|x| (*x as u64) << frac).collect())
}

/// Decodes signed ring elements with `frac` fractional bits; exact below 2^53 in absolute value.
///
/// # Panics
/// If `frac` is above [`MAX_FRAC`].
pub fn decode(x: &[u64], frac: u32) -> Vec<f64> {
    check_frac(frac);
    let scale = power_of_two(-(frac as i32));
    crate::simd::dispatch(
        #[inline(always)]
        || x.iter().map(|&x| x as i64 as f64 * scale).collect(),
    )
}

fn check_frac(frac: u32) {
    assert!(frac <= MAX_FRAC, "{frac} fractional bits are more than {MAX_FRAC}");
}

/// Exactly 2^exponent, for normal numbers, without libm.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + exponent) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_to_nearest_even() {
        let x = [0.5, 1.5, -0.5, -1.5, 0.49, -2.51];
        assert_eq!(
            encode(&x, 0).unwrap().iter().map(|&x| x as i64).collect::<Vec<_>>(),
            [0, 2, 0, -2, 0, -3]
        );
    }

    #[test]
    fn refuses_what_it_cannot_represent() {
        for (x, reason) in [
            (f64::NAN, CodecReason::NotFinite),
            (f64::INFINITY, CodecReason::NotFinite),
            (f64::NEG_INFINITY, CodecReason::NotFinite),
            (power_of_two(30), CodecReason::OutOfRange),
            (-power_of_two(30), CodecReason::OutOfRange),
        ] {
            let error = encode(&[0.0, x], 16).unwrap_err();
            assert_eq!((error.index, error.reason), (1, reason));
        }
        assert!(encode(&[power_of_two(30) - 0.001], 16).is_ok());
        assert!(encode_at(&[power_of_two(47)], 16, f64::INFINITY).is_err());
        assert!(encode_at(&[8.0 - 1e-15], 60, f64::INFINITY).is_ok());
    }

    #[test]
    fn integers_are_exact_up_to_the_limit() {
        let limit = power_of_two(62);
        let largest = (1i64 << 62) - 1;
        assert_eq!(
            encode_integers_at(&[largest, -largest, 3], 0, limit).unwrap()[..2],
            [largest as u64, largest.wrapping_neg() as u64]
        );
        for x in [1 << 62, -(1 << 62), i64::MIN, i64::MAX] {
            assert_eq!(encode_integers_at(&[0, x], 0, limit).unwrap_err().index, 1);
        }
        assert_eq!(encode_integers_at(&[-5], 16, 6.0).unwrap(), encode_at(&[-5.0], 16, 6.0).unwrap());
        assert!(encode_integers_at(&[6], 16, 5.5).is_err());
    }

    #[test]
    fn narrow_floats_are_encoded_as_wide_ones() {
        let narrow = [0.1f32, -3.7e-3, 1e6];
        let wide = narrow.map(f64::from);
        assert_eq!(encode_at(&narrow, 16, 1e9).unwrap(), encode_at(&wide, 16, 1e9).unwrap());
        assert!(encode_at(&[f32::NAN], 16, 1e9).is_err());
    }

    proptest! {
        #[test]
        fn decoding_is_within_half_a_unit(x in -1e8f64..1e8, frac in 0u32..=17) {
            let encoded = encode(&[x], frac).unwrap();
            prop_assert!((decode(&encoded, frac)[0] - x).abs() <= 0.5 * power_of_two(-(frac as i32)));
        }
    }
}
