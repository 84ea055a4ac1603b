//! How a local session runs.

use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;

/// The links between members of a local session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// Pointers within the process.
    Memory,
    /// TCP on this machine, TLS 1.3.
    Loopback,
    /// Memory links on which every directed link has this latency and rate.
    Shaped {
        /// One-way latency in milliseconds.
        latency_ms: f64,
        /// Megabits a second.
        mbit: f64,
    },
}

impl FromStr for Link {
    type Err = Error;

    fn from_str(text: &str) -> Result<Link, Error> {
        let refuse = || Error::Usage(format!("link {text:?} is none of memory, loopback, LATENCY_MS,MBIT"));
        match text {
            "memory" => Ok(Link::Memory),
            "loopback" => Ok(Link::Loopback),
            _ => {
                let (latency, rate) = text.split_once(',').ok_or_else(refuse)?;
                let parse = |part: &str| part.trim().parse::<f64>().map_err(|_| refuse());
                let (latency_ms, mbit) = (parse(latency)?, parse(rate)?);
                let sane = (0.0..=60_000.0).contains(&latency_ms) && mbit.is_finite() && mbit >= 0.001;
                if sane { Ok(Link::Shaped { latency_ms, mbit }) } else { Err(refuse()) }
            }
        }
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Link::Memory => f.write_str("memory"),
            Link::Loopback => f.write_str("loopback"),
            Link::Shaped { latency_ms, mbit } => write!(f, "{latency_ms},{mbit}"),
        }
    }
}

/// Settings of a local session.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Computing parties, 2 to 16; the dealer comes in addition.
    pub parties: usize,
    /// Members that own inputs or receive results and compute nothing.
    pub data_owners: Vec<String>,
    /// Threads of each party.
    pub threads: usize,
    /// Threads of the dealer, which computes while the parties wait for it.
    pub dealer_threads: usize,
    /// Their links.
    pub link: Link,
    /// Fractional bits of fixed-point values, 4 to 24.
    pub precision: u32,
    /// Bytes of corrections that the dealer may be ahead of each party.
    pub dealer_ahead: usize,
    /// Longest wait for a peer in one step.
    pub timeout: Duration,
    /// For tests: replaces every seed that members draw. **Nothing is private then**, as whoever knows it knows all masks.
    pub insecure_fixed_seed: Option<[u8; 32]>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            parties: 2,
            data_owners: vec![],
            threads: 1,
            dealer_threads: 1,
            link: Link::Loopback,
            precision: 16,
            dealer_ahead: 64 << 20,
            timeout: Duration::from_secs(120),
            insecure_fixed_seed: None,
        }
    }
}

impl Options {
    /// Refuses what no session can run with.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the option.
    pub fn check(&self) -> Result<(), Error> {
        if !(2..=PARTY_NAMES.len()).contains(&self.parties) {
            let most = PARTY_NAMES.len();
            return Err(Error::Usage(format!("{} parties: a local session has 2 to {most}", self.parties)));
        }
        let mut names = self.party_names();
        names.push("dealer".to_owned());
        for owner in &self.data_owners {
            tacita_identity::check_name(owner)?;
            if names.contains(owner) {
                return Err(Error::Usage(format!("two members are called {owner}: names have to differ")));
            }
            names.push(owner.clone());
        }
        for (threads, whose) in [(self.threads, "a party"), (self.dealer_threads, "for the dealer")] {
            if !(1..=256).contains(&threads) {
                return Err(Error::Usage(format!("{threads} threads {whose}: 1 to 256 can be used")));
            }
        }
        if !tacita_graph::PRECISIONS.contains(&self.precision) {
            let (least, most) = (tacita_graph::PRECISIONS.start(), tacita_graph::PRECISIONS.end());
            let reason = format!("{least} to {most} leave room for a product");
            return Err(Error::Usage(format!("{} fractional bits: {reason}", self.precision)));
        }
        Ok(())
    }

    /// Bits of the integer part that can be represented: |x| < 2^range_bits.
    pub fn range_bits(&self) -> u32 {
        62 - 2 * self.precision
    }

    /// The computing parties' names.
    pub fn party_names(&self) -> Vec<String> {
        PARTY_NAMES[..self.parties].iter().map(|name| (*name).to_owned()).collect()
    }
}

/// Names of local parties, in order.
const PARTY_NAMES: [&str; 16] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "mike", "niaj",
    "olivia", "peggy", "rupert", "sybil",
];
