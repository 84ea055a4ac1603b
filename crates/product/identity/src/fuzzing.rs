//! What holds for any bytes of a session file, a certificate or a key. The fuzz targets and the replay of their corpora call
//! these functions, and nothing else does: a failed assertion is a fault in this crate.

use std::sync::LazyLock;

use crate::certificate::Certificate;
use crate::identity::Identity;
use crate::session_file::{SessionFile, SessionSettings};

/// What is shown to people is a line without control characters, which terminals would obey.
fn assert_line(error: &dyn std::fmt::Display) {
    let text = error.to_string();
    assert!(!text.contains(char::is_control), "not one line: {text:?}");
}

/// A session file has its bytes and their hash, and can be written anew with the same members and settings.
pub fn session_file(bytes: &[u8]) {
    let file = match SessionFile::parse(bytes) {
        Ok(file) => file,
        Err(error) => return assert_line(&error),
    };
    assert!(file.text.as_bytes() == bytes && file.hash == *blake3::hash(bytes).as_bytes());
    let roster = file.roster();
    assert!(roster.terms == bytes && roster.members.len() == file.members().count());
    let settings = SessionSettings {
        precision_bits: file.precision_bits,
        timeout: file.timeout,
        connect_timeout: file.connect_timeout,
        silence: file.silence,
    };
    let SessionFile { parties, dealer, owners, .. } = file.clone();
    match SessionFile::new(parties, dealer, owners, settings) {
        Ok(again) => {
            let put_back = SessionFile { text: file.text.clone(), hash: file.hash, ..again };
            assert_eq!(put_back, file);
        }
        // its certificates may have been in fewer bytes than we write them in
        Err(error) => assert!(bytes.len() > 1 << 14, "{error}"),
    }
}

/// A certificate in PEM or DER, or a key beside its certificate, as the first byte says (0, 1, 2 modulo 3). A certificate
/// comes back from what it is written as; a key that is taken can be used, or links say in a line why not.
pub fn credentials(bytes: &[u8]) {
    static OTHER: LazyLock<Certificate> =
        LazyLock::new(|| Identity::create("alice", 1).expect("randomness").certificate().clone());
    let Some((&choice, text)) = bytes.split_first() else { return };
    let read = match choice % 3 {
        1 => Certificate::from_der(text),
        _ => Certificate::from_pem(text),
    };
    match &read {
        Ok(certificate) => {
            assert_eq!(
                &Certificate::from_pem(certificate.to_pem().as_bytes()).expect("our own PEM"),
                certificate
            );
            assert!(choice % 3 != 1 || certificate.der() == text);
            tacita_net::fuzzing::certificate_dates(certificate.der());
            assert_line(&format!("{certificate:?}"));
        }
        Err(error) => assert_line(error),
    }
    if choice % 3 == 2 {
        let certificate = read.unwrap_or_else(|_| OTHER.clone());
        match Identity::from_parts(certificate, text) {
            // rustls is stricter about what else is in a certificate
            Ok(identity) => identity.for_links().map_or_else(|error| assert_line(&error), drop),
            Err(error) => assert_line(&error),
        }
    }
}
