//! What a script says of itself.

use crate::{Call, Table, event::PAYLOAD_BYTES, json};

/// What a script does with events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Drops some.
    Filter,
    /// Adds attributes to them.
    Enrich,
    /// Sums them up in tables.
    Aggregate,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Enrich => "enrich",
            Self::Aggregate => "aggregate",
        }
    }
}

/// What a script says of itself: the API, the page and `weir check` show it. Name and version come from the
/// script's package.
#[derive(Clone, Copy, Debug)]
pub struct About {
    role: Role,
    summary: &'static str,
    params: &'static [Param],
    tables: &'static [Table],
    calls: &'static [Call],
    payload: usize,
    ports: &'static [u16],
    comms: &'static [&'static str],
    min_bytes: u64,
    errors: bool,
    state_version: u32,
}

impl About {
    /// A script that drops events. The summary is one line on what it does.
    pub const fn filter(summary: &'static str) -> Self {
        Self::new(Role::Filter, summary)
    }

    /// A script that adds attributes to events. The summary is one line on what it does.
    pub const fn enrich(summary: &'static str) -> Self {
        Self::new(Role::Enrich, summary)
    }

    /// A script that sums events up in tables. The summary is one line on what it does.
    pub const fn aggregate(summary: &'static str) -> Self {
        Self::new(Role::Aggregate, summary)
    }

    /// A script of that role. The summary is one line on what it does.
    pub const fn new(role: Role, summary: &'static str) -> Self {
        Self {
            role,
            summary,
            params: &[],
            tables: &[],
            calls: &[Call::Sendmsg],
            payload: 0,
            ports: &[],
            comms: &[],
            min_bytes: 0,
            errors: false,
            state_version: 0,
        }
    }

    /// Its parameters.
    pub const fn params(self, params: &'static [Param]) -> Self {
        Self { params, ..self }
    }

    /// Its tables.
    pub const fn tables(self, tables: &'static [Table]) -> Self {
        Self { tables, ..self }
    }

    /// The calls that it is given the events of; left out, it is `sendmsg` alone. Calls that no
    /// script wants are not traced.
    pub const fn calls(self, calls: &'static [Call]) -> Self {
        Self { calls, ..self }
    }

    /// How many bytes of payload it wants to see, up to [`PAYLOAD_BYTES`]; left out, it is none.
    pub const fn payload(self, bytes: usize) -> Self {
        assert!(bytes <= PAYLOAD_BYTES, "more payload than there is");
        Self { payload: bytes, ..self }
    }

    /// It wants only calls at one of these ports, up to eight: of either end of the socket, or of the
    /// message's address. What no script wants stays in the kernel, as with the other conditions.
    pub const fn ports(self, ports: &'static [u16]) -> Self {
        assert!(ports.len() <= 8, "more ports than the kernel side compares");
        Self { ports, ..self }
    }

