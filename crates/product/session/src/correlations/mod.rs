//! Dealing ahead: files with what a dealer would send, one for each member, to be used once.
//!
//! # Format
//! In the clear, [`HEADER`] bytes: `TACITA-C`, the format's version (2), the session file's hash, the member's number, and
//! the encapsulated key. Then encrypted chunks ([`tacita_identity::encrypted_file`]): a manifest (its length in four bytes,
//! postcard), and the member's corrections as frames, header and payload, in the order in which they are needed.
//!
//! # Security
//! HPKE in authenticated mode, from the key of the dealer's certificate to that of the member's: only this member reads the
//! file, and it knows that this session's dealer wrote it. The header is bound to the key.
//!
//! Used once: the first evaluation overwrites the encapsulated key in the file and syncs it to the disk before anything is
//! opened, after which nobody can derive the key again. The file is locked while it is open, so two processes cannot both
//! begin. A copy made before is a way around this that only the other members' files stand against: the members compare
//! what they hold, and each refuses a second use. Do not copy these files.

mod deal;
mod file;

use serde::{Deserialize, Serialize};
use tacita_identity::encrypted_file::ENCAPSULATED;
use tacita_net::FrameHeader;
use zeroize::{Zeroize, Zeroizing};

pub use deal::{DealtAhead, deal_ahead};
pub use file::CorrelationFile;
pub(crate) use file::{read_contents, read_encrypted};

const MAGIC: &[u8; 8] = b"TACITA-C";
const USED: &[u8; 8] = b"TACITA-U";
const VERSION: u16 = 2;
/// The purpose that keys of these files are bound to.
const PURPOSE: &[u8] = b"tacita correlations file v2";
/// Bytes before the encrypted chunks.
const HEADER: usize = 8 + 2 + 32 + 2 + ENCAPSULATED;
/// Where the encapsulated key begins, which is erased when the file is used.
const KEY_AT: usize = HEADER - ENCAPSULATED;
/// The longest manifest.
const MANIFEST: usize = 1 << 16;

/// The purpose of a set of files, the same in each of them except the seed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    /// Names the set.
    id: [u8; 32],
    seed: [u8; 32],
    samples: u64,
    batch: u64,
    /// The agreements of the members, each with the number of its successive evaluations.
    evaluations: Vec<([u8; 32], u64)>,
}

impl Drop for Manifest {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// Fills a buffer from the plaintext of a file.
type ReadExact<'a> = dyn FnMut(&mut [u8]) -> Result<(), String> + 'a;

/// The next correction, which must have this header: its length is the plan's, whatever the file says.
fn read_correlation(read: &mut ReadExact<'_>, header: &FrameHeader) -> Result<Vec<u64>, String> {
    let mut bytes = [0; FrameHeader::BYTES];
    read(&mut bytes)?;
    let found = FrameHeader::decode(&bytes).map_err(|error| error.to_string())?;
    if found != *header {
        return Err(format!("it has {found:?} where {header:?} is needed"));
    }
    let length = usize::try_from(header.length).map_err(|error| error.to_string())?;
    let mut words = vec![0_u64; length.div_ceil(8)];
    read(&mut bytemuck::cast_slice_mut(&mut words)[..length])?;
    Ok(words)
}

fn read_manifest(read: &mut ReadExact<'_>) -> Result<Manifest, String> {
    let mut length = [0; 4];
    read(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MANIFEST {
        return Err(format!("a manifest of {length} bytes; at most {MANIFEST} can be"));
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    read(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|error| format!("its manifest cannot be read: {error}"))
}
