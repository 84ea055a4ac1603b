//! `tacita identity`.

use serde::Serialize;
use tacita::Identity;

use crate::arguments::IdentityArguments;
use crate::failure::Failure;
use crate::fingerprint::{day, short};
use crate::print::{Answer, json};

/// What is printed with `--json`.
#[derive(Serialize)]
struct Made {
    name: String,
    key: String,
    certificate: String,
    fingerprint: String,
    sha256: String,
    expires: String,
}

/// Makes a key and a certificate.
pub fn run(arguments: &IdentityArguments) -> Result<Answer, Failure> {
    let identity = Identity::create(&arguments.name, arguments.days)?;
    let (certificate, key) = identity.write(&arguments.out)?;
    let hash = identity.certificate().sha256();
    let made = Made {
        name: arguments.name.clone(),
        key: key.display().to_string(),
        certificate: certificate.display().to_string(),
        fingerprint: short(&hash),
        sha256: tacita::hex(&hash),
        expires: day(identity.certificate().not_after()),
    };
    Ok(Answer { text: text(&made), json: json(&made) })
}

fn text(made: &Made) -> String {
    let Made { name, key, certificate, fingerprint, expires, .. } = made;
    format!(
        "key          {key}: stays here; whoever has it is {name}\n\
         certificate  {certificate}: for whoever writes the session file\n\
         fingerprint  {fingerprint}\n\
         expires      {expires}\n"
    )
}
