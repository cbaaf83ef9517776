//! Who may do what. Changes need the token; reads as well, where the host is told so.
//!
//! A page of another site in the user's browser reaches this host too: by its own name (DNS rebinding), which
//! `Host` gives away, or by a request across sites, which `Origin` and `Sec-Fetch-Site` give away. The token
//! comes in a header and never in a cookie, so that a browser adds it to no request by itself.

use std::{fmt, net::SocketAddr, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq;

use super::{App, error::Error};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
/// The one route that is open to everybody, besides the page's files.
const HEALTH: &str = "/healthz";

/// What needs the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Auth {
    /// Changes alone; reads are open to whoever reaches the host.
    Changes,
    /// Reads as well, all but those of the page's own files.
    All,
}

/// What proves that one may. It is never printed by accident.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// This text is the token.
    pub fn new(token: String) -> Self {
        Self(token)
    }

    /// The text, to be shown to who may know it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether a request has it. How long that takes does not tell how much of it was right.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = the_one(headers, &header::AUTHORIZATION);
        let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
        given.is_some_and(|given| given.ct_eq(self.0.as_bytes()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The names by which this host may be asked.
#[derive(Clone, Debug)]
pub struct Names {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Further names, with a port or for every port.
    pub more: Vec<Authority>,
}

impl Names {
    /// The address of the page, without its token.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }

    /// Whether an authority names this host: by its own address, as localhost, or by a name that it was given.
    /// An address in numbers is as good as its own where it listens on all: nobody can rebind it.
    fn is_own(&self, authority: &[u8], tls: bool) -> bool {
        let Ok(authority) = Authority::try_from(authority) else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let listen = self.listen.ip();
        let address = host.parse().is_ok_and(|ip: std::net::IpAddr| {
            ip.is_loopback() || ip == listen || listen.is_unspecified()
        });
        let own = address || host.eq_ignore_ascii_case("localhost");
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        own && port == self.listen.port() || self.is_given(&authority)
    }

    fn is_given(&self, authority: &Authority) -> bool {
        self.more.iter().any(|known| {
            known.host().eq_ignore_ascii_case(authority.host())
                && known.port_u16().is_none_or(|port| authority.port_u16() == Some(port))
        })
    }

    /// Whether an origin is this host's own page. Before a name that it was given may stand a proxy that
    /// speaks TLS for it.
    fn is_own_origin(&self, origin: &[u8]) -> bool {
        let rest = |scheme: &str| origin.strip_prefix(scheme.as_bytes());
        let (own, other) = (rest(if self.tls { "https://" } else { "http://" }), rest("https://"));
        own.is_some_and(|own| self.is_own(own, self.tls))
            || other
                .and_then(|other| Authority::try_from(other).ok())
                .is_some_and(|other| self.is_given(&other))
    }
}

/// Lets a request pass, or says why not.
pub async fn check(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let Names { tls, .. } = app.names;
    let named = the_one(request.headers(), &header::HOST);
    // An address in the first line of a request says the same as Host, and comes before it.
    let target = request.uri().authority().map(|target| target.as_str().as_bytes());
    let is_own = |name: &[u8]| app.names.is_own(name, tls);
    if !named.is_some_and(is_own) || !target.is_none_or(is_own) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "wrong_host",
            format!(
                "the Host header does not name this host: use {} (--allow-host)",
                app.names.url()
            ),
        ));
    }
    if is_of_another_site(&app.names, &request) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "wrong_origin",
            "requests of other sites' pages are refused",
        ));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if (!reads || app.auth == Auth::All && !is_open(&request))
        && !app.token.is_in(request.headers())
    {
        return Err(Error::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this needs the header `Authorization: Bearer TOKEN`; the token is in DATA_DIR/token and in the \
             link that weir run printed",
        ));
    }
    // What comes behind has no use for it, and cannot log it.
    request.headers_mut().remove(header::AUTHORIZATION);
    if reads {
        return Ok(next.run(request).await);
    }
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    tracing::info!("{method} {path}: {}", response.status().as_u16());
    Ok(response)
}

/// The page's files, which have no data in them, and what says that the host is there.
fn is_open(request: &Request) -> bool {
    request.extensions().get::<MatchedPath>().is_none_or(|path| path.as_str() == HEALTH)
}

