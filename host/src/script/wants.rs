//! Which events a script is given, and how much of their payload.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use weir_sdk::event::{CALL_NAMES, CALL_SENDMSG, PAYLOAD_BYTES};

/// What a script wants to see. Left out it is sendmsg, without payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wants {
    /// The calls: a bit for each, at its number. In JSON a list of names.
    #[serde(serialize_with = "names", deserialize_with = "calls")]
    pub calls: u16,
    /// Bytes of payload.
    #[serde(deserialize_with = "payload")]
    pub payload: u32,
}

impl Default for Wants {
    fn default() -> Self {
        Self { calls: 1 << CALL_SENDMSG, payload: 0 }
    }
}

/// The number of a call (`CALL_*`) by its name.
pub fn call_number(name: &str) -> Option<u16> {
    (1..).zip(CALL_NAMES).find(|&(_, known)| known == name).map(|(number, _)| number)
}

/// The names of a set of calls, which has a bit for each at its number.
pub fn call_names(calls: u16) -> impl Iterator<Item = &'static str> {
    (1..).zip(CALL_NAMES).filter(move |&(call, _)| calls & 1 << call != 0).map(|(_, name)| name)
}

fn names<S: Serializer>(calls: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(call_names(*calls))
}

fn calls<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let mut calls = 0;
    for name in Vec::<String>::deserialize(deserializer)? {
        let call = call_number(&name).ok_or_else(|| {
            D::Error::custom(format!(
                "wants.calls: there is no call `{name}`; there are: {}",
                CALL_NAMES.join(", ")
            ))
        })?;
        calls |= 1 << call;
    }
    Ok(calls)
}

fn payload<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let bytes = u64::deserialize(deserializer)?;
    u32::try_from(bytes).ok().filter(|&bytes| bytes as usize <= PAYLOAD_BYTES).ok_or_else(|| {
        D::Error::custom(format!(
            "wants.payload: {bytes} bytes are too many; there are 0 to {PAYLOAD_BYTES}"
        ))
    })
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
        assert_eq!(parse("{}"), Ok(Wants { calls: 1 << 1, payload: 0 }));
        let payload = parse(r#"{"payload":4096}"#).unwrap();
        assert_eq!(payload, Wants { calls: 1 << CALL_SENDMSG, payload: 4096 });
        assert_eq!(parse(r#"{"calls":[]}"#).unwrap().calls, 0);
    }

    #[test]
    fn names_go_in_and_come_out() {
        let wants = parse(r#"{"calls":["io_uring","recvmsg"],"payload":256}"#).unwrap();
        assert_eq!(wants.calls, 1 << CALL_IO_URING | 1 << CALL_RECVMSG);
        let json = serde_json::to_string(&wants).unwrap();
        assert_eq!(json, r#"{"calls":["recvmsg","io_uring"],"payload":256}"#);
        for (number, name) in (1..).zip(CALL_NAMES) {
            assert_eq!(call_number(name), Some(number));
        }
    }

    #[test]
    fn refusals_name_what_is_wrong_and_what_there_is() {
        let error = parse(r#"{"calls":["sendmsg","write"]}"#).unwrap_err();
        assert!(error.contains("`write`") && error.contains("recvmsg, recvmmsg"), "{error}");
        let error = parse(r#"{"payload":4097}"#).unwrap_err();
        assert!(error.contains("4097") && error.contains("0 to 4096"), "{error}");
    }
}
