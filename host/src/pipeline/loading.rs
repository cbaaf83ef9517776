//! Loads under way: compiling a large module takes seconds, and whoever asked for it may not wait.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Instant, SystemTime},
};

use serde::Serialize;

use super::{ChangeError, Pipelines};

/// Ended loads that are remembered.
const REMEMBERED: usize = 64;

/// The last load of each script.
#[derive(Default)]
pub struct Loads {
    by_name: Mutex<BTreeMap<String, Entry>>,
    number: AtomicU64,
}

struct Entry {
    number: u64,
    began: Instant,
    info: LoadInfo,
}

/// A load as the API shows it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LoadInfo {
    /// The name to load it under.
    pub name: String,
    /// How far it is.
    pub state: LoadState,
    /// Size of the module.
    pub size_bytes: usize,
    /// When it began, as RFC 3339.
    pub began: String,
    /// How long it has taken, or took.
    pub took_ms: u64,
    /// Why it was refused. What ran before runs on.
    pub error: Option<String>,
    /// The code of that, as in the answer to a request that is refused at once.
    pub code: Option<&'static str>,
}

/// How far a load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoadState {
    /// The module is compiled, or taken from the cache.
    Compiling,
    /// Its first instance starts, and takes its place.
    Starting,
    /// It is at work.
    Loaded,
    /// It was not taken.
    Refused,
}

/// A load that somebody is at.
pub struct Loading<'a> {
    loads: &'a Loads,
    name: &'a str,
    number: u64,
}

impl Loads {
    pub fn begin<'a>(&'a self, name: &'a str, size_bytes: usize) -> Loading<'a> {
        let number = self.number.fetch_add(1, Relaxed);
        let info = LoadInfo {
            name: name.to_owned(),
            state: LoadState::Compiling,
            size_bytes,
            began: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            took_ms: 0,
            error: None,
            code: None,
        };
        let mut by_name = self.by_name.lock().expect("no panic while locked");
        by_name.insert(name.to_owned(), Entry { number, began: Instant::now(), info });
        let ended = by_name.iter().filter(|(_, entry)| entry.info.state.is_end());
        if ended.clone().count() > REMEMBERED {
            let oldest = ended.min_by_key(|(_, entry)| entry.number);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                by_name.remove(&oldest);
            }
        }
        Loading { loads: self, name, number }
    }
}

impl Loading<'_> {
    /// The module is compiled.
    pub fn compiled(&self) {
        self.set(LoadState::Starting, None);
    }

    /// It is over.
    pub fn end<T>(&self, result: &Result<T, ChangeError>) {
        match result {
            Ok(_) => self.set(LoadState::Loaded, None),
            Err(error) => self.set(LoadState::Refused, Some(error)),
        }
    }

    fn set(&self, state: LoadState, error: Option<&ChangeError>) {
        let mut by_name = self.loads.by_name.lock().expect("no panic while locked");
        // Another load of this name may have begun since.
        if let Some(entry) = by_name.get_mut(self.name).filter(|it| it.number == self.number) {
            entry.info.state = state;
            entry.info.error = error.map(ToString::to_string);
            entry.info.code = error.map(ChangeError::code);
            entry.info.took_ms = entry.began.elapsed().as_millis() as u64;
        }
    }
}

impl LoadState {
    fn is_end(self) -> bool {
        matches!(self, Self::Loaded | Self::Refused)
    }
}

impl Entry {
    fn info(&self) -> LoadInfo {
        let mut info = self.info.clone();
        if !info.state.is_end() {
            info.took_ms = self.began.elapsed().as_millis() as u64;
        }
        info
    }
}

impl Pipelines {
    /// The last load of each script, by name, refused ones among them.
    pub fn loads(&self) -> Vec<LoadInfo> {
        let by_name = self.loads.by_name.lock().expect("no panic while locked");
        by_name.values().map(Entry::info).collect()
    }

    /// The last load of a script.
    pub fn load_of(&self, name: &str) -> Option<LoadInfo> {
        let by_name = self.loads.by_name.lock().expect("no panic while locked");
        by_name.get(name).map(Entry::info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_load_of_the_same_name_is_the_one_that_counts() {
        let loads = Loads::default();
        let (old, new) = (loads.begin("x", 1), loads.begin("x", 2));
        new.compiled();
        old.end(&Ok(()));
        let state = || loads.by_name.lock().unwrap()["x"].info.state;
        assert_eq!(state(), LoadState::Starting);
        new.end::<()>(&Err(ChangeError::Conflict("why".to_owned())));
        assert_eq!(state(), LoadState::Refused);
        let info = loads.by_name.lock().unwrap()["x"].info();
        assert_eq!((info.error.as_deref(), info.code), (Some("why"), Some("conflict")));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let loads = Loads::default();
        for index in 0..200 {
            loads.begin(&format!("x{index}"), 1).end(&Ok(()));
        }
        let by_name = loads.by_name.lock().unwrap();
        assert_eq!(by_name.len(), REMEMBERED + 1);
        assert!(by_name.contains_key("x199") && !by_name.contains_key("x0"));
    }
}
