//! Links over TCP and TLS between members in one process.

use std::thread;

use crate::connect::connect_on;
use crate::gather::listen;
use crate::tls::Identity;
use crate::{Endpoint, Limits, MemberId, NetError, Peer, Roster};

/// Endpoints of a session whose members live in this process, in order of `names`, linked over TCP on 127.0.0.1
/// and TLS 1.3, as members on several machines are. The keys and certificates are created in memory, used at both ends
/// of every connection and never written anywhere; each member accepts exactly its peers' certificates.
///
/// # Errors
/// [`System`](NetError::System) if no port or thread is available, [`Handshake`](NetError::Handshake) and
/// [`Timeout`](NetError::Timeout) if the members do not connect in [`Limits::connect`].
pub fn loopback(names: &[&str], limits: &Limits) -> Result<Vec<Endpoint>, NetError> {
    let (mut members, mut ends) = (vec![], vec![]);
    for name in names {
        let (identity, listener) = (Identity::ephemeral()?, listen("127.0.0.1:0")?);
        let address = listener.local_addr().map_err(|error| NetError::System {
            doing: "listening on 127.0.0.1".to_owned(),
            cause: error.to_string(),
        })?;
        let certificate = identity.certificate().to_vec();
        members.push(Peer { name: (*name).to_owned(), address: Some(address.to_string()), certificate });
        ends.push((identity, listener));
    }
    let dealer = MemberId::at(names.len().saturating_sub(1));
    let roster = Roster { members, dealer, absent: None, terms: vec![], mode: "loopback".to_owned() };
    thread::scope(|scope| {
        let roster = &roster;
        let joining: Vec<_> = ends
            .into_iter()
            .enumerate()
            .map(|(me, (identity, listener))| {
                scope.spawn(move || connect_on(roster, MemberId::at(me), &identity, Some(listener), limits))
            })
            .collect();
        let joined = joining.into_iter().map(|joining| joining.join());
        joined.map(|joined| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}
