//! Who is in a session.

use std::fmt;

/// Index of a member of the session. Computing parties are 0..P, the dealer is P; members beyond may follow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MemberId(pub u16);

impl MemberId {
    /// The member's place in lists of members.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The member at a place in lists of members.
    ///
    /// # Panics
    /// If the place is above 65535; a session never has so many members.
    pub(crate) fn at(index: usize) -> Self {
        Self(u16::try_from(index).expect("a session has at most 65536 members"))
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
