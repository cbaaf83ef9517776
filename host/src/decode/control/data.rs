//! What a control message says, by its level and type.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use serde::Serialize;
use weir_sdk::Errno;

use super::super::{
    names::{self, control},
    text::{Hex, Text, take},
};

/// Most bytes that are shown of data that is not taken apart.
const SHOWN: usize = 32;

/// The data of one message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[schema(as = ControlData)]
pub enum Data<'a> {
    Rights {
        fds: Vec<Descriptor<'a>>,
    },
    Pidfd(Descriptor<'a>),
    Credentials {
        pid: i32,
        uid: u32,
        gid: u32,
    },
    Security {
        label: Text<'a>,
    },
    Times {
        time: Vec<String>,
    },
    TxTime {
        txtime_ns: u64,
    },
    PktInfo {
        ifindex: i32,
        #[schema(value_type = String)]
        spec_dst: Ipv4Addr,
        #[schema(value_type = String)]
        addr: Ipv4Addr,
    },
    PktInfo6 {
        #[schema(value_type = String)]
        addr: Ipv6Addr,
        ifindex: i32,
    },
    Value {
        value: i32,
    },
    Size {
        size: i32,
    },
    RecordType {
        record_type: Cow<'static, str>,
    },
    Iv {
        #[schema(value_type = String)]
        iv: Hex<'a>,
    },
    Op {
        op: Cow<'static, str>,
    },
    AssocLen {
        assoclen: u32,
    },
    Error {
        errno: Option<Cow<'static, str>>,
        origin: Cow<'static, str>,
        info: u32,
        data: u32,
    },
    Drops {
        drops: u32,
    },
    /// Of another type, too short for its own, or cut.
    Unknown {
        len: u64,
        #[schema(value_type = String)]
        data: Hex<'a>,
    },
}

/// A descriptor, and the text of its link in /proc/PID/fd.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Descriptor<'a> {
    fd: i32,
    file: Option<Text<'a>>,
}

