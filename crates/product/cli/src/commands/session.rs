//! `tacita session new` and `tacita session show`.

use serde::Serialize;
use tacita::{Certificate, SessionFile, SessionMember, SessionSettings};

use crate::arguments::{MemberArgument, SessionCommand, SessionNewArguments, SessionShowArguments};
use crate::failure::Failure;
use crate::fingerprint::{day, short};
use crate::print::{Answer, json};
use crate::tables::{rendered, table, words};
use crate::{files, ports};

/// A certificate that expires sooner than this, in seconds, is worth a word.
const SOON: i64 = 30 * 86_400;

/// Writes or shows.
pub fn run(command: &SessionCommand) -> Result<Answer, Failure> {
    match command {
        SessionCommand::New(arguments) => new(arguments),
        SessionCommand::Show(arguments) => show(arguments),
    }
}

fn new(arguments: &SessionNewArguments) -> Result<Answer, Failure> {
    let SessionNewArguments { parties, dealer, owners, precision, timeout, connect_timeout, output } =
        arguments;
    check_addresses(parties, owners)?;
    let members = |given: &[MemberArgument]| given.iter().map(member).collect::<Result<Vec<_>, _>>();
    let settings = SessionSettings {
        precision_bits: precision.bits.into(),
        timeout: *timeout,
        connect_timeout: *connect_timeout,
        ..SessionSettings::default()
    };
    let file = SessionFile::new(members(parties)?, member(dealer)?, members(owners)?, settings)?;
    files::write_new(output, file.text.as_bytes())?;
    let shown = shown(&file);
    let text = format!(
        "{}\n{}: send it to every member; each runs `tacita session show` on it\n",
        text(&shown),
        output.display()
    );
    Ok(Answer { text, json: json(&shown) })
}

fn show(arguments: &SessionShowArguments) -> Result<Answer, Failure> {
    let shown = shown(&SessionFile::read(&arguments.file)?);
    Ok(Answer { text: text(&shown), json: json(&shown) })
}

/// Everybody whom a later member dials needs an address.
fn check_addresses(parties: &[MemberArgument], owners: &[MemberArgument]) -> Result<(), Failure> {
    let parties = parties.iter().map(|party| (party, "--party"));
    let all: Vec<(&MemberArgument, &str)> =
        parties.chain(owners.iter().map(|owner| (owner, "--owner"))).collect();
    for (index, (MemberArgument { name, certificate, address }, option)) in all.iter().enumerate() {
        if address.is_none() && ports::is_dialled(index, all.len()) {
            let (last, certificate) = (&all[all.len() - 1].0.name, certificate.display());
            return Err(Failure::usage(format!(
                "{name} has no address, and later members dial it; only the last, {last}, needs none: give \
                 {option} {name}={certificate}@HOST:PORT"
            )));
        }
    }
    Ok(())
}

fn member(given: &MemberArgument) -> Result<SessionMember, Failure> {
    let path = &given.certificate;
    let certificate = Certificate::read(path).map_err(|error| {
        let mut failure = Failure::from(error).about(path);
        // `bob=bob.crt@host`, say
        if !path.exists() && path.to_string_lossy().contains('@') {
            failure.message += "; an address needs a port, HOST:PORT";
        }
        failure
    })?;
    Ok(SessionMember { name: given.name.clone(), address: given.address.clone(), certificate })
}

/// What a session file says, as `--json` has it.
#[derive(Serialize)]
struct Shown {
    fingerprint: String,
    hash: String,
    precision_bits: u32,
    timeout_seconds: f64,
    connect_timeout_seconds: f64,
    silence_seconds: f64,
    members: Vec<ShownMember>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct ShownMember {
    name: String,
    role: &'static str,
    address: Option<String>,
    certificate: ShownCertificate,
}

#[derive(Serialize)]
struct ShownCertificate {
    name: String,
    fingerprint: String,
    sha256: String,
    valid_from: String,
    expires: String,
}

fn shown(file: &SessionFile) -> Shown {
    let parties = file.parties.iter().map(|member| (member, "party"));
    let others =
        [(&file.dealer, "dealer")].into_iter().chain(file.owners.iter().map(|member| (member, "owner")));
    let all: Vec<(&SessionMember, &'static str)> = parties.chain(others).collect();
    let unreachable = file.dealer.address.is_none().then(|| {
        "the dealer has no address: it can only deal ahead, into files (`tacita dealer --ahead`)".to_owned()
    });
    Shown {
        fingerprint: short(&file.hash),
        hash: tacita::hex(&file.hash),
        precision_bits: file.precision_bits,
        timeout_seconds: file.timeout.as_secs_f64(),
        connect_timeout_seconds: file.connect_timeout.as_secs_f64(),
        silence_seconds: file.silence.as_secs_f64(),
        notes: all.iter().filter_map(|(member, _)| note(member)).chain(unreachable).collect(),
        members: all.iter().map(|(member, role)| shown_member(member, role)).collect(),
    }
}

fn shown_member(member: &SessionMember, role: &'static str) -> ShownMember {
    let certificate = &member.certificate;
    let hash = certificate.sha256();
    ShownMember {
        name: member.name.clone(),
        role,
        address: member.address.clone(),
        certificate: ShownCertificate {
            // its maker chose it, and may have put a terminal's commands into it
            name: certificate.name().escape_debug().to_string(),
            fingerprint: short(&hash),
            sha256: tacita::hex(&hash),
            valid_from: day(certificate.not_before()),
            expires: day(certificate.not_after()),
        },
    }
}

/// What is wrong with a certificate, or will be soon.
#[expect(clippy::disallowed_methods, reason = "a certificate's dates are of the wall clock")]
fn note(member: &SessionMember) -> Option<String> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = i64::try_from(now.as_secs()).ok()?;
    let certificate = &member.certificate;
    let (from, until) = (certificate.not_before(), certificate.not_after());
    let said = match () {
        () if now < from => format!("is valid from {} only: check this machine's clock", day(from)),
        () if now > until => {
            format!("expired on {}: a new one and a new session file are needed", day(until))
        }
        () if until - now < SOON => format!("expires on {}", day(until)),
        () => return None,
    };
    Some(format!("{}'s certificate {said}", member.name))
}

fn text(shown: &Shown) -> String {
    let mut members =
        table(&["member", "role", "address", "certificate", "fingerprint", "expires"].map(words));
    for ShownMember { name, role, address, certificate } in &shown.members {
        members.add_row([
            name,
            *role,
            address.as_deref().unwrap_or("none"),
            &certificate.name,
            &certificate.fingerprint,
            &certificate.expires,
        ]);
    }
    let mut text = format!(
        "session   {}   the same at every member: compare it by telephone\n\
         hash      {}\n\
         precision {} fractional bits\n\
         waits     {} s in a step, {} s to connect; a member silent for {} s is lost\n\n{}\n",
        shown.fingerprint,
        shown.hash,
        shown.precision_bits,
        shown.timeout_seconds,
        shown.connect_timeout_seconds,
        shown.silence_seconds,
        rendered(&members)
    );
    for note in &shown.notes {
        text += &format!("note: {note}\n");
    }
    text
}
