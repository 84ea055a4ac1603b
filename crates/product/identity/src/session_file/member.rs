//! What a session file takes as a member's name and address.

use crate::file_error::FileError;

/// What a member may be called.
const NAMES: &str = "1 to 32 lower-case letters, digits, - and _";

/// Whether a session takes this name for a member.
///
/// # Errors
/// [`FileError::Invalid`] that says what a name has.
pub fn check_name(name: &str) -> Result<(), FileError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    match (1..=32).contains(&name.len()) && name.bytes().all(fits) {
        true => Ok(()),
        false => Err(FileError::invalid(format!("{name:?} is no name of a member, which has {NAMES}"))),
    }
}

/// `host:port`, where the host is a name, an IPv4 address, or an IPv6 address in brackets.
pub(super) fn check_address(address: &str) -> Result<(), FileError> {
    let split = address.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
    let fits = match split {
        Some((host, Ok(1..))) => {
            let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            match v6 {
                Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
                None => {
                    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
                    (1..=253).contains(&host.len()) && host.bytes().all(plain)
                }
            }
        }
        _ => false,
    };
    match fits {
        true => Ok(()),
        false => Err(FileError::invalid(format!(
            "`address` {address:?} is not HOST:PORT, as alice.example:7400, 192.0.2.1:7400 or [2001:db8::1]:7400 are"
        ))),
    }
}
