//! Offsets of struct members in the running kernel, from its BTF
//! (Documentation/bpf/btf.rst in the kernel's sources).
//!
//! A walk over the raw bytes: the well-kept parsers build every one of the kernel's 100,000 types
//! in memory, for the few numbers wanted here.

use std::{path::Path, rc::Rc};

use super::Error;

/// Where the kernel shows its own BTF.
const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
const TYPEDEF: u32 = 8;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const TYPE_TAG: u32 = 18;

/// Modules whose structs are looked at, where they are loaded.
const MODULES: [&str; 2] = ["vsock", "unix"];

/// The kernel's BTF.
pub struct Btf {
    bytes: Vec<u8>,
    /// Position of each type; the type with id `n` is at `types[n - 1]`. A module's ids and strings
    /// go on where the kernel's end.
    types: Vec<usize>,
    strings: usize,
    /// The kernel's strings, which a module's go on from; empty in the kernel's own.
    strings_before: Rc<[u8]>,
    modules: Vec<Btf>,
}

impl Btf {
    /// Reads the running kernel's BTF.
    pub fn of_kernel() -> Result<Self, Error> {
        let bytes = std::fs::read(Path::new(VMLINUX))
            .map_err(|source| Error::Read { path: VMLINUX.into(), source })?;
        let mut btf = Self::parse(bytes, Rc::default()).ok_or(Error::Btf)?;
        let len = word(&btf.bytes, 20).ok_or(Error::Btf)? as usize;
        let strings = btf.bytes.get(btf.strings..).and_then(|strings| strings.get(..len));
        let strings: Rc<[u8]> = strings.ok_or(Error::Btf)?.into();
        let modules = MODULES.iter().filter_map(|name| {
            let bytes = std::fs::read(Path::new("/sys/kernel/btf").join(name)).ok()?;
            Self::parse(bytes, strings.clone())
        });
        btf.modules = modules.collect();
        Ok(btf)
    }

    fn parse(bytes: Vec<u8>, strings_before: Rc<[u8]>) -> Option<Self> {
        if u16::from_le_bytes(bytes.get(..2)?.try_into().ok()?) != MAGIC {
            return None;
        }
        let header = word(&bytes, 4)? as usize;
        let start = header + word(&bytes, 8)? as usize;
        let end = start + word(&bytes, 12)? as usize;
        let strings = header + word(&bytes, 16)? as usize;
        let mut types = Vec::new();
        let mut at = start;
        while at < end {
            types.push(at);
            let info = word(&bytes, at + 4)?;
            let members = (info & 0xffff) as usize;
            at += 12
                + match info >> 24 & 0x1f {
                    1 | 14 | 17 => 4,
                    3 => 12,
                    STRUCT | UNION | 15 | 19 => 12 * members,
                    6 | 13 => 8 * members,
                    2 | 7..=12 | 16 | 18 => 0,
                    _ => return None,
                };
        }
        Some(Self { bytes, types, strings, strings_before, modules: Vec::new() })
    }

    /// Offset in bytes of `member` in `struct name`; members of anonymous parts count as its own. A
    /// member of a member is written with a dot. Modules are asked when the kernel proper has no
    /// such struct.
    pub fn offset(&self, name: &str, member: &str) -> Option<u32> {
        let found = self
            .types
            .iter()
            .filter(|&&at| self.kind(at) == Some(STRUCT) && self.named(at, name))
            .find_map(|&at| self.path(at, member));
        found.or_else(|| self.modules.iter().find_map(|module| module.offset(name, member)))
    }

    fn path(&self, at: usize, path: &str) -> Option<u32> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let (offset, id) = self.member(at, first, 0)?;
        if rest.is_empty() {
            return Some(offset);
        }
        Some(offset + self.path(self.unmodified(id)?, rest)?)
    }

    /// The type itself, without the names and qualifiers that it goes by.
    fn unmodified(&self, mut id: u32) -> Option<usize> {
        for _ in 0..16 {
            let at = *self.types.get((id as usize).checked_sub(1)?)?;
            match self.kind(at)? {
                TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG => id = word(&self.bytes, at + 8)?,
                _ => return Some(at),
            }
        }
        None
    }

    /// Offset and type of a member.
    fn member(&self, at: usize, name: &str, depth: u32) -> Option<(u32, u32)> {
        let info = word(&self.bytes, at + 4)?;
        let bitfields = info >> 31 == 1;
        for index in 0..(info & 0xffff) as usize {
            let entry = at + 12 + 12 * index;
            let mut bits = word(&self.bytes, entry + 8)?;
            if bitfields {
                if bits >> 24 != 0 {
                    continue;
                }
                bits &= 0xff_ffff;
            }
            if self.named(entry, name) {
                return Some((bits / 8, word(&self.bytes, entry + 4)?));
            }
            if depth < 8 && self.named(entry, "") {
                let id = word(&self.bytes, entry + 4)? as usize;
                let inner = *self.types.get(id.checked_sub(1)?)?;
                if matches!(self.kind(inner)?, STRUCT | UNION)
                    && let Some((offset, id)) = self.member(inner, name, depth + 1)
                {
                    return Some((bits / 8 + offset, id));
                }
            }
        }
        None
    }

    fn kind(&self, at: usize) -> Option<u32> {
        Some(word(&self.bytes, at + 4)? >> 24 & 0x1f)
    }

    /// Whether the name at the start of this type or member is `name`.
    fn named(&self, at: usize, name: &str) -> bool {
        let Some(offset) = word(&self.bytes, at) else { return false };
        let offset = offset as usize;
        let text = match offset.checked_sub(self.strings_before.len()) {
            Some(own) => self.bytes.get(self.strings + own..),
            None => self.strings_before.get(offset..),
        };
        let text = text.unwrap_or_default();
        text.starts_with(name.as_bytes()) && text.get(name.len()) == Some(&0)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_running_kernel() {
        let btf = match Btf::of_kernel() {
            Ok(btf) => btf,
            Err(Error::Read { .. }) => return eprintln!("skipped: this kernel shows no BTF"),
            Err(error) => panic!("{error}"),
        };
        // The first member of every list_head is `next`, of 8 bytes.
        assert_eq!(btf.offset("list_head", "next"), Some(0));
        assert_eq!(btf.offset("list_head", "prev"), Some(8));
        assert!(btf.offset("task_struct", "real_parent").is_some_and(|offset| offset > 0));
        assert_eq!(btf.offset("task_struct", "no_such_member"), None);
        assert_eq!(btf.offset("no_such_struct", "next"), None);
        let inner = btf.offset("task_struct", "thread_info").unwrap();
        let status = btf.offset("thread_info", "status").unwrap();
        assert_eq!(btf.offset("task_struct", "thread_info.status"), Some(inner + status));
    }

    #[test]
    fn refuses_what_is_not_btf() {
        assert!(Btf::parse(Vec::new(), Rc::default()).is_none());
        assert!(Btf::parse(vec![0x9f, 0xeb, 1, 0, 24, 0, 0, 0], Rc::default()).is_none());
        assert!(Btf::parse(vec![0; 64], Rc::default()).is_none());
    }
}