/// Whether another site's page asks, for all that its browser says. A link to this page may be followed from
/// anywhere.
fn is_of_another_site(names: &Names, request: &Request) -> bool {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return !the_one(headers, &header::ORIGIN)
            .is_some_and(|origin| names.is_own_origin(origin));
    }
    let says = |name: &HeaderName, values: &[&str]| {
        headers.get(name).is_some_and(|said| values.iter().any(|value| said == value))
    };
    let follows_link = request.method() == Method::GET
        && says(&SEC_FETCH_MODE, &["navigate"])
        && request.extensions().get::<MatchedPath>().is_none();
    says(&SEC_FETCH_SITE, &["cross-site", "same-site"]) && !follows_link
}

/// The value of a header that is there once.
fn the_one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then_some(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn names(listen: &str, tls: bool, more: &[&str]) -> Names {
        let more = more.iter().map(|name| name.parse().unwrap()).collect();
        Names { listen: listen.parse().unwrap(), tls, more }
    }

    #[track_caller]
    fn check(names: &Names, own: &[&str], foreign: &[&str]) {
        for (authorities, expected) in [(own, true), (foreign, false)] {
            for authority in authorities {
                assert_eq!(names.is_own(authority.as_bytes(), names.tls), expected, "{authority}");
            }
        }
    }

    #[test]
    fn knows_its_own_names() {
        check(
            &names("127.0.0.1:7070", false, &[]),
            &["127.0.0.1:7070", "localhost:7070", "LOCALHOST:7070", "[::1]:7070"],
            &[
                "evil.example:7070",
                "127.0.0.1",
                "localhost:80",
                "10.0.0.1:7070",
                "",
                "localhost.evil.example:7070",
                "localhost:7070@evil.example:7070",
                "evil@localhost:7070",
                "localhost:7070/x",
                "127.0.0.1.:7070",
            ],
        );
        check(
            &names("10.0.0.1:443", true, &["weir.example", "other.example:8443"]),
            &["10.0.0.1", "10.0.0.1:443", "weir.example", "weir.example:9", "OTHER.example:8443"],
            &["10.0.0.2", "other.example", "other.example:443", "evil.example", "10.0.0.1:80"],
        );
        check(
            &names("0.0.0.0:7070", false, &[]),
            &["192.0.2.7:7070", "[2001:db8::1]:7070", "localhost:7070"],
            &["192.0.2.7", "evil.example:7070"],
        );
    }

    #[test]
    fn knows_its_own_page() {
        let own = names("127.0.0.1:7070", false, &["weir.example"]);
        for origin in ["http://127.0.0.1:7070", "http://localhost:7070", "https://weir.example"] {
            assert!(own.is_own_origin(origin.as_bytes()), "{origin}");
        }
        for origin in
            ["https://127.0.0.1:7070", "null", "http://evil.example", "", "file://", "http://"]
        {
            assert!(!own.is_own_origin(origin.as_bytes()), "{origin}");
        }
        let own = names("127.0.0.1:7070", true, &[]);
        assert!(own.is_own_origin(b"https://localhost:7070"));
        assert!(!own.is_own_origin(b"http://localhost:7070"));
    }

    #[test]
    fn compares_the_whole_token() {
        let token = Token::new("abc".to_owned());
        let with =
            |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert!(token.is_in(&with("Bearer abc")));
        for wrong in ["Bearer ab", "Bearer abcd", "Bearer ", "abc", "Basic abc", "bearer abc "] {
            assert!(!token.is_in(&with(wrong)), "{wrong}");
        }
        assert!(!token.is_in(&HeaderMap::new()));
        let mut twice = with("Bearer abc");
        twice.append(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert!(!token.is_in(&twice));
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn knows_what_a_browser_says_of_other_sites() {
        let names = names("127.0.0.1:7070", false, &[]);
        let check = |headers: &[(&str, &str)], expected: bool| {
            let mut request = Request::builder();
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = request.body(Body::empty()).unwrap();
            assert_eq!(is_of_another_site(&names, &request), expected, "{headers:?}");
        };
        check(&[], false);
        check(&[("sec-fetch-site", "same-origin")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(&[("sec-fetch-site", "cross-site")], true);
        check(&[("sec-fetch-site", "same-site")], true);
        check(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], true);
        check(&[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false);
        check(&[("origin", "http://127.0.0.1:7070"), ("origin", "http://evil.example")], true);
    }
}
