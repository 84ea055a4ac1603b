//! Properties that hold for any bytes that a party or a file may give. Fuzz targets and the replay of their corpora call
//! these functions; a failed assertion is a fault in the code under test.

pub use tacita_identity::fuzzing::{credentials, session_file};
pub use tacita_session::fuzzing::{correlations, graph_file, mpc_session, recipe};
pub use tacita_train::fuzzing::train_config;

/// Messages between members before they begin and after they have ended.
pub fn terms(bytes: &[u8]) {
    tacita_train::fuzzing::comes_back::<crate::join::Terms>(bytes);
    tacita_train::fuzzing::terms(bytes);
}
