//! Selects an instruction set at run time.

use std::sync::OnceLock;

pub use pulp::{Simd, WithSimd};

/// An instruction set for which kernels are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The baseline of the compilation target: SSE2 on x86-64, NEON on aarch64.
    Portable,
    /// x86-64-v3: AVX2, BMI2 and FMA.
    Avx2,
    /// x86-64-v4: AVX-512 F, BW, CD, DQ and VL.
    Avx512,
}

impl Level {
    /// The best level of this machine, or a lower one if the environment variable `TACITA_SIMD` is `portable`, `avx2`
    /// or `avx512`. The variable is read once; other values are ignored.
    pub fn current() -> Self {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let wanted = match std::env::var("TACITA_SIMD").as_deref() {
                Ok("portable") => Self::Portable,
                Ok("avx2") => Self::Avx2,
                _ => Self::Avx512,
            };
            Self::supported().into_iter().rfind(|&level| level <= wanted).unwrap_or(Self::Portable)
        })
    }

    /// The levels of this machine, lowest first.
    pub fn supported() -> Vec<Self> {
        let mut levels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            if pulp::x86::V3::try_new().is_some() {
                levels.push(Self::Avx2);
            }
            if pulp::x86::V4::try_new().is_some() {
                levels.push(Self::Avx512);
            }
        }
        levels
    }
}

/// Runs `f` compiled for the best instruction set of this machine, so that plain loops in it vectorise.
///
/// The compiler vectorises only code that is inlined into `f`, and `f` itself must be inlined too. So write
/// `#[inline(always)]` before the closure (Rust allows this for a closure argument) and before the functions and
/// closures that it calls, and use slices of known length in the loops. Without the attribute the result is the same,
/// but several times slower.
///
/// ```
/// use tacita_ring::simd;
///
/// #[inline(always)]
/// fn step(out: &mut u64, x: u64, y: u64) {
///     *out ^= x & y;
/// }
///
/// fn and_xor(out: &mut [u64], x: &[u64], y: &[u64]) {
///     simd::dispatch(
///         #[inline(always)]
///         || {
///             for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
///                 step(out, x, y);
///             }
///         },
///     );
/// }
///
/// let mut out = [1, 2];
/// and_xor(&mut out, &[3, 4], &[7, 6]);
/// assert_eq!(out, [2, 6]);
/// ```
///
/// Loops over long contiguous slices vectorise well. Loops over planes of eight words, and strided ones, may not: with
/// AVX-512 the compiler tends to gather across iterations, which was measured at a third of the *portable* speed. Write
/// a loop over planes for [`dispatch_with`], which was measured at seven times that; do not dispatch a strided copy.
///
/// A call costs some nanoseconds: dispatch outside the loop over blocks, not inside it.
#[inline]
pub fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    dispatch_at(Level::current(), f)
}

/// Runs `f` compiled for `level`, or portably if the machine lacks it.
#[inline]
pub fn dispatch_at<R>(level: Level, f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        match level {
            Level::Avx512 => {
                if let Some(simd) = pulp::x86::V4::try_new() {
                    return simd.vectorize(f);
                }
            }
            Level::Avx2 => {
                if let Some(simd) = pulp::x86::V3::try_new() {
                    return simd.vectorize(f);
                }
            }
            Level::Portable => {}
        }
    }
    let _ = level;
    f()
}

/// Runs a kernel written for the vector width of this machine's best instruction set: 8 words with AVX-512, 4 with
/// AVX2, so that a plane of a full block is a whole number of vectors. Unlike [`dispatch`], it does not depend on the
/// compiler's vectoriser.
///
/// ```
/// use tacita_ring::simd::{Simd, WithSimd, dispatch_with};
///
/// /// out ^= x & y
/// struct AndXor<'a>(&'a mut [u64], &'a [u64], &'a [u64]);
///
/// impl WithSimd for AndXor<'_> {
///     type Output = ();
///
///     #[inline(always)]
///     fn with_simd<S: Simd>(self, simd: S) {
///         let (out, _) = S::as_mut_simd_u64s(self.0);
///         let ((x, _), (y, _)) = (S::as_simd_u64s(self.1), S::as_simd_u64s(self.2));
///         for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
///             *out = simd.xor_u64s(*out, simd.and_u64s(x, y));
///         }
///     }
/// }
///
/// let mut out = [1; 8];
/// dispatch_with(AndXor(&mut out, &[3; 8], &[7; 8]));
/// assert_eq!(out, [2; 8]);
/// ```
pub fn dispatch_with<K: WithSimd>(kernel: K) -> K::Output {
    dispatch_with_at(Level::current(), kernel)
}

/// Runs a kernel as [`dispatch_with`] does, at `level`, or portably if the machine lacks it.
pub fn dispatch_with_at<K: WithSimd>(level: Level, kernel: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    {
        match level {
            Level::Avx512 => {
                if let Some(simd) = pulp::x86::V4::try_new() {
                    return Simd::vectorize(simd, kernel);
                }
            }
            Level::Avx2 => {
                if let Some(simd) = pulp::x86::V3::try_new() {
                    return Simd::vectorize(simd, kernel);
                }
            }
            Level::Portable => {}
        }
    }
    let _ = level;
    kernel.with_simd(pulp::Scalar::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_runs_the_closure() {
        assert!(Level::supported().contains(&Level::current()));
        for level in [Level::Portable, Level::Avx2, Level::Avx512] {
            let mut x = [1u64; 20];
            dispatch_at(
                level,
                #[inline(always)]
                || x.iter_mut().for_each(|x| *x += 1),
            );
            assert_eq!(x, [2; 20]);
        }
    }
}
