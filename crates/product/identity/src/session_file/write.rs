//! Writes a session file, with comments for people.

use std::fmt::Write;

use super::{SessionMember, SessionSettings, VERSION};

pub(super) fn write(
    id: &[u8],
    parties: &[SessionMember],
    dealer: &SessionMember,
    owners: &[SessionMember],
    settings: &SessionSettings,
) -> String {
    let SessionSettings { precision_bits, timeout, connect_timeout, silence } = settings;
    let [timeout, connect_timeout, silence] =
        [timeout, connect_timeout, silence].map(|duration| duration.as_secs_f64());
    let id = crate::hex(id);
    let mut text = format!(
        "\
# A Tacita session: who takes part, and what all must have the same. It holds no secrets. Every member needs this very
# file, byte for byte; members whose files differ do not connect. Compare it by telephone: tacita session show.
version = {VERSION}
# Makes this file different from every other.
id = \"{id}\"
# Fractional bits of fixed-point numbers; values must stay below 2^(62 - 2 precision_bits).
precision_bits = {precision_bits}
# The longest wait for a member in one step.
timeout_seconds = {timeout}
# The longest wait until all members are there.
connect_timeout_seconds = {connect_timeout}
# A member of which nothing is heard for so long is lost.
silence_seconds = {silence}
"
    );
    let mut section = |head: &str, member: &SessionMember| {
        let SessionMember { name, address, certificate } = member;
        let address =
            address.as_ref().map(|address| format!("address = \"{address}\"\n")).unwrap_or_default();
        let certificate = certificate.to_pem();
        // writing to a String cannot fail
        let _ =
            write!(text, "\n{head}\nname = \"{name}\"\n{address}certificate = \"\"\"\n{certificate}\"\"\"\n");
    };
    let about = [
        "# Those who compute, on shares.\n",
        "# Who deals correlated randomness, and sees neither shares nor what is opened.\n",
        "# Those who give data or receive results and do not compute.\n",
    ];
    for (index, party) in parties.iter().enumerate() {
        section(&format!("{}[[party]]", if index == 0 { about[0] } else { "" }), party);
    }
    section(&format!("{}[dealer]", about[1]), dealer);
    for (index, owner) in owners.iter().enumerate() {
        section(&format!("{}[[owner]]", if index == 0 { about[2] } else { "" }), owner);
    }
    text
}
