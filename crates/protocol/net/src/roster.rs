//! The members of a session across machines: names, addresses, certificates, and the terms that all must have agreed
//! on.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;

use crate::{MemberId, NetError};

/// One member as the others see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// `host:port`, resolved when it is dialled. A member that nobody dials needs none.
    pub address: Option<String>,
    /// Its certificate in DER. No other certificate is accepted.
    pub certificate: Vec<u8>,
}

/// The members of a session, the same at each of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roster {
    /// By [`MemberId`].
    pub members: Vec<Peer>,
    /// The trusted dealer, which never dials.
    pub dealer: MemberId,
    /// A listed member that does not take part: the dealer, if correlations come from files.
    pub absent: Option<MemberId>,
    /// The terms that all members agreed on before, byte for byte: the session file. At most 64 KiB.
    pub terms: Vec<u8>,
    /// A short description of the run, which must be equal at all members: the correlations used.
    pub mode: String,
}

impl Roster {
    /// Whether `from` dials `to`. The dealer never dials; otherwise the later member dials the earlier. So a daemon
    /// only listens, and the last member needs no open port.
    pub fn dials(&self, from: MemberId, to: MemberId) -> bool {
        from != to && from != self.dealer && (to == self.dealer || from > to)
    }

    /// All participating members except one.
    pub(crate) fn peers(&self, me: MemberId) -> impl Iterator<Item = MemberId> + '_ {
        let all = (0..self.members.len()).map(MemberId::at);
        all.filter(move |peer| *peer != me && Some(*peer) != self.absent)
    }

    pub(crate) fn peer(&self, member: MemberId) -> &Peer {
        &self.members[member.index()]
    }

    /// Refuses a session if a peer's certificate is outside its validity period: that peer cannot connect.
    pub(crate) fn check_peers(&self, me: MemberId) -> Result<(), NetError> {
        self.peers(me).map(|peer| self.peer(peer)).try_for_each(|peer| {
            check_dates(&peer.certificate)
                .map_err(|cause| NetError::Certificate { peer: peer.name.clone(), cause })
        })
    }

    pub(crate) fn certificates(&self) -> Vec<CertificateDer<'static>> {
        self.members.iter().map(|member| CertificateDer::from(member.certificate.clone())).collect()
    }
}

/// Refuses a certificate outside its validity period. Only this check uses the wall clock; all other times come from a
/// monotonic clock.
#[expect(clippy::disallowed_methods, reason = "a certificate's dates are of the wall clock")]
pub(crate) fn check_dates(certificate: &[u8]) -> Result<(), String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|_| "its certificate cannot be read".to_owned())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (validity, now) = (parsed.validity(), i64::try_from(now).unwrap_or(i64::MAX));
    if now > validity.not_after.timestamp() {
        return Err(format!("its certificate expired on {}: make a new one", validity.not_after));
    }
    if now < validity.not_before.timestamp() {
        let from = validity.not_before;
        return Err(format!(
            "its certificate is valid only from {from}: set this machine's clock, or make a new one"
        ));
    }
    Ok(())
}
