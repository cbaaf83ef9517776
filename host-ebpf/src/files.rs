//! What descriptors are: the open files behind them, with the names on the way to the root.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel_str;
use weir_ebpf::{FileHead, Slot, UNKNOWN, file, offset};

use crate::{
    heap,
    kernel::{self, pointer, value},
    repeat::{END, ON, repeat},
    task,
};

const SOL_SOCKET: u32 = 1;
const SCM_RIGHTS: u32 = 1;
const SCM_PIDFD: u32 = 4;

/// Steps taken in one look at descriptors: one for each control message, descriptor, name and mount.
/// As many descriptors as one message passes (`SCM_MAX_FD`, 253) with eight names each.
const STEPS: u32 = 2048;
/// Steps for one file alone.
const STEPS_OF_ONE: u32 = 64;
/// Most bytes of a name with its NUL (`NAME_MAX`).
const NAME: usize = 256;
/// Bytes for all names of one file: the last is begun in the first half.
const ALL_NAMES: usize = 2 * NAME;
/// Bytes of what stands before the names.
const HEAD: u32 = size_of::<FileHead>() as u32;

/// The open file behind a descriptor of the calling thread, 0 if there is none.
#[inline(always)]
pub fn of(fd: i32) -> u64 {
    let fdt = pointer(pointer(task::current(), offset::TASK_FILES), offset::FILES_FDT);
    let (most, table) = if kernel::offset(offset::FDT_FD) == kernel::offset(offset::FDT_MAX) + 8 {
        // Side by side, as they have always been: one read.
        let mut pair = [0u64; 2];
        let from = fdt + u64::from(kernel::offset(offset::FDT_MAX));
        // SAFETY: the pair has room for what is read.
        unsafe { kernel::read((&raw mut pair).cast(), 16, from) };
        (pair[0] as u32, pair[1])
    } else {
        (value(fdt, offset::FDT_MAX), pointer(fdt, offset::FDT_FD))
    };
    // A negative one is a large number, too.
    if fd as u32 >= most {
        return 0;
    }
    let mut file = 0u64;
    // SAFETY: `file` has room for a pointer.
    unsafe { kernel::read((&raw mut file).cast(), 8, table + 8 * u64::from(fd as u32)) };
    file
}

/// Describes the descriptors in the control messages that lie in the heap.
///
/// # Safety
///
/// `slot` is the calling thread's.
#[inline(always)]
pub unsafe fn of_control(slot: *mut Slot) {
    // SAFETY: the caller vouches for the slot.
    if unsafe { (*slot).record.head.control.len } != 0 {
        walk_control(slot);
    }
}

/// What a round needs.
struct Walk {
    slot: *mut Slot,
}

/// One loop for messages, descriptors and names; where it stands lies in the slot.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn walk_control(slot: *mut Slot) -> u64 {
    if slot.is_null() {
        return 0;
    }
    // SAFETY: the slot is the calling thread's.
    unsafe {
        let pending = &raw mut (*slot).pending;
        (&raw mut (*pending).next_control).write_volatile(0);
        (&raw mut (*pending).fds).write_volatile(0);
        (&raw mut (*pending).dentry).write_volatile(0);
        repeat(STEPS, step, &mut Walk { slot });
        if (&raw const (*pending).dentry).read_volatile() != 0 {
            cut(slot);
        }
        0
    }
}

/// One step: to the next name of a file, the next descriptor or the next control message.
#[inline(never)]
extern "C" fn step(_: u64, walk: *mut Walk) -> i64 {
    // SAFETY: `walk_control` hands it the calling thread's slot.
    unsafe {
        let slot = (*walk).slot;
        let pending = &raw mut (*slot).pending;
        if (&raw const (*pending).dentry).read_volatile() != 0 {
            step_up(slot);
            return ON;
        }
        let fds = &raw mut (*pending).fds;
        let left = fds.read_volatile();
        if left == 0 {
            return if next_control(slot) == 0 { END } else { ON };
        }
        let fd_at = &raw mut (*pending).next_fd;
        let from = fd_at.read_volatile();
        let Some(fd) = heap::at::<4>(slot, from) else { return END };
        let fd = fd.cast::<i32>().read_volatile();
        fds.write_volatile(left - 1);
        fd_at.write_volatile(from + 4);
        if begin(slot, fd, of(fd)) == 0 { END } else { ON }
    }
}

