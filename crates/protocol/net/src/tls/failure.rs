//! The reasons why a connection fails, in words for an operator.

use rustls::{AlertDescription, CertificateError, Error};

/// The reason why a connection was not made.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The network failed, or the other end closed too early: a later attempt may succeed.
    Lost(String),
    /// The other end is not the expected member, or does not speak our protocol.
    Wrong(String),
}

/// Explains an error of TLS to the operator of a member.
pub(super) fn explain(error: &Error) -> String {
    let meaning = match error {
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "it showed another certificate than the session's"
        }
        Error::InvalidCertificate(CertificateError::BadSignature) => "it has not the key of its certificate",
        Error::NoCertificatesPresented => "it showed no certificate",
        Error::AlertReceived(AlertDescription::AccessDenied) => {
            "it refused this member's certificate, which is another than the session's"
        }
        Error::AlertReceived(AlertDescription::DecryptError) => {
            "it refused this member's key, which is not its certificate's"
        }
        Error::PeerIncompatible(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "it does not speak TLS 1.3"
        }
        Error::InvalidMessage(_) => "it does not speak TLS",
        _ => return error.to_string(),
    };
    format!("{meaning} ({error})")
}
