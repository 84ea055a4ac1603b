//! Checkpoints: a party's shares of a training's state, in an encrypted file.
//!
//! # Format
//! In the clear, [`HEADER`] bytes: `TACITA-K`, the format's version (2), the session file's hash, the training's digest, and
//! the encapsulated key. Then encrypted chunks ([`tacita_identity::encrypted_file`]): a manifest (its length in four bytes, postcard), and the
//! shares, in the manifest's order, as little-endian words.
//!
//! # Security
//! A share says nothing by itself, but all parties' shares of one step are the model: so each file is encrypted by HPKE in
//! authenticated mode from its party to itself: the party alone reads it, and nobody else can have written it. The header
//! and the party's name are bound to the key, which is fresh for each file.
//! In a local training, where one process has all shares anyway, the key lies in the folder. Resuming uses no correlation
//! twice: what is resumed are shares; masks and corrections are those of the new session.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tacita_identity::encrypted_file::{
    Decryption, ENCAPSULATED, EncryptedReader, Encryption, FileKey, read_up_to,
};
use tacita_identity::{FileError, Identity};
use tacita_mpc::{Kept, KeptValues, Share};
use tacita_nn::Step;
use tacita_ring::RingTensor;
use zeroize::Zeroizing;

use tacita_session::Error;
use tacita_session::Session;
use tacita_session::message::{decode, encode};

const MAGIC: &[u8; 8] = b"TACITA-K";
const VERSION: u16 = 2;
/// The purpose that keys of these files are bound to.
const PURPOSE: &[u8] = b"tacita checkpoint v2";
/// Bytes before the encrypted chunks.
const HEADER: usize = 8 + 2 + 32 + 32 + ENCAPSULATED;
/// Where the encapsulated key begins.
const KEY_AT: usize = HEADER - ENCAPSULATED;
/// The longest manifest: a million losses are eight of it.
const MANIFEST: usize = 64 << 20;
/// Checkpoints of a party that are left: a party may be killed while others have written the next already.
const LEFT: usize = 2;
const SUFFIX: &str = ".checkpoint";

/// The state of a training after a step, as one party has it.
pub(crate) struct Checkpoint {
    /// Steps taken.
    pub step: u64,
    /// The seed of the order of rows.
    pub order: [u8; 32],
    /// The losses that were revealed so far, by step.
    pub losses: Vec<(u64, f64)>,
    /// This party's shares.
    pub kept: KeptValues,
}

/// The part of a checkpoint that parties compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub step: u64,
    pub order: [u8; 32],
    /// Of which values are kept.
    pub digest: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    party: String,
    step: u64,
    order: [u8; 32],
    losses: Vec<(u64, f64)>,
    values: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    id: [u8; 32],
    frac: u32,
    shape: Vec<u64>,
}

/// The secret that the key of a party's checkpoints follows from.
pub(crate) enum Secret<'a> {
    /// Its private key.
    Identity(&'a Identity),
    /// In a local training, a file in the folder.
    Local(Zeroizing<[u8; 32]>),
}

/// A folder with a party's checkpoints of one training.
pub(crate) struct Checkpoints<'a> {
    folder: PathBuf,
    party: String,
    secret: Arc<Secret<'a>>,
    /// The session file's hash, and the training's digest.
    of: [[u8; 32]; 2],
}

