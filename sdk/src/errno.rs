//! Errors that a call returns, by number and by name.

use core::fmt;

/// Why a call failed: a number of errno(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Errno(pub u32);

impl Errno {
    /// The error in what a call returned: a negative errno, down to `-MAX_ERRNO` (include/linux/err.h).
    pub fn of(ret: i64) -> Option<Self> {
        u32::try_from(ret.checked_neg()?)
            .ok()
            .filter(|number| (1..=4095).contains(number))
            .map(Self)
    }

    /// Its name as in the kernel's headers: `EAGAIN`.
    pub fn name(self) -> Option<&'static str> {
        let index = NAMES.binary_search_by_key(&self.0, |&(number, _)| u32::from(number)).ok()?;
        Some(NAMES[index].1)
    }

    /// The error of that name, or of that number in decimal.
    ///
    /// ```
    /// use weir_sdk::Errno;
    /// assert_eq!(Errno::from_name("EAGAIN"), Some(Errno(11)));
    /// assert_eq!(Errno::from_name("11"), Some(Errno(11)));
    /// assert_eq!(Errno::from_name("EWHATEVER"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let same = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |&(_, name)| name);
        match NAMES.iter().find(|(_, known)| *known == same) {
            Some(&(number, _)) => Some(Self(u32::from(number))),
            None => same.parse().ok().filter(|&number| number > 0).map(Self),
        }
    }
}

/// Writes the name; the number where there is none.
impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

/// Second names for the same number.
const ALIASES: &[(&str, &str)] =
    &[("EWOULDBLOCK", "EAGAIN"), ("EDEADLOCK", "EDEADLK"), ("ENOTSUP", "EOPNOTSUPP")];

