//! Asks a running host over its API.

use std::{env, fs, io::Read, path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use ureq::config::Config;

use super::data_dir;
use crate::{
    http::CERT_FILE,
    trust::{Trust, is_untrusted},
};

/// How long an answer may take: a load is answered when it is compiled, or before.
const PATIENCE: Duration = Duration::from_secs(120);
/// Most bytes of an answer.
const ANSWER_BYTES: u64 = 256 << 20;

/// Which host is asked, and what proves that one may change it.
#[derive(Args)]
pub struct Host {
    /// The running host.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://127.0.0.1:7070",
        env = "WEIR_URL"
    )]
    url: String,
    /// The file with the token that changes need, unless WEIR_TOKEN has the token itself
    /// [default: DATA_DIR/token]
    #[arg(long, global = true, value_name = "FILE", env = "WEIR_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The data folder of the host [default: /var/lib/weir for root, else ~/.local/state/weir]
    #[arg(long, global = true, value_name = "DIR", env = "WEIR_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// A file in PEM with the certificates to trust, where the URL begins with https [default: the
    /// certificates that the system trusts, and DATA_DIR/tls-cert.pem of --tls-self-signed]
    #[arg(long, global = true, value_name = "FILE", env = "WEIR_CA_CERT")]
    ca_cert: Option<PathBuf>,
}

impl Host {
    fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(data_dir::default)
    }

    /// What speaks to it, encrypted if its address says so.
    fn agent(&self, config: Config) -> anyhow::Result<ureq::Agent> {
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !scheme.eq_ignore_ascii_case("https") {
            return Ok(config.into());
        }
        let trust = match &self.ca_cert {
            Some(file) => Trust::of_file(file).with_context(|| {
                format!(
                    "cannot read a certificate from {} (--ca-cert): it is a file in PEM",
                    file.display()
                )
            })?,
            None => {
                let mut trust = Trust::of_system();
                // Most hosts have none, or are another machine's.
                _ = trust.add(&self.data_dir().join(CERT_FILE));
                trust
            }
        };
        Ok(trust.agent(config)?)
    }
}

/// The way to a host.
pub struct Client {
    agent: ureq::Agent,
    /// For answers that do not end.
    streams: ureq::Agent,
    host: Host,
}

/// What a host answered.
pub struct Answer {
    /// The HTTP status, which is no error.
    pub status: u16,
    /// The body; null, if there is none.
    pub body: Value,
}