impl<'a> Checkpoints<'a> {
    pub fn new(folder: &Path, party: &str, secret: Arc<Secret<'a>>, of: [[u8; 32]; 2]) -> Checkpoints<'a> {
        Checkpoints { folder: folder.to_owned(), party: party.to_owned(), secret, of }
    }

    fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("{}-{step:08}{SUFFIX}", self.party))
    }

    /// The steps of which there are files, ascending.
    pub fn steps(&self) -> Result<Vec<u64>, FileError> {
        let unreadable = |error| FileError::Read { path: self.folder.clone(), error };
        let mut steps = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let step = name.to_str().and_then(|name| {
                name.strip_prefix(&self.party)?.strip_prefix('-')?.strip_suffix(SUFFIX)?.parse::<u64>().ok()
            });
            steps.extend(step);
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The checkpoints to resume from. A file that cannot be read is an error: none is skipped in silence.
    pub fn stamps(&self) -> Result<Vec<Stamp>, Error> {
        let stamp = |step| Ok(stamp(&self.open(step)?.1));
        self.steps()?.into_iter().map(stamp).collect()
    }

    /// Writes a checkpoint, whole or not at all, and removes all but the latest ones.
    pub fn write(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let path = self.path(checkpoint.step);
        let fail = |error| FileError::Write { path: path.clone(), error };
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        self.of.iter().for_each(|hash| header.extend_from_slice(hash));
        let own = self.key().ok_or_else(|| Error::Internal("no key for a checkpoint".into()))?;
        let encryption = Encryption::new(&own, &own.public(), &self.info(&header))
            .map_err(|error| Error::Internal(format!("encrypting a checkpoint: {error}")))?;
        header.extend_from_slice(encryption.encapsulated());
        let values = checkpoint.kept.iter().map(|(name, kept)| Entry {
            name: name.clone(),
            id: kept.id,
            frac: kept.frac,
            shape: kept.share.local().shape().iter().map(|&size| size as u64).collect(),
        });
        let manifest = Manifest {
            party: self.party.clone(),
            step: checkpoint.step,
            order: checkpoint.order,
            losses: checkpoint.losses.clone(),
            values: values.collect(),
        };
        let manifest = postcard::to_stdvec(&manifest).map_err(|error| Error::Internal(error.to_string()))?;
        if manifest.len() > MANIFEST {
            return Err(Error::Internal(format!("a manifest of {} bytes", manifest.len())));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tacita-").suffix(".tmp"); // of mode 0600, as all temporary files
        let file = builder.tempfile_in(&self.folder).map_err(|error| fail(error.kind().into()))?;
        let written = file.as_file().try_clone().and_then(|mut plain| {
            plain.write_all(&header)?;
            let mut content = encryption.writer(plain);
            content.put(&(manifest.len() as u32).to_le_bytes())?;
            content.put(&manifest)?;
            for kept in checkpoint.kept.values() {
                let words: Vec<u64> = kept.share.local().data().iter().map(|word| word.to_le()).collect();
                content.put(bytemuck::cast_slice(&Zeroizing::new(words)))?;
            }
            content.finish()?.0.sync_all()
        });
        written.map_err(fail)?;
        file.persist(&path).map_err(|error| fail(error.error))?;
        let steps = self.steps()?;
        for &old in steps.iter().filter(|step| **step < checkpoint.step).rev().skip(LEFT - 1) {
            let path = self.path(old);
            std::fs::remove_file(&path).map_err(|error| FileError::Write { path: path.clone(), error })?;
        }
        Ok(())
    }

    /// Reads the checkpoint of a step. `expected` are the values that the training keeps, with their shapes.
    pub fn read(&self, step: u64, expected: &BTreeMap<String, Vec<usize>>) -> Result<Checkpoint, Error> {
        let path = self.path(step);
        let (mut content, manifest) = self.open(step)?;
        let refuse = |reason: String| FileError::invalid(reason).of(&path);
        let mut kept = KeptValues::new();
        for Entry { name, id, frac, shape } in manifest.values {
            // its size is the training's, whatever the file says
            let wanted = expected.get(&name).filter(|wanted| {
                wanted.len() == shape.len() && wanted.iter().zip(&shape).all(|(&a, &b)| a as u64 == b)
            });
            let Some(shape) = wanted else {
                return Err(refuse(format!(
                    "it has `{name}` of shape {shape:?}, which this training has not"
                ))
                .into());
            };
            let mut words = vec![0_u64; shape.iter().product()];
            content.read_exact(bytemuck::cast_slice_mut(&mut words)).map_err(refuse)?;
            words.iter_mut().for_each(|word| *word = u64::from_le(*word));
            let share = Arc::new(RingTensor::new(shape.clone(), words));
            kept.insert(name, Kept { id, frac, share: Share::new(share) });
        }
        match expected.keys().find(|name| !kept.contains_key(*name)) {
            Some(name) => Err(refuse(format!("it lacks `{name}`, which this training keeps")).into()),
            None => Ok(Checkpoint { step, order: manifest.order, losses: manifest.losses, kept }),
        }
    }

    fn open(&self, step: u64) -> Result<(EncryptedReader<BufReader<File>>, Manifest), FileError> {
        let path = self.path(step);
        let unreadable = |error| FileError::Read { path: path.clone(), error };
        let mut file = File::open(&path).map_err(unreadable)?;
        let mut header = [0; HEADER];
        let read = read_up_to(&mut file, &mut header).map_err(unreadable)?;
        let refuse = |reason: String| FileError::invalid(reason).of(&path);
        let key = self.check(&header[..read]).map_err(refuse)?;
        let mut content = key.reader(BufReader::with_capacity(1 << 20, file));
        let mut length = [0; 4];
        content.read_exact(&mut length).map_err(refuse)?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MANIFEST {
            return Err(refuse(format!("a manifest of {length} bytes; at most {MANIFEST} can be")));
        }
        let mut bytes = vec![0; length];
        content.read_exact(&mut bytes).map_err(refuse)?;
        let manifest: Manifest = postcard::from_bytes(&bytes)
            .map_err(|error| refuse(format!("its manifest cannot be read: {error}")))?;
        if manifest.party != self.party {
            return Err(refuse(format!("it is of {}, not of {}", manifest.party, self.party)));
        }
        if manifest.step != step {
            return Err(refuse(format!("it is of step {}: was it renamed?", manifest.step)));
        }
        Ok((content, manifest))
    }

    /// The key of a file with this header, if it is of this session and training.
    fn check(&self, header: &[u8]) -> Result<Decryption, String> {
        let none =
            || "this is no checkpoint, or it was cut off: move it away to resume from another".to_owned();
        let rest = header.strip_prefix(MAGIC).ok_or_else(none)?;
        let version = rest.first_chunk().map(|bytes| u16::from_le_bytes(*bytes)).ok_or_else(none)?;
        // other versions have headers of other lengths
        if version != VERSION {
            return Err(format!("version {version} of checkpoints; this program reads {VERSION}"));
        }
        if header.len() < HEADER {
            return Err(none());
        }
        if header[10..42] != self.of[0] {
            return Err("it is a checkpoint of another session".into());
        }
        if header[42..74] != self.of[1] {
            return Err("it is of a training with another configuration: only the number of epochs or steps may be another".into());
        }
        let refuse = || "its key cannot be found: it is damaged".to_owned();
        let own = self.key().ok_or_else(refuse)?;
        let (clear, encapsulated) = header.split_at(KEY_AT);
        Decryption::new(&own, &own.public(), encapsulated, &self.info(clear)).map_err(|_| refuse())
    }

    fn key(&self) -> Option<FileKey> {
        match &*self.secret {
            Secret::Identity(identity) => identity.file_key(),
            Secret::Local(secret) => Some(FileKey::derive(secret)),
        }
    }

    /// The context that the key of a file with this beginning is bound to.
    fn info(&self, clear: &[u8]) -> Vec<u8> {
        [PURPOSE, clear, self.party.as_bytes()].concat()
    }
}

fn stamp(manifest: &Manifest) -> Stamp {
    let mut hasher = blake3::Hasher::new_derive_key("tacita checkpoint stamp v1");
    for Entry { name, id, .. } in &manifest.values {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(id);
    }
    Stamp { step: manifest.step, order: manifest.order, digest: *hasher.finalize().as_bytes() }
}

/// A member's message about its checkpoints; a member that computes nothing has none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// Whether the party writes checkpoints.
    pub writes: bool,
    /// The checkpoints that it could resume from, if it wants to.
    pub resumes: Option<Vec<Stamp>>,
}

