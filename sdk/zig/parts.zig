//! Variable parts of an event, one piece at a time. No bytes, however wrong, lead outside of their part: a walk
//! ends where a piece is malformed.

const std = @import("std");

/// Walks pieces of a kind.
pub fn Walk(comptime Piece: type) type {
    return struct {
        rest: []const u8,

        pub fn next(self: *@This()) ?Piece {
            return Piece.take(&self.rest);
        }
    };
}

/// An attribute that a script added.
pub const Attr = struct {
    name: []const u8,
    value: []const u8,

    fn take(rest: *[]const u8) ?Attr {
        const all = rest.*;
        if (all.len < 4) return null;
        const name: usize = int(u16, all, 0);
        const value: usize = int(u16, all, 2);
        if (all.len - 4 < name + value) return null;
        rest.* = all[4 + name + value ..];
        return .{ .name = all[4..][0..name], .value = all[4 + name ..][0..value] };
    }
};

/// A buffer of a message.
pub const Iov = struct {
    base: u64,
    len: u64,

    fn take(rest: *[]const u8) ?Iov {
        const all = rest.*;
        if (all.len < 16) return null;
        rest.* = all[16..];
        return .{ .base = int(u64, all, 0), .len = int(u64, all, 8) };
    }
};

/// A control message.
pub const Control = struct {
    /// SOL_*, IPPROTO_*
    level: i32,
    /// By level: SCM_*, IP_*, …
    kind: i32,
    /// Without padding.
    data: []const u8,

    fn take(rest: *[]const u8) ?Control {
        const all = rest.*;
        if (all.len < 16) return null;
        const len = int(u64, all, 0);
        if (len < 16 or len > all.len) return null;
        const end: usize = @intCast(len);
        // The last one need not be padded.
        rest.* = all[@min(std.mem.alignForward(usize, end, 8), all.len)..];
        return .{ .level = int(i32, all, 8), .kind = int(i32, all, 12), .data = all[16..end] };
    }

    /// The process that it tells of, if it is of the type SCM_CREDENTIALS.
    pub fn credentials(self: Control) ?struct { pid: u32, uid: u32, gid: u32 } {
        if (self.level != 1 or self.kind != 2 or self.data.len < 12) return null;
        const data = self.data;
        return .{ .pid = int(u32, data, 0), .uid = int(u32, data, 4), .gid = int(u32, data, 8) };
    }
};

/// A descriptor, and what it is of.
pub const File = struct {
    fd: i32,
    /// As the link in /proc/PID/fd; empty where it was not seen.
    text: []const u8,

    fn take(rest: *[]const u8) ?File {
        const all = rest.*;
        if (all.len < 6) return null;
        const len: usize = int(u16, all, 4);
        if (all.len - 6 < len) return null;
        rest.* = all[6 + len ..];
        return .{ .fd = int(i32, all, 0), .text = all[6..][0..len] };
    }
};

/// Something known of the process.
pub const ProcessPart = struct {
    /// `layout.PROCESS_…`
    kind: u16,
    bytes: []const u8,

    fn take(rest: *[]const u8) ?ProcessPart {
        const all = rest.*;
        if (all.len < 4) return null;
        const len: usize = int(u16, all, 2);
        if (all.len - 4 < len) return null;
        rest.* = all[4 + len ..];
        return .{ .kind = int(u16, all, 0), .bytes = all[4..][0..len] };
    }
};

/// What the kernel used instead of what the caller showed.
pub const Kernel = struct {
    /// Number of bytes to send.
    bytes: u64,
    /// Destination: struct sockaddr.
    name: []const u8,
    controls: []const u8,

    pub fn read(all: []const u8) ?Kernel {
        if (all.len < 16) return null;
        const rest = all[16..];
        const name_len: u64 = int(u32, all, 8);
        const control_len: u64 = int(u32, all, 12);
        const padded = std.mem.alignForward(u64, name_len, 8);
        if (name_len > rest.len or (control_len > 0 and padded + control_len > rest.len)) return null;
        const from: usize = if (control_len > 0) @intCast(padded) else 0;
        return .{
            .bytes = int(u64, all, 0),
            .name = rest[0..@intCast(name_len)],
            .controls = rest[from..][0..@intCast(control_len)],
        };
    }

    pub fn control(self: Kernel) Walk(Control) {
        return .{ .rest = self.controls };
    }
};

/// A number, wherever it lies.
fn int(comptime T: type, bytes: []const u8, at: usize) T {
    return std.mem.readInt(T, bytes[at..][0..@sizeOf(T)], .little);
}