/// include/uapi/asm-generic/errno.h; from 512 on, include/linux/errno.h: what a tracer sees of a call that
/// the kernel is about to restart.
#[rustfmt::skip]
const NAMES: &[(u16, &str)] = &[
    (1, "EPERM"),
    (2, "ENOENT"),
    (3, "ESRCH"),
    (4, "EINTR"),
    (5, "EIO"),
    (6, "ENXIO"),
    (7, "E2BIG"),
    (8, "ENOEXEC"),
    (9, "EBADF"),
    (10, "ECHILD"),
    (11, "EAGAIN"),
    (12, "ENOMEM"),
    (13, "EACCES"),
    (14, "EFAULT"),
    (15, "ENOTBLK"),
    (16, "EBUSY"),
    (17, "EEXIST"),
    (18, "EXDEV"),
    (19, "ENODEV"),
    (20, "ENOTDIR"),
    (21, "EISDIR"),
    (22, "EINVAL"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (25, "ENOTTY"),
    (26, "ETXTBSY"),
    (27, "EFBIG"),
    (28, "ENOSPC"),
    (29, "ESPIPE"),
    (30, "EROFS"),
    (31, "EMLINK"),
    (32, "EPIPE"),
    (33, "EDOM"),
    (34, "ERANGE"),
    (35, "EDEADLK"),
    (36, "ENAMETOOLONG"),
    (37, "ENOLCK"),
    (38, "ENOSYS"),
    (39, "ENOTEMPTY"),
    (40, "ELOOP"),
    (42, "ENOMSG"),
    (43, "EIDRM"),
    (44, "ECHRNG"),
    (45, "EL2NSYNC"),
    (46, "EL3HLT"),
    (47, "EL3RST"),
    (48, "ELNRNG"),
    (49, "EUNATCH"),
    (50, "ENOCSI"),
    (51, "EL2HLT"),
    (52, "EBADE"),
    (53, "EBADR"),
    (54, "EXFULL"),
    (55, "ENOANO"),
    (56, "EBADRQC"),
    (57, "EBADSLT"),
    (59, "EBFONT"),
    (60, "ENOSTR"),
    (61, "ENODATA"),
    (62, "ETIME"),
    (63, "ENOSR"),
    (64, "ENONET"),
    (65, "ENOPKG"),
    (66, "EREMOTE"),
    (67, "ENOLINK"),
    (68, "EADV"),
    (69, "ESRMNT"),
    (70, "ECOMM"),
    (71, "EPROTO"),
    (72, "EMULTIHOP"),
    (73, "EDOTDOT"),
    (74, "EBADMSG"),
    (75, "EOVERFLOW"),
    (76, "ENOTUNIQ"),
    (77, "EBADFD"),
    (78, "EREMCHG"),
    (79, "ELIBACC"),
    (80, "ELIBBAD"),
    (81, "ELIBSCN"),
    (82, "ELIBMAX"),
    (83, "ELIBEXEC"),
    (84, "EILSEQ"),
    (85, "ERESTART"),
    (86, "ESTRPIPE"),
    (87, "EUSERS"),
    (88, "ENOTSOCK"),
    (89, "EDESTADDRREQ"),
    (90, "EMSGSIZE"),
    (91, "EPROTOTYPE"),
    (92, "ENOPROTOOPT"),
    (93, "EPROTONOSUPPORT"),
    (94, "ESOCKTNOSUPPORT"),
    (95, "EOPNOTSUPP"),
    (96, "EPFNOSUPPORT"),
    (97, "EAFNOSUPPORT"),
    (98, "EADDRINUSE"),
    (99, "EADDRNOTAVAIL"),
    (100, "ENETDOWN"),
    (101, "ENETUNREACH"),
    (102, "ENETRESET"),
    (103, "ECONNABORTED"),
    (104, "ECONNRESET"),
    (105, "ENOBUFS"),
    (106, "EISCONN"),
    (107, "ENOTCONN"),
    (108, "ESHUTDOWN"),
    (109, "ETOOMANYREFS"),
    (110, "ETIMEDOUT"),
    (111, "ECONNREFUSED"),
    (112, "EHOSTDOWN"),
    (113, "EHOSTUNREACH"),
    (114, "EALREADY"),
    (115, "EINPROGRESS"),
    (116, "ESTALE"),
    (117, "EUCLEAN"),
    (118, "ENOTNAM"),
    (119, "ENAVAIL"),
    (120, "EISNAM"),
    (121, "EREMOTEIO"),
    (122, "EDQUOT"),
    (123, "ENOMEDIUM"),
    (124, "EMEDIUMTYPE"),
    (125, "ECANCELED"),
    (126, "ENOKEY"),
    (127, "EKEYEXPIRED"),
    (128, "EKEYREVOKED"),
    (129, "EKEYREJECTED"),
    (130, "EOWNERDEAD"),
    (131, "ENOTRECOVERABLE"),
    (512, "ERESTARTSYS"),
    (513, "ERESTARTNOINTR"),
    (514, "ERESTARTNOHAND"),
    (515, "ENOIOCTLCMD"),
    (516, "ERESTART_RESTARTBLOCK"),
    (524, "ENOTSUPP"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_by_number() {
        assert!(NAMES.is_sorted_by_key(|&(number, _)| number));
    }

    #[test]
    fn of_a_return_value() {
        assert_eq!(Errno::of(64), None);
        assert_eq!(Errno::of(0), None);
        assert_eq!(Errno::of(-11).and_then(Errno::name), Some("EAGAIN"));
        assert_eq!(Errno::of(-512).and_then(Errno::name), Some("ERESTARTSYS"));
        assert_eq!(Errno::of(-4095).map(|error| (error.0, error.name())), Some((4095, None)));
        assert_eq!(Errno::of(-4096), None);
        assert_eq!(Errno::of(i64::MIN), None);
    }

    #[cfg(feature = "guest")]
    #[test]
    fn shown_by_name_or_number() {
        assert_eq!(Errno(111).to_string(), "ECONNREFUSED");
        assert_eq!(Errno(4000).to_string(), "4000");
    }

    #[test]
    fn from_second_names() {
        assert_eq!(Errno::from_name("EWOULDBLOCK"), Errno::from_name("EAGAIN"));
        assert_eq!(Errno::from_name(""), None);
        assert_eq!(Errno::from_name("0"), None);
    }
}
