//! Adds the service that a message goes to, and how far away it is.

mod paths;
mod ports;
mod scope;

use weir::{About, Call, Destination, Event, Out, Params, Script, Verdict};

struct Service;

#[weir::script]
impl Script for Service {
    const ABOUT: About = About::enrich(
        "Adds `service` (dns, https, journald, …) and `scope` (loopback, private, public, …)",
    )
    .calls(&[Call::Sendmsg, Call::Sendmmsg, Call::Sendto]);

    fn start(_params: &Params) -> Result<Self, String> {
        Ok(Self)
    }

    fn event(&mut self, event: &Event, out: &mut Out) -> Verdict {
        let destination = event.destination();
        let service = match destination {
            Destination::Inet(address) => ports::service(address.port()),
            Destination::Inet6(address) => ports::service(address.port()),
            Destination::Unix(path) => paths::service(path),
            _ => None,
        };
        if let Some(service) = service {
            out.attr("service", service);
        }
        if let Some(ip) = destination.ip() {
            out.attr("scope", scope::scope(ip));
        }
        Verdict::Keep
    }
}

#[cfg(test)]
mod tests {
    use weir::testing::{Call, Run};

    use super::*;

    fn added(call: Call) -> Vec<(String, String)> {
        let mut run = Run::<Service>::start(&[]).unwrap();
        assert_eq!(run.batch(&[call]), [Verdict::Keep]);
        run.attrs(0)
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn by_port_and_address() {
        let dns = pairs(&[("service", "dns"), ("scope", "loopback")]);
        assert_eq!(added(Call::new().to("127.0.0.53:53")), dns);
        assert_eq!(added(Call::new().to("[::1]:53")), dns);
        assert_eq!(added(Call::new().to("10.0.0.1:40000")), pairs(&[("scope", "private")]));
    }

    #[test]
    fn by_path() {
        let journald = pairs(&[("service", "journald")]);
        assert_eq!(added(Call::new().to_unix("/run/systemd/journal/socket")), journald);
        assert_eq!(added(Call::new().to_unix("/tmp/own.sock")), []);
    }

    #[test]
    fn nothing_without_an_address() {
        assert_eq!(added(Call::new()), []);
        assert_eq!(added(Call::new().to_raw(&[16, 0, 1, 2])), []);
    }
}
