//! Where a collector is, and what it is told with each request.

use std::fmt;

use ureq::http::{HeaderName, HeaderValue, Uri};

/// Longest address that is taken.
const MOST_BYTES: usize = 2048;

/// The base address of a collector: `http://127.0.0.1:4318`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: String,
    secure: bool,
}

/// Why an address is none of a collector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--otlp is not the address of a collector: {why}; write http://127.0.0.1:4318")]
pub struct EndpointError {
    why: &'static str,
}

/// A header of every request, whose value nobody is shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
}

/// Why something is not a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--otlp-header {why}; write NAME=VALUE, as in authorization='Bearer TOKEN'")]
pub struct HeaderError {
    why: &'static str,
}

impl Endpoint {
    /// Checks an address.
    pub fn parse(url: &str) -> Result<Self, EndpointError> {
        let refuse = |why| Err(EndpointError { why });
        if url.len() > MOST_BYTES {
            return refuse("it is longer than 2048 bytes");
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("it has spaces, control characters or letters beyond ASCII");
        }
        let Ok(uri) = url.parse::<Uri>() else { return refuse("it cannot be parsed") };
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return refuse("it begins with neither http:// nor https://"),
        };
        let Some(authority) = uri.authority().filter(|authority| !authority.host().is_empty())
        else {
            return refuse("it names no host");
        };
        if authority.as_str().contains('@') {
            return refuse("it has a user or a password, which --otlp-header is for");
        }
        // What stands behind the host's colon is left alone by the parser.
        let port = authority.as_str().rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        if port.is_some() && authority.port_u16().is_none_or(|port| port == 0) {
            return refuse("its port is not one of 1 to 65535");
        }
        if uri.query().is_some() || url.contains(['?', '#']) {
            return refuse("it has a ? or a #");
        }
        let path = uri.path().trim_end_matches('/');
        if path.ends_with("/v1/metrics") || path.ends_with("/v1/logs") {
            return refuse("/v1/metrics and /v1/logs are put behind it by themselves");
        }
        let scheme = if secure { "https" } else { "http" };
        Ok(Self { base: format!("{scheme}://{authority}{path}"), secure })
    }

    /// Where metrics go to.
    pub fn metrics(&self) -> String {
        format!("{}/v1/metrics", self.base)
    }

    /// Where log records go to.
    pub fn logs(&self) -> String {
        format!("{}/v1/logs", self.base)
    }

    /// Whether what is sent is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}

impl Header {
    /// Checks `NAME=VALUE`.
    pub fn parse(text: &str) -> Result<Self, HeaderError> {
        let refuse = |why| HeaderError { why };
        let (name, value) = text.split_once('=').ok_or_else(|| refuse("has no ="))?;
        let name: HeaderName =
            name.trim_matches(' ').parse().map_err(|_| refuse("has a name that no header has"))?;
        const OWN: [&str; 5] =
            ["content-type", "content-length", "content-encoding", "host", "transfer-encoding"];
        if OWN.contains(&name.as_str()) {
            return Err(refuse("names one that is set by itself"));
        }
        let mut value = HeaderValue::from_str(value.trim_matches(' '))
            .map_err(|_| refuse("has a value that no header has"))?;
        value.set_sensitive(true);
        Ok(Self { name, value })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, metrics) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"),
            ("http://[::1]:4318/", "http://[::1]:4318/v1/metrics"),
            ("HTTPS://collector.example/otlp//", "https://collector.example/otlp/v1/metrics"),
            ("http://localhost", "http://localhost/v1/metrics"),
            ("http://[::1]", "http://[::1]/v1/metrics"),
        ] {
            let endpoint = Endpoint::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(endpoint.metrics(), metrics);
        }
    }

    #[test]
    fn hostile_addresses() {
        let long = format!("http://{}", "a".repeat(3000));
        for url in [
            "",
            "collector:4318",
            "//collector",
            "file:///etc/shadow",
            "gopher://collector:70",
            "unix:///run/collector",
            "http://",
            "http://:4318",
            "http://user:secret@collector:4318",
            "http://collector@evil.example",
            "http://collector:0",
            "http://collector:65536",
            "http://collector:port",
            "http://collector:4318?a=b",
            "http://collector:4318/#a",
            "http://collector:4318/v1/metrics",
            "http://collector:4318/v1/logs/",
            "http://collector\r\nx: y",
            "http://coll ector",
            "http://cöllector",
            "http://collector/\u{0}",
            &long,
        ] {
            let error = match Endpoint::parse(url) {
                Ok(endpoint) => panic!("{url:?} is taken as {endpoint:?}"),
                Err(error) => error.to_string(),
            };
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn headers_are_not_shown() {
        let header = Header::parse("authorization=Bearer a=b").unwrap();
        assert_eq!(header.value, "Bearer a=b");
        assert_eq!(format!("{header:?}{:?}", header.value), "authorization=…Sensitive");
        for wrong in ["a", "=b", "a b=c", "a=\nb", "Content-Type=x", "host=x", "a=\u{0}"] {
            let error = Header::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("NAME=VALUE"), "{error}");
        }
    }
}
