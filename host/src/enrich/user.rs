//! Names of users, from /etc/passwd (passwd(5)). Users that only a service on the network knows
//! (nsswitch.conf(5)) have none here: asking it would mean to load its code.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use weir_sdk::event::PROCESS_USER;

use super::parts;

/// How often at most the file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Most bytes of the file that are read.
const FILE_BYTES: u64 = 16 << 20;

/// Per uid its name, as a part of [`weir_sdk::event::Head::process`].
pub type Names = HashMap<u32, Box<[u8]>>;

/// The file.
pub struct Users {
    path: PathBuf,
    looked: Option<Instant>,
    /// What says that the file is still the one that was read.
    stamp: Option<(u64, u64, i64, i64)>,
}

impl Users {
    /// Reads that file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), looked: None, stamp: None }
    }

    /// All names, if the file is another than when it was read last.
    pub fn changed(&mut self) -> Option<Names> {
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK) {
            return None;
        }
        self.looked = Some(Instant::now());
        let stamp = fs::metadata(&self.path)
            .ok()
            .map(|file| (file.ino(), file.size(), file.mtime(), file.mtime_nsec()));
        if stamp == self.stamp {
            return None;
        }
        self.stamp = stamp;
        Some(self.read().unwrap_or_default())
    }

    fn read(&self) -> Option<Names> {
        let mut names = Names::new();
        for line in BufReader::new(File::open(&self.path).ok()?.take(FILE_BYTES)).split(b'\n') {
            if let Some((uid, name)) = user(&line.ok()?) {
                // The first line of a uid counts, as it does for getpwuid(3).
                names.entry(uid).or_insert_with(|| {
                    let mut part = Vec::new();
                    parts::push(&mut part, PROCESS_USER, name);
                    part.into()
                });
            }
        }
        Some(names)
    }
}

/// Uid and name of a line.
fn user(line: &[u8]) -> Option<(u32, &[u8])> {
    let mut fields = line.split(|&byte| byte == b':');
    let name = fields.next().filter(|name| !name.is_empty() && name[0] != b'#')?;
    let uid = std::str::from_utf8(fields.nth(1)?).ok()?;
    Some((uid.parse().ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(names: &Names, uid: u32) -> Option<String> {
        let part = names.get(&uid)?;
        let [(PROCESS_USER, name)] = parts::parts(part)[..] else { panic!("not one name") };
        Some(String::from_utf8(name.to_vec()).unwrap())
    }

    #[test]
    fn reads_the_file_again_when_it_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwd");
        let text = "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\n\n#a:x:5:5\nbroken:x\n\
                    +\nwww:x:33:33::/:/bin/false\nbig:x:4294967296:0::/:\n";
        fs::write(&path, text).unwrap();
        let mut users = Users::new(&path);
        let names = users.changed().unwrap();
        assert_eq!(names.len(), 2);
        assert_eq!(name(&names, 0).unwrap(), "root");
        assert_eq!(name(&names, 33).unwrap(), "www");

        users.looked = None;
        assert!(users.changed().is_none(), "it did not change");
        fs::write(&path, "www2:x:33:33::/:\n").unwrap();
        assert!(users.changed().is_none(), "not looked at yet");
        users.looked = None;
        assert_eq!(name(&users.changed().unwrap(), 33).unwrap(), "www2");
        fs::remove_file(&path).unwrap();
        users.looked = None;
        assert!(users.changed().unwrap().is_empty());
        users.looked = None;
        assert!(users.changed().is_none());
    }
}
