//! The product of two matrices, `out ± a·b`, that matrix products and convolutions are made of.

/// Whether a product is added to the output or subtracted from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `out += a∘b`
    Plus,
    /// `out -= a∘b`
    Minus,
}

/// `out ± a·b`: row-major `a` (m × k), `b` (k × n), `out` (m × n).
pub(crate) fn product(out: &mut [u64], a: &[u64], b: &[u64], [m, n, k]: [usize; 3], sign: Sign) {
    for i in 0..m {
        for l in 0..k {
            let x = match sign {
                Sign::Plus => a[i * k + l],
                Sign::Minus => a[i * k + l].wrapping_neg(),
            };
            for (o, &y) in out[i * n..(i + 1) * n].iter_mut().zip(&b[l * n..(l + 1) * n]) {
                *o = o.wrapping_add(x.wrapping_mul(y));
            }
        }
    }
}
