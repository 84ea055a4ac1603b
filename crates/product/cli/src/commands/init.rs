//! `tacita init --insecure-all-keys-here`: everything that a session needs, in one folder, to try it out.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tacita::{Identity, SessionFile, SessionMember, SessionSettings};

use crate::arguments::InitArguments;
use crate::failure::Failure;
use crate::print::{Answer, json};
use crate::{files, ports};

/// The dealer's name.
const DEALER: &str = "dealer";
const SESSION: &str = "session.toml";
const GRAPH: &str = "lenet.graph";

/// What is printed with `--json`.
#[derive(Serialize)]
struct Made {
    folder: String,
    session: String,
    members: Vec<MadeMember>,
    /// What to type first, once.
    before: String,
    /// What to type then, each in a terminal of its own.
    commands: Vec<String>,
}

#[derive(Serialize)]
struct MadeMember {
    name: String,
    role: &'static str,
    address: Option<String>,
}

/// Makes the folder.
pub fn run(arguments: &InitArguments) -> Result<Answer, Failure> {
    let folder = &arguments.folder;
    if !arguments.insecure_all_keys_here {
        return Err(Failure::usage(
            "init makes the keys of all members on one machine, which protects nothing from whoever reads them: for \
             trying out say so with --insecure-all-keys-here; in earnest each member runs `tacita identity NAME` on \
             its own machine and one of you `tacita session new`",
        ));
    }
    let members = members(arguments)?;
    let staged = StagedFolder::new(folder)?;
    let (mut parties, mut dealer, mut owners) = (vec![], None, vec![]);
    for MadeMember { name, role, address } in &members {
        let identity = Identity::create(name, IDENTITY_DAYS)?;
        identity.write(&staged.path)?;
        let certificate = identity.certificate().clone();
        let member = SessionMember { name: name.clone(), address: address.clone(), certificate };
        match *role {
            "party" => parties.push(member),
            "owner" => owners.push(member),
            _ => dealer = Some(member),
        }
    }
    let dealer = dealer.ok_or_else(Failure::internal)?;
    let settings =
        SessionSettings { precision_bits: arguments.precision.bits.into(), ..SessionSettings::default() };
    let file = SessionFile::new(parties, dealer, owners, settings)?;
    files::write_new(&staged.path.join(SESSION), file.text.as_bytes())?;
    staged.commit(folder)?;

    let (before, commands) = commands(folder, &members);
    let (session, folder) = (folder.join(SESSION).display().to_string(), folder.display().to_string());
    let made = Made { folder, session, members, before, commands };
    Ok(Answer { text: text(&made), json: json(&made) })
}

/// Days that certificates for trying out last.
const IDENTITY_DAYS: u32 = 3650;

/// Names, roles and addresses: parties, the dealer, owners. The last that is not the dealer is dialled by nobody.
fn members(arguments: &InitArguments) -> Result<Vec<MadeMember>, Failure> {
    let InitArguments { parties, owners, host, base_port, .. } = arguments;
    let all: Vec<&String> = parties.iter().chain(owners).collect();
    for (index, name) in all.iter().enumerate() {
        if all[..index].contains(name) || name.as_str() == DEALER {
            let hint = "every member has a name of its own, and `dealer` is the dealer's";
            return Err(Failure::usage(format!("{name} is given twice: {hint}")));
        }
    }
    let mut free = ports::free(host, *base_port, all.len())?.into_iter();
    let mut address = |needed: bool| {
        let port = if needed { free.next() } else { None };
        let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        port.map(|port| format!("{shown}:{port}"))
    };
    let mut members = Vec::new();
    for (index, name) in all.iter().enumerate() {
        if index == parties.len() {
            members.push(MadeMember { name: DEALER.into(), role: "dealer", address: address(true) });
        }
        let role = if index < parties.len() { "party" } else { "owner" };
        let address = address(ports::is_dialled(index, all.len()));
        members.push(MadeMember { name: (*name).clone(), role, address });
    }
    if owners.is_empty() {
        members.push(MadeMember { name: DEALER.into(), role: "dealer", address: address(true) });
    }
    Ok(members)
}

