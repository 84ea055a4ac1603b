//! The examples in `deploy/` are calls that this program understands, and agree with themselves.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use saphyr::{LoadableYamlNode, Yaml};

use crate::arguments::{DealerArguments, GlobalArguments, JoinArguments};

#[derive(Debug, Parser)]
struct Call {
    #[command(flatten)]
    _global: GlobalArguments,
    #[command(subcommand)]
    command: Member,
}

/// What a member types.
#[derive(Debug, Subcommand)]
pub enum Member {
    Dealer(Box<DealerArguments>),
    Join(Box<JoinArguments>),
}

/// The command that these words are.
pub fn call<'a>(words: impl IntoIterator<Item = &'a str>) -> Member {
    let words: Vec<&str> = words.into_iter().collect();
    match Call::try_parse_from(["tacita"].iter().chain(&words)) {
        Ok(call) => call.command,
        Err(error) => panic!("{}: {error}", words.join(" ")),
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The one document of a file.
fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// What stands at a path of keys and indices.
fn at<'a, 'b>(yaml: &'a Yaml<'b>, path: &str) -> &'a Yaml<'b> {
    path.split('/').fold(yaml, |yaml, step| match step.parse::<usize>() {
        Ok(index) => &yaml[index],
        Err(_) => &yaml[step],
    })
}

fn word<'a>(yaml: &'a Yaml<'_>, path: &str) -> &'a str {
    at(yaml, path).as_str().unwrap_or_else(|| panic!("{path} is no text"))
}

fn list<'a, 'b>(yaml: &'a Yaml<'b>, path: &str) -> &'a [Yaml<'b>] {
    at(yaml, path).as_vec().unwrap_or_else(|| panic!("{path} is no list"))
}

/// A setting of a unit, its continued lines joined.
fn setting(unit: &str, name: &str) -> String {
    let joined = unit.replace("\\\n", " ");
    let prefix = format!("{name}=");
    let mut found = joined.lines().filter_map(|line| line.strip_prefix(&prefix));
    let value = found.next().unwrap_or_else(|| panic!("no {name}")).to_owned();
    assert_eq!(found.next(), None, "{name}");
    value
}

/// What a unit's command says to the program, for the member bob.
fn command(unit: &str) -> Vec<String> {
    let rest = unit.lines().find_map(|line| line.strip_prefix("#   JOIN=")).unwrap_or_default();
    let line = setting(unit, "ExecStart")
        .replace("%i", "bob")
        .replace("%d", "/run/credentials")
        .replace("$JOIN", rest);
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    assert_eq!(words.remove(0), "/usr/local/bin/tacita");
    words
}

#[test]
fn units() {
    let unit = text("systemd/tacita-dealer.service");
    let Member::Dealer(dealer) = call(command(&unit).iter().map(String::as_str)) else { panic!("no dealer") };
    assert!(dealer.grace.as_secs() < setting(&unit, "TimeoutStopSec").parse().unwrap());
    let credential = setting(&unit, "LoadCredential");
    assert_eq!(
        dealer.key("dealer"),
        Path::new("/run/credentials").join(credential.split(':').next().unwrap())
    );

    let unit = text("systemd/tacita-join@.service");
    let Member::Join(join) = call(command(&unit).iter().map(String::as_str)) else { panic!("no join") };
    assert!(join.name == "bob" && join.key() == Path::new("/run/credentials/bob.key"));
    assert!(join.model.is_some() && !join.allow_reveal.is_empty(), "the example of the rest of the call");
    assert_eq!((setting(&unit, "Type").as_str(), setting(&unit, "Restart").as_str()), ("oneshot", "no"));
}

/// A workload of a folder, its pod, and what the program is told.
fn pod<'a, 'b>(workload: &'a Yaml<'b>) -> (&'a Yaml<'b>, Member) {
    let pod = at(workload, "spec/template/spec");
    let arguments = list(pod, "containers/0/args").iter().map(|word| word.as_str().unwrap());
    (pod, call(arguments))
}

#[test]
fn a_dealer_on_kubernetes() {
    let (deployment, service) =
        (text("kubernetes/dealer/deployment.yaml"), text("kubernetes/dealer/service.yaml"));
    let (deployment, service) = (yaml(&deployment), yaml(&service));
    let (pod, Member::Dealer(dealer)) = pod(&deployment) else { panic!("no dealer") };
    consistent("dealer", pod, &dealer.key("dealer"), &dealer.sessions[0]);
    let grace = at(pod, "terminationGracePeriodSeconds").as_integer().unwrap();
    assert!(i64::try_from(dealer.grace.as_secs()).unwrap() < grace);
    assert_eq!(at(&deployment, "spec/replicas").as_integer(), Some(1));
    assert_eq!(word(&deployment, "spec/strategy/type"), "Recreate");
    // what listens, what is probed and what is published
    let port = |name: &str| {
        let mut ports = list(pod, "containers/0/ports").iter();
        let found = ports.find(|port| word(port, "name") == name).unwrap_or_else(|| panic!("no port {name}"));
        format!("0.0.0.0:{}", at(found, "containerPort").as_integer().unwrap())
    };
    assert_eq!(dealer.place.listen, Some(port(word(&service, "spec/ports/0/targetPort"))));
    for probe in ["readinessProbe", "livenessProbe"] {
        let get = at(pod, &format!("containers/0/{probe}/httpGet"));
        assert_eq!(
            (word(get, "path"), dealer.metrics.metrics.clone()),
            ("/healthz", Some(port(word(get, "port"))))
        );
    }
}

#[test]
fn a_party_on_kubernetes() {
    let job = text("kubernetes/party/job.yaml");
    let job = yaml(&job);
    let (pod, Member::Join(join)) = pod(&job) else { panic!("no party") };
    consistent("party", pod, &join.key(), &join.session);
    assert_eq!(at(&job, "spec/backoffLimit").as_integer(), Some(0));
    assert_eq!(word(pod, "restartPolicy"), "Never");
    let mounted = list(pod, "containers/0/volumeMounts").iter().any(|mount| {
        let folder = word(mount, "mountPath");
        join.report.as_ref().unwrap().starts_with(folder) && join.model.as_ref().unwrap().starts_with(folder)
    });
    assert!(mounted, "the model and the report lie on a volume");
}

/// What any pod of ours keeps: not root, nothing to write to but volumes, and names that are defined.
fn consistent(name: &str, pod: &Yaml<'_>, key: &Path, session: &Path) {
    let kustomization = text(&format!("kubernetes/{name}/kustomization.yaml"));
    let kustomization = yaml(&kustomization);
    let policy = text(&format!("kubernetes/{name}/network-policy.yaml"));
    assert_eq!(word(&yaml(&policy), "kind"), "NetworkPolicy");
    for file in list(&kustomization, "resources") {
        assert!(folder(&format!("kubernetes/{name}")).join(file.as_str().unwrap()).exists());
    }
    assert_eq!(at(pod, "securityContext/runAsNonRoot").as_bool(), Some(true));
    let container = at(pod, "containers/0/securityContext");
    assert_eq!(at(container, "readOnlyRootFilesystem").as_bool(), Some(true));
    assert_eq!(at(container, "allowPrivilegeEscalation").as_bool(), Some(false));
    assert_eq!(word(pod, "containers/0/image"), word(&kustomization, "images/0/name"));
    // the file that the program opens, found through mount, volume and generator
    let holds = |path: &Path, kind: &str, field: &str, generator: &str| {
        let mut mounts = list(pod, "containers/0/volumeMounts").iter();
        let mount = mounts.find(|mount| path.parent() == Some(Path::new(word(mount, "mountPath")))).unwrap();
        let mut volumes = list(pod, "volumes").iter();
        let volume = volumes.find(|volume| word(volume, "name") == word(mount, "name")).unwrap();
        let made = at(&kustomization, &format!("{generator}/0"));
        assert_eq!(word(volume, &format!("{kind}/{field}")), word(made, "name"));
        assert_eq!(path.file_name().unwrap(), word(made, "files/0"));
    };
    holds(key, "secret", "secretName", "secretGenerator");
    holds(session, "configMap", "name", "configMapGenerator");
}

/// The lines of code of a page that call the program, whole.
fn calls(page: &str) -> Vec<String> {
    let joined = page.replace("\\\n", " ");
    let code = joined.lines().filter_map(|line| line.strip_prefix("    "));
    // in a container the program is what follows its image
    let calls = code.filter_map(|line| Some(&line.trim_start()[line.trim_start().find("tacita ")?..]));
    calls
        .filter(|call| call.starts_with("tacita dealer") || call.starts_with("tacita join"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_the_page_says_to_type() {
    let calls = calls(&text("README.md"));
    assert!(!calls.is_empty());
    for line in calls {
        call(line.split_whitespace().skip(1));
    }
}