/// Describes one file behind what is there.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn describe(slot: *mut Slot, fd: i32, file: u64) -> u64 {
    if slot.is_null() {
        return 0;
    }
    // SAFETY: the slot is the calling thread's.
    unsafe {
        let dentry = &raw mut (*slot).pending.dentry;
        dentry.write_volatile(0);
        begin(slot, fd, file);
        repeat(STEPS_OF_ONE, step_of_one, &mut Walk { slot });
        if dentry.read_volatile() != 0 {
            cut(slot);
        }
        0
    }
}

/// One step to the next name of the only file.
#[inline(never)]
extern "C" fn step_of_one(_: u64, walk: *mut Walk) -> i64 {
    // SAFETY: `describe` hands it the calling thread's slot.
    unsafe {
        let slot = (*walk).slot;
        if (&raw const (*slot).pending.dentry).read_volatile() == 0 {
            return END;
        }
        step_up(slot);
        ON
    }
}

/// Looks at the next control message; 0 if there is none.
#[inline(always)]
unsafe fn next_control(slot: *mut Slot) -> u64 {
    // SAFETY: the caller vouches for the slot.
    unsafe {
        let head = &raw const (*slot).record.head;
        let control = (*head).control;
        // `struct cmsghdr`: length, level, type; in a 32-bit caller's layout the length is 4 bytes.
        let compat = (*head).compat != 0;
        let (header, align) = if compat { (12, 4) } else { (16, 8) };
        let at = &raw mut (*slot).pending.next_control;
        let here = at.read_volatile();
        if here + header > control.len {
            return 0;
        }
        let Some(cmsg) = heap::at::<16>(slot, control.offset + here) else { return 0 };
        let cmsg = cmsg.cast::<u32>();
        let (len, long) = (cmsg.read_volatile(), !compat && cmsg.add(1).read_volatile() != 0);
        if long || len < header || len > control.len - here {
            return 0;
        }
        let words = if compat { cmsg.add(1) } else { cmsg.add(2) };
        let (level, kind) = (words.read_volatile(), words.add(1).read_volatile());
        if level == SOL_SOCKET && (kind == SCM_RIGHTS || kind == SCM_PIDFD) {
            (*slot).pending.next_fd = control.offset + here + header;
            (*slot).pending.fds = (len - header) / 4;
        }
        at.write_volatile(here + ((len + align - 1) & !(align - 1)));
        1
    }
}

/// Writes what `file` is, without its names, and adds it to `head.files`. 0: no room is left.
#[inline(always)]
unsafe fn begin(slot: *mut Slot, fd: i32, file: u64) -> u64 {
    // SAFETY: the caller vouches for the slot; the room is as large as what is written.
    unsafe {
        let Some((start, to)) = heap::room::<{ HEAD as usize + ALL_NAMES }>(slot) else {
            return 0;
        };
        let inode = pointer(file, offset::FILE_INODE);
        let mode = value::<u16>(inode, offset::INODE_MODE);
        let dentry = pointer(file, offset::FILE_DENTRY);
        let mut flags = 0;
        if inode == 0 {
            flags = file::UNKNOWN;
        } else if unlinked(dentry) {
            flags = file::UNLINKED;
        }
        let super_block = pointer(inode, offset::INODE_SB);
        let magic: u64 = value(super_block, offset::SB_MAGIC);
        let head = to.cast::<u64>();
        head.write_volatile(value(inode, offset::INODE_INO));
        head.add(1).write_volatile(u64::from(fd as u32) | u64::from(mode) << 32);
        head.add(2).write_volatile(magic & 0xffff_ffff | u64::from(flags) << 32);
        let pending = &raw mut (*slot).pending;
        (&raw mut (*pending).dentry).write_volatile(dentry);
        (&raw mut (*pending).mnt).write_volatile(pointer(file, offset::FILE_MNT));
        (&raw mut (*pending).file).write_volatile(start);
        (&raw mut (*pending).position).write_volatile(0);
        heap::keep(slot, start, HEAD);
        let files = &raw mut (*slot).record.head.files;
        if (*files).len == 0 {
            (*files).offset = start;
        }
        (*files).len = start + HEAD - (*files).offset;
        1
    }
}