/// Where the checkpoints of each of these parties are.
pub(crate) fn stores<'a>(
    folder: &Path,
    parties: Vec<String>,
    secret: Secret<'a>,
    of: [[u8; 32]; 2],
) -> Vec<(String, Checkpoints<'a>)> {
    let secret = Arc::new(secret);
    let store = |party: String| {
        let store = Checkpoints::new(folder, &party, secret.clone(), of);
        (party, store)
    };
    parties.into_iter().map(store).collect()
}

/// Tells the others the terms of the parties here and hears theirs: the step that all parties resume, if they do.
///
/// # Errors
/// [`Error::Disagreement`] that names who differs; if the session fails.
pub(crate) fn agree(session: &Session, mut terms: Vec<(String, Terms)>) -> Result<Option<Stamp>, Error> {
    let own = encode(&terms.first().map(|(_, terms)| terms))?;
    for (name, bytes) in session.tell("checkpoints", &own)? {
        if let Some(theirs) = decode::<Option<Terms>>(&bytes)? {
            terms.push((name, theirs));
        }
    }
    // the same words at every member
    terms.sort_by(|(one, _), (other, _)| one.cmp(other));
    in_common(&terms)
}

fn in_common(terms: &[(String, Terms)]) -> Result<Option<Stamp>, Error> {
    let Some((first, rest)) = terms.split_first() else { return Ok(None) };
    for (name, other) in rest {
        let differ = |has: bool, what: &str| {
            let (one, other) = if has { (&first.0, name) } else { (name, &first.0) };
            Error::Disagreement(format!("{one} {what} and {other} does not: all parties must do the same"))
        };
        if first.1.writes != other.writes {
            return Err(differ(first.1.writes, "writes checkpoints (--checkpoints)"));
        }
        if first.1.resumes.is_some() != other.resumes.is_some() {
            return Err(differ(first.1.resumes.is_some(), "resumes (--resume)"));
        }
    }
    let Some(stamps) = &first.1.resumes else { return Ok(None) };
    let everywhere =
        |stamp: &&Stamp| rest.iter().all(|(_, other)| other.resumes.iter().flatten().any(|s| s == *stamp));
    match stamps.iter().rev().find(everywhere) {
        Some(stamp) => Ok(Some(stamp.clone())),
        None => {
            let steps = |terms: &Terms| {
                let steps: Vec<String> =
                    terms.resumes.iter().flatten().map(|stamp| stamp.step.to_string()).collect();
                if steps.is_empty() { "none".to_owned() } else { format!("of steps {}", steps.join(", ")) }
            };
            let have: Vec<String> =
                terms.iter().map(|(name, terms)| format!("{name} has {}", steps(terms))).collect();
            Err(Error::Disagreement(format!(
                "no checkpoint of one and the same training is with all parties: {}",
                have.join("; ")
            )))
        }
    }
}

