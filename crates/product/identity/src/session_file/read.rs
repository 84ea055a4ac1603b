//! Reads a session file: fields first, each with its line, then what holds between members.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::member::{check_address, check_name};
use super::{MAX_BYTES, SessionFile, SessionMember, VERSION};
use crate::certificate::Certificate;
use crate::file_error::FileError;

/// The fractional bits that fixed-point values can have.
pub const PRECISIONS: std::ops::RangeInclusive<u32> = 4..=24;
/// The most computing parties.
const MAX_PARTIES: usize = 16;
/// Seconds that can be waited.
const SECONDS: std::ops::RangeInclusive<f64> = 0.1..=604_800.0;

/// Read first, so that a file of another version is told as such and not by its unknown fields.
#[derive(Deserialize)]
struct Version {
    version: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: u32,
    id: Spanned<String>,
    precision_bits: Spanned<u32>,
    timeout_seconds: Spanned<f64>,
    connect_timeout_seconds: Spanned<f64>,
    silence_seconds: Spanned<f64>,
    #[serde(default)]
    party: Vec<Member>,
    dealer: Member,
    #[serde(default)]
    owner: Vec<Member>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Member {
    name: Spanned<String>,
    address: Option<Spanned<String>>,
    certificate: Spanned<String>,
}

pub(super) fn parse(bytes: &[u8]) -> Result<SessionFile, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::invalid(format!("more than {MAX_BYTES} bytes, which no session file has")));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| FileError::invalid("not UTF-8 text").in_line(line(bytes, error.valid_up_to())))?;
    let at = |span: std::ops::Range<usize>| line(bytes, span.start);
    let refused = |error: toml::de::Error| {
        let refused = FileError::invalid(error.message().replace('\n', " "));
        match error.span() {
            // a missing field is nowhere, which toml says as everywhere
            Some(span) if span != (0..text.len()) => refused.in_line(at(span)),
            _ => refused,
        }
    };
    let version: Version = toml::from_str(text).map_err(refused)?;
    if *version.version.get_ref() != VERSION {
        let theirs = version.version.get_ref();
        let reason = format!("`version` {theirs} of session files; this program reads {VERSION}");
        return Err(FileError::invalid(reason).in_line(at(version.version.span())));
    }
    let file: File = toml::from_str(text).map_err(refused)?;
    let id = file.id.get_ref();
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let reason = "`id` is not 32 hexadecimal digits: `tacita session new` draws them";
        return Err(FileError::invalid(reason).in_line(at(file.id.span())));
    }
    if !PRECISIONS.contains(file.precision_bits.get_ref()) {
        let (least, most) = (PRECISIONS.start(), PRECISIONS.end());
        let reason =
            format!("`precision_bits` is {}: {least} to {most} can be", file.precision_bits.get_ref());
        return Err(FileError::invalid(reason).in_line(at(file.precision_bits.span())));
    }
    let seconds = |field: &str, value: &Spanned<f64>| match *value.get_ref() {
        value if SECONDS.contains(&value) => Ok(Duration::from_secs_f64(value)),
        other => {
            let (least, most) = (SECONDS.start(), SECONDS.end());
            let reason = format!("`{field}` is {other}: {least} to {most} can be waited");
            Err(FileError::invalid(reason).in_line(at(value.span())))
        }
    };
    let (parties, owners) = (file.party.len(), file.owner.len());
    if !(2..=MAX_PARTIES).contains(&parties) {
        let reason = format!("{parties} computing parties (`[[party]]`): 2 to {MAX_PARTIES} can be");
        return Err(FileError::invalid(reason));
    }
    let mut members = file
        .party
        .iter()
        .chain([&file.dealer])
        .chain(&file.owner)
        .map(|member| self::member(member, bytes))
        .collect::<Result<Vec<_>, _>>()?;
    check_together(&members, parties)?;
    let owners = members.split_off(members.len() - owners);
    let dealer = members.remove(parties);
    Ok(SessionFile {
        text: text.to_owned(),
        hash: *blake3::hash(bytes).as_bytes(),
        precision_bits: *file.precision_bits.get_ref(),
        timeout: seconds("timeout_seconds", &file.timeout_seconds)?,
        connect_timeout: seconds("connect_timeout_seconds", &file.connect_timeout_seconds)?,
        silence: seconds("silence_seconds", &file.silence_seconds)?,
        parties: members,
        dealer,
        owners,
    })
}

/// The line, counted from 1, of a position.
fn line(bytes: &[u8], position: usize) -> usize {
    1 + bytes[..position.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count()
}

fn member(member: &Member, bytes: &[u8]) -> Result<SessionMember, FileError> {
    let at = |field: &Spanned<String>| line(bytes, field.span().start);
    let name = member.name.get_ref().clone();
    check_name(&name).map_err(|error| error.in_line(at(&member.name)))?;
    let address = member.address.as_ref();
    if let Some(address) = address {
        check_address(address.get_ref()).map_err(|error| error.in_line(at(address)))?;
    }
    let certificate = Certificate::from_pem(member.certificate.get_ref().as_bytes()).map_err(|error| {
        FileError::invalid(format!("`certificate` of {name}: {error}")).in_line(at(&member.certificate))
    })?;
    Ok(SessionMember { name, address: address.map(|address| address.get_ref().clone()), certificate })
}

/// What no member breaks alone.
fn check_together(members: &[SessionMember], parties: usize) -> Result<(), FileError> {
    let (mut names, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for (index, SessionMember { name, certificate, .. }) in members.iter().enumerate() {
        if names.insert(name, index).is_some() {
            return Err(FileError::invalid(format!("two members are called {name}: names have to differ")));
        }
        if let Some(other) = keys.insert(certificate.point(), name) {
            return Err(FileError::invalid(format!(
                "the certificates of {other} and {name} are of the same key: each member makes its own, by `tacita identity`"
            )));
        }
    }
    // the dealer dials nobody; of two others the later dials the earlier
    let dialling: Vec<&SessionMember> =
        members.iter().enumerate().filter(|(index, _)| *index != parties).map(|(_, member)| member).collect();
    let Some((last, dialled)) = dialling.split_last() else { return Ok(()) };
    match dialled.iter().find(|member| member.address.is_none()) {
        None => Ok(()),
        Some(SessionMember { name, .. }) => Err(FileError::invalid(format!(
            "{name} has no `address`, and {} dials it: only the last member and a dealer that deals ahead need none",
            last.name
        ))),
    }
}
