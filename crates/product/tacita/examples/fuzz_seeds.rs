//! Writes what fuzzing begins with into `fuzz/corpus`: real files, frames and handshakes. To be run again when a format
//! changes, before `cargo fuzz cmin`:
//!
//! ```text
//! cargo run --release -p tacita --example fuzz_seeds
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tacita::{Identity, SessionFile, SessionMember, SessionSettings};
use tacita_graph::testing::random_case;
use tacita_graph::{Graph, Role, Visibility, dims, ops};
use tacita_net::{Frame, FrameHeader, FrameKind, Limits, MemberId, Peer, Roster};

type Anything = Box<dyn std::error::Error>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Result<(), Anything> {
    let folder = root().join("fuzz/corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

/// The files of a folder with a suffix: name and content.
fn files(folder: &str, suffix: &str) -> Result<Vec<(String, Vec<u8>)>, Anything> {
    let mut found = vec![];
    for entry in fs::read_dir(root().join(folder))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == suffix) {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            found.push((name.unwrap_or_default(), fs::read(&path)?));
        }
    }
    Ok(found)
}

fn main() -> Result<(), Anything> {
    links()?;
    handshakes()?;
    sessions()?;
    graphs()?;
    members()?;
    correlations()?;
    for folder in ["crates/compute/onnx/tests/data", "crates/compute/onnx/tests/data/refused"] {
        for (name, bytes) in files(folder, "onnx")?.into_iter().filter(|(_, bytes)| bytes.len() <= 4096) {
            write("onnx_import", &name, &bytes)?;
        }
    }
    // empty nodes: two bytes each, in a graph, in a model
    let nodes = b"\x0a\x00".repeat(1500);
    let length = [nodes.len() as u8 | 0x80, (nodes.len() >> 7) as u8];
    write("onnx_import", "dense", &[&b"\x3a"[..], &length, &nodes, b"\x42\x02\x10\x0d"].concat())?;
    for suffix in ["npy", "npz"] {
        for (name, bytes) in files("crates/compute/data/tests/data", suffix)? {
            write(&format!("{suffix}_read"), &name, &bytes)?;
        }
    }
    for (name, text) in [
        ("plain", "a,b\n1,-2.5\n3e2,4\n"),
        ("windows", "\u{feff}\"a\",b\r\n\"1\", 2 \r\n"),
        ("ragged", "a,b\n1\n2,3,4\n"),
        ("quotes", "\"x, \"\"y\"\"\",z\n\"1\"2,\"3\n"),
        ("empty_line", "a\n1\n\n2\n"),
    ] {
        write("csv_read", name, text.as_bytes())?;
    }
    for (name, header, data) in [
        (
            "plain",
            r#"{"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"__metadata__":{"tacita":"x"}}"#,
            8,
        ),
        (
            "two",
            r#"{"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#,
            8,
        ),
        ("half", r#"{"b":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#, 4),
        ("cut", r#"{"b":{"dtype":"F32","shape":[4294967296,2],"data_offsets":[0,8]}}"#, 7),
    ] {
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![63; data]].concat();
        write("safetensors_read", name, &bytes)?;
    }
    Ok(())
}

/// Frames of every kind, and what links say to each other.
fn links() -> Result<(), Anything> {
    let encode = |frame: &Frame| [&frame.header.encode()[..], frame.payload.bytes()].concat();
    let abort = [&3_u32.to_le_bytes()[..], &4_u16.to_le_bytes(), b"conv", b"bob ran out of memory"].concat();
    let place = [&5_u32.to_le_bytes()[..], &1_u16.to_le_bytes(), &250_u32.to_le_bytes(), b"relu"].concat();
    let mut stream = vec![];
    for kind in FrameKind::ALL {
        let payload = match kind {
            FrameKind::Abort => abort.clone(),
            FrameKind::Heartbeat => place.clone(),
            _ => (0..33).collect(),
        };
        let bytes = encode(&Frame::new(1, 7, 2, kind, payload));
        write("net_frames", &format!("{kind:?}"), &bytes)?;
        stream.extend(bytes);
    }
    write("net_frames", "stream", &stream)?;
    write(
        "net_frames",
        "empty_frames",
        &encode(&Frame::new(1, 2, 3, FrameKind::Control, vec![0_u8; 0])).repeat(99),
    )?;
    let long = FrameHeader { evaluation: 1, task: 2, step: 3, kind: FrameKind::Opening, length: 1 << 20 };
    for (name, length) in [("longest", tacita_net::fuzzing::MAX_FRAME as u64), ("longer", u64::MAX)] {
        write("net_frames", name, &FrameHeader { length, ..long }.encode())?;
    }

    write("net_messages", "header", &long.encode())?;
    write("net_messages", "abort", &abort)?;
    write("net_messages", "place", &place)?;
    // version, direction, attempt, lengths of mode and terms, both
    let (mode, terms) = (b"a dealer", b"version = 1\nid = 2\n");
    let preamble = [
        &1_u32.to_le_bytes()[..],
        &[1],
        &[9; 16],
        &(mode.len() as u16).to_le_bytes(),
        &(terms.len() as u32).to_le_bytes(),
        mode,
        terms,
    ];
    write("net_messages", "preamble", &preamble.concat())?;
    for (name, length) in [("long_terms", 1 << 16), ("longer_terms", (1 << 16) + 1)] {
        let mut announced = preamble.concat();
        announced[23..27].copy_from_slice(&u32::to_le_bytes(length));
        write("net_messages", name, &announced)?;
    }
    for status in 1..=3 {
        let answer = [&[status][..], &9_u16.to_le_bytes(), b"no member"].concat();
        write("net_messages", &format!("answer{status}"), &answer)?;
    }
    Ok(())
}

/// What is in a correlation file, and files that nobody sealed.
fn correlations() -> Result<(), Anything> {
    // id, seed, samples, batch, evaluations: a digest, and how many
    let manifest =
        postcard::to_stdvec(&([1_u8; 32], [2_u8; 32], 200_u64, 32_u64, vec![([3_u8; 32], 7_u64)]))?;
    let header = FrameHeader { evaluation: 1, task: 3, step: 0, kind: FrameKind::Correction, length: 16 };
    let length = (manifest.len() as u32).to_le_bytes();
    let contents = [&[2][..], &length, &manifest, &header.encode(), &[9; 16]].concat();
    write("correlations", "contents", &contents)?;
    write("correlations", "sealed", &[&[1][..], &[5; 109 + 200]].concat())?;
    write("correlations", "file", &[&[0][..], b"TACITA-C", &[1; 200]].concat())?;
    write("correlations", "used", &[&[0][..], b"TACITA-U", &[1; 200]].concat())
}

/// The bytes of a real connection, in both directions.
fn handshakes() -> Result<(), Anything> {
    let proxy = TcpListener::bind("127.0.0.1:0")?;
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let [alice, bob] = [tacita_net::Identity::ephemeral()?, tacita_net::Identity::ephemeral()?];
    let peer = |name: &str, address: Option<String>, identity: &tacita_net::Identity| Peer {
        name: name.to_owned(),
        address,
        certificate: identity.certificate().to_vec(),
    };
    let roster = Roster {
        members: vec![
            peer("alice", Some(proxy.local_addr()?.to_string()), &alice),
            peer("bob", None, &bob),
            peer("dealer", None, &alice),
        ],
        dealer: MemberId(2),
        absent: Some(MemberId(2)),
        terms: b"version = 1\n".to_vec(),
        mode: "files".to_owned(),
    };
    let limits = Limits::default();
    let [accepting, dialling] = [(0, alice, Some(free.clone())), (1, bob, None)].map(|(me, identity, at)| {
        let (roster, limits) = (roster.clone(), limits.clone());
        std::thread::spawn(move || {
            tacita_net::connect(&roster, MemberId(me), &identity, at.as_deref(), &limits).map(drop)
        })
    });
    let mut recorded: Vec<[JoinHandle<Vec<u8>>; 2]> = vec![];
    for _ in 0..2 {
        let (dialler, _) = proxy.accept()?;
        let acceptor = loop {
            if let Ok(socket) = TcpStream::connect(&free) {
                break socket;
            }
        };
        let there = copy(dialler.try_clone()?, acceptor.try_clone()?);
        recorded.push([there, copy(acceptor, dialler)]);
    }
    accepting.join().map_err(|_| "the acceptor panicked")??;
    dialling.join().map_err(|_| "the dialler panicked")??;
    for (number, both) in recorded.into_iter().enumerate() {
        for (role, bytes) in (0_u8..).zip(both) {
            let said = bytes.join().map_err(|_| "the copy panicked")?;
            write("net_handshake", &format!("{number}-{role}"), &[&[role][..], &said].concat())?;
        }
    }
    Ok(())
}

/// Copies what comes, and keeps it.
fn copy(mut from: TcpStream, mut to: TcpStream) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut kept, mut buffer) = (vec![], [0; 4096]);
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            kept.extend(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        kept
    })
}

