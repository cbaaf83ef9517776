//! Who may ask what: the token, other sites, headers, TLS, and what the log says of it.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::Arc,
    thread,
};

use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use crate::{
    alone, calls, check_refused,
    live::{PATIENCE, Weir, binary, wait_for},
    raw, send_kept,
};

/// Everything that can be read, but for the page and what says that the host is there.
const READS: [&str; 9] = [
    "/api/v1/status",
    "/api/v1/ledger",
    "/api/v1/scripts",
    "/api/v1/scripts/own/logs",
    "/api/v1/pipelines",
    "/api/v1/tables",
    "/api/v1/loads",
    "/api/v1/events",
    "/api/v1/events/stream",
];

#[test]
fn reads_need_the_token_where_that_is_asked_for() {
    let weir = Weir::start(["--auth", "all"]);
    let bearer = format!("Bearer {}", weir.token);
    for path in READS {
        check_refused(weir.request("GET", path, &[], &[]), 401, "unauthorized");
        assert_eq!(weir.request("HEAD", path, &[], &[]).0, 401);
        for wrong in ["Bearer ", "Bearer x", &weir.token] {
            let headers = [("authorization", wrong)];
            check_refused(weir.request("GET", path, &headers, &[]), 401, "unauthorized");
        }
        let query = format!("{path}?token={}", weir.token);
        check_refused(weir.request("GET", &query, &[], &[]), 401, "unauthorized");
        let cookie = format!("token={}", weir.token);
        check_refused(weir.request("GET", path, &[("cookie", &cookie)], &[]), 401, "unauthorized");
    }
    for path in READS.into_iter().filter(|path| !path.ends_with("stream")) {
        let (status, answer) = weir.request("GET", path, &[("authorization", &bearer)], &[]);
        assert_eq!(status, 200, "{path}: {answer}");
    }
    // The page asks for the token, so it comes without.
    assert_ne!(weir.request("GET", "/", &[], &[]).0, 401);
    assert_eq!(weir.request("GET", "/healthz", &[], &[]).0, 200);
    weir.stop();
}

#[test]
fn every_answer_tells_the_browser_to_trust_nobody_else() {
    let weir = Weir::start([] as [&str; 0]);
    let host = raw::host(&weir);
    for (request, status) in [
        (format!("GET / HTTP/1.1\r\nhost: {host}\r\n"), ""),
        (format!("GET /api/v1/status HTTP/1.1\r\nhost: {host}\r\n"), "200"),
        (format!("GET /api/v1/none HTTP/1.1\r\nhost: {host}\r\n"), "404"),
        ("GET /api/v1/status HTTP/1.1\r\nhost: evil.example\r\n".to_owned(), "403"),
        (format!("PUT /api/v1/scripts/x HTTP/1.1\r\nhost: {host}\r\n"), "401"),
    ] {
        let answer = raw::ask(&weir, format!("{request}connection: close\r\n\r\n"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        let head = answer.split("\r\n\r\n").next().unwrap().to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self';",
            "frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "x-frame-options: deny",
            "cross-origin-resource-policy: same-origin",
            "cache-control: no-",
        ] {
            assert!(head.contains(header), "no {header} in {head}");
        }
        assert!(!head.contains("unsafe-eval") && !head.contains("access-control-allow"), "{head}");
        assert!(!head.contains("set-cookie"), "{head}");
    }
    weir.stop();
}

#[test]
fn other_addresses_are_refused_what_is_not_safe() {
    let folder = tempfile::tempdir().unwrap();
    let check = |args: &[&str], remedies: &[&str]| {
        let output = Command::new(binary())
            .args(["run", "--data-dir"])
            .arg(folder.path())
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("is not a loopback address"), "{error}");
        for remedy in remedies {
            assert!(error.contains(remedy), "{error}");
        }
    };
    check(&["--listen", "0.0.0.0:0"], &["--tls-cert", "--tls-self-signed", "--insecure", "ssh -L"]);
    check(
        &["--listen", "0.0.0.0:0", "--tls-self-signed", "--auth", "changes"],
        &["--auth all", "--insecure"],
    );
}

