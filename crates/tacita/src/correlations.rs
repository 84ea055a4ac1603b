//! Dealing ahead: files with what a dealer would send, one for each member, to be used once.
//!
//! # Format
//! In the clear, [`HEADER`] bytes: `TACITA-C`, the format's version (1), the session file's hash, the member's number, and
//! a fresh public key of the dealer. Then, in pieces of [`PIECE`] bytes and a shorter last one, each sealed by AES-256-GCM
//! under its number and whether it is the last: a manifest (its length in four bytes, postcard), and the member's
//! corrections as frames, header and payload, in the order in which they are needed.
//!
//! # Security
//! The key is derived from two Diffie-Hellman agreements on P-256, as in the pattern K of the Noise framework: of the fresh
//! key with the member's certificate, and of the dealer's certificate with the member's. So only this member reads the
//! file, and it knows that this session's dealer wrote it; the header is in the derivation.
//!
//! Used once: the first evaluation overwrites the fresh public key in the file and syncs it to the disk before anything is
//! opened, after which nobody can derive the key again. The file is locked while it is open, so two processes cannot both
//! begin. A copy made before is a way around this that only the other members' files stand against: the members compare
//! what they hold, and each refuses a second use. Do not copy these files.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use serde::{Deserialize, Serialize};
use tacita_graph::Graph;
use tacita_mpc::{AheadDealer, Correlations, Leaves};
use tacita_net::{Frame, FrameHeader, NetError};
use tacita_ring::Seed;
use zeroize::{Zeroize, Zeroizing};

use crate::connect::members;
use crate::error::Error;
use crate::file_error::FileError;
use crate::identity::Identity;
use crate::prepared::Prepared;
use crate::session::bind;
use crate::session_file::SessionFile;

const MAGIC: &[u8; 8] = b"TACITA-C";
const USED: &[u8; 8] = b"TACITA-U";
const VERSION: u16 = 1;
/// Bytes of an uncompressed point of P-256.
const POINT: usize = 65;
/// Bytes before the sealed pieces.
const HEADER: usize = 8 + 2 + 32 + 2 + POINT;
/// Where the public key begins, which is erased when the file is used.
const KEY_AT: usize = HEADER - POINT;
/// Plaintext bytes of a piece.
const PIECE: usize = 1 << 16;
/// What sealing adds to a piece.
const TAG: usize = 16;
/// The longest manifest.
const MANIFEST: usize = 1 << 16;

/// What a set of files was dealt for, the same in each of them but for the seed.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Manifest {
    /// Names the set.
    id: [u8; 32],
    seed: [u8; 32],
    samples: u64,
    batch: u64,
    /// What the members will agree on, and in how many evaluations after each other.
    evaluations: Vec<([u8; 32], u64)>,
}

impl Drop for Manifest {
    fn drop(&mut self) {
        self.seed.zeroize();
    }
}

/// What dealing ahead wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealtAhead {
    /// The files, each with the member that it is for, and how long it is.
    pub files: Vec<(String, PathBuf, u64)>,
    /// Evaluations that they serve.
    pub evaluations: usize,
    /// Samples of an evaluation; the last may have fewer.
    pub batch: usize,
}

