//! How `weir run` serves page and API: where, to whom, by TLS or without.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::http::{Auth, Authority, Names, Tls};

/// How page and API are served.
#[derive(Args)]
pub struct Serve {
    /// Where to serve page and API; port 0 picks a free one. What is not a loopback address needs TLS, and
    /// the token for everything.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7070", env = "WEIR_LISTEN")]
    pub listen: SocketAddr,
    /// What needs the token: changes alone, or all but the page's own files [default: changes on a loopback
    /// address, else all]
    #[arg(long, value_enum)]
    auth: Option<Auth>,
    /// Speak TLS with this certificate, in PEM, those that sign it behind it.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Speak TLS with a certificate that is made once and kept in the data folder.
    #[arg(long, conflicts_with = "tls_cert")]
    tls_self_signed: bool,
    /// A further name by which the host may be asked, as of a proxy before it: NAME or NAME:PORT.
    #[arg(long = "allow-host", value_name = "NAME")]
    allow_hosts: Vec<Authority>,
    /// Serve other addresses than loopback without TLS, or reads without the token.
    #[arg(long)]
    insecure: bool,
    /// Show payload in the API, its streams and on the page. Without it they say how many bytes there are;
    /// scripts are given them all the same.
    #[arg(long)]
    pub show_payload: bool,
    /// Connections to page and API at once; further ones are answered with 503.
    #[arg(long, value_name = "N", default_value_t = 2048,
          value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub connections: u32,
}

/// A port that is open, and who may ask there.
pub struct Open {
    pub listener: TcpListener,
    pub names: Names,
    pub auth: Auth,
    pub tls: Option<Tls>,
}

impl Serve {
    /// Opens the port. `data_dir` is where a certificate is kept.
    pub fn open(&self, data_dir: &Path) -> anyhow::Result<Open> {
        let auth = self.allowed()?;
        let listener = TcpListener::bind(self.listen).with_context(|| {
            format!("cannot listen on {} (choose another with --listen)", self.listen)
        })?;
        listener.set_nonblocking(true).context("cannot set the listener up")?;
        let listen = listener.local_addr().context("cannot tell the port that is served")?;
        let tls = self.tls(data_dir, listen)?;
        let names = Names { listen, tls: tls.is_some(), more: self.allow_hosts.clone() };
        Ok(Open { listener, names, auth, tls })
    }

    /// What needs the token. Refuses to serve a network what it should not have.
    fn allowed(&self) -> anyhow::Result<Auth> {
        let loopback = self.listen.ip().is_loopback();
        let auth = self.auth.unwrap_or(if loopback { Auth::Changes } else { Auth::All });
        if loopback {
            return Ok(auth);
        }
        let mut missing = Vec::new();
        if self.tls_cert.is_none() && !self.tls_self_signed {
            missing.push("TLS (--tls-cert FILE --tls-key FILE, or --tls-self-signed)");
        }
        if auth == Auth::Changes {
            missing.push("the token for reads (--auth all)");
        }
        if missing.is_empty() {
            return Ok(auth);
        }
        let missing = missing.join(" and ");
        if !self.insecure {
            bail!(
                "{} is not a loopback address, and whoever is in between could read what this host sends and \
                 receives: add {missing}, or say --insecure; or stay with a loopback address, and from \
                 another machine use: ssh -L 7070:127.0.0.1:7070 HOST",
                self.listen
            );
        }
        tracing::warn!("{} is served without {missing}", self.listen);
        Ok(auth)
    }

    fn tls(&self, data_dir: &Path, listen: SocketAddr) -> anyhow::Result<Option<Tls>> {
        Ok(match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(Tls::of_files(cert, key)?),
            _ if self.tls_self_signed => Some(Tls::self_signed(data_dir, self.tls_names(listen))?),
            _ => None,
        })
    }

    /// The names that a certificate is made for.
    fn tls_names(&self, listen: SocketAddr) -> Vec<String> {
        let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        let node = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let given = self.allow_hosts.iter().map(|name| name.host().to_owned());
        names.extend([node, listen.ip().to_string()].into_iter().chain(given));
        names.sort();
        names.dedup();
        names.retain(|name| !name.is_empty() && name != "0.0.0.0" && name != "::");
        names
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    fn allowed(args: &str) -> anyhow::Result<Auth> {
        let args = ["weir"].into_iter().chain(args.split_whitespace());
        Line::try_parse_from(args)?.serve.allowed()
    }

    #[test]
    fn loopback_is_open_to_who_reaches_it() {
        for (args, auth) in [
            ("", Auth::Changes),
            ("--listen [::1]:0", Auth::Changes),
            ("--auth all", Auth::All),
            ("--listen 0.0.0.0:1 --tls-self-signed", Auth::All),
            ("--listen 10.0.0.1:1 --tls-cert a --tls-key b", Auth::All),
            ("--listen 0.0.0.0:1 --insecure", Auth::All),
            ("--listen 0.0.0.0:1 --insecure --auth changes", Auth::Changes),
        ] {
            assert_eq!(allowed(args).unwrap(), auth, "{args}");
        }
    }

    #[test]
    fn a_network_is_refused_what_is_not_safe() {
        for (args, remedies) in [
            (
                "--listen 0.0.0.0:1",
                &["--tls-cert", "--tls-self-signed", "--insecure", "ssh -L"][..],
            ),
            ("--listen [::]:1 --tls-self-signed --auth changes", &["--auth all", "--insecure"]),
            ("--listen 192.0.2.1:1 --auth changes", &["--tls-cert", "--auth all"]),
        ] {
            let error = allowed(args).unwrap_err().to_string();
            for remedy in remedies {
                assert!(error.contains(remedy), "{error}");
            }
        }
        for args in ["--tls-cert a", "--tls-key a", "--tls-cert a --tls-key b --tls-self-signed"] {
            assert!(allowed(args).is_err(), "{args}");
        }
    }
}