/// Honest sessions at each member, and an edit of each kind.
fn sessions() -> Result<(), Anything> {
    for member in 0..3_u8 {
        write("mpc_session", &format!("honest{member}"), &[member])?;
        for edit in 0..8_u8 {
            for frame in [0, 3, 5, 9] {
                let bytes = [member, edit, frame, 3, 0, 1, 0, 0];
                write("mpc_session", &format!("edit{member}-{edit}-{frame}"), &bytes)?;
            }
        }
    }
    Ok(())
}

/// What a graph file holds: magic, version and content are before it, a checksum after it.
fn body(file: &[u8]) -> &[u8] {
    &file[11..file.len() - 32]
}

/// Templates and graphs of models and random graphs, as files, as bodies under a right checksum, and in recipes.
fn graphs() -> Result<(), Anything> {
    let mut graphs: Vec<(String, Graph)> = vec![];
    for (name, bytes) in files("models", "onnx")? {
        let model = tacita_onnx::import_bytes(&bytes, &tacita_onnx::ImportOptions::default())?;
        let file = model.template.encode();
        write("graph_file", &format!("{name}.template"), &[&[0], &file[..]].concat())?;
        write("graph_file", &format!("{name}.template.body"), &[&[3], body(&file)].concat())?;
        graphs.push((name, model.of_batch(2)?));
    }
    for (name, bytes) in files("crates/compute/onnx/tests/cases", "onnx")? {
        let model = tacita_onnx::import_bytes(&bytes, &tacita_onnx::ImportOptions::default())?;
        let file = model.template.encode();
        write("graph_file", &format!("{name}.template.body"), &[&[3], body(&file)].concat())?;
    }
    for seed in 0..24 {
        graphs.push((format!("random{seed}"), random_case(seed, 6).graph));
    }
    // as much as can be said in few bytes
    let mut dense = Graph::new();
    let mut last = dense.input("x", &dims(&[1; 8]), Visibility::Public, Role::Data)?;
    for _ in 0..900 {
        last = dense.add(ops::Neg {}, &[last], "")?;
    }
    graphs.push(("dense".to_owned(), dense));
    for (name, graph) in graphs {
        let file = graph.encode();
        let body = body(&file);
        for target in ["graph_file", "graph_lower"] {
            write(target, &format!("{name}.file"), &[&[0], &file[..]].concat())?;
            write(target, &format!("{name}.body"), &[&[1], body].concat())?;
        }
        let public = graph.inputs().into_iter().map(|id| graph.node(id));
        let public = public.filter(|node| node.ty.visibility == Visibility::Public);
        let values: Vec<(String, Vec<u32>, Vec<f64>)> = public
            .map(|node| {
                let sizes = &node.ty.shape;
                let count = sizes.iter().product();
                (node.name.clone(), sizes.iter().map(|size| *size as u32).collect(), vec![0.5; count])
            })
            .collect();
        let length = (body.len() as u16).to_le_bytes();
        let recipe = [&[1, 16], &length[..], body, &postcard::to_stdvec(&values)?[..]].concat();
        write("recipe", &format!("{name}.body"), &recipe)?;
        let whole = postcard::to_stdvec(&(16_u32, file.as_slice(), values))?;
        write("recipe", &name, &[&[0], &whole[..]].concat())?;
    }
    Ok(())
}

