//! An encrypted way to a server whose certificate is trusted: a collector, or another weir.

use std::{
    env, fmt, io,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{
        CertificateDer, ServerName,
        pem::{self, PemObject},
    },
};
use ureq::{
    config::Config,
    unversioned::{
        resolver::DefaultResolver,
        transport::{
            Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
            Transport, TransportAdapter,
        },
    },
};

/// Where distributions keep the certificates that they trust: Debian and its like, Fedora and its like,
/// openSUSE, Alpine.
const BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why there is no encrypted way.
#[derive(Debug, thiserror::Error)]
#[error(
    "there are no trusted certificates in any of {0}: install ca-certificates, or name a file of them in SSL_CERT_FILE"
)]
pub struct NoRoots(String);

/// Whether the server was refused because none of the trusted certificates vouches for its own.
pub fn is_untrusted(error: &ureq::Error) -> bool {
    let ureq::Error::Io(error) = error else { return false };
    let inner = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(inner, Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)))
}

/// The certificates that are trusted, and those that they vouch for.
pub struct Trust {
    roots: RootCertStore,
    /// Where they were looked for.
    files: Vec<PathBuf>,
}

impl Trust {
    /// Those of this system: of the file that `SSL_CERT_FILE` names, else of its distribution.
    pub fn of_system() -> Self {
        match env::var_os("SSL_CERT_FILE") {
            Some(file) => Self::of_first(vec![PathBuf::from(file)]),
            None => Self::of_first(BUNDLES.map(PathBuf::from).into()),
        }
    }

    /// Those of one file and no others.
    pub fn of_file(file: &Path) -> Result<Self, pem::Error> {
        let mut trust = Self { roots: RootCertStore::empty(), files: Vec::new() };
        trust.add(file)?;
        Ok(trust)
    }

    /// Those in the first of these files that has any.
    fn of_first(files: Vec<PathBuf>) -> Self {
        let none = || Self { roots: RootCertStore::empty(), files: Vec::new() };
        let found = files.iter().find_map(|file| Self::of_file(file).ok());
        Self { files, ..found.unwrap_or_else(none) }
    }

    /// Those of a file as well.
    pub fn add(&mut self, file: &Path) -> Result<(), pem::Error> {
        let found: Vec<_> = CertificateDer::pem_file_iter(file)?.filter_map(Result::ok).collect();
        let (added, _) = self.roots.add_parsable_certificates(found);
        self.files.push(file.to_owned());
        if added == 0 { Err(pem::Error::NoItemsFound) } else { Ok(()) }
    }

    /// An agent that speaks TLS with hosts that have such a certificate, and plainly where an address does not
    /// ask for TLS.
    pub fn agent(self, config: Config) -> Result<ureq::Agent, NoRoots> {
        if self.roots.is_empty() {
            let files: Vec<_> = self.files.iter().map(|file| file.display().to_string()).collect();
            return Err(NoRoots(files.join(", ")));
        }
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the ciphers of both versions")
            .with_root_certificates(self.roots)
            .with_no_client_auth();
        let connector = TcpConnector::default().chain(Encrypt(Arc::new(tls)));
        Ok(ureq::Agent::with_parts(config, connector, DefaultResolver::default()))
    }
}

#[derive(Debug)]
struct Encrypt(Arc<ClientConfig>);

impl<In: Transport> Connector<In> for Encrypt {
    type Out = Either<In, Encrypted>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(plain) = chained else { return Ok(None) };
        if !details.needs_tls() {
            return Ok(Some(Either::A(plain)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(host)
            .map_err(|_| ureq::Error::Tls("the host's name can be in no certificate"))?;
        let other = |error: rustls::Error| ureq::Error::Io(io::Error::other(error));
        let mut connection = ClientConnection::new(self.0.clone(), name).map_err(other)?;
        let mut socket = TransportAdapter::new(plain.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        let stream = StreamOwned { conn: connection, sock: socket };
        Ok(Some(Either::B(Encrypted { buffers, stream })))
    }
}

struct Encrypted {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").finish_non_exhaustive()
    }
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{BufRead, BufReader},
        net::TcpListener,
        thread,
    };

    use tokio_rustls::rustls::{ServerConfig, ServerConnection, pki_types::PrivateKeyDer};

    use super::*;

    /// Answers one request by TLS, and returns its port and certificate.
    fn serve() -> (u16, String) {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let own = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || -> io::Result<()> {
            let (socket, _) = listener.accept()?;
            let connection = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut stream = BufReader::new(StreamOwned { conn: connection, sock: socket });
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                stream.read_line(&mut line)?;
            }
            stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
        });
        (port, own.cert.pem())
    }

    fn ask(url: &str, trusted: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trusted.pem");
        fs::write(&file, trusted).unwrap();
        let config = ureq::Agent::config_builder().proxy(None).build();
        let agent = Trust::of_first(vec![folder.path().join("none"), file]).agent(config);
        let agent = agent.map_err(|error| error.to_string())?;
        let mut answer = agent.get(url).call().map_err(|error| error.to_string())?;
        answer.body_mut().read_to_string().map_err(|error| error.to_string())
    }

    #[test]
    fn only_certificates_that_are_trusted() {
        for host in ["localhost", "127.0.0.1"] {
            let (port, certificate) = serve();
            assert_eq!(ask(&format!("https://{host}:{port}/"), &certificate), Ok("hi".to_owned()));
        }
        let (_, another) = serve();
        let (port, _) = serve();
        let error = ask(&format!("https://localhost:{port}/"), &another).unwrap_err();
        assert!(error.contains("certificate"), "{error}");
        let error = ask("https://localhost:1/", "").unwrap_err();
        assert!(error.contains("ca-certificates"), "{error}");
    }
}
