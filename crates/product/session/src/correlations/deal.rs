//! The dealer's side: it deals for all evaluations and encrypts each member's part.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use tacita_identity::encrypted_file::{EncryptedWriter, Encryption};
use tacita_identity::{FileError, Identity, SessionFile};
use tacita_mpc::{AheadDealer, Leaves};
use tacita_net::{Frame, NetError};
use tacita_onnx::{Sizes, Template};
use zeroize::Zeroizing;

use super::{HEADER, MAGIC, Manifest, PURPOSE, VERSION};
use crate::engine::bind;
use crate::error::Error;
use crate::members::Members;
use crate::parts::Parts;
use crate::prepared::Prepared;

/// The files that dealing ahead wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealtAhead {
    /// The files, each with the member that it is for, and how long it is.
    pub files: Vec<(String, PathBuf, u64)>,
    /// Evaluations that they serve.
    pub evaluations: usize,
    /// Samples of an evaluation; the last may have fewer.
    pub batch: usize,
}

/// Deals for `samples` samples of a template at these sizes, `batch` at a time, and writes what each member needs into `base.MEMBER`,
/// encrypted for that member. All files appear, or none. `progress` is told evaluations done and in all.
///
/// # Errors
/// If the graph cannot be evaluated by this session's members or has inputs that all know, one of the files exists, or
/// cannot be written.
pub fn deal_ahead(
    file: &SessionFile,
    dealer: &Identity,
    (template, sizes): (&Template, &Sizes),
    (samples, batch): (usize, usize),
    base: &Path,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<DealtAhead, Error> {
    let members = Members::of(file);
    let parties = members.parties.len();
    let batches = batches(samples, batch);
    let mut plans = vec![];
    for &(size, times) in &batches {
        let graph = template.at(&Parts::sizes(template, sizes, size))?;
        let prepared = Prepared::new(bind(&graph)?, &members, file.precision_bits)?;
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
    tacita_identity::sync_folder(folder(path)).map_err(|error| FileError::Write { path: path.into(), error })
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A member's file as it is written, under a temporary name.
struct Writer {
    path: PathBuf,
    file: tempfile::NamedTempFile,
    content: EncryptedWriter<File>,
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
        let broken = |what: &str| Error::Internal(format!("encrypting {}: {what}", path.display()));
        let to = session.members().nth(member).ok_or_else(|| broken("no such member"))?;
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&session.hash);
        header.extend_from_slice(&(member as u16).to_le_bytes());
        let own = dealer.file_key().ok_or_else(|| broken("the dealer's key encrypts no files"))?;
        let info = [PURPOSE, &header].concat();
        let encryption = Encryption::new(&own, to.certificate.point(), &info)
            .map_err(|error| broken(&error.to_string()))?;
        header.extend_from_slice(encryption.encapsulated());
        let manifest = postcard::to_stdvec(manifest).map_err(|error| Error::Internal(error.to_string()))?;
        let manifest = Zeroizing::new(manifest);

        let write = |error| FileError::Write { path: path.clone(), error };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".tacita-").suffix(".tmp"); // of mode 0600, as all temporary files
        let file = builder.tempfile_in(folder(&path)).map_err(|error| write(error.kind().into()))?;
        // the errors of this one do not name the temporary file, which means nothing to the user
        let mut plain = file.as_file().try_clone().map_err(write)?;
        plain.write_all(&header).map_err(write)?;
        let mut content = encryption.writer(plain);
        content.put(&(manifest.len() as u32).to_le_bytes()).map_err(write)?;
        content.put(&manifest).map_err(write)?;
        Ok(Writer { path, file, content })
    }

    fn frame(&mut self, frame: &Frame) -> Result<(), FileError> {
        let put = self.content.put(&frame.header.encode());
        let put = put.and_then(|()| self.content.put(frame.payload.bytes()));
        put.map_err(|error| FileError::Write { path: self.path.clone(), error })
    }

    /// The file, where it belongs, and how long it is.
    fn finish(self) -> Result<(tempfile::NamedTempFile, PathBuf, u64), FileError> {
        let Writer { path, file, content } = self;
        let finished = content.finish().and_then(|(plain, written)| plain.sync_all().map(|()| written));
        match finished {
            Ok(written) => Ok((file, path, HEADER as u64 + written)),
            Err(error) => Err(FileError::Write { path, error }),
        }
    }
}
