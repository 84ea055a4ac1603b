//! The members of a session, by role.

use tacita_identity::{SessionFile, SessionMember};

// what a session file may say is what graphs can be lowered with
const _: () = {
    let (file, graph) = (tacita_identity::PRECISIONS, tacita_graph::PRECISIONS);
    assert!(*file.start() == *graph.start() && *file.end() == *graph.end());
};

/// The members of a session but for the dealer. In a session they are numbered: parties, the dealer, data owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Those who compute.
    pub parties: Vec<String>,
    /// Those who own inputs or receive results and do not compute.
    pub data_owners: Vec<String>,
}

impl Members {
    /// Those of a session file.
    pub fn of(file: &SessionFile) -> Members {
        let names = |members: &[SessionMember]| members.iter().map(|member| member.name.clone()).collect();
        Members { parties: names(&file.parties), data_owners: names(&file.owners) }
    }

    /// Computing parties alone.
    pub fn parties(names: Vec<String>) -> Members {
        Members { parties: names, data_owners: vec![] }
    }

    /// Everybody's name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.parties.iter().chain(&self.data_owners).map(String::as_str)
    }

    /// A member's number.
    pub fn index(&self, name: &str) -> Option<usize> {
        let at = self.names().position(|other| other == name)?;
        Some(if at < self.parties.len() { at } else { at + 1 })
    }

    /// The name of the member of a number; none for the dealer.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names().find(|name| self.index(name) == Some(index))
    }

    /// All names, for messages.
    pub fn list(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }
}