/// Deals for `samples` samples of a graph, `batch` at a time, and writes what each member needs into `base.MEMBER`, sealed
/// for that member. All files appear, or none. `progress` is told evaluations done and in all.
///
/// # Errors
/// If the graph cannot be evaluated by this session's members or has inputs that all know, one of the files exists, or
/// cannot be written.
pub fn deal_ahead(
    file: &SessionFile,
    dealer: &Identity,
    graph: &Graph,
    (samples, batch): (usize, usize),
    base: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<DealtAhead, Error> {
    let members = members(file);
    let parties = members.parties.len();
    let batches = batches(samples, batch);
    let mut plans = vec![];
    for &(size, times) in &batches {
        let prepared = Prepared::new(bind(graph, size)?, &members, file.precision_bits)?;
        if let Some(name) = prepared.public_inputs().next() {
            return Err(Error::Usage(format!(
                "the input `{name}` is public, and its values are not known ahead: run a dealer for this graph"
            )));
        }
        plans.push((prepared, times));
    }
    let mut ahead = AheadDealer::new(parties, members.data_owners.len())?;
    let mut id = [0; 32];
    aws_lc_rs::rand::fill(&mut id).map_err(|_| Error::Internal("no randomness".into()))?;
    let none = Leaves::new();
    let digest = |prepared: &Prepared| AheadDealer::digest(&prepared.plan, &none);
    let evaluations: Vec<_> = plans.iter().map(|(prepared, times)| (digest(prepared), *times)).collect();

    let mut writers: Vec<Option<RefCell<Writer>>> = vec![];
    for (index, member) in file.members().enumerate() {
        let Some(seed) = ahead.seed(index) else {
            writers.push(None);
            continue;
        };
        let (samples, batch) = (samples as u64, batch as u64);
        let seed = *seed.as_bytes();
        let manifest = Manifest { id, seed, samples, batch, evaluations: evaluations.clone() };
        let path = path_of(base, &member.name);
        writers.push(Some(RefCell::new(Writer::create(path, file, dealer, index, &manifest)?)));
    }
    // the error of a writer is a file's, and that of `deliver` a link's: it is kept here meanwhile
    let failed: RefCell<Option<FileError>> = RefCell::new(None);
    let deliver = |party: usize, frame: Frame| {
        let writer = writers.get(party).and_then(Option::as_ref).ok_or(NetError::Stopped)?;
        let written = writer.borrow_mut().frame(&frame);
        written.map_err(|error| {
            failed.replace(Some(error));
            NetError::Stopped
        })
    };
    let total = plans.iter().map(|(_, times)| *times as usize).sum();
    let mut done = 0;
    for (prepared, times) in &plans {
        for _ in 0..*times {
            progress(done, total);
            let dealt = ahead.deal(&prepared.plan, &none, &deliver);
            if let Some(error) = failed.take() {
                return Err(error.into());
            }
            dealt?;
            done += 1;
        }
    }
    progress(done, total);
    let mut finished = vec![];
    for (writer, member) in writers.into_iter().zip(file.members()) {
        if let Some(writer) = writer {
            finished.push((writer.into_inner().finish()?, member.name.clone()));
        }
    }
    let mut files: Vec<(String, PathBuf, u64)> = vec![];
    for ((temporary, path, length), name) in finished {
        if let Err(error) = persist(temporary, &path) {
            files.iter().for_each(|(_, path, _)| drop(std::fs::remove_file(path)));
            return Err(error.into());
        }
        files.push((name, path, length));
    }
    Ok(DealtAhead { files, evaluations: total, batch })
}

/// Sizes of batches, and how many of each follow each other.
fn batches(samples: usize, batch: usize) -> Vec<(usize, u64)> {
    let (whole, rest) = (samples / batch, samples % batch);
    let all = [(batch, whole as u64), (rest, u64::from(rest > 0))];
    all.into_iter().filter(|(_, times)| *times > 0).collect()
}

fn path_of(base: &Path, member: &str) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(".");
    name.push(member);
    name.into()
}

fn persist(temporary: tempfile::NamedTempFile, path: &Path) -> Result<(), FileError> {
    temporary.persist_noclobber(path).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => FileError::Exists { path: path.into() },
        _ => FileError::Write { path: path.into(), error: error.error },
    })?;
    crate::identity::sync_folder(folder(path)).map_err(|error| FileError::Write { path: path.into(), error })
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The key of a file with this header.
fn key(
    (fresh, own): (&PrivateKey, &PrivateKey),
    (to_fresh, to_own): (&[u8], &[u8]),
    header: &[u8],
    dealer_and_member: [&[u8]; 2],
) -> Option<LessSafeKey> {
    let mut hasher = blake3::Hasher::new_derive_key("tacita correlations file v1");
    for (private, public) in [(fresh, to_fresh), (own, to_own)] {
        let public = UnparsedPublicKey::new(&ECDH_P256, public);
        agree(private, public, (), |secret| {
            hasher.update(secret);
            Ok(())
        })
        .ok()?;
    }
    for part in [header, dealer_and_member[0], dealer_and_member[1]] {
        hasher.update(part);
    }
    let mut bytes = Zeroizing::new(*hasher.finalize().as_bytes());
    hasher.zeroize();
    let key = UnboundKey::new(&AES_256_GCM, &*bytes).ok().map(LessSafeKey::new);
    bytes.zeroize();
    key
}

