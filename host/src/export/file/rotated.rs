//! A file of lines that is rotated by size.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A file of lines, whose older parts are `PATH.1`, `PATH.2` and so on. Only whole lines are left in it,
/// also when the disk is full.
///
/// The registry's crate for this panics where a folder is missing, and says nothing of a file that it
/// could not open; this is to tell of both, and to go on.
pub struct Rotated {
    path: PathBuf,
    most_bytes: u64,
    most_files: u32,
    file: Option<File>,
    /// Length of the file.
    bytes: u64,
}

impl Rotated {
    /// Opens the file, or makes it, for this user alone.
    pub fn open(path: &Path, most_bytes: u64, most_files: u32) -> io::Result<Self> {
        let (most_bytes, most_files) = (most_bytes.max(1), most_files.max(1));
        let mut opened =
            Self { path: path.to_owned(), most_bytes, most_files, file: None, bytes: 0 };
        opened.reopen()?;
        Ok(opened)
    }

    /// Appends lines, each with its end, and returns how many are written. What an error leaves of a
    /// line is taken back.
    pub fn append(&mut self, lines: &[u8]) -> (u64, Option<io::Error>) {
        let (mut rest, mut written) = (lines, 0);
        while !rest.is_empty() {
            let room = self.most_bytes.saturating_sub(self.bytes);
            let fit = whole_lines(rest, room);
            // A line that is longer than a file may be has one of its own.
            let part = match fit {
                0 if self.bytes == 0 => whole_lines(rest, u64::MAX).min(first_line(rest)),
                fit => fit,
            };
            if part == 0 {
                if let Err(error) = self.rotate() {
                    return (written, Some(error));
                }
                continue;
            }
            match self.write(&rest[..part]) {
                Ok(()) => written += lines_in(&rest[..part]),
                Err((bytes, error)) => return (written + lines_in(&rest[..bytes]), Some(error)),
            }
            rest = &rest[part..];
        }
        (written, None)
    }

    /// Writes all, or says how many bytes of whole lines it wrote.
    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        if self.file.is_none() {
            self.reopen().map_err(|error| (0, error))?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut done = 0;
        let failed = loop {
            match file.write(&lines[done..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(more) => done += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
            if done == lines.len() {
                self.bytes += done as u64;
                return Ok(());
            }
        };
        let whole = whole_lines(lines, done as u64);
        // Taking bytes back needs no room. If it fails all the same, the line stays without its end.
        if done > whole && file.set_len(self.bytes + whole as u64).is_err() {
            _ = file.write(b"\n");
        }
        // The next attempt begins with another look at what is there.
        self.file = None;
        Err((whole, failed))
    }

    /// Makes this file the first of the older ones, and an empty one in its place.
    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        if self.most_files == 1 {
            remove(&self.path)?;
        } else {
            remove(&self.older(self.most_files - 1))?;
            for number in (1..self.most_files - 1).rev() {
                rename(&self.older(number), &self.older(number + 1))?;
            }
            rename(&self.path, &self.older(1))?;
        }
        self.reopen()
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = OsString::from(&self.path);
        name.push(format!(".{number}"));
        name.into()
    }

    /// Opens the file anew if another stands in its place, or none.
    pub fn follow_path(&mut self) -> io::Result<()> {
        let same = match (&self.file, fs::symlink_metadata(&self.path)) {
            (Some(file), Ok(found)) => {
                let own = file.metadata()?;
                (own.dev(), own.ino()) == (found.dev(), found.ino())
            }
            _ => false,
        };
        if same { Ok(()) } else { self.reopen() }
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.file = None;
        let told = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot open {}: {error}", self.path.display()))
        };
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            // A pipe that nobody reads would be waited for; a link could lead anywhere.
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(&self.path)
            .map_err(told)?;
        let found = file.metadata().map_err(told)?;
        if !found.is_file() {
            return Err(told(io::Error::other("not a file")));
        }
        if found.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600)).map_err(told)?;
        }
        self.bytes = found.len();
        self.file = Some(file);
        Ok(())
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(io::Error::new(error.kind(), format!("cannot remove {}: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io::Error::new(
            error.kind(),
            format!("cannot rename {} to {}: {error}", from.display(), to.display()),
        )),
        _ => Ok(()),
    }
}

/// Bytes of the whole lines among the first so many bytes.
fn whole_lines(lines: &[u8], bytes: u64) -> usize {
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(lines.len());
    lines[..bytes].iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)
}

/// Bytes of the first line.
fn first_line(lines: &[u8]) -> usize {
    lines.iter().position(|&byte| byte == b'\n').map_or(lines.len(), |end| end + 1)
}

fn lines_in(lines: &[u8]) -> u64 {
    lines.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path, files: u32) -> Vec<String> {
        let rotated =
            Rotated { path: path.to_owned(), most_bytes: 1, most_files: 1, file: None, bytes: 0 };
        let older = (1..files).map(|number| rotated.older(number));
        let paths = [path.to_owned()].into_iter().chain(older);
        paths.filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    #[test]
    fn the_oldest_lines_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut file = Rotated::open(&path, 10, 3).unwrap();
        assert!(file.append(b"aaaa\nbbbb\ncccc\n").1.is_none());
        assert_eq!(texts(&path, 9), ["cccc\n", "aaaa\nbbbb\n"]);
        // Longer than a file may be, and then some.
        let (written, error) = file.append(b"dddd\nlonger than ten\ne\n");
        assert!(written == 3 && error.is_none());
        assert_eq!(texts(&path, 9), ["e\n", "longer than ten\n", "cccc\ndddd\n"]);
        // Opened again, it goes on.
        let mut file = Rotated::open(&path, 10, 3).unwrap();
        assert_eq!(file.append(b"f\n").0, 1);
        assert_eq!(texts(&path, 9)[0], "e\nf\n");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn one_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut file = Rotated::open(&path, 4, 1).unwrap();
        assert_eq!(file.append(b"a\nb\nc\n").0, 3);
        assert_eq!(texts(&path, 9), ["c\n"]);
    }

    #[test]
    fn a_file_that_is_moved_or_gone_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let path = inner.join("events");
        let mut file = Rotated::open(&path, 100, 2).unwrap();
        fs::rename(&path, inner.join("moved")).unwrap();
        file.follow_path().unwrap();
        assert_eq!(file.append(b"a\n").0, 1);
        assert_eq!(texts(&path, 1), ["a\n"]);

        fs::remove_dir_all(&inner).unwrap();
        let error = file.follow_path().unwrap_err();
        assert!(error.to_string().contains("inner/events"), "{error}");
        let (written, error) = file.append(b"b\n");
        assert!(written == 0 && error.is_some());
        fs::create_dir(&inner).unwrap();
        assert_eq!(file.append(b"c\n").0, 1);
        assert_eq!(texts(&path, 1), ["c\n"]);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: &Path| Rotated::open(path, 100, 2).err().unwrap().to_string();
        refused(folder.path());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &link).unwrap();
        assert!(refused(&link).contains("link"));
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        refused(&pipe);
        refused(Path::new("/dev/null"));
        assert!(refused(Path::new("/none/events")).contains("/none/events"));
    }

    #[test]
    fn a_file_that_others_could_read_is_closed_to_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        fs::write(&path, "old\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        Rotated::open(&path, 100, 2).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
