//! The fuzz targets: each a parser of bytes that a peer or a file can send, and the memory that it may take.
//!
//! What must hold is said by the `fuzzing` module of each crate. Here it is given its limit, for the programs in
//! `fuzz_targets`, which look for new inputs, and for `crates/product/tacita/tests/corpora.rs`, which includes this file and
//! replays the inputs in `corpus` with every run of the tests.

mod allocation;

#[global_allocator]
static ALLOCATOR: allocation::Counting = allocation::Counting;

/// A property of some parser, and the memory that a check of it may take at once: its own copies and what it encodes again
/// included.
pub struct Target {
    /// The name of the program in `fuzz_targets` and of the folder in `corpus`.
    pub name: &'static str,
    property: fn(&[u8]),
    /// Bytes that any input may take.
    base: usize,
    /// Bytes for each byte of the input.
    per_byte: usize,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// Frames from a peer. The longest is allocated before it has come; beside it there is what waits to be consumed.
pub const NET_FRAMES: Target = Target {
    name: "net_frames",
    property: tacita_net::fuzzing::frames,
    base: tacita_net::fuzzing::MAX_FRAME + tacita_net::fuzzing::INBOUND + 2 * KIB,
    per_byte: 4,
};
/// Frame headers, abort notices, heartbeats, preambles and answers. Terms may have 64 KiB.
pub const NET_MESSAGES: Target =
    Target { name: "net_messages", property: tacita_net::fuzzing::messages, base: 128 * KIB, per_byte: 8 };
/// What strangers say to a listener, and listeners to who dials: a read buffer of 256 KiB, flights of 64 KiB, and what
/// rustls lets a handshake message have.
pub const NET_HANDSHAKE: Target =
    Target { name: "net_handshake", property: tacita_net::fuzzing::handshake, base: 768 * KIB, per_byte: 8 };
/// Everything that a member receives in a session, edited.
pub const MPC_SESSION: Target =
    Target { name: "mpc_session", property: tacita::fuzzing::mpc_session, base: 512 * KIB, per_byte: 512 };
/// Graph files, and what people and programs see of them. A node takes three bytes in the file and some hundred in memory; of a
/// template the importer makes graphs, as of a model.
pub const GRAPH_FILE: Target =
    Target { name: "graph_file", property: tacita::fuzzing::graph_file, base: 64 * MIB, per_byte: 1024 };
/// Graphs, up to the ring program, of values that have 2^18 elements together.
pub const GRAPH_LOWER: Target = Target {
    name: "graph_lower",
    property: tacita_graph::fuzzing::graph_lower,
    base: 8 * MIB,
    per_byte: 2048,
};
/// What parties send the dealer, up to the plan and the public values.
pub const RECIPE: Target =
    Target { name: "recipe", property: tacita::fuzzing::recipe, base: 8 * MIB, per_byte: 4096 };
/// What members tell each other about samples and bytes.
pub const TERMS: Target =
    Target { name: "terms", property: tacita::fuzzing::terms, base: 16 * KIB, per_byte: 128 };
/// Session files, of at most 64 KiB.
pub const SESSION_FILE: Target =
    Target { name: "session_file", property: tacita::fuzzing::session_file, base: 256 * KIB, per_byte: 64 };
/// Configurations of trainings, of at most 1 MiB: the text, its values as TOML, JSON and read again.
pub const TRAIN_CONFIG: Target =
    Target { name: "train_config", property: tacita::fuzzing::train_config, base: 256 * KIB, per_byte: 1024 };
/// What was dealt ahead: pieces of 64 KiB, a manifest of as much, and a read-ahead.
pub const CORRELATIONS: Target =
    Target { name: "correlations", property: tacita::fuzzing::correlations, base: 256 * KIB, per_byte: 8 };
/// Certificates and keys.
pub const CREDENTIALS: Target =
    Target { name: "credentials", property: tacita::fuzzing::credentials, base: 64 * KIB, per_byte: 16 };
/// ONNX models, up to the graph and the weights. Operators that move elements list as much as `MAX_LISTED` says from sizes
/// alone, 8 MiB, in two graphs, two encodings, and while they are made.
pub const ONNX_IMPORT: Target = Target {
    name: "onnx_import",
    property: tacita_onnx::fuzzing::onnx_import,
    base: 64 * MIB,
    per_byte: 1024,
};
/// Arrays and labels from `.npy` files: a byte may become a number of eight, twice where the order is not ours.
pub const NPY_READ: Target =
    Target { name: "npy_read", property: tacita_data::fuzzing::npy_read, base: 64 * KIB, per_byte: 64 };
/// The same from archives: deflate says up to 1032 bytes in one.
pub const NPZ_READ: Target = Target {
    name: "npz_read",
    property: tacita_data::fuzzing::npz_read,
    base: 256 * KIB,
    per_byte: 64 * 1032,
};

/// CSV tables: numbers of eight bytes, twice while rows are counted, and what is written again of them.
pub const CSV_READ: Target =
    Target { name: "csv_read", property: tacita_data::fuzzing::csv_read, base: 64 * KIB, per_byte: 256 };
/// Files of named tensors: the crate's two indices of the header, at hundred bytes for some tens, and numbers of eight for four.
pub const SAFETENSORS_READ: Target = Target {
    name: "safetensors_read",
    property: tacita_data::fuzzing::safetensors_read,
    base: 64 * KIB,
    per_byte: 64,
};

/// All of them. A parser that is added has its target here, a program in `fuzz_targets`, and a corpus.
pub const TARGETS: [&Target; 17] = [
    &NET_FRAMES,
    &NET_MESSAGES,
    &NET_HANDSHAKE,
    &MPC_SESSION,
    &GRAPH_FILE,
    &GRAPH_LOWER,
    &RECIPE,
    &TERMS,
    &SESSION_FILE,
    &TRAIN_CONFIG,
    &CORRELATIONS,
    &CREDENTIALS,
    &ONNX_IMPORT,
    &NPY_READ,
    &NPZ_READ,
    &CSV_READ,
    &SAFETENSORS_READ,
];

impl Target {
    /// Checks one input. Returns the most memory that it took at once.
    ///
    /// # Panics
    /// If the property does not hold, or it took more memory than it may.
    pub fn check(&self, bytes: &[u8]) -> usize {
        let most = self.base + self.per_byte * bytes.len();
        let taken = allocation::peak(|| (self.property)(bytes));
        assert!(taken <= most, "{}: {taken} bytes of memory, at most {most}", self.name);
        taken
    }
}
