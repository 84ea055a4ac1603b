//! Addresses of members on this machine.

use std::net::TcpListener;

use crate::failure::Failure;

/// Whether a member of a session is dialled by another, and so needs an address. Members are counted as parties, then
/// owners: of two, the later dials the earlier. The dealer, who is not counted, is dialled by all.
pub fn is_dialled(index: usize, members: usize) -> bool {
    index + 1 < members
}

/// So many ports from `base` upwards that nobody listens at on `host` now.
pub fn free(host: &str, base: u16, count: usize) -> Result<Vec<u16>, Failure> {
    // all are held until the last is found, so that none is found twice
    let mut held = Vec::new();
    let mut ports = Vec::new();
    for port in base..=u16::MAX {
        if ports.len() == count {
            break;
        }
        match TcpListener::bind((host, port)) {
            Ok(listener) => {
                held.push(listener);
                ports.push(port);
            }
            Err(error) => match error.kind() {
                std::io::ErrorKind::AddrInUse | std::io::ErrorKind::PermissionDenied => {}
                _ => {
                    let hint = "give an address of this machine with --host";
                    return Err(Failure::system(format!("{host}: cannot listen there ({error}); {hint}")));
                }
            },
        }
    }
    if ports.len() < count {
        let hint = "give a lower --base-port";
        return Err(Failure::system(format!("{host}: no {count} free ports from {base} upwards; {hint}")));
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_use_are_passed_over() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = taken.local_addr().unwrap().port();
        match free("127.0.0.1", base, 2) {
            Ok(ports) => assert!(ports[0] > base && ports[1] > ports[0], "{base} {ports:?}"),
            // the system gave one of the very last
            Err(failure) => assert!(base >= u16::MAX - 16, "{}", failure.message),
        }
        assert!(free("127.0.0.1", u16::MAX, 2).unwrap_err().message.contains("--base-port"));
        assert!(free("192.0.2.1", 7400, 1).unwrap_err().message.contains("--host"));
    }
}