/// Takes one step up from the entry that is being looked at: writes its name, or goes on where its
/// mount hangs.
#[inline(always)]
unsafe fn step_up(slot: *mut Slot) {
    let mount_mnt = kernel::offset(offset::MOUNT_MNT);
    // SAFETY: as above.
    unsafe {
        let pending = &raw mut (*slot).pending;
        let (at_dentry, at_mnt) = (&raw mut (*pending).dentry, &raw mut (*pending).mnt);
        let position = &raw mut (*pending).position;
        let (dentry, mnt) = (at_dentry.read_volatile(), at_mnt.read_volatile());
        let written = position.read_volatile();
        let parent = pointer(dentry, offset::DENTRY_PARENT);
        if parent == 0 || mount_mnt == UNKNOWN || written > NAME as u32 {
            cut(slot);
            return;
        }
        // A pseudo file system's entries are roots that have a name.
        let root = pointer(mnt, offset::VFSMOUNT_ROOT) == dentry;
        if root || (parent == dentry && written != 0) {
            let mount = mnt.wrapping_sub(u64::from(mount_mnt));
            let above = pointer(mount, offset::MOUNT_PARENT);
            if above == mount || above == 0 {
                at_dentry.write_volatile(0);
            } else {
                at_dentry.write_volatile(pointer(mount, offset::MOUNT_POINT));
                at_mnt.write_volatile(above + u64::from(mount_mnt));
            }
            return;
        }
        let start = (&raw const (*pending).file).read_volatile();
        let Some(to) = heap::at::<NAME>(slot, start + HEAD + written) else {
            cut(slot);
            return;
        };
        let name = pointer(dentry, offset::DENTRY_NAME);
        let len = bpf_probe_read_kernel_str(to.cast(), NAME as u32, name as *const _);
        if len <= 0 {
            cut(slot);
            return;
        }
        let written = written + len as u32;
        position.write_volatile(written);
        if let Some(head) = heap::at::<{ HEAD as usize }>(slot, start) {
            head.cast::<u16>().add(HEAD as usize / 2 - 1).write_volatile(written as u16);
        }
        let used = heap::keep(slot, start, HEAD + written);
        let files = &raw mut (*slot).record.head.files;
        (*files).len = ((used.offset + used.len + 7) & !7) - (*files).offset;
        at_dentry.write_volatile(if parent == dentry { 0 } else { parent });
    }
}

/// The way up ends before the root.
#[inline(always)]
unsafe fn cut(slot: *mut Slot) {
    // SAFETY: as above.
    unsafe {
        (&raw mut (*slot).pending.dentry).write_volatile(0);
        let start = (&raw const (*slot).pending.file).read_volatile();
        if let Some(head) = heap::at::<{ HEAD as usize }>(slot, start) {
            let flags = head.cast::<u16>().add(HEAD as usize / 2 - 2);
            flags.write_volatile(flags.read_volatile() | file::CUT);
        }
    }
}

/// Whether the entry is in no directory any more: it is not hashed, and not a root.
#[inline(always)]
fn unlinked(dentry: u64) -> bool {
    value::<u64>(dentry, offset::DENTRY_HASH) == 0
        && pointer(dentry, offset::DENTRY_PARENT) != dentry
}
