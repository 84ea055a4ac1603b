//! Messages between members about a run: what each must know of the others' data. All of it is public.

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The bytes of a message.
///
/// # Errors
/// [`Error::Internal`] if the value cannot be written.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Error> {
    postcard::to_stdvec(value).map_err(|e| Error::Internal(e.to_string()))
}

/// A message that a member sent.
///
/// # Errors
/// [`Error::Disagreement`] if the bytes are not such a message.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let broken = |e| {
        Error::Disagreement(format!(
            "a member sent terms that cannot be read ({e}): do all run the same version?"
        ))
    };
    postcard::from_bytes(bytes).map_err(broken)
}
