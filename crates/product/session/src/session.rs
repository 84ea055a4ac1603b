//! A session: parties connected, seeds exchanged, ready to evaluate.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacita_graph::{Graph, Inputs};
use tacita_mpc::KeptValues;
use tacita_net::Interrupter;

use crate::consent::{Allowance, Consent, Provenance};
use crate::engine::Engine;
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::local_members::{LocalMembers, Progress};
use crate::local_session;
use crate::members::Members;
use crate::options::{Link, Options};
use crate::prepared::Prepared;
use crate::workspace::Workspace;

/// A session of two or more computing parties and a trusted dealer: all in this process ([`Session::local`]), or each on its
/// own machine ([`Session::connect`]), where every member runs the same program and gives its own data.
///
/// Tensors are lazy: operations build nodes of a graph and cannot fail on the network; [`Session::reveal`] and
/// [`Session::run`] compute. Several threads may use one session: evaluations take turns.
///
/// ```
/// use ndarray::arr1;
/// use tacita_session::Session;
///
/// let session = Session::local(2)?;
/// let salary = session.input("salary", "alice", &[3], arr1(&[10.0, 20.0, 30.0]))?;
/// let factor = session.input("factor", "bob", &[3], arr1(&[1.0, 0.5, -2.0]))?;
/// let total = (salary * factor).sum(&[0]);
/// let answer = session.reveal(&total, &["alice"])?.expect("alice is here");
/// assert!((answer[[]] - -40.0).abs() < 0.001);
/// # Ok::<(), tacita_session::Error>(())
/// ```
pub struct Session {
    pub(crate) members: Members,
    pub(crate) precision: u32,
    pub(crate) workspace: Arc<Workspace>,
    /// The members that live here.
    here: BTreeSet<String>,
    computing: Vec<String>,
    interrupters: Vec<Interrupter>,
    /// For one evaluation at a time.
    engine: Mutex<Engine>,
    /// Samples, and samples of a batch, that were dealt for ahead.
    pub(crate) dealt: Option<(usize, usize)>,
    /// A dealer of this process that is none of the members here; it has to outlive them.
    pub(crate) _dealer: Option<Arc<dyn Send + Sync>>,
}

impl Session {
    /// Opens a session of `parties` computing parties (alice, bob, carol, …) and a dealer in this process, connected by
    /// memory links, one thread each.
    ///
    /// # Security
    /// All roles run in this process, so nothing is protected from whoever controls it.
    ///
    /// # Errors
    /// If the number of parties is none that can compute, or a member cannot start.
    pub fn local(parties: usize) -> Result<Session, Error> {
        Session::with_options(Options { parties, link: Link::Memory, ..Options::default() })
    }

    /// Opens a local session with these settings.
    ///
    /// # Errors
    /// As [`Session::local`], and if links cannot be made.
    pub fn with_options(options: Options) -> Result<Session, Error> {
        let local = local_session::start(&options)?;
        let members = Members { parties: options.party_names(), data_owners: options.data_owners };
        Ok(Session::new(members, options.precision, local))
    }

    pub(crate) fn new(members: Members, precision: u32, local: LocalMembers) -> Session {
        let here = members.names().filter(|name| local.has(name)).map(str::to_owned).collect();
        let computing = local.computing().map(str::to_owned).collect();
        let interrupters = local.interrupters();
        let workspace = Arc::default();
        let engine = Mutex::new(Engine::new(local, members.clone()));
        Session {
            members,
            precision,
            workspace,
            here,
            computing,
            interrupters,
            engine,
            dealt: None,
            _dealer: None,
        }
    }

    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        // an evaluation that panicked has ended its members, and so the next one fails
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fractional bits of fixed-point values.
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// The computing parties, who may own inputs and receive results.
    pub fn parties(&self) -> impl Iterator<Item = &str> {
        self.members.parties.iter().map(String::as_str)
    }

    /// Members that may own inputs and receive results, and compute nothing.
    pub fn data_owners(&self) -> impl Iterator<Item = &str> {
        self.members.data_owners.iter().map(String::as_str)
    }

