//! Identities: keys, certificates, session files and encrypted files.
//!
//! A member proves its identity with a private key that stays on its machine and a certificate that every other member
//! holds. The session file lists the members, their addresses and certificates, and the settings that all must share.
//! Encrypted files keep secrets on disk for one key. The crate uses `tacita-net` for links, and knows nothing of graphs or
//! shares. Begin with [`Identity`], then [`SessionFile`].

mod certificate;
pub mod encrypted_file;
mod error;
mod file_error;
#[doc(hidden)]
pub mod fuzzing;
mod hex;
mod identity;
mod session_file;

pub use certificate::Certificate;
pub use error::IdentityError;
pub use file_error::FileError;
pub use hex::hex;
pub use identity::{Identity, sync_folder};
pub use session_file::{PRECISIONS, SessionFile, SessionMember, SessionSettings, check_name};
