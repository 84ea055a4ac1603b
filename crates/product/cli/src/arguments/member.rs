//! `NAME=CERTIFICATE@HOST:PORT`: a member as `session new` is told of it.

use std::path::PathBuf;
use std::str::FromStr;

/// A member's name, where its certificate lies, where it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberArgument {
    /// Its name in the session.
    pub name: String,
    /// The file of its certificate.
    pub certificate: PathBuf,
    /// `HOST:PORT`; none if nobody dials it.
    pub address: Option<String>,
}

impl FromStr for MemberArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<MemberArgument, String> {
        let form = "a member is NAME=CERTIFICATE@HOST:PORT, as in alice=alice.crt@alice.example:7400";
        let (name, rest) = text.split_once('=').ok_or(form)?;
        // a file's name may have an @; what follows the last one is an address if it has a port and names no folder
        let (certificate, address) = match rest.rsplit_once('@') {
            Some((file, address)) if address.contains(':') && !address.contains(['/', '\\']) => {
                (file, Some(address.to_owned()))
            }
            _ => (rest, None),
        };
        if name.is_empty() || certificate.is_empty() || address.as_deref().is_some_and(|a| a.starts_with(':'))
        {
            return Err(form.to_owned());
        }
        Ok(MemberArgument { name: name.to_owned(), certificate: certificate.into(), address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(String, String, Option<String>)> {
        let member: MemberArgument = text.parse().ok()?;
        Some((member.name, member.certificate.display().to_string(), member.address))
    }

    #[test]
    fn the_address_is_what_follows_the_last_at_with_a_port() {
        let is = |text: &str, name: &str, certificate: &str, address: Option<&str>| {
            assert_eq!(
                parts(text),
                Some((name.into(), certificate.into(), address.map(Into::into))),
                "{text}"
            );
        };
        is("alice=alice.crt@host:7400", "alice", "alice.crt", Some("host:7400"));
        is("alice=a=b.crt@[::1]:7400", "alice", "a=b.crt", Some("[::1]:7400"));
        is("bob=bob.crt", "bob", "bob.crt", None);
        is("bob=bob@home.crt", "bob", "bob@home.crt", None);
        is("bob=me@home:old/bob.crt", "bob", "me@home:old/bob.crt", None);
        is("bob=bob@home.crt@10.0.0.2:1", "bob", "bob@home.crt", Some("10.0.0.2:1"));
        for wrong in
            ["", "alice", "alice.crt@host:7400", "=a.crt", "alice=", "alice=@host:1", "alice=a.crt@:1"]
        {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
