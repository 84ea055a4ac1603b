//! The content of a frame: a shared buffer of ring words.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// A byte buffer that is cheap to clone, aligned to ring words.
///
/// A `Vec<u64>`, `Arc<Vec<u64>>` or `Arc<[u64]>` becomes a payload without a copy, so one share goes to several peers
/// without one; words are little-endian on the wire. Bytes (control messages, packed bits) are copied once, into words
/// with a zero tail.
#[derive(Clone)]
pub struct Payload {
    words: Words,
    /// Length in bytes; `len.div_ceil(8)` is the number of words.
    len: usize,
}

#[derive(Clone)]
enum Words {
    Vec(Arc<Vec<u64>>),
    Slice(Arc<[u64]>),
    /// Erased when the last holder drops it.
    Secret(Arc<Zeroizing<Vec<u64>>>),
}

impl Payload {
    /// A payload of no bytes.
    pub fn empty() -> Self {
        Self::from(Vec::<u64>::new())
    }

    /// A copy of secret bytes, such as a seed: erased when the last holder drops it.
    pub fn secret(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words: Words::Secret(Arc::new(Zeroizing::new(words))), len: bytes.len() }
    }

    /// The same payload, but erased when the last holder drops it; for a payload with no other holder yet.
    pub(crate) fn into_secret(self) -> Self {
        let len = self.len;
        Self { words: Words::Secret(Arc::new(Zeroizing::new(self.into_words()))), len }
    }

    /// The first `len` bytes of `words`; the rest of the last word is set to zero.
    pub(crate) fn from_padded(mut words: Vec<u64>, len: usize) -> Self {
        assert_eq!(words.len(), len.div_ceil(8), "one word for every eight bytes begun");
        if !len.is_multiple_of(8)
            && let Some(last) = words.last_mut()
        {
            *last &= (1 << (8 * (len % 8))) - 1;
        }
        Self { words: Words::Vec(Arc::new(words)), len }
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it carries no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The payload as ring words. If its length is no multiple of eight the last word is padded with zeros.
    pub fn words(&self) -> &[u64] {
        match &self.words {
            Words::Vec(words) => words,
            Words::Slice(words) => words,
            Words::Secret(words) => words,
        }
    }

    /// The payload's words, padded as in [`words`](Self::words). No copy if there is no other holder and the buffer was
    /// received or made from a `Vec`. For a [`secret`](Self::secret) the result is a copy, which the caller must erase.
    pub fn into_words(self) -> Vec<u64> {
        match self.words {
            Words::Vec(words) => Arc::unwrap_or_clone(words),
            Words::Slice(words) => words.to_vec(),
            Words::Secret(words) => words.to_vec(),
        }
    }

    /// The payload's words to read and keep, never copied if it was received or made from a `Vec`.
    pub fn into_shared(self) -> Arc<Vec<u64>> {
        match self.words {
            Words::Vec(words) => words,
            Words::Slice(words) => Arc::new(words.to_vec()),
            Words::Secret(words) => Arc::new(words.to_vec()),
        }
    }

    /// The payload's bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(self.words())[..self.len]
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Vec<u64>> for Payload {
    fn from(words: Vec<u64>) -> Self {
        Self::from(Arc::new(words))
    }
}

impl From<Arc<Vec<u64>>> for Payload {
    fn from(words: Arc<Vec<u64>>) -> Self {
        Self { len: 8 * words.len(), words: Words::Vec(words) }
    }
}

impl From<Arc<[u64]>> for Payload {
    fn from(words: Arc<[u64]>) -> Self {
        Self { len: 8 * words.len(), words: Words::Slice(words) }
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        let mut words = vec![0_u64; bytes.len().div_ceil(8)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Self { words: Words::Vec(Arc::new(words)), len: bytes.len() }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Payload {}

/// Shows the length only: a payload may be a share or a seed.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let payload = Payload::from(bytes.clone());
            prop_assert_eq!(payload.len(), bytes.len());
            prop_assert_eq!(payload.bytes(), &bytes[..]);
            let mut padded = bytes.clone();
            padded.resize(bytes.len().next_multiple_of(8), 0);
            let words: Vec<u64> =
                padded.chunks(8).map(|chunk| u64::from_le_bytes(chunk.try_into().unwrap())).collect();
            prop_assert_eq!(payload.words(), &words[..]);
            prop_assert_eq!(Payload::from_padded(words, bytes.len()), payload);
        }

        #[test]
        fn words_come_back_without_a_copy(words in proptest::collection::vec(any::<u64>(), 1..100)) {
            let at = words.as_ptr();
            let payload = Payload::from(words.clone());
            prop_assert_eq!(payload.words(), &words[..]);
            let shared: Arc<[u64]> = words.clone().into();
            prop_assert_eq!(Payload::from(shared.clone()).words().as_ptr(), shared.as_ptr());
            let back = Payload::from(words).into_words();
            prop_assert_eq!(back.as_ptr(), at);
        }

        #[test]
        fn secrets_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let (plain, secret) = (Payload::from(bytes.clone()), Payload::secret(&bytes));
            prop_assert_eq!(&secret, &plain);
            prop_assert_eq!(plain.clone().into_secret(), plain.clone());
            prop_assert_eq!(secret.into_words(), plain.into_words());
        }
    }

    #[test]
    fn padding_is_cleared() {
        assert_eq!(Payload::from_padded(vec![u64::MAX], 3).words(), [0xff_ffff]);
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(format!("{:?}", Payload::from(vec![42_u64])), "Payload(8 bytes)");
    }
}
