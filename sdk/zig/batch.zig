//! A batch in the script's memory, and views of its events. Nothing is copied.

const std = @import("std");
const host = @import("host.zig");
const layout = @import("layout.zig");
const names = @import("errno.zig");
const parts = @import("parts.zig");

/// A group of fields that are read together.
pub const Group = enum(u3) {
    ppid = layout.GROUP_PPID,
    msg = layout.GROUP_MSG,
    name = layout.GROUP_NAME,
    iov = layout.GROUP_IOV,
    start = layout.GROUP_START,
    control = layout.GROUP_CONTROL,
    payload = layout.GROUP_PAYLOAD,
    socket = layout.GROUP_SOCKET,
};

/// A batch whose header was checked: what it promises lies within the bytes.
pub const Batch = struct {
    header: *const layout.BatchHeader,
    bytes: []align(8) u8,

    /// Null when it is none that this script can read.
    pub fn read(bytes: []align(8) u8) ?Batch {
        if (bytes.len < @sizeOf(layout.BatchHeader)) return null;
        const header: *const layout.BatchHeader = @ptrCast(bytes.ptr);
        if (header.version != layout.ABI or header.stride < @sizeOf(layout.Head)) return null;
        // Heads must be aligned to be read as structs. In 64 bits nothing overflows.
        if ((header.heads | header.stride) % 8 != 0) return null;
        const len: u64 = bytes.len;
        if (@as(u64, header.heads) + @as(u64, header.count) * header.stride > len) return null;
        if (@as(u64, header.verdicts) + header.count > len) return null;
        if (@as(u64, header.heap) + header.heap_len > len) return null;
        return .{ .header = header, .bytes = bytes };
    }

    /// The event at an index below `header.count`.
    pub fn event(self: Batch, at: u32) Event {
        std.debug.assert(at < self.header.count);
        const head = self.bytes[self.header.heads + at * self.header.stride ..];
        return .{ .head = @ptrCast(@alignCast(head.ptr)), .at = at, .heap = self.heap() };
    }

    /// Drops the event at an index below `header.count`.
    pub fn drop(self: Batch, at: u32) void {
        std.debug.assert(at < self.header.count);
        self.bytes[self.header.verdicts + at] = layout.DROP;
    }

    fn heap(self: Batch) []const u8 {
        return self.bytes[self.header.heap..][0..self.header.heap_len];
    }
};

/// An event of the batch at hand.
pub const Event = struct {
    /// The fixed fields.
    head: *const layout.Head,
    /// Its index in the batch.
    at: u32,
    heap: []const u8,

    /// A variable part: empty when there is nothing, or when it would lie outside of the heap.
    pub fn part(self: Event, span: layout.Span) []const u8 {
        if (@as(u64, span.offset) + span.len > self.heap.len) return &.{};
        return self.heap[span.offset..][0..span.len];
    }

    /// The calling thread's name.
    pub fn comm(self: Event) []const u8 {
        return std.mem.sliceTo(&self.head.comm, 0);
    }

    /// Name of the call, or "unknown".
    pub fn call(self: Event) []const u8 {
        const number = self.head.call;
        return if (number == 0 or number > layout.CALL_NAMES.len) "unknown" else layout.CALL_NAMES[number - 1];
    }

    /// Why the call failed: a number of errno(3), or 0.
    pub fn errno(self: Event) u32 {
        const ret = self.head.ret;
        return if (ret < 0 and ret >= -4095) @intCast(-ret) else 0;
    }

    /// The name of that error, or "unknown"; null if the call did not fail.
    pub fn errorName(self: Event) ?[]const u8 {
        return names.errorName(self.errno());
    }

    /// Whether a group of fields was read, whole or up to a limit.
    pub fn isRead(self: Event, group: Group) bool {
        const status = self.head.status[@backingInt(group)];
        return status == layout.STATUS_OK or status == layout.STATUS_TRUNCATED;
    }

    /// Adds an attribute: scripts further along the pipeline, the API and the page see it.
    pub fn attr(self: Event, name: []const u8, value: []const u8) void {
        host.attr(self.at, name, value);
    }

    /// An attribute that a script before this one added: the last of that name.
    pub fn findAttr(self: Event, name: []const u8) ?[]const u8 {
        var found: ?[]const u8 = null;
        var all = self.attrs();
        while (all.next()) |known| {
            if (std.mem.eql(u8, known.name, name)) found = known.value;
        }
        return found;
    }

    pub fn attrs(self: Event) parts.Walk(parts.Attr) {
        return .{ .rest = self.part(self.head.attrs) };
    }

    /// The first entries of the iovec table.
    pub fn iov(self: Event) parts.Walk(parts.Iov) {
        return .{ .rest = self.part(self.head.iov) };
    }

    pub fn control(self: Event) parts.Walk(parts.Control) {
        return .{ .rest = self.part(self.head.control) };
    }

    /// The first bytes of the payload, as many as scripts want.
    pub fn payload(self: Event) []const u8 {
        return self.part(self.head.payload);
    }

    /// What descriptors are: those of SCM_RIGHTS (and SCM_PIDFD) messages in their order; of sendfile the input,
    /// then the output.
    pub fn files(self: Event) parts.Walk(parts.File) {
        return .{ .rest = self.part(self.head.files) };
    }

    /// What else the host knows of the process.
    pub fn processParts(self: Event) parts.Walk(parts.ProcessPart) {
        return .{ .rest = self.part(self.head.process) };
    }

    /// The first of these that is not empty: `layout.PROCESS_…`.
    pub fn processPart(self: Event, kind: u16) ?[]const u8 {
        var all = self.processParts();
        while (all.next()) |known| {
            if (known.kind == kind and known.bytes.len > 0) return known.bytes;
        }
        return null;
    }

    /// What the kernel used, where that is not what the caller showed.
    pub fn kernel(self: Event) ?parts.Kernel {
        return parts.Kernel.read(self.part(self.head.kernel));
    }
};