/// The shipped network on shipped digits with these members: what to type first, and at each member.
fn commands(folder: &Path, members: &[MadeMember]) -> (String, Vec<String>) {
    let (session, graph) = (quoted(&folder.join(SESSION)), quoted(&folder.join(GRAPH)));
    // owners that do not compute are there to own something; otherwise as in local runs the first party has the data
    let mut owning: Vec<&str> = vec![];
    for role in ["owner", "party"] {
        owning.extend(members.iter().filter(|member| member.role == role).map(|member| member.name.as_str()));
    }
    let (data, model) = (owning[0], owning.get(1).copied().unwrap_or(owning[0]));
    let before = format!(
        "tacita export-graph models/lenet.onnx --weights {model} --input {data} --reveal {data} --output {graph}"
    );
    let mut commands = vec![format!("tacita dealer --session {session}")];
    let others = owning.iter().skip(2).map(|name| (*name, String::new()));
    let first = [
        (model, format!(" --model models/lenet.onnx --allow-reveal logits:{data}")),
        (
            data,
            " --input models/mnist-200.npz:images --scale 255 --labels models/mnist-200.npz:labels"
                .to_owned(),
        ),
    ];
    for (name, brings) in first.into_iter().chain(others) {
        commands.push(format!("tacita join --session {session} --as {name} --graph {graph}{brings}"));
    }
    (before, commands)
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

fn text(made: &Made) -> String {
    let names: Vec<&str> = made.members.iter().map(|member| member.name.as_str()).collect();
    let mut text = format!("{}: keys and certificates of {}, and {SESSION}\n", made.folder, names.join(", "));
    for MadeMember { name, role, address } in &made.members {
        text += &format!("  {name:12} {role:7} {}\n", address.as_deref().unwrap_or("dials the others"));
    }
    text += "\ninsecure: every key is in this folder, so whoever reads it can be every member; for trying out only\n";
    text += &format!(
        "\nIn the repository's folder, first\n  {}\nand then, each in a terminal of its own,\n",
        made.before
    );
    for command in &made.commands {
        text += &format!("  {command}\n");
    }
    text
}

/// A folder that appears under its name when all is in it.
struct StagedFolder {
    path: PathBuf,
}

impl StagedFolder {
    /// Makes one beside `folder`, which must not be there, or be empty.
    fn new(folder: &Path) -> Result<StagedFolder, Failure> {
        let failed = |error: std::io::Error| {
            Failure::input(format!("{}: cannot be made: {error}; choose another folder", folder.display()))
        };
        match std::fs::read_dir(folder) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    let hint = "nothing is overwritten: choose another folder, or remove it";
                    return Err(Failure::input(format!(
                        "{} is there and not empty; {hint}",
                        folder.display()
                    )));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let name = folder.file_name().ok_or_else(|| failed(std::io::ErrorKind::InvalidInput.into()))?;
        let path = folder.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
        make_private(&path).map_err(failed)?;
        Ok(StagedFolder { path })
    }

    /// Gives it its name.
    fn commit(self, folder: &Path) -> Result<(), Failure> {
        // an empty folder is replaced; one that somebody has filled meanwhile is not
        let _ = std::fs::remove_dir(folder);
        std::fs::rename(&self.path, folder)
            .map_err(|error| Failure::input(format!("{}: cannot be made: {error}", folder.display())))
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        // after success it has another name
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// A folder that only its owner can look into, where the system knows that.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployed::{Member, call};

    fn typed(parties: &[&str], owners: &[&str]) -> (String, Vec<String>) {
        let member =
            |role: &'static str| move |name: &&str| MadeMember { name: (*name).into(), role, address: None };
        let members = parties.iter().map(member("party")).chain([member("dealer")(&"dealer")]);
        commands(Path::new("try"), &members.chain(owners.iter().map(member("owner"))).collect::<Vec<_>>())
    }

    /// One command a member, the dealer's first, each of which the program understands.
    #[test]
    fn what_to_type_is_what_the_program_takes() {
        for (parties, owners) in
            [(&["alice", "bob"][..], &[][..]), (&["p", "q", "r"], &["c"]), (&["p", "q"], &["c", "d"])]
        {
            let (before, commands) = typed(parties, owners);
            assert_eq!(commands.len(), 1 + parties.len() + owners.len());
            let mut calls = commands.iter().map(|line| call(line.split(' ').skip(1)));
            assert!(matches!(calls.next(), Some(Member::Dealer(_))));
            let joins: Vec<_> = calls
                .map(|member| match member {
                    Member::Join(join) => join,
                    Member::Dealer(_) => panic!("{commands:?}"),
                })
                .collect();
            let named: std::collections::BTreeSet<&str> =
                joins.iter().map(|join| join.name.as_str()).collect();
            assert_eq!(named.len(), joins.len(), "each member once: {commands:?}");
            // who brings what is who the graph says owns it
            let bringing = |has: &dyn Fn(&crate::arguments::JoinArguments) -> bool| {
                let mut all = joins.iter().filter(|join| has(join)).map(|join| join.name.clone());
                (all.next().unwrap(), all.next())
            };
            let (model, data) =
                (bringing(&|join| join.model.is_some()), bringing(&|join| join.input.is_some()));
            assert!(model.1.is_none() && data.1.is_none() && model.0 != data.0);
            assert!(
                before.contains(&format!("--weights {} --input {} --reveal {}", model.0, data.0, data.0)),
                "{before}"
            );
        }
    }

    #[test]
    fn a_shell_reads_the_path_that_was_meant() {
        assert_eq!(quoted(Path::new("try/a-b_1.toml")), "try/a-b_1.toml");
        assert_eq!(quoted(Path::new("it's here")), r"'it'\''s here'");
    }
}
