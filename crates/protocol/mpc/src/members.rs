//! Members: which of them owns a value, and which of their streams add up to its mask.
//!
//! The computing parties are members 0, 1, …; the dealer is the member after them, and data owners follow.

use std::ops::Range;

use tacita_program::RingProgram;

use crate::error::{MpcError, unsupported};

/// Refuses a number of computing parties that the protocol does not take.
pub(crate) fn check_parties(parties: usize) -> Result<(), MpcError> {
    if (2..=64).contains(&parties) {
        return Ok(());
    }
    Err(unsupported("session", "parties", format!("{parties} computing parties; 2 to 64 can")))
}

/// For each owner of the program, the index of the member with this name.
pub(crate) fn owners(
    program: &RingProgram,
    names: &[String],
    data_owners: &[String],
) -> Result<Vec<usize>, MpcError> {
    let of = |owner: &String| {
        let party = names.iter().position(|name| name == owner);
        let apart = || data_owners.iter().position(|name| name == owner);
        party.or_else(|| apart().map(|at| names.len() + 1 + at)).ok_or_else(|| {
            let members = [names, data_owners].concat().join(", ");
            unsupported(owner, "owner", format!("{owner} is none of the members {members}"))
        })
    };
    program.owners.iter().map(of).collect()
}

/// The streams that add up to the mask of a value of this owner, among so many parties. Every party has a stream with the
/// dealer, under its own index, and after these every data owner has one with each party, which the dealer knows too.
pub(crate) fn mask_streams(owner: Option<usize>, parties: usize) -> Range<usize> {
    match owner {
        None => 0..parties,
        Some(owner) if owner > parties => {
            let first = parties + (owner - parties - 1) * parties;
            first..first + parties
        }
        Some(owner) => owner..owner + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_owners_share_a_stream() {
        assert_eq!(mask_streams(None, 3), 0..3);
        let owned: Vec<usize> = [0, 1, 2, 4, 5].iter().flat_map(|&o| mask_streams(Some(o), 3)).collect();
        assert_eq!(owned, (0..9).collect::<Vec<_>>());
    }

    #[test]
    fn two_to_sixty_four_parties_compute() {
        let accepted: Vec<usize> = (0..100).filter(|&parties| check_parties(parties).is_ok()).collect();
        assert_eq!(accepted, (2..=64).collect::<Vec<_>>());
    }
}