    /// It wants only calls of threads with one of these names, up to eight.
    pub const fn comms(self, comms: &'static [&'static str]) -> Self {
        assert!(comms.len() <= 8, "more names than the kernel side compares");
        Self { comms, ..self }
    }

    /// It wants only calls that offer, or receive, at least so many bytes.
    pub const fn min_bytes(self, bytes: u64) -> Self {
        Self { min_bytes: bytes, ..self }
    }

    /// It wants only calls that failed.
    pub const fn errors(self) -> Self {
        Self { errors: true, ..self }
    }

    /// Which version of its state the script saves and restores; left out, it is 0.
    pub const fn state_version(self, version: u32) -> Self {
        Self { state_version: version, ..self }
    }

    /// Names and default values of the parameters.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn defaults(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.params.iter().map(|param| (param.name, param.default))
    }

    /// The description as the host reads it.
    pub(crate) fn json(&self, package: &str, version: &str) -> String {
        let Self { role, summary, params, tables, state_version, .. } = *self;
        let name = package.strip_prefix("weir-script-").unwrap_or(package);
        let mut to = String::new();
        json::open_object(
            &mut to,
            &[
                ("name", name),
                ("version", version),
                ("summary", summary),
                ("role", role.name()),
                ("language", "rust"),
            ],
        );
        to.push_str(",\"params\":");
        json::list(&mut to, params, |to, param| {
            let Param { name, r#type, default, help } = *param;
            json::open_object(
                to,
                &[("name", name), ("type", r#type), ("default", default), ("help", help)],
            );
            to.push('}');
        });
        to.push_str(",\"tables\":");
        json::list(&mut to, tables, |to, table| table.describe(to));
        to.push_str(",\"wants\":");
        self.wants(&mut to);
        to.push_str(&format!(",\"state_version\":{state_version}}}"));
        to
    }

    fn wants(&self, to: &mut String) {
        let Self { calls, payload, ports, comms, min_bytes, errors, .. } = *self;
        to.push_str("{\"calls\":");
        json::list(to, calls, |to, call| json::text(to, call.name()));
        to.push_str(&format!(",\"payload\":{payload}"));
        if !ports.is_empty() {
            to.push_str(",\"port\":");
            json::list(to, ports, |to, port| to.push_str(&port.to_string()));
        }
        if !comms.is_empty() {
            to.push_str(",\"comm\":");
            json::list(to, comms, |to, comm| json::text(to, comm));
        }
        if min_bytes != 0 {
            to.push_str(&format!(",\"min_bytes\":{min_bytes}"));
        }
        if errors {
            to.push_str(",\"errors\":true");
        }
        to.push('}');
    }
}

/// A parameter: whoever runs the script sets it, as in `weir run -s 'errors?ignore=EPIPE'`.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    name: &'static str,
    r#type: &'static str,
    default: &'static str,
    help: &'static str,
}

impl Param {
    const fn new(
        r#type: &'static str,
        name: &'static str,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, r#type, default, help }
    }

    /// Any text. See [`Params::string`](crate::Params::string).
    pub const fn string(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new("string", name, default, help)
    }

    /// A whole number from 0. See [`Params::int`](crate::Params::int).
    pub const fn int(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new("int", name, default, help)
    }

    /// One of Weir's expressions, as in `weir run -e`: the host checks it, and the script is given it compiled.
    /// A script is then given the events of the calls that the expression can fit.
    pub const fn expression(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new("expression", name, default, help)
    }

    /// A time: `250us`, `10ms`, `1s`. See [`Params::duration`](crate::Params::duration).
    pub const fn duration(name: &'static str, default: &'static str, help: &'static str) -> Self {
        Self::new("duration", name, default, help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_that_the_host_reads() {
        const ABOUT: About = About::aggregate("counts \"calls\"")
            .params(&[Param::duration("min", "10ms", "at least"), Param::int("top", "5", "")])
            .tables(&[
                Table::counter("calls", &["process"]).help("calls"),
                Table::histogram("took", &["a", "b"]),
            ])
            .calls(&[Call::Sendmsg, Call::IoUring])
            .payload(256);
        assert_eq!(
            ABOUT.json("weir-script-latency", "1.2.3"),
            concat!(
                r#"{"name":"latency","version":"1.2.3","summary":"counts \"calls\"","role":"aggregate","#,
                r#""language":"rust","params":[{"name":"min","type":"duration","default":"10ms","help":"at least"},"#,
                r#"{"name":"top","type":"int","default":"5","help":""}],"#,
                r#""tables":[{"name":"calls","kind":"counter","help":"calls"},"#,
                r#"{"name":"took","kind":"histogram","help":""}],"#,
                r#""wants":{"calls":["sendmsg","io_uring"],"payload":256},"state_version":0}"#
            )
        );
        let some = About::new(Role::Enrich, "")
            .ports(&[53, 853])
            .comms(&["named"])
            .min_bytes(12)
            .errors()
            .json("mine", "0.1.0");
        let wants = concat!(
            r#""wants":{"calls":["sendmsg"],"payload":0,"port":[53,853],"comm":["named"],"#,
            r#""min_bytes":12,"errors":true},"#
        );
        assert!(some.contains(wants), "{some}");
        let bare = About::new(Role::Filter, "").json("mine", "0.1.0");
        let wants = r#""wants":{"calls":["sendmsg"],"payload":0},"state_version":0}"#;
        assert!(bare.ends_with(&format!(r#""params":[],"tables":[],{wants}"#)), "{bare}");
        assert!(bare.contains(r#""name":"mine""#), "{bare}");
    }
}
