//! A session whose members are on different machines.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tacita_identity::{Identity, SessionFile};
use tacita_mpc::{Config, Provider};
use tacita_net::{Limits, MemberId, Roster};

use crate::consent::Consent;
use crate::correlations::CorrelationFile;
use crate::error::Error;
use crate::local_members::{LocalMembers, Member};
use crate::members::Members;
use crate::session::Session;

/// Bytes of corrections that a dealer may be ahead of each party.
const DEALER_AHEAD: usize = 64 << 20;
/// A member tells this often, in parts of the time after which it counts as silent, that it is alive.
const HEARTBEATS: u32 = 5;

/// Settings that a member chooses for itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectOptions {
    /// Where to listen, if not at the member's address in the session file.
    pub listen: Option<String>,
    /// Threads of this member's kernels.
    pub threads: usize,
    /// The file that a dealer dealt ahead for this member ([`crate::deal_ahead`]): the session then has no dealer.
    pub correlations: Option<PathBuf>,
    /// The reveals of its own data to others that the member agrees to; none by default.
    pub consent: Consent,
    /// For tests: replaces every seed that this member draws. **Nothing is private then.** All members must agree on
    /// whether they have one.
    pub insecure_fixed_seed: Option<[u8; 32]>,
    /// For tests: sees where this member is, and can hold it there.
    #[doc(hidden)]
    pub watch_for_tests: WatchForTests,
}

/// Called with the places of [`tacita_mpc::Hooks::place`].
#[doc(hidden)]
#[derive(Clone, Default)]
pub struct WatchForTests(pub Option<tacita_mpc::Watch>);

impl std::fmt::Debug for WatchForTests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WatchForTests({})", if self.0.is_some() { "set" } else { "none" })
    }
}

impl PartialEq for WatchForTests {
    fn eq(&self, other: &WatchForTests) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => std::sync::Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Default for ConnectOptions {
    fn default() -> ConnectOptions {
        ConnectOptions {
            listen: None,
            threads: 1,
            correlations: None,
            consent: Consent::default(),
            insecure_fixed_seed: None,
            watch_for_tests: WatchForTests::default(),
        }
    }
}

impl Session {
    /// Joins the session that a file describes, as one of its parties or data owners. The member's key lies beside the file,
    /// as `NAME.key`.
    ///
    /// Every member has to run the same program: the same inputs, operations and reveals in the same order.
    ///
    /// # Errors
    /// If a file cannot be read, or the others cannot be reached or do not agree in the time that the file allows.
    pub fn connect(session: impl AsRef<Path>, me: &str) -> Result<Session, Error> {
        let path = session.as_ref();
        let file = SessionFile::read(path)?;
        let identity = file.identity(me, &path.with_file_name(format!("{me}.key")))?;
        Session::connect_with(&file, me, &identity, &ConnectOptions::default())
    }

    /// Joins a session with a key from elsewhere and these settings.
    ///
    /// # Errors
    /// As [`Session::connect`].
    pub fn connect_with(
        file: &SessionFile,
        me: &str,
        identity: &Identity,
        options: &ConnectOptions,
    ) -> Result<Session, Error> {
        let members = Members::of(file);
        let index = members.index(me).ok_or_else(|| {
            let who = if *me == file.dealer.name {
                "the dealer, and joins by `tacita dealer`:"
            } else {
                "no member of"
            };
            Error::Usage(format!("{me} is {who} this session, which has {}", file.names()))
        })?;
        let ahead = options.correlations.as_deref();
        let ahead = ahead.map(|path| CorrelationFile::open(path, file, me, identity)).transpose()?;
        let mut roster = file.roster();
        if let Some(ahead) = &ahead {
            (roster.absent, roster.mode) = (Some(roster.dealer), ahead.mode());
        }
        let dealt = ahead.as_ref().map(|ahead| (ahead.samples(), ahead.batch()));
        let endpoint = tacita_net::connect(
            &roster,
            MemberId(index as u16),
            &identity.for_links()?,
            options.listen.as_deref(),
            &limits(file),
        )?;
        let member = Member {
            index,
            name: me.to_owned(),
            parties: members.parties.len(),
            endpoint,
            config: config(file, options.insecure_fixed_seed, &options.watch_for_tests),
            threads: options.threads,
            // the first party sends the dealer what it needs
            recipes: index == 0 && ahead.is_none(),
            speaks: true,
            ahead: ahead.map(|ahead| Box::new(ahead) as Box<dyn Provider>),
        };
        let mut session = Session::new(members, file.precision_bits, LocalMembers::start(vec![member])?);
        session.dealt = dealt;
        session.consent_to(options.consent.clone());
        Ok(session)
    }
}

/// The limits that a session's file sets.
pub(crate) fn limits(file: &SessionFile) -> Limits {
    Limits {
        inbound: DEALER_AHEAD,
        connect: file.connect_timeout,
        silence: file.silence,
        heartbeat: (file.silence / HEARTBEATS).max(Duration::from_millis(10)),
        room_wait: file.timeout,
        ..Limits::default()
    }
}

/// A member's settings by the session's file.
pub(crate) fn config(
    file: &SessionFile,
    insecure_fixed_seed: Option<[u8; 32]>,
    watch: &WatchForTests,
) -> Config {
    let mut config = Config {
        timeout: file.timeout,
        dealer_ahead: DEALER_AHEAD,
        overlap: true,
        context: file.hash,
        ..Config::default()
    };
    config.hooks.insecure_fixed_seed = insecure_fixed_seed;
    config.hooks.place = watch.0.clone();
    config
}

/// A session's links, and which of its members the dealer is.
pub(crate) fn dealer_roster(file: &SessionFile) -> (Roster, MemberId) {
    let roster = file.roster();
    let dealer = roster.dealer;
    (roster, dealer)
}
