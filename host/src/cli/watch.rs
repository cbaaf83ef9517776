//! A folder of scripts: what is put there is loaded, what changes is swapped, what goes is unloaded.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use notify_debouncer_mini::{
    DebounceEventResult, Debouncer, new_debouncer,
    notify::{INotifyWatcher, RecursiveMode},
};

use super::one_line;
use crate::pipeline::{Pipelines, Put};

/// A file is taken once it has been left alone for so long.
const QUIET: Duration = Duration::from_millis(200);

/// The files that were taken, by script name: when they changed, and their size.
type Known = BTreeMap<String, (SystemTime, u64)>;

/// Loads what is in the folder, and follows its changes for as long as the result lives.
pub fn watch(
    folder: PathBuf,
    pipelines: Arc<Pipelines>,
) -> anyhow::Result<Debouncer<INotifyWatcher>> {
    let context = || format!("cannot watch the folder {} (--scripts)", folder.display());
    let mut known = Known::new();
    fs::read_dir(&folder).with_context(context)?;
    sync(&folder, &pipelines, &mut known);
    let watched = folder.clone();
    let mut debouncer = new_debouncer(QUIET, move |result: DebounceEventResult| {
        if let Err(error) = result {
            tracing::warn!("watching {}: {error}", watched.display());
        }
        sync(&watched, &pipelines, &mut known);
    })
    .with_context(context)?;
    debouncer.watcher().watch(&folder, RecursiveMode::NonRecursive).with_context(context)?;
    Ok(debouncer)
}

/// The names of the scripts in the folder.
pub fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let files = list(folder);
    let files = files
        .with_context(|| format!("cannot watch the folder {} (--scripts)", folder.display()))?;
    Ok(files.into_keys().collect())
}

/// Brings the scripts in line with the folder.
fn sync(folder: &Path, pipelines: &Pipelines, known: &mut Known) {
    let files = match list(folder) {
        Ok(files) => files,
        Err(error) => return tracing::warn!("cannot list {}: {error}", folder.display()),
    };
    let gone: Vec<_> = known.keys().filter(|name| !files.contains_key(*name)).cloned().collect();
    for name in gone {
        known.remove(&name);
        // It may have been unloaded over the API already.
        if let Err(error) = pipelines.remove(&name) {
            tracing::warn!("{}: {error}", folder.display());
        }
    }
    for (name, stamp) in files {
        if known.get(&name) == Some(&stamp) {
            continue;
        }
        known.insert(name.clone(), stamp);
        let path = folder.join(format!("{name}.wasm"));
        pipelines.is_given(&name);
        let loaded = fs::read(&path).map_err(anyhow::Error::from).and_then(|bytes| {
            Ok(pipelines.put(Put { name: &name, bytes: &bytes, pipeline: None, params: None })?)
        });
        match loaded {
            Ok((info, true)) => tracing::info!("swapped {} {}", path.display(), info.version),
            Ok((info, false)) => tracing::info!("loaded {} {}", path.display(), info.version),
            Err(error) => tracing::error!("{}: {}", path.display(), one_line(&error)),
        }
    }
}

fn list(folder: &Path) -> std::io::Result<Known> {
    let mut files = Known::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str());
        if let (Some(name), true) = (name, path.extension().is_some_and(|kind| kind == "wasm")) {
            // A file that goes while it is looked at is gone.
            if let Ok(metadata) = fs::metadata(&path) {
                files.insert(name.to_owned(), (metadata.modified()?, metadata.len()));
            }
        }
    }
    Ok(files)
}
