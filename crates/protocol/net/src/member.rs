//! The numbering of a session's members.

use std::fmt;

/// The index of a session member. Computing parties are 0..P, the trusted dealer is P; further members may follow.
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
