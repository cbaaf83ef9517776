//! `struct sockaddr` → family, address, port, path.

use weir_sdk::event::{AF_INET, AF_INET6, AF_UNIX, Head, Span};

use super::Batch;

/// Takes the destination apart, as far as it goes.
///
/// Layouts: include/uapi/linux/in.h, in6.h, un.h; unix(7).
pub fn parse(name: &[u8], head: &mut Head, batch: &mut Batch) {
    let Some((family, rest)) = name.split_first_chunk::<2>() else { return };
    head.family = u16::from_ne_bytes(*family);
    match head.family {
        AF_INET => {
            let Some(([p0, p1, addr @ ..], _)) = rest.split_first_chunk::<6>() else { return };
            head.port = u16::from_be_bytes([*p0, *p1]);
            head.addr[..4].copy_from_slice(addr);
        }
        AF_INET6 => {
            let Some(([p0, p1, _, _, _, _, addr @ ..], rest)) = rest.split_first_chunk::<22>()
            else {
                return;
            };
            head.port = u16::from_be_bytes([*p0, *p1]);
            head.addr = *addr;
            if let Some((scope, _)) = rest.split_first_chunk::<4>() {
                head.scope_id = u32::from_ne_bytes(*scope);
            }
        }
        AF_UNIX => match rest {
            [0, name @ ..] => {
                let at = batch.append(b"@");
                head.path = Span { len: batch.append(name).len + 1, ..at };
            }
            path => {
                let end = path.iter().position(|&byte| byte == 0).unwrap_or(path.len());
                head.path = batch.append(&path[..end]);
            }
        },
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn check(name: &[u8]) -> (Head, String) {
        let (mut head, mut batch) = (Head::default(), Batch::default());
        parse(name, &mut head, &mut batch);
        let path = String::from_utf8(batch.part(head.path).to_vec()).unwrap();
        (head, path)
    }

    #[test]
    fn inet() {
        let (head, _) = check(&[2, 0, 0x14, 0xe9, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!((head.family, head.port, &head.addr[..4]), (AF_INET, 5353, &[127, 0, 0, 1][..]));
    }

    #[test]
    fn inet6_with_scope() {
        let mut name = vec![10, 0, 0, 53, 0, 0, 0, 7];
        name.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        let (head, _) = check(&name);
        assert_eq!((head.port, head.scope_id), (53, 0));
        name.extend([3, 0, 0, 0]);
        let (head, _) = check(&name);
        assert_eq!((head.scope_id, Ipv6Addr::from(head.addr)), (3, "fe80::1".parse().unwrap()));
    }

    #[test]
    fn unix_path_abstract_and_unnamed() {
        assert_eq!(check(b"\x01\0/run/x.sock\0junk").1, "/run/x.sock");
        assert_eq!(check(b"\x01\0/not/terminated").1, "/not/terminated");
        assert_eq!(check(b"\x01\0\0abstract").1, "@abstract");
        assert_eq!(check(b"\x01\0").1, "");
    }

    #[test]
    fn too_short_for_its_family() {
        for name in [&b""[..], b"\x02", b"\x02\0\x14", b"\x0a\0\0\x35\0\0\0\0\0"] {
            let (head, _) = check(name);
            assert_eq!((head.port, head.addr), (0, [0; 16]));
        }
    }
}