/// The shapes of the values that a training keeps, by name.
pub(crate) fn expected(step: &Step) -> BTreeMap<String, Vec<usize>> {
    step.parameters
        .iter()
        .chain(&step.memory)
        .map(|value| (value.name.clone(), value.shape.clone()))
        .collect()
}

/// The key of local checkpoints in a folder, made if there is none.
pub(crate) fn local_secret(folder: &Path) -> Result<Zeroizing<[u8; 32]>, Error> {
    let path = folder.join("local.key");
    match std::fs::read(&path) {
        Ok(bytes) => {
            let bytes = Zeroizing::new(bytes);
            let secret: Result<[u8; 32], _> = bytes.as_slice().try_into();
            let reason = "this is not the key of local checkpoints, which has 32 bytes";
            Ok(Zeroizing::new(secret.map_err(|_| FileError::invalid(reason).of(&path))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut secret = Zeroizing::new([0; 32]);
            aws_lc_rs::rand::fill(&mut *secret).map_err(|_| Error::Internal("no randomness".into()))?;
            let fail = |error| FileError::Write { path: path.clone(), error };
            let mut file = tempfile::Builder::new().prefix(".tacita-").tempfile_in(folder).map_err(fail)?;
            file.write_all(&*secret).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
            file.persist_noclobber(&path).map_err(|error| fail(error.error))?;
            Ok(secret)
        }
        Err(error) => Err(FileError::Read { path, error }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(step: u64) -> Checkpoint {
        let share = Arc::new(RingTensor::new(vec![2, 3], vec![1, 2, 3, u64::MAX, 5, step]));
        let kept = KeptValues::from([(
            "w".to_owned(),
            Kept { id: [step as u8; 32], frac: 16, share: Share::new(share) },
        )]);
        Checkpoint { step, order: [7; 32], losses: vec![(1, 0.5)], kept }
    }

    fn refusal(result: Result<Checkpoint, Error>) -> String {
        let error = result.err().expect("it is refused");
        assert_eq!(error.exit_code(), 3);
        error.to_string()
    }

    #[test]
    fn a_checkpoint_comes_back_and_nothing_else_does() -> Result<(), Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let alice = Identity::create("alice", 1)?;
        let secret = Arc::new(Secret::Identity(&alice));
        let of = [[1; 32], [2; 32]];
        let store = Checkpoints::new(folder.path(), "alice", secret.clone(), of);
        for step in [10, 20, 30] {
            store.write(&state(step))?;
        }
        assert_eq!(store.steps()?, [20, 30], "the oldest goes");
        let shapes = BTreeMap::from([("w".to_owned(), vec![2, 3])]);
        let read = store.read(30, &shapes)?;
        assert_eq!((read.step, read.order, read.losses), (30, [7; 32], vec![(1, 0.5)]));
        assert_eq!(read.kept["w"].share.local().data(), [1, 2, 3, u64::MAX, 5, 30]);
        assert_eq!(store.stamps()?.len(), 2);

        let other = |of| Checkpoints::new(folder.path(), "alice", secret.clone(), of);
        assert!(refusal(other([[3; 32], of[1]]).read(30, &shapes)).contains("another session"));
        assert!(refusal(other([of[0], [3; 32]]).read(30, &shapes)).contains("another configuration"));
        let stranger = Identity::create("alice", 1)?;
        let strange = Checkpoints::new(folder.path(), "alice", Arc::new(Secret::Identity(&stranger)), of);
        assert!(refusal(strange.read(30, &shapes)).contains("another key"));
        let wide = BTreeMap::from([("w".to_owned(), vec![3, 3])]);
        assert!(refusal(store.read(30, &wide)).contains("shape"));
        let more = BTreeMap::from([("w".to_owned(), vec![2, 3]), ("b".to_owned(), vec![1])]);
        assert!(refusal(store.read(30, &more)).contains("lacks `b`"));

        // every cut and every changed byte
        let path = store.path(30);
        let whole = std::fs::read(&path).expect("it is there");
        for at in (0..whole.len()).step_by(7) {
            std::fs::write(&path, &whole[..at]).expect("written");
            assert!(refusal(store.read(30, &shapes)).contains("alice-00000030"), "cut at {at}");
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).expect("written");
            refusal(store.read(30, &shapes));
        }
        let mut old = whole.clone();
        old[8] = 1;
        std::fs::write(&path, &old[..120]).expect("written");
        assert!(refusal(store.read(30, &shapes)).contains("version 1 of checkpoints; this program reads 2"));
        std::fs::write(store.path(40), &whole).expect("written");
        assert!(refusal(store.read(40, &shapes)).contains("renamed"));
        Ok(())
    }

    #[test]
    fn a_local_key_is_made_once() -> Result<(), Error> {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = local_secret(folder.path())?;
        assert_eq!(secret, local_secret(folder.path())?);
        std::fs::write(folder.path().join("local.key"), b"short").expect("written");
        assert!(local_secret(folder.path()).is_err());
        Ok(())
    }
}
