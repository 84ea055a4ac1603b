//! Secret seeds and their derivation.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// 256 secret bits from which keys and other seeds are derived. Zeroized when dropped; [`Debug`](fmt::Debug) prints
/// none of them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A fresh seed from the operating system.
    ///
    /// # Errors
    /// If the operating system provides no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut seed = Self([0; 32]);
        getrandom::fill(&mut seed.0)?;
        Ok(seed)
    }

    /// The seed with these bytes.
    ///
    /// The bytes must come from a cryptographic generator; a fixed seed makes every mask public.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret bytes, to send over an encrypted link.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A seed for one use: BLAKE3, keyed by this seed, of the length of `context` (8 bytes, little-endian), `context`,
    /// and `data`. Different (context, data) give independent seeds, and none reveals anything about this one.
    pub fn derive(&self, context: &str, data: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(context.len() as u64).to_le_bytes());
        hasher.update(context.as_bytes());
        hasher.update(data);
        let seed = Self(*hasher.finalize().as_bytes());
        hasher.zeroize();
        seed
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Seed::from_bytes([7; 32])), "Seed(secret)");
    }

    #[test]
    fn context_and_data_do_not_run_together() {
        let seed = Seed::from_bytes([7; 32]);
        let bytes = |context, data: &[u8]| *seed.derive(context, data).as_bytes();
        assert_eq!(bytes("ab", b"c"), bytes("ab", b"c"));
        assert_ne!(bytes("ab", b"c"), bytes("a", b"bc"));
        assert_ne!(bytes("ab", b"c"), *Seed::from_bytes([8; 32]).derive("ab", b"c").as_bytes());
    }

    #[test]
    fn random_seeds_differ() {
        assert_ne!(Seed::random().unwrap().as_bytes(), Seed::random().unwrap().as_bytes());
    }
}