/// Session files, identities, and what members tell each other.
fn members() -> Result<(), Anything> {
    let names = ["alice", "bob", "dealer", "carol"];
    let identities: Vec<Identity> =
        names.iter().map(|name| Identity::create(name, 365)).collect::<Result<_, _>>()?;
    let members: Vec<SessionMember> = names
        .iter()
        .zip(&identities)
        .map(|(name, identity)| SessionMember {
            name: (*name).to_owned(),
            address: (*name != "bob").then(|| format!("{name}.example:7400")),
            certificate: identity.certificate().clone(),
        })
        .collect();
    let [alice, bob, dealer, carol] = &members[..] else { return Err("four members".into()) };
    let settings = SessionSettings::default();
    let small = SessionFile::new(vec![alice.clone(), bob.clone()], dealer.clone(), vec![], settings)?;
    write("session_file", "two", small.text.as_bytes())?;
    let parties = vec![alice.clone(), carol.clone()];
    let large = SessionFile::new(parties, dealer.clone(), vec![bob.clone()], settings)?;
    write("session_file", "owner", large.text.as_bytes())?;
    for name in ["breast_cancer", "digits"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../../models/{name}.toml"));
        write("train_config", name, &fs::read(path)?)?;
    }
    write("session_file", "cut", &small.text.as_bytes()[..small.text.len() / 2])?;

    let folder = tempfile::tempdir()?;
    let (certificate, key) = identities[0].write(folder.path())?;
    let (certificate, key) = (fs::read(certificate)?, fs::read(key)?);
    write("credentials", "pem", &[&[0], &certificate[..]].concat())?;
    write("credentials", "der", &[&[1], alice.certificate.der()].concat())?;
    write("credentials", "ephemeral", &[&[1], tacita_net::Identity::ephemeral()?.certificate()].concat())?;
    // a key of nobody's, made for this
    write("credentials", "key", &[&[2], &certificate[..], &key].concat())?;
    write("credentials", "key_alone", &[&[2], &key[..]].concat())?;

    for (name, samples, batch) in
        [("neither", None, None), ("samples", Some(200_u64), None), ("both", Some(1), Some(64_u64))]
    {
        let sizes = BTreeMap::from([("sequence", 16_u64)]);
        write("terms", name, &postcard::to_stdvec(&(samples, batch, sizes))?)?;
    }
    write("terms", "number", &postcard::to_stdvec(&u64::MAX)?)
}