impl Client {
    /// A way to this host, which need not be there.
    pub fn new(host: Host) -> anyhow::Result<Self> {
        let config = || {
            // A proxy would not reach this machine's own addresses.
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None)
        };
        let agent = host.agent(config().timeout_global(Some(PATIENCE)).build())?;
        let streams =
            config().timeout_connect(Some(PATIENCE)).timeout_recv_response(Some(PATIENCE)).build();
        let streams = host.agent(streams)?;
        Ok(Self { agent, streams, host })
    }

    /// Reads something.
    pub fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.send("GET", path, None)?;
        // Some hosts ask for the token for reads as well; others need not get it.
        if answer.status == 401 {
            let (token, _) = self.token()?;
            return Ok(self.ask("GET", path, Some((&token, &[])))?.body);
        }
        Ok(self.accepted(answer, path)?.body)
    }

    /// Reads a stream of server-sent events; from behind the one with this id, as far as the host still
    /// has them.
    pub fn stream(&self, path: &str, last_id: Option<u64>) -> anyhow::Result<impl Read + use<>> {
        let url = self.url(path);
        let open = |token: Option<&str>| -> anyhow::Result<ureq::http::Response<ureq::Body>> {
            let mut request = ureq::http::Request::builder().uri(&url);
            if let Some(id) = last_id {
                request = request.header("last-event-id", id.to_string());
            }
            if let Some(token) = token {
                request = request.header("authorization", format!("Bearer {token}"));
            }
            let request = request.body(()).with_context(|| invalid(&url))?;
            self.streams.run(request).map_err(|error| self.unreachable(&error))
        };
        let mut response = open(None)?;
        if response.status() == 401 {
            let (token, _) = self.token()?;
            response = open(Some(&token))?;
        }
        let status = response.status().as_u16();
        if status >= 400 {
            let text = response.body_mut().read_to_string();
            let text = text.with_context(|| format!("{url}: {status}, and why cannot be read"))?;
            bail!("{}", self.refusal(status, &self.json(&url, &text)?, path));
        }
        Ok(response.into_body().into_reader())
    }

    /// Where the host is.
    pub fn host(&self) -> &str {
        &self.host.url
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.host.url.trim_end_matches('/'))
    }

    /// Changes something. `body` is JSON, but for PUT.
    pub fn change(&self, method: &str, path: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let (token, _) = self.token()?;
        self.ask(method, path, Some((&token, body)))
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        change: Option<(&str, &[u8])>,
    ) -> anyhow::Result<Answer> {
        let answer = self.send(method, path, change)?;
        self.accepted(answer, path)
    }

    fn accepted(&self, answer: Answer, path: &str) -> anyhow::Result<Answer> {
        if answer.status >= 400 {
            bail!("{}", self.refusal(answer.status, &answer.body, path));
        }
        Ok(answer)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        change: Option<(&str, &[u8])>,
    ) -> anyhow::Result<Answer> {
        let url = self.url(path);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        if let Some((token, _)) = change {
            let kind = if method == "PUT" { "application/wasm" } else { "application/json" };
            request = request
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", kind);
        }
        let response = match change {
            Some((_, body)) if !body.is_empty() => {
                self.agent.run(request.body(body).with_context(|| invalid(&url))?)
            }
            _ => self.agent.run(request.body(()).with_context(|| invalid(&url))?),
        };
        let mut response = response.map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_string()
            .with_context(|| format!("the answer of {url} ended early"))?;
        let body = if text.is_empty() { Value::Null } else { self.json(&url, &text)? };
        Ok(Answer { status, body })
    }

    fn json(&self, url: &str, text: &str) -> anyhow::Result<Value> {
        serde_json::from_str(text)
            .with_context(|| format!("what answers at {url} is not weir: name the host with --url"))
    }

    fn unreachable(&self, error: &ureq::Error) -> anyhow::Error {
        let url = &self.host.url;
        match error {
            ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                anyhow::anyhow!(
                    "no weir runs at {url}: start one with `sudo weir run`, or name another with --url"
                )
            }
            error if is_untrusted(error) => anyhow::anyhow!(
                "the certificate of the host at {url} is not trusted: {error}; if it is of \
                 --tls-self-signed, name tls-cert.pem of its data folder with --ca-cert"
            ),
            error => anyhow::anyhow!("cannot ask the host at {url} (--url): {error}"),
        }
    }

    /// What a refusal means for whoever sits at the terminal.
    fn refusal(&self, status: u16, body: &Value, path: &str) -> String {
        let message = body["message"].as_str().unwrap_or("it gave no reason");
        match body["code"].as_str() {
            Some("unauthorized") => {
                let from = self.token().map(|(_, from)| from).unwrap_or_default();
                format!(
                    "the token of {from} is not that of the host at {}: name the file in its data folder \
                     with --token-file, or set WEIR_TOKEN to what stands behind `token=` in the link that \
                     it printed",
                    self.host.url
                )
            }
            Some("unknown_script") => format!("{message}{}", self.there_are("scripts")),
            Some("unknown_pipeline") => format!("{message}{}", self.there_are("pipelines")),
            Some(_) => message.to_owned(),
            None => format!("the host at {} answers {status} to {path}: {message}", self.host.url),
        }
    }

    /// What there is instead, if the host says; the refusal stands without it.
    fn there_are(&self, of: &str) -> String {
        let list = self.get(of).ok().and_then(|mut list| match list[of].take() {
            Value::Array(list) => Some(list),
            _ => None,
        });
        match list {
            None => String::new(),
            Some(list) if list.is_empty() => "; there are none".to_owned(),
            Some(list) => {
                let names: Vec<_> = list.iter().filter_map(|one| one["name"].as_str()).collect();
                format!("; there are: {}", names.join(", "))
            }
        }
    }

    /// The token, and where it is from.
    fn token(&self) -> anyhow::Result<(String, String)> {
        if self.host.token_file.is_none()
            && let Ok(token) = env::var("WEIR_TOKEN")
        {
            return Ok((token.trim().to_owned(), "WEIR_TOKEN".to_owned()));
        }
        let in_folder = || self.host.data_dir().join("token");
        let path = self.host.token_file.clone().unwrap_or_else(in_folder);
        let token = fs::read_to_string(&path).with_context(|| {
            format!(
                "cannot read the token that changes need from {} (run as the user that runs weir, or \
                 name it with --token-file or WEIR_TOKEN)",
                path.display()
            )
        })?;
        Ok((token.trim().to_owned(), path.display().to_string()))
    }
}

fn invalid(url: &str) -> String {
    format!("{url} is no address: write --url http://127.0.0.1:7070")
}

/// A part of an address's query.
pub fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_query() {
        assert_eq!(encode("{\"a b\":\"é&\"}"), "%7B%22a%20b%22%3A%22%C3%A9%26%22%7D");
        assert_eq!(encode("a-Z_0.9~"), "a-Z_0.9~");
    }
}
