//! The files of the protocol crates use each other in one direction: no file uses one that, in the end, uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module, by the parts of its path.
type Module = Vec<String>;

/// The text of each module of a crate, without its tests.
fn modules(folder: &Path, path: &[String], found: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if file.is_dir() {
            modules(&file, &[path, &[name]].concat(), found);
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
        let module = if name == "mod" || name == "lib" { path.to_vec() } else { [path, &[name]].concat() };
        found.insert(module, text);
    }
}

/// The modules that a module's `use` declarations name.
fn used(module: &Module, text: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let declarations = text.split(';').filter_map(|statement| {
        let line = statement.lines().map(str::trim_start).find(|line| {
            let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            line.starts_with("use ")
        })?;
        Some(line.split("use ").nth(1)?.split('{').next()?.to_owned())
    });
    let named = declarations.filter_map(|path| {
        let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
        let mut base = match parts[0].as_str() {
            "crate" => vec![],
            "super" => module[..module.len() - 1].to_vec(),
            _ if all.contains_key(&[module.as_slice(), &parts[..1]].concat()) => module.clone(),
            _ => return None,
        };
        if parts[0] == "crate" || parts[0] == "super" {
            parts.remove(0);
        }
        base.extend(parts);
        while !base.is_empty() && !all.contains_key(&base) {
            base.pop();
        }
        Some(base)
    });
    named.filter(|base| base != module && !base.is_empty()).collect()
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    for folder in ["src", "../correlations/src"] {
        let (mut texts, root) = (BTreeMap::new(), Path::new(env!("CARGO_MANIFEST_DIR")).join(folder));
        modules(&root, &[], &mut texts);
        let mut arrows: BTreeMap<&Module, BTreeSet<Module>> =
            texts.iter().map(|(module, text)| (module, used(module, text, &texts))).collect();
        // the root only declares and exports
        arrows.remove(&Module::new());
        let count: usize = arrows.values().map(BTreeSet::len).sum();
        assert!(count > arrows.len(), "{folder}: {count} arrows between {} files", arrows.len());
        // take away files that use none of those left, until none is left
        while let Some(lowest) = arrows.iter().find(|(_, used)| used.is_empty()).map(|(module, _)| *module) {
            arrows.remove(lowest);
            for used in arrows.values_mut() {
                used.remove(lowest);
            }
        }
        assert!(arrows.is_empty(), "{folder}: these files use each other in a circle: {arrows:#?}");
    }
}
