//! The data folder, and the token in it.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// The data folder unless one is given: of the system for root, else of the user.
pub fn default() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return "/var/lib/weir".into();
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home);
    state.unwrap_or_else(std::env::temp_dir).join("weir")
}

/// The token in a file that somebody else makes, such as a secret that is mounted.
pub fn token_of(file: &Path) -> anyhow::Result<String> {
    /// As many hex digits are 64 bits.
    const FEWEST: usize = 16;
    let said = || format!("cannot read the token in {} (--token-file)", file.display());
    let token = fs::read_to_string(file).with_context(said)?;
    let token = token.trim_end_matches(['\r', '\n']);
    if token.len() < FEWEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        bail!(
            "{} holds no token (--token-file): it is one line of at least {FEWEST} letters and digits, as \
             openssl rand -hex 32 makes",
            file.display()
        );
    }
    Ok(token.to_owned())
}

/// Makes the folder, for this user only.
pub fn make(folder: &Path) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| {
        format!("cannot make the data folder {} (choose another with --data-dir)", folder.display())
    })
}

/// Makes the folder, for this user only, and returns the token in it, made anew if need be.
pub fn token(folder: &Path) -> anyhow::Result<String> {
    make(folder)?;
    let path = folder.join("token");
    if let Ok(token) = fs::read_to_string(&path)
        && token.len() == 64
        && fs::metadata(&path).is_ok_and(|found| found.permissions().mode() & 0o077 == 0)
    {
        return Ok(token);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("cannot get random numbers from the kernel")?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // A file of someone else's making must not stay readable for them.
    _ = fs::remove_file(&path);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(token.as_bytes())).with_context(|| {
        format!(
            "cannot write {} (is the folder full, or not yours? --data-dir names another)",
            path.display()
        )
    })?;
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stays_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a/b");
        let first = token(&data).unwrap();
        assert_eq!(first.len(), 64);
        assert_eq!(token(&data).unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("token"))), (0o700, 0o600));
    }

    #[test]
    fn a_token_of_somebody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "0123456789abcdef\n").unwrap();
        assert_eq!(token_of(&path).unwrap(), "0123456789abcdef");
        for wrong in ["", "\n", "short", "0123456789 abcdef", "0123456789abcdef\n0123456789abcdef"]
        {
            fs::write(&path, wrong).unwrap();
            let error = token_of(&path).unwrap_err().to_string();
            assert!(error.contains("--token-file"), "{error}");
        }
        assert!(token_of(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_token_that_others_can_read_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let first = token(folder.path()).unwrap();
        let path = folder.path().join("token");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_ne!(token(folder.path()).unwrap(), first);
    }
}
