//! Which events a script is given, and how much of their payload.

use serde::{Deserialize, Serialize};
use weir_ebpf::want::{AF_VSOCK, ANY_PORT, Caller, Counts, VALUES, Want};
use weir_sdk::event::{CALL_NAMES, CALL_SENDMSG, Head, PAYLOAD_BYTES};

use crate::decode::family_name;

/// What a script wants to see. Left out it is sendmsg, without payload.
///
/// In JSON `{"calls": ["sendto"], "payload": 256, "port": [53]}`: any of the calls, and every condition
/// that is there. A condition that is a list holds if one of its values does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct Wants {
    /// The calls: a bit for each, at its number.
    pub calls: u16,
    /// Bytes of payload.
    pub payload: u32,
    /// The calls again, with the conditions.
    pub want: Want,
}

impl Default for Wants {
    fn default() -> Self {
        Self::all(1 << CALL_SENDMSG, 0)
    }
}

impl Wants {
    /// All events of these calls.
    pub fn all(calls: u16, payload: u32) -> Self {
        Self { calls, payload, want: Want { calls, ..Want::default() } }
    }

    /// What fits a want.
    pub fn of(want: Want, payload: u32) -> Self {
        Self { calls: want.calls, payload, want }
    }

    /// Whether an event is among what is wanted.
    pub fn fits(&self, head: &Head) -> bool {
        let [c0, c1, c2, c3, c4, c5, c6, c7, d @ ..] = head.comm;
        let comm = [[c0, c1, c2, c3, c4, c5, c6, c7], d].map(u64::from_ne_bytes);
        let Head { call, pid, uid, cgroup_id: cgroup, .. } = *head;
        let caller = Caller { call, pid, uid, cgroup, comm };
        let port = if head.family == AF_VSOCK { ANY_PORT } else { head.port.into() };
        let lists = (0..self.want.longest.into()).fold(0, |lists, index| {
            lists | self.want.of_caller(index, &caller) | self.want.of_call(index, head, port)
        });
        self.want.may(call, lists) && self.want.fits(head, lists)
    }
}

/// The same as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Said {
    calls: Vec<String>,
    payload: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pid: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comm: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uid: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cgroup: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    family: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    port: Vec<u16>,
    #[serde(skip_serializing_if = "is_default")]
    min_bytes: u64,
    #[serde(skip_serializing_if = "is_default")]
    errors: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Said {
    fn default() -> Self {
        Wants::default().into()
    }
}

impl From<Wants> for Said {
    fn from(Wants { calls, payload, want }: Wants) -> Self {
        let Counts { pids, uids, cgroups, comms, families, ports, reserved: _ } = want.counts;
        let comm = |comm: &[u64; 2]| {
            let bytes = comm.map(u64::to_ne_bytes);
            String::from_utf8_lossy(bytes.as_flattened()).trim_end_matches('\0').to_owned()
        };
        Self {
            calls: call_names(calls).map(str::to_owned).collect(),
            payload: payload.into(),
            pid: want.pids[..pids.into()].to_vec(),
            comm: want.comms[..comms.into()].iter().map(comm).collect(),
            uid: want.uids[..uids.into()].to_vec(),
            cgroup: want.cgroups[..cgroups.into()].to_vec(),
            family: want.families[..families.into()]
                .iter()
                .map(|&family| family_name(family).into_owned())
                .collect(),
            port: want.ports[..ports.into()].to_vec(),
            min_bytes: want.min_bytes,
            errors: want.errors != 0,
        }
    }
}

impl TryFrom<Said> for Wants {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        let mut calls = 0;
        for name in &said.calls {
            calls |= 1
                << call_number(name).ok_or_else(|| {
                    let known = CALL_NAMES.join(", ");
                    format!("wants.calls: there is no call `{name}`; there are: {known}")
                })?;
        }
        let bytes = said.payload;
        let payload = u32::try_from(bytes).ok().filter(|&bytes| bytes as usize <= PAYLOAD_BYTES);
        let payload = payload.ok_or_else(|| {
            format!("wants.payload: {bytes} bytes are too many; there are 0 to {PAYLOAD_BYTES}")
        })?;
        let comms = said.comm.iter().map(|name| comm(name)).collect::<Result<Vec<_>, _>>()?;
        let families =
            said.family.iter().map(|name| family(name)).collect::<Result<Vec<_>, _>>()?;
        if said.port.contains(&0) {
            return Err("wants.port: 0 is no port".to_owned());
        }
        let mut want = Want { calls, min_bytes: said.min_bytes, ..Want::default() };
        want.errors = said.errors.into();
        let counts = &mut want.counts;
        list("pid", &said.pid, &mut want.pids, &mut counts.pids)?;
        list("uid", &said.uid, &mut want.uids, &mut counts.uids)?;
        list("cgroup", &said.cgroup, &mut want.cgroups, &mut counts.cgroups)?;
        list("comm", &comms, &mut want.comms, &mut counts.comms)?;
        list("family", &families, &mut want.families, &mut counts.families)?;
        list("port", &said.port, &mut want.ports, &mut counts.ports)?;
        want.complete();
        Ok(Self { calls, payload, want })
    }
}

fn list<T: Copy>(
    name: &str,
    values: &[T],
    to: &mut [T; VALUES],
    count: &mut u8,
) -> Result<(), String> {
    let room = to.get_mut(..values.len()).ok_or_else(|| {
        format!("wants.{name}: {} values are too many; there are 0 to {VALUES}", values.len())
    })?;
    room.copy_from_slice(values);
    *count = values.len() as u8;
    Ok(())
}

