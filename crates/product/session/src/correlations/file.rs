//! A member's side: it opens its file, marks it used, and takes corrections from it.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use tacita_identity::encrypted_file::{Decryption, ENCAPSULATED, EncryptedReader, read_up_to};
use tacita_identity::{FileError, Identity, SessionFile};
use tacita_mpc::Provider;
use tacita_net::FrameHeader;
use tacita_ring::Seed;
use zeroize::Zeroizing;

use super::{HEADER, KEY_AT, MAGIC, Manifest, PURPOSE, USED, VERSION, read_correlation, read_manifest};
use crate::error::Error;

/// A member's file, open and not yet used.
pub struct CorrelationFile {
    path: PathBuf,
    manifest: Manifest,
    content: EncryptedReader<BufReader<File>>,
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
        let mut content = key.reader(BufReader::with_capacity(1 << 20, file));
        let manifest = read_manifest(&mut |into| content.read_exact(into))
            .map_err(|reason| FileError::invalid(reason).of(path))?;
        Ok(CorrelationFile { path: path.into(), manifest, content, begun: false })
    }

    /// How many samples it was dealt for.
    pub fn samples(&self) -> usize {
        usize::try_from(self.manifest.samples).unwrap_or(usize::MAX)
    }

    /// How many of them are evaluated together.
    pub fn batch(&self) -> usize {
        usize::try_from(self.manifest.batch).unwrap_or(usize::MAX)
    }

    /// The name of the set of files: all members have to use the same set.
    pub(crate) fn mode(&self) -> String {
        format!("the correlations {} that were dealt ahead", tacita_identity::hex(&self.manifest.id[..8]))
    }

    fn fail(&self, reason: impl std::fmt::Display) -> String {
        format!("{}: {reason}", self.path.display())
    }

    /// Makes the file useless to whoever opens it next.
    fn use_up(&mut self) -> std::io::Result<()> {
        let file = self.content.source.get_mut();
        let back = file.stream_position()?;
        let mut erased = [0; ENCAPSULATED];
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

impl Provider for CorrelationFile {
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
        read_correlation(&mut |into| self.content.read_exact(into), header).map_err(|error| self.fail(error))
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

/// The key of a file with this header, if it is one for this member of this session.
fn check_header(
    header: &[u8],
    session: &SessionFile,
    me: &str,
    identity: &Identity,
) -> Result<Decryption, FileError> {
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
    let own = identity.file_key().ok_or_else(unusable)?;
    let (clear, encapsulated) = header.split_at(KEY_AT);
    let info = [PURPOSE, clear].concat();
    Decryption::new(&own, session.dealer.certificate.point(), encapsulated, &info).map_err(|_| unusable())
}

/// The first correction that the plan of a fuzzed file asks for.
const WANTED: FrameHeader =
    FrameHeader { evaluation: 1, task: 3, step: 0, kind: tacita_net::FrameKind::Correction, length: 16 };

/// For [`crate::fuzzing`]: reads the plaintext of a file, a manifest and a correction.
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

/// For [`crate::fuzzing`]: reads a whole file, whose header is put right if so asked. Nobody can encrypt one without a key of
/// the session, so none is ever read to its end.
pub(crate) fn read_encrypted(bytes: &[u8], header: bool) -> Result<(), String> {
    static SESSION: LazyLock<(SessionFile, Identity)> = LazyLock::new(|| {
        let make = |name: &str| Identity::create(name, 1).expect("randomness");
        let identities = ["alice", "bob", "dealer"].map(make);
        let member = |identity: &Identity| tacita_identity::SessionMember {
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
    let (first, encrypted) = bytes.split_at(bytes.len().min(HEADER));
    let key = check_header(first, session, "alice", alice).map_err(|error| error.to_string())?;
    let mut content = key.reader(encrypted);
    let read = read_manifest(&mut |into| content.read_exact(into)).map(drop);
    assert!(read.is_err(), "a file that nobody encrypted was read");
    read
}
