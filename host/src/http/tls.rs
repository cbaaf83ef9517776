//! TLS: a certificate of the user's, or one of the host's own making.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::ring,
        pki_types::{
            CertificateDer, PrivateKeyDer,
            pem::{self, PemObject},
        },
    },
};

/// The certificate that [`Tls::self_signed`] keeps in its folder, in PEM.
pub const CERT_FILE: &str = "tls-cert.pem";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or has not in it what it should.
    #[error("cannot read {what} from {path}: {source} (it is a file in PEM)")]
    Pem {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("cannot use the certificate {cert} with the key {key}: {source}")]
    Pair {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// A certificate cannot be made.
    #[error(
        "cannot make a certificate for {names}: {source} (give one with --tls-cert and --tls-key)"
    )]
    Make {
        /// Whom it was for.
        names: String,
        /// What is wrong.
        source: rcgen::Error,
    },
    /// A certificate cannot be kept.
    #[error(
        "cannot write {path}: {source} (is the folder full, or not yours? --data-dir names another)"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
}

/// How the host speaks TLS, and by what it is known.
#[derive(Clone)]
pub struct Tls {
    pub(super) acceptor: TlsAcceptor,
    /// SHA-256 of the certificate, in hex with colons, as browsers show it.
    pub fingerprint: String,
}

impl Tls {
    /// With a chain of certificates, the host's own first, and its key, both in PEM.
    pub fn of_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let pem = |what, path: &Path| {
            let path = path.to_owned();
            move |source| TlsError::Pem { what, path, source }
        };
        let chain: Vec<CertificateDer> = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect)
            .map_err(pem("a certificate", cert))?;
        let own =
            chain.first().ok_or_else(|| pem("a certificate", cert)(pem::Error::NoItemsFound))?;
        let fingerprint: Vec<_> =
            Sha256::digest(own).iter().map(|byte| format!("{byte:02X}")).collect();
        let secret = PrivateKeyDer::from_pem_file(key).map_err(pem("a private key", key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, secret))
            .map_err(|source| TlsError::Pair { cert: cert.into(), key: key.into(), source })?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { acceptor, fingerprint: fingerprint.join(":") })
    }

    /// With a certificate of its own making, for these names, that is kept in a folder: who has looked at it
    /// once knows it again.
    pub fn self_signed(folder: &Path, names: Vec<String>) -> Result<Self, TlsError> {
        let (cert, key) = (folder.join(CERT_FILE), folder.join("tls-key.pem"));
        if cert.exists() && key.exists() {
            return Self::of_files(&cert, &key);
        }
        let said = names.join(", ");
        let made = rcgen::generate_simple_self_signed(names)
            .map_err(|source| TlsError::Make { names: said, source })?;
        write(&key, &made.signing_key.serialize_pem())?;
        write(&cert, &made.cert.pem())?;
        Self::of_files(&cert, &key)
    }
}

/// Writes a file that nobody else may read.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    // One of someone else's making must not stay readable for them.
    _ = fs::remove_file(path);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| TlsError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_certificate_of_its_own_stays() {
        let folder = tempfile::tempdir().unwrap();
        let made = || Tls::self_signed(folder.path(), vec!["localhost".to_owned()]).unwrap();
        let first = made().fingerprint;
        assert_eq!((first.len(), &made().fingerprint), (95, &first));
        let mode = fs::metadata(folder.path().join("tls-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let check = |cert: &Path, key: &Path, expected: &str| {
            let error = Tls::of_files(cert, key).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        };
        let (none, text) = (folder.path().join("none"), folder.path().join("text"));
        fs::write(&text, "no certificate").unwrap();
        check(&none, &none, "/none");
        check(&text, &text, "cannot read a certificate from");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for folder in [&one, &other] {
            fs::create_dir(folder).unwrap();
            Tls::self_signed(folder, vec!["localhost".to_owned()]).unwrap();
        }
        let (cert, key) = (one.join("tls-cert.pem"), other.join("tls-key.pem"));
        check(&cert, &text, "cannot read a private key from");
        check(&cert, &key, "cannot use the certificate");
    }
}