/// A thread's name as the kernel keeps it.
fn comm(name: &str) -> Result<[u64; 2], String> {
    let mut bytes = [[0; 8]; 2];
    let room = bytes.as_flattened_mut();
    if name.len() >= room.len() {
        return Err(format!("wants.comm: `{name}` is longer than the 15 bytes of a thread's name"));
    }
    room[..name.len()].copy_from_slice(name.as_bytes());
    Ok(bytes.map(u64::from_ne_bytes))
}

fn family(name: &str) -> Result<u16, String> {
    (0..=u8::MAX.into())
        .find(|&family| family_name(family) == name)
        .ok_or_else(|| format!("wants.family: there is no family `{name}`; try AF_INET or AF_UNIX"))
}

/// The number of a call (`CALL_*`) by its name.
pub fn call_number(name: &str) -> Option<u16> {
    (1..).zip(CALL_NAMES).find(|&(_, known)| known == name).map(|(number, _)| number)
}

/// The names of a set of calls, which has a bit for each at its number.
pub fn call_names(calls: u16) -> impl Iterator<Item = &'static str> {
    (1..).zip(CALL_NAMES).filter(move |&(call, _)| calls & 1 << call != 0).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use weir_sdk::event::{CALL_IO_URING, CALL_RECVMSG};

    use super::*;

    fn parse(json: &str) -> Result<Wants, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_left_out_is_sendmsg_without_payload() {
        assert_eq!(parse("{}"), Ok(Wants::default()));
        let payload = parse(r#"{"payload":4096}"#).unwrap();
        assert_eq!(payload, Wants { payload: 4096, ..Wants::default() });
        assert_eq!(parse(r#"{"calls":[]}"#).unwrap().calls, 0);
    }

    #[test]
    fn names_go_in_and_come_out() {
        let wants = parse(r#"{"calls":["io_uring","recvmsg"],"payload":256}"#).unwrap();
        assert_eq!(wants.calls, 1 << CALL_IO_URING | 1 << CALL_RECVMSG);
        assert_eq!(wants.want.calls, wants.calls);
        let json = serde_json::to_string(&wants).unwrap();
        assert_eq!(json, r#"{"calls":["recvmsg","io_uring"],"payload":256}"#);
        for (number, name) in (1..).zip(CALL_NAMES) {
            assert_eq!(call_number(name), Some(number));
        }
    }

    #[test]
    fn conditions_go_in_and_come_out() {
        let json = r#"{"calls":["sendto"],"payload":0,"pid":[1,2],"comm":["curl","fifteen chars !"],"uid":[0],"cgroup":[7],"family":["AF_UNIX","AF_INET"],"port":[53],"min_bytes":9,"errors":true}"#;
        let wants = parse(json).unwrap();
        assert_eq!(serde_json::to_string(&wants).unwrap(), json);
        assert!(!wants.want.is_unconditional());
        assert!(parse(r#"{"calls":["sendto"]}"#).unwrap().want.is_unconditional());
    }

    fn head() -> Head {
        let mut comm = [0; 16];
        comm[..4].copy_from_slice(b"curl");
        Head {
            call: CALL_SENDMSG,
            pid: 7,
            uid: 1000,
            cgroup_id: 3,
            comm,
            sock_family: 2,
            local_port: 4000,
            port: 53,
            bytes: 10,
            ret: 10,
            ..Head::default()
        }
    }

    #[track_caller]
    fn check(json: &str, expected: bool) {
        assert_eq!(parse(json).unwrap().fits(&head()), expected, "{json}");
    }

    #[test]
    fn every_condition_must_hold() {
        check("{}", true);
        for (holds, fails) in [
            (r#""calls":["sendto","sendmsg"]"#, r#""calls":["sendto"]"#),
            (r#""pid":[6,7]"#, r#""pid":[6]"#),
            (r#""comm":["curl"]"#, r#""comm":["cur","curl2"]"#),
            (r#""uid":[1000]"#, r#""uid":[0]"#),
            (r#""cgroup":[3]"#, r#""cgroup":[4]"#),
            (r#""family":["AF_INET"]"#, r#""family":["AF_UNIX"]"#),
            (r#""port":[53]"#, r#""port":[54]"#),
            (r#""port":[4000]"#, r#""port":[4001]"#),
            (r#""min_bytes":10"#, r#""min_bytes":11"#),
            (r#""errors":false"#, r#""errors":true"#),
        ] {
            check(&format!("{{{holds}}}"), true);
            check(&format!("{{{fails}}}"), false);
        }
        check(r#"{"pid":[7],"port":[54]}"#, false);
    }

    #[test]
    fn of_a_call_that_receives_the_bytes_are_those_received() {
        let wants = parse(r#"{"calls":["recvmsg"],"min_bytes":5}"#).unwrap();
        let received = |ret| Head { call: CALL_RECVMSG, bytes: 4096, ret, ..head() };
        assert_eq!([5, 4, -11].map(|ret| wants.fits(&received(ret))), [true, false, false]);
    }

    #[test]
    fn refusals_name_what_is_wrong_and_what_there_is() {
        let error = parse(r#"{"calls":["sendmsg","write"]}"#).unwrap_err();
        assert!(error.contains("`write`") && error.contains("recvmsg, recvmmsg"), "{error}");
        let error = parse(r#"{"payload":4097}"#).unwrap_err();
        assert!(error.contains("4097") && error.contains("0 to 4096"), "{error}");
        for (json, says) in [
            (r#"{"pid":[1,2,3,4,5,6,7,8,9]}"#, "wants.pid: 9 values"),
            (r#"{"comm":["a name of 16 byt"]}"#, "`a name of 16 byt` is longer"),
            (r#"{"family":["INET"]}"#, "no family `INET`"),
            (r#"{"port":[0]}"#, "0 is no port"),
            (r#"{"prt":[53]}"#, "unknown field `prt`"),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
