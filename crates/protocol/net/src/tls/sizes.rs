//! Sizes of records and buffers, in bytes.

/// The most plaintext that a TLS record carries.
pub(crate) const RECORD: usize = 1 << 14;
/// The bytes that a TLS 1.3 record adds to its plaintext: header, content type, tag.
pub(crate) const RECORD_OVERHEAD: usize = 5 + 1 + 16;
/// Plaintext that is sealed at once.
pub(crate) const BATCH: usize = 8 * RECORD;
/// Room for messages of TLS itself between records, such as a change of keys.
pub(super) const SLACK: usize = 1 << 10;
/// Ciphertext that is read at once.
pub(super) const READ: usize = 1 << 18;
/// The longest flight of a handshake.
pub(super) const HANDSHAKE: usize = 1 << 16;