/// The nonce of a piece: its number, and whether it is the last. Keys are fresh, so numbers may begin at 0.
fn nonce(piece: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&piece.to_le_bytes());
    bytes[8] = u8::from(last);
    Nonce::assume_unique_for_key(bytes)
}

/// Seals a member's file, piece by piece.
struct Writer {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    key: LessSafeKey,
    piece: u64,
    plain: Vec<u8>,
    written: u64,
}

impl Writer {
    fn create(
        path: PathBuf,
        session: &SessionFile,
        dealer: &Identity,
        member: usize,
        manifest: &Manifest,
    ) -> Result<Writer, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(FileError::Exists { path }.into());
        }
        let broken = |what: &str| Error::Internal(format!("sealing {}: {what}", path.display()));
        let to = session.members().nth(member).ok_or_else(|| broken("no such member"))?;
        let fresh = PrivateKey::generate(&ECDH_P256).map_err(|_| broken("no randomness"))?;
        let public = fresh.compute_public_key().map_err(|_| broken("no public key"))?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&session.hash);
        header.extend_from_slice(&(member as u16).to_le_bytes());
        header.extend_from_slice(public.as_ref());
        let own = dealer.agreement_key().ok_or_else(|| broken("the dealer's key cannot agree on one"))?;
        let point = to.certificate.point();
        let key = key((&fresh, &own), (point, point), &header, [dealer.certificate().point(), point]);
        let key = key.ok_or_else(|| broken("the member's certificate has no usable key"))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tacita-").suffix(".tmp"); // of mode 0600, as all temporary files
        let write = |error: std::io::Error| FileError::Write { path: path.clone(), error };
        let file = builder.tempfile_in(folder(&path)).map_err(|error| write(error.kind().into()))?;
        let encoded = Zeroizing::new(
            postcard::to_stdvec(manifest).map_err(|error| Error::Internal(error.to_string()))?,
        );
        let mut writer =
            Writer { path, file, key, piece: 0, plain: Vec::with_capacity(PIECE + TAG), written: 0 };
        writer.out(&header)?;
        writer.put(&(encoded.len() as u32).to_le_bytes())?;
        writer.put(&encoded)?;
        Ok(writer)
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), FileError> {
        self.put(&frame.header.encode())?;
        self.put(frame.payload.bytes())
    }

    fn put(&mut self, mut bytes: &[u8]) -> Result<(), FileError> {
        while !bytes.is_empty() {
            // a full piece waits until more comes, since it may be the last
            if self.plain.len() == PIECE {
                self.seal(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn seal(&mut self, last: bool) -> Result<(), FileError> {
        let mut piece = std::mem::take(&mut self.plain);
        let sealed = self.key.seal_in_place_append_tag(nonce(self.piece, last), Aad::empty(), &mut piece);
        sealed.map_err(|_| FileError::Write {
            path: self.path.clone(),
            error: std::io::Error::other("it cannot be sealed"),
        })?;
        self.piece += 1;
        let outcome = self.out(&piece);
        piece.clear();
        self.plain = piece;
        outcome
    }

    fn out(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.written += bytes.len() as u64;
        let error = |error| FileError::Write { path: self.path.clone(), error };
        self.file.as_file_mut().write_all(bytes).map_err(error)
    }

    fn finish(mut self) -> Result<(tempfile::NamedTempFile, PathBuf, u64), FileError> {
        self.seal(true)?;
        let error = |error| FileError::Write { path: self.path.clone(), error };
        self.file.as_file().sync_all().map_err(error)?;
        Ok((self.file, self.path, self.written))
    }
}

/// A member's file, open and not yet used.
pub struct CorrelationFile {
    path: PathBuf,
    manifest: Manifest,
    pieces: Pieces<BufReader<File>>,
    begun: bool,
}

impl CorrelationFile {
    /// Opens what was dealt ahead for a member of a session.
    ///
    /// # Errors
    /// [`FileError`] naming the file, if it cannot be read and written, was used before or is being used, or is not for this
    /// session and member.
    pub fn open(
        path: &Path,
        session: &SessionFile,
        me: &str,
        identity: &Identity,
    ) -> Result<CorrelationFile, Error> {
        let unreadable = |error| FileError::Read { path: path.into(), error };
        let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(unreadable)?;
        if let Err(refused) = file.try_lock() {
            let reason = match refused {
                std::fs::TryLockError::WouldBlock => "another process uses it at this moment".to_owned(),
                std::fs::TryLockError::Error(error) => format!("it cannot be locked: {error}"),
            };
            return Err(FileError::invalid(reason).of(path).into());
        }
        let mut header = [0; HEADER];
        let read = read_up_to(&mut file, &mut header).map_err(unreadable)?;
        let key = check_header(&header[..read], session, me, identity).map_err(|error| error.of(path))?;
        let mut pieces = Pieces::new(BufReader::with_capacity(1 << 20, file), key);
        let manifest = read_manifest(&mut |into| pieces.read_exact(into))
            .map_err(|reason| FileError::invalid(reason).of(path))?;
        Ok(CorrelationFile { path: path.into(), manifest, pieces, begun: false })
    }

    /// How many samples it was dealt for.
    pub fn samples(&self) -> usize {
        usize::try_from(self.manifest.samples).unwrap_or(usize::MAX)
    }

    /// How many of them are evaluated together.
    pub fn batch(&self) -> usize {
        usize::try_from(self.manifest.batch).unwrap_or(usize::MAX)
    }

    /// What distinguishes the set of files: all members have to use the same.
    pub(crate) fn mode(&self) -> String {
        format!("the correlations {} that were dealt ahead", crate::report::hex(&self.manifest.id[..8]))
    }

    fn fail(&self, reason: impl std::fmt::Display) -> String {
        format!("{}: {reason}", self.path.display())
    }

    /// Makes the file useless to whoever opens it next.
    fn use_up(&mut self) -> std::io::Result<()> {
        let file = self.pieces.source.get_mut();
        let back = file.stream_position()?;
        let mut erased = [0; POINT];
        erased[..8].copy_from_slice(&now().to_le_bytes());
        // the key first: half of this is also the end of it
        file.seek(SeekFrom::Start(KEY_AT as u64))?;
        file.write_all(&erased)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(USED)?;
        file.sync_all()?;
        file.seek(SeekFrom::Start(back))?;
        Ok(())
    }
}

impl Correlations for CorrelationFile {
    fn seed(&self) -> Seed {
        Seed::from_bytes(self.manifest.seed)
    }

    fn begin(&mut self, evaluation: u64, digest: [u8; 32]) -> Result<(), String> {
        let mut before = 0;
        let dealt = self.manifest.evaluations.iter().find(|(_, times)| {
            before += times;
            evaluation <= before
        });
        match dealt {
            Some((dealt, _)) if *dealt == digest => {}
            Some(_) => {
                return Err(self.fail(format_args!(
                    "evaluation {evaluation} was dealt for another graph or batch than this one: deal again for this graph"
                )));
            }
            None => {
                return Err(
                    self.fail(format_args!("it was dealt for {before} evaluations, and this is one more"))
                );
            }
        }
        if !self.begun {
            self.use_up().map_err(|error| self.fail(format_args!("it cannot be marked as used: {error}")))?;
            self.begun = true;
        }
        Ok(())
    }

    fn next(&mut self, header: &FrameHeader) -> Result<Vec<u64>, String> {
        read_correlation(&mut |into| self.pieces.read_exact(into), header).map_err(|error| self.fail(error))
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "it says when a file was used, which a person reads and nothing rests on"
)]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn read_up_to(source: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut there = 0;
    while there < into.len() {
        match source.read(&mut into[there..])? {
            0 => break,
            more => there += more,
        }
    }
    Ok(there)
}

/// The key of a file with this header, if it is one for this member of this session.
fn check_header(
    header: &[u8],
    session: &SessionFile,
    me: &str,
    identity: &Identity,
) -> Result<LessSafeKey, FileError> {
    let refuse = |reason: String| Err(FileError::invalid(reason));
    if header.starts_with(USED) && header.len() == HEADER {
        let mut since = [0; 8];
        since.copy_from_slice(&header[KEY_AT..KEY_AT + 8]);
        let ago = now().saturating_sub(u64::from_le_bytes(since));
        return refuse(format!(
            "it was used already, {ago} s ago, and serves once: delete it, and let the dealer deal again for all members"
        ));
    }
    if !header.starts_with(MAGIC) || header.len() < HEADER {
        return refuse("it is not what `tacita dealer --ahead` writes, or was cut off".to_owned());
    }
    let version = u16::from_le_bytes([header[8], header[9]]);
    if version != VERSION {
        return refuse(format!("version {version} of correlation files; this program reads {VERSION}"));
    }
    if header[10..42] != session.hash {
        return refuse("it was dealt for another session file than this one".to_owned());
    }
    let member = usize::from(u16::from_le_bytes([header[42], header[43]]));
    let Some(whose) = session.members().nth(member).filter(|whose| whose.name != session.dealer.name) else {
        return refuse(format!("it was dealt for member {member}, and there is none"));
    };
    if whose.name != me {
        return refuse(format!("it was dealt for {}, not for {me}", whose.name));
    }
    let unusable =
        || FileError::invalid("its key cannot be found: it is damaged, or not from this session's dealer");
    let own = identity.agreement_key().ok_or_else(unusable)?;
    let (fresh, dealer) = (&header[KEY_AT..], session.dealer.certificate.point());
    let points = [dealer, whose.certificate.point()];
    key((&own, &own), (fresh, dealer), header, points).ok_or_else(unusable)
}

/// Sealed pieces, read as one stream.
struct Pieces<R> {
    source: R,
    key: LessSafeKey,
    piece: u64,
    plain: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: BufRead> Pieces<R> {
    fn new(source: R, key: LessSafeKey) -> Pieces<R> {
        Pieces { source, key, piece: 0, plain: vec![], at: 0, ended: false }
    }

    fn read_exact(&mut self, mut into: &mut [u8]) -> Result<(), String> {
        while !into.is_empty() {
            if self.at == self.plain.len() {
                self.open_next()?;
            }
            let now = into.len().min(self.plain.len() - self.at);
            into[..now].copy_from_slice(&self.plain[self.at..self.at + now]);
            self.at += now;
            into = &mut into[now..];
        }
        Ok(())
    }

    fn open_next(&mut self) -> Result<(), String> {
        if self.ended {
            return Err("it ends before all is there".to_owned());
        }
        self.plain.resize(PIECE + TAG, 0);
        self.at = 0;
        let read = read_up_to(&mut self.source, &mut self.plain).map_err(|error| error.to_string())?;
        self.plain.truncate(read);
        let last = self.source.fill_buf().map_err(|error| error.to_string())?.is_empty();
        let opened = self.key.open_in_place(nonce(self.piece, last), Aad::empty(), &mut self.plain);
        let length = opened.map_err(|_| "it is damaged, cut off, or not from this session's dealer")?.len();
        self.plain.truncate(length);
        (self.piece, self.ended) = (self.piece + 1, last);
        match length {
            0 if !last => Err("an empty piece".to_owned()),
            _ => Ok(()),
        }
    }
}

/// Fills a buffer from what is sealed in a file.
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

/// What a plan of a fuzzed file asks for first.
const WANTED: FrameHeader =
    FrameHeader { evaluation: 1, task: 3, step: 0, kind: tacita_net::FrameKind::Correction, length: 16 };

/// For [`crate::fuzzing`]: reads what is sealed in a file, a manifest and a correction.
pub(crate) fn read_contents(mut contents: &[u8]) -> Result<(), String> {
    let mut read = |into: &mut [u8]| {
        let (now, later) = contents.split_at_checked(into.len()).ok_or("it ends before all is there")?;
        into.copy_from_slice(now);
        contents = later;
        Ok(())
    };
    let manifest = read_manifest(&mut read)?;
    let encoded = Zeroizing::new(postcard::to_stdvec(&manifest).map_err(|error| error.to_string())?);
    let again: Result<Manifest, _> = postcard::from_bytes(&encoded);
    assert!(again.is_ok_and(|again| again == manifest), "a manifest that does not come back");
    assert_eq!(read_correlation(&mut read, &WANTED)?.len(), 2);
    Ok(())
}

/// For [`crate::fuzzing`]: reads a whole file, whose header is put right if so asked. Nobody can seal one without a key of
/// the session, so none is ever read to its end.
pub(crate) fn read_sealed(bytes: &[u8], header: bool) -> Result<(), String> {
    static SESSION: LazyLock<(SessionFile, Identity)> = LazyLock::new(|| {
        let make = |name: &str| Identity::create(name, 1).expect("randomness");
        let identities = ["alice", "bob", "dealer"].map(make);
        let member = |identity: &Identity| crate::session_file::SessionMember {
            name: identity.certificate().name().to_owned(),
            address: Some("192.0.2.1:7400".to_owned()),
            certificate: identity.certificate().clone(),
        };
        let [alice, bob, dealer] = identities.each_ref().map(member);
        let file = SessionFile::new(vec![alice, bob], dealer, vec![], Default::default());
        let [alice, ..] = identities;
        (file.expect("a session of three"), alice)
    });
    let (session, alice) = &*SESSION;
    let mut bytes = bytes.to_vec();
    if header && bytes.len() >= HEADER {
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
        bytes[10..42].copy_from_slice(&session.hash);
        bytes[42..44].copy_from_slice(&0_u16.to_le_bytes());
        // a point on the curve, or the key cannot be agreed on
        bytes[KEY_AT..HEADER].copy_from_slice(session.dealer.certificate.point());
    }
    let (first, sealed) = bytes.split_at(bytes.len().min(HEADER));
    let key = check_header(first, session, "alice", alice).map_err(|error| error.to_string())?;
    let mut pieces = Pieces::new(sealed, key);
    let read = read_manifest(&mut |into| pieces.read_exact(into)).map(drop);
    assert!(read.is_err(), "a file that nobody sealed was read");
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of any length come back, and every change of a byte, and every cut, is noticed.
    #[test]
    fn what_is_sealed_comes_back_and_nothing_else_does() {
        let key = || LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 9] {
            let plain: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let folder = tempfile::tempdir().unwrap();
            let file = tempfile::NamedTempFile::new_in(&folder).unwrap();
            let path = folder.path().join("f");
            let mut writer = Writer { path, file, key: key(), piece: 0, plain: vec![], written: 0 };
            plain.chunks(1000).for_each(|part| writer.put(part).unwrap());
            let (file, _, written) = writer.finish().unwrap();
            let sealed = std::fs::read(file.path()).unwrap();
            assert_eq!(sealed.len() as u64, written);
            let read = |sealed: &[u8]| -> Result<Vec<u8>, String> {
                let (mut pieces, mut got) = (Pieces::new(sealed, key()), vec![0; length]);
                pieces.read_exact(&mut got)?;
                match pieces.read_exact(&mut [0]) {
                    Err(end) if end.contains("ends before") => Ok(got),
                    other => Err(format!("{other:?}")),
                }
            };
            assert_eq!(read(&sealed), Ok(plain), "{length}");
            for at in [0, sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(read(&changed).is_err(), "byte {at} of {length}");
                assert!(read(&sealed[..at]).is_err(), "cut at {at} of {length}");
            }
            assert!(read(&[&sealed[..], &[0]].concat()).is_err(), "one byte more than {length}");
        }
    }
}
