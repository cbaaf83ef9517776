//! Who may do what. Reads are open to whoever reaches the loopback address; changes need the token.
//!
//! A page of another site in the user's browser reaches loopback as well: by its own name (DNS
//! rebinding), which `Host` gives away, or by a request across sites, which `Origin` gives away.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq;

use super::{App, error::Error};

pub async fn check(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let headers = request.headers();
    if !headers.get(header::HOST).is_some_and(|host| is_own(host.as_bytes(), app.listen)) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "wrong_host",
            format!("the Host header does not name this host: use http://{}", app.listen),
        ));
    }
    let foreign = |origin: &axum::http::HeaderValue| {
        let origin = origin.as_bytes();
        !origin.strip_prefix(b"http://").is_some_and(|host| is_own(host, app.listen))
    };
    if headers.get(header::ORIGIN).is_some_and(foreign) {
        return Err(Error::new(
            StatusCode::FORBIDDEN,
            "wrong_origin",
            "requests of other sites' pages are refused",
        ));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && !has_token(headers, &app.token) {
        return Err(Error::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "a change needs the header `Authorization: Bearer TOKEN`; the token is in DATA_DIR/token \
             and in the link that weir run printed",
        ));
    }
    Ok(next.run(request).await)
}

/// Whether an authority is this host's, by number or as localhost.
fn is_own(authority: &[u8], listen: SocketAddr) -> bool {
    let Ok(authority) = Authority::try_from(authority) else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let own = host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    own && authority.port_u16().unwrap_or(80) == listen.port()
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
    given.is_some_and(|given| given.ct_eq(token.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_its_own_names() {
        let listen = "127.0.0.1:7070".parse().unwrap();
        for own in ["127.0.0.1:7070", "localhost:7070", "LOCALHOST:7070", "[::1]:7070"] {
            assert!(is_own(own.as_bytes(), listen), "{own}");
        }
        for foreign in [
            "evil.example:7070",
            "127.0.0.1",
            "localhost:80",
            "10.0.0.1:7070",
            "",
            "localhost.evil.example:7070",
        ] {
            assert!(!is_own(foreign.as_bytes(), listen), "{foreign}");
        }
    }

    #[test]
    fn compares_the_whole_token() {
        let with =
            |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert!(has_token(&with("Bearer abc"), "abc"));
        for wrong in ["Bearer ab", "Bearer abcd", "Bearer ", "abc", "Basic abc"] {
            assert!(!has_token(&with(wrong), "abc"), "{wrong}");
        }
        assert!(!has_token(&HeaderMap::new(), "abc"));
    }
}
