//! What precedes a session: keys, certificates, the session file.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};

use super::local::PrecisionArguments;
use super::member::MemberArgument;
use super::values::{member_name, seconds};

/// Make a key and a certificate for one member
///
/// Run it on the member's own machine. NAME.key stays there, readable by you alone; NAME.crt is public and goes to
/// whoever writes the session file. The name is what the member is called in sessions. Nothing is overwritten: a new
/// certificate needs a new session file at every member.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita identity alice
  tacita identity dealer --out /etc/tacita --days 365

Tell the others the certificate's short fingerprint by telephone, or in any way that whoever could replace the file
on its way does not control.")]
pub struct IdentityArguments {
    /// The member's name: lower-case letters, digits, - and _, at most 32
    pub name: String,
    /// The folder to write NAME.key and NAME.crt into
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Days until the certificate expires
    #[arg(long, value_name = "N", default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: u32,
}

/// Write or show the session file: who takes part, where they listen, their certificates
///
/// The file has no secrets. It must be the same at every member, byte for byte: a hash of it is compared when members
/// connect, and everything that could make them disagree is in it.
#[derive(Debug, Subcommand)]
#[command(arg_required_else_help = true)]
#[command(after_help = "\
Examples:
  tacita session new --party alice=alice.crt@alice.example:7400 --party bob=bob.crt \\
                     --dealer dealer=dealer.crt@dealer.example:7400 -o session.toml
  tacita session show session.toml")]
pub enum SessionCommand {
    New(SessionNewArguments),
    Show(SessionShowArguments),
}

/// Write a session file from the members' certificates
///
/// One person writes it and sends it to all; each checks it with `tacita session show`. Computing parties are members
/// in the order given, then the dealer, then owners, who give data or receive results and do not compute. The dealer
/// dials nobody; of two others, the later dials the earlier. So everybody needs an address except the very last, who
/// may be behind a firewall that lets nobody in.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita session new --party alice=alice.crt@alice.example:7400 --party bob=bob.crt \\
                     --dealer dealer=dealer.crt@dealer.example:7400 -o session.toml
  tacita session new --party p1=p1.crt@10.0.0.1:7400 --party p2=p2.crt@10.0.0.2:7400 \\
                     --dealer dealer=dealer.crt@10.0.0.3:7400 --owner clinic=clinic.crt -o session.toml")]
pub struct SessionNewArguments {
    /// A computing party, its certificate and its address; 2 to 16 of them, in their order
    #[arg(long = "party", value_name = "NAME=CRT[@HOST:PORT]", required = true)]
    pub parties: Vec<MemberArgument>,
    /// The dealer, its certificate and its address; without one it can only deal ahead, into files
    #[arg(long, value_name = "NAME=CRT[@HOST:PORT]")]
    pub dealer: MemberArgument,
    /// Someone who gives data or receives results and does not compute; may be repeated
    #[arg(long = "owner", value_name = "NAME=CRT[@HOST:PORT]")]
    pub owners: Vec<MemberArgument>,
    #[command(flatten)]
    pub precision: PrecisionArguments,
    /// Seconds that a member waits for another in one step before it gives up
    #[arg(long, value_name = "S", default_value = "120", value_parser = seconds)]
    pub timeout: Duration,
    /// Seconds that a member waits for all the others to come
    #[arg(long, value_name = "S", default_value = "60", value_parser = seconds)]
    pub connect_timeout: Duration,
    /// The file to write
    #[arg(short, long, value_name = "SESSION.toml", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
}

/// Show what a session file says: members, addresses, fingerprints, dates, the file's hash
///
/// Run it at every member and compare the session's short fingerprint by telephone: if it is the same, then the whole
/// file is, with all certificates. Fingerprints are SHA-256, of a certificate the one that
/// `openssl x509 -fingerprint -sha256` prints.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita session show session.toml
  tacita session show session.toml --json")]
pub struct SessionShowArguments {
    /// The file that `session new` wrote
    #[arg(value_name = "SESSION.toml", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// Make all keys and a session file on one machine, to try sessions out
///
/// Whoever can read the folder holds every key, so nothing that is computed with it is private: it is for learning and
/// for tests. In earnest each member runs `tacita identity` on its own machine and `tacita session new` puts the
/// certificates together.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tacita init try --insecure-all-keys-here --parties alice,bob
  tacita init try --insecure-all-keys-here --parties p1,p2 --owners clinic,lab --base-port 9000")]
pub struct InitArguments {
    /// The folder to make
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Says that you know that all keys in one place protect nothing
    #[arg(long)]
    pub insecure_all_keys_here: bool,
    /// The computing parties, by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "alice,bob", value_parser = member_name)]
    pub parties: Vec<String>,
    /// Members that give data or receive results and do not compute, by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = member_name)]
    pub owners: Vec<String>,
    /// The address of this machine
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub host: String,
    /// The first port to try; those in use are passed over
    #[arg(long, value_name = "PORT", default_value_t = 7400, value_parser = clap::value_parser!(u16).range(1..))]
    pub base_port: u16,
    #[command(flatten)]
    pub precision: PrecisionArguments,
}