    /// Handles that stop this session from another thread, such as one that waits for a signal: the peers are told the cause,
    /// and whoever waits in this session gets an error.
    pub fn interrupters(&self) -> Vec<Interrupter> {
        self.interrupters.clone()
    }

    /// The reveals of its own data to others that the member here agrees to. Everything else is refused before anything is
    /// sent. A local session asks nobody: whoever runs it has everybody's data.
    pub fn consent_to(&self, consent: Consent) {
        self.engine().consent = consent;
    }

    /// Agrees to one more reveal of the own data: `NAME`, or `NAME:RECEIVER`.
    ///
    /// # Errors
    /// If the text is empty.
    pub fn allow(&self, reveal: &str) -> Result<(), Error> {
        let allowance: Allowance = reveal.parse()?;
        self.engine().consent.add(allowance);
        Ok(())
    }

    /// Sends some bytes that everybody may know to all other members but the dealer, under a topic that all of them name,
    /// and receives theirs, by name.
    ///
    /// # Errors
    /// If the session is local, or a member does not answer.
    pub fn exchange(&self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        let said = self.engine().local.exchange(topic, bytes)?;
        Ok(said
            .into_iter()
            .filter_map(|(id, bytes)| Some((self.members.name(id.index())?.to_owned(), bytes)))
            .collect())
    }

    /// The values that each computing party here keeps in shares, by party and name.
    ///
    /// # Errors
    /// If a member has ended.
    pub fn kept(&self) -> Result<BTreeMap<String, KeptValues>, Error> {
        self.engine().local.kept()
    }

    /// Gives each computing party here what it kept before. It may depend on anybody's data.
    ///
    /// # Errors
    /// If a member has ended.
    pub fn keep(&self, values: BTreeMap<String, KeptValues>) -> Result<(), Error> {
        let mut engine = self.engine();
        for name in values.values().flat_map(BTreeMap::keys) {
            engine.provenance.insert(name.clone(), Provenance::unknown());
        }
        engine.local.keep(values)
    }

    /// Samples, and samples of a batch, that correlations were dealt for ahead, if they were.
    pub fn dealt_ahead(&self) -> Option<(usize, usize)> {
        self.dealt
    }

    /// The computing parties that live here.
    pub fn computing_here(&self) -> Vec<String> {
        self.computing.clone()
    }

    /// As [`Session::exchange`]; where all members are here there is nobody to tell, and nothing is heard.
    ///
    /// # Errors
    /// As [`Session::exchange`].
    pub fn tell(&self, topic: &str, bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Error> {
        if self.is_of_several_machines() { self.exchange(topic, bytes) } else { Ok(vec![]) }
    }

    /// Whether other members than those here take part, the dealer not counted.
    pub fn is_of_several_machines(&self) -> bool {
        self.members.names().any(|name| !self.here.contains(name))
    }

    /// Whether a member lives here.
    pub fn is_here(&self, name: &str) -> bool {
        self.here.contains(name)
    }

    /// Leaves the session and tells all others why, so that nobody takes it for a success.
    pub fn abandon(&self, cause: &str) {
        self.engine().local.abandon(cause);
    }

    /// Makes a graph with reveals ready for this session: prunes, rewrites, lowers and plans it.
    ///
    /// # Errors
    /// If the graph cannot be run privately by these parties.
    pub fn prepare(&self, graph: &Graph) -> Result<Arc<Prepared>, Error> {
        self.engine().prepare(graph, self.precision)
    }

    /// Evaluates a prepared graph; each party is given its own of the `inputs` and no other. Consent is asked for before
    /// anything is sent: see [`Session::consent_to`].
    ///
    /// # Errors
    /// If consent is missing, an input is missing, out of range or not a number, a parameter has another value than before, or
    /// the protocol fails. The session cannot be used after an error of the protocol.
    pub fn evaluate(
        &self,
        prepared: &Arc<Prepared>,
        inputs: &Inputs,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Evaluation, Error> {
        self.engine().evaluate(prepared, inputs, progress)
    }
}