#[test]
fn credentials_and_payload_are_in_no_log() {
    let _alone = alone();
    let weir = Weir::start_in(&[("RUST_LOG", "trace")], &["sendmsg"], 64, [] as [&str; 0]);
    let bearer = format!("Bearer {}", weir.token);
    send_kept(&weir, "api-log", 20);
    for (method, path) in [
        ("GET", "/api/v1/events?pipeline=own"),
        ("DELETE", "/api/v1/scripts/none"),
        ("PUT", "/api/v1/scripts/none"),
        ("GET", "/api/v1/status"),
    ] {
        weir.request(method, path, &[("authorization", &bearer)], b"x");
    }
    let wrong = "Bearer not-the-token-of-this-host";
    weir.request("DELETE", "/api/v1/scripts/own", &[("authorization", wrong)], &[]);
    let log = weir.stderr();
    assert!(log.contains("DELETE /api/v1/scripts/none: 404"), "changes are in the log: {log}");
    for secret in [&weir.token[..], "not-the-token", "secret payload", "c2VjcmV0"] {
        let lines: Vec<_> = log.lines().filter(|line| line.contains(secret)).take(3).collect();
        assert!(lines.is_empty(), "{secret}: {lines:?}");
    }
    weir.stop();
}

/// Takes any certificate, and is told which.
#[derive(Debug)]
struct Any;

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &ring::default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[test]
fn speaks_tls() {
    let weir = Weir::start(["--listen", "0.0.0.0:0", "--tls-self-signed"]);
    let port = weir.url.rsplit_once(':').unwrap().1.to_owned();
    assert!(weir.url.starts_with("https://0.0.0.0:"), "{}", weir.url);
    let ask = |head: &str| {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Any))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let request = format!("{head}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let status = format!("GET /api/v1/status HTTP/1.1\r\nhost: localhost:{port}\r\n");
    let answer = ask(&status);
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    let bearer = format!("authorization: Bearer {}\r\n", weir.token);
    let answer = ask(&format!("{status}{bearer}"));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for (origin, expected) in [("https", "200"), ("http", "403")] {
        let origin = format!("origin: {origin}://localhost:{port}\r\n");
        let answer = ask(&format!("{status}{bearer}{origin}"));
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
    }
    // Without TLS there is no answer.
    let mut socket = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(format!("{status}{bearer}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    // It may be reset.
    _ = socket.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
    weir.stop();
}

#[test]
fn commands_speak_tls() {
    let _alone = alone();
    let weir = Weir::start(["--listen", "0.0.0.0:0", "--tls-self-signed"]);
    let url = format!("https://localhost:{}", weir.url.rsplit_once(':').unwrap().1);
    let data = weir.folder().join("data");
    let weir_of = |args: &[&str]| {
        let mut command = Command::new(binary());
        command.args(args).args(["--url", &url]).stdin(Stdio::null());
        command
    };
    let done = weir_of(&["script", "ls"]).arg("--data-dir").arg(&data).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // Someone else's folder has neither certificate nor token.
    let other = |args: &[&str]| {
        let mut command = weir_of(&["script", "ls"]);
        command.env("WEIR_TOKEN", &weir.token).arg("--data-dir").arg(weir.folder()).args(args);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let cert = data.join("tls-cert.pem");
    assert_eq!(other(&["--ca-cert", cert.to_str().unwrap()]), (true, String::new()));
    let (done, said) = other(&[]);
    assert!(!done && said.contains("is not trusted") && said.contains("--ca-cert"), "{said}");
    let (done, said) = other(&["--ca-cert", "/dev/null"]);
    assert!(!done && said.contains("cannot read a certificate from /dev/null"), "{said}");
    // A stream as well.
    let mut follow = weir_of(&["events", "--follow", "-n", "0"]);
    let mut follow = follow.arg("--data-dir").arg(&data).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let first = thread::spawn(move || lines.next().unwrap().unwrap());
    wait_for("line", || {
        _ = calls::sendmsg(0, std::ptr::null(), 0);
        first.is_finished().then_some(())
    });
    assert!(first.join().unwrap().contains(" sendmsg fd="));
    follow.kill().unwrap();
    follow.wait().unwrap();
    weir.stop();
}