impl<'a> Descriptor<'a> {
    /// What a descriptor is, if that was seen.
    pub fn new(fd: i32, file: Option<(i32, &'a [u8])>) -> Self {
        // Another descriptor than at this place when files were looked at: nothing is known.
        let text = file.filter(|(of, text)| *of == fd && !text.is_empty());
        Self { fd, file: text.map(|(_, text)| Text(text)) }
    }
}

impl<'a> Data<'a> {
    /// Takes data apart of which `len` bytes were sent.
    pub fn parse(
        level: i32,
        r#type: i32,
        len: u64,
        data: &'a [u8],
        files: &mut impl Iterator<Item = (i32, &'a [u8])>,
    ) -> Self {
        let known = if (data.len() as u64) < len {
            None
        } else {
            match level {
                0 => ip(r#type, data),
                1 => socket(r#type, data, files),
                6 => tcp(r#type, data),
                17 => udp(r#type, data),
                41 => ipv6(r#type, data),
                263 => packet(r#type, data),
                279 => alg(r#type, data),
                282 => tls(r#type, data),
                287 => vsock(r#type, data),
                _ => None,
            }
        };
        known.unwrap_or(Self::Unknown { len, data: Hex(&data[..data.len().min(SHOWN)], "") })
    }
}

/// include/linux/socket.h, include/uapi/asm-generic/socket.h.
fn socket<'a>(
    r#type: i32,
    data: &'a [u8],
    files: &mut impl Iterator<Item = (i32, &'a [u8])>,
) -> Option<Data<'a>> {
    Some(match r#type {
        1 => {
            let (fds, _) = data.as_chunks::<4>();
            let fds = fds.iter().map(|fd| Descriptor::new(i32::from_ne_bytes(*fd), files.next()));
            Data::Rights { fds: fds.collect() }
        }
        2 => Data::Credentials {
            pid: i32_at(data, 0)?,
            uid: u32_at(data, 4)?,
            gid: u32_at(data, 8)?,
        },
        3 => security(data),
        4 => Data::Pidfd(Descriptor::new(i32_at(data, 0)?, files.next())),
        29 => times(data, 1, 1_000, true)?,
        35 => times(data, 1, 1, true)?,
        37 => times(data, 3, 1, true)?,
        63 => times(data, 1, 1_000, false)?,
        64 => times(data, 1, 1, false)?,
        65 => times(data, 3, 1, false)?,
        40 => Data::Drops { drops: u32_at(data, 0)? },
        61 => Data::TxTime { txtime_ns: take(data, 0).map(u64::from_ne_bytes)? },
        12 | 36 | 41 | 81 | 84 => value(data)?,
        _ => return None,
    })
}

/// include/uapi/linux/in.h.
fn ip(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    match r#type {
        1 | 2 | 25 | 52 => value(data),
        3 => Some(security(data)),
        8 => Some(Data::PktInfo {
            ifindex: i32_at(data, 0)?,
            spec_dst: Ipv4Addr::from(take::<4>(data, 4)?),
            addr: Ipv4Addr::from(take::<4>(data, 8)?),
        }),
        11 => error(data),
        _ => None,
    }
}

/// include/uapi/linux/in6.h, ipv6.h.
fn ipv6(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    match r#type {
        8 | 52 | 67 | 77 => value(data),
        2 | 50 => Some(Data::PktInfo6 {
            addr: Ipv6Addr::from(take::<16>(data, 0)?),
            ifindex: i32_at(data, 16)?,
        }),
        25 => error(data),
        _ => None,
    }
}

/// include/uapi/linux/tcp.h.
fn tcp(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    if r#type == 36 { value(data) } else { None }
}

/// include/uapi/linux/udp.h: sent as 16 bits, received as 32.
fn udp(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    match r#type {
        103 | 104 => {
            let short = || take(data, 0).map(|bytes| u16::from_ne_bytes(bytes).into());
            Some(Data::Size { size: i32_at(data, 0).or_else(short)? })
        }
        _ => None,
    }
}

/// include/uapi/linux/if_packet.h.
fn packet(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    if r#type == 16 { error(data) } else { None }
}

/// include/uapi/linux/if_alg.h.
fn alg(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    match r#type {
        2 => {
            let len = u32_at(data, 0)?;
            Some(Data::Iv { iv: Hex(data[4..].get(..len as usize)?, "") })
        }
        3 => Some(Data::Op { op: names::name(control::CIPHER_OPS, u32_at(data, 0)?) }),
        4 => Some(Data::AssocLen { assoclen: u32_at(data, 0)? }),
        _ => None,
    }
}

/// include/uapi/linux/tls.h.
fn tls(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    let &record_type = data.first()?;
    let record_type = || names::name(control::TLS_RECORDS, record_type.into());
    matches!(r#type, 1 | 2).then(|| Data::RecordType { record_type: record_type() })
}

/// include/uapi/linux/vm_sockets.h.
fn vsock(r#type: i32, data: &[u8]) -> Option<Data<'_>> {
    if r#type == 1 { error(data) } else { None }
}

/// A security label; the kernel may end it with NUL.
fn security(data: &[u8]) -> Data<'_> {
    Data::Security { label: Text(data.strip_suffix(b"\0").unwrap_or(data)) }
}

/// `int`; IP_TOS is also one byte.
fn value(data: &[u8]) -> Option<Data<'static>> {
    let byte = || take(data, 0).map(|[byte]| i32::from(byte));
    Some(Data::Value { value: i32_at(data, 0).or_else(byte)? })
}

/// `struct sock_extended_err` (include/uapi/linux/errqueue.h).
fn error(data: &[u8]) -> Option<Data<'static>> {
    let errno = u32_at(data, 0)?;
    let [origin] = take(data, 4)?;
    let name = || {
        let name = Errno(errno).name().map(Cow::Borrowed);
        name.unwrap_or_else(|| Cow::Owned(format!("{errno:#x}")))
    };
    Some(Data::Error {
        errno: (errno != 0).then(name),
        origin: names::name(control::ORIGINS, origin.into()),
        info: u32_at(data, 8)?,
        data: u32_at(data, 12)?,
    })
}

/// `count` times of seconds and a part of a second, which is `unit` nanoseconds. In the older types
/// a 32-bit caller has both in 32 bits.
fn times(data: &[u8], count: usize, unit: i64, older: bool) -> Option<Data<'static>> {
    let pair = |at: usize| -> Option<(i64, i64)> {
        if data.len() >= count * 16 {
            let at = at * 16;
            Some((
                take(data, at).map(i64::from_ne_bytes)?,
                take(data, at + 8).map(i64::from_ne_bytes)?,
            ))
        } else if older && data.len() == count * 8 {
            Some((i32_at(data, at * 8)?.into(), i32_at(data, at * 8 + 4)?.into()))
        } else {
            None
        }
    };
    let text = |at| {
        let (seconds, part) = pair(at)?;
        Some(format!("{seconds}.{:09}", part.saturating_mul(unit)))
    };
    Some(Data::Times { time: (0..count).map(text).collect::<Option<_>>()? })
}

fn i32_at(data: &[u8], at: usize) -> Option<i32> {
    take(data, at).map(i32::from_ne_bytes)
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    take(data, at).map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests;
