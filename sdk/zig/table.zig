//! A table of the host's, and what a batch adds to it: gathered here, and handed over in one call.

const std = @import("std");

const imports = struct {
    extern "weir" fn table_open(kind: u32, name: [*]const u8, name_len: u32, options: [*]const u8, options_len: u32) u32;
    extern "weir" fn table_add_many(table: u32, rows: [*]const u8, len: u32) void;
};

/// Room for the rows of a batch: what is more is handed over before its end.
const room = 64 << 10;
/// A power of two, twice the rows that there is room for.
const slots = 8 << 10;
/// Length of the key, zero, value.
const row_head = 16;

/// `var calls: weir.Table = .{}` at file level, `calls.open(…)` in start, `calls.add(…)` per event.
pub const Table = struct {
    handle: u32 = 0,
    kind: Kind = .counter,
    used: u32 = 0,
    rows: [room]u8 align(8) = undefined,
    /// 1 + offset of a row, at its key's hash or behind it; 0 is free.
    at: [slots]u32 = @splat(0),
    /// The next of the tables that are flushed after each batch.
    next: ?*Table = null,

    pub const Kind = enum(u32) { counter, histogram, gauge, topk, distinct, rate };

    /// All that are open.
    var opened: ?*Table = null;

    /// Finds or makes the table. Options are JSON: `{"labels":["process"],"unit":"ns","help":"one line"}`.
    pub fn open(self: *Table, kind: Kind, name: []const u8, options: []const u8) void {
        self.handle = imports.table_open(@backingInt(kind), name.ptr, name.len, options.ptr, options.len);
        self.kind = kind;
        self.next = opened;
        opened = self;
    }

    /// Adds a value to the row of these labels, as many as the table has.
    pub fn add(self: *Table, labels: []const []const u8, value: u64) void {
        var len: usize = labels.len - 1;
        for (labels) |label| len += label.len;
        // A row must fit into the room; no label is as long as that.
        std.debug.assert(len <= room - row_head);
        if (room - self.used < std.mem.alignForward(usize, row_head + len, 8)) self.flush();
        const row = self.rows[self.used..];
        write(row[row_head..][0..len], labels);
        const place = self.find(row[row_head..][0..len]);
        if (self.sums() and self.at[place] != 0) {
            const known = self.rows[self.at[place] - 1 + 8 ..][0..8];
            const sum = if (self.kind == .gauge) value else std.mem.readInt(u64, known, .little) +| value;
            std.mem.writeInt(u64, known, sum, .little);
            return;
        }
        if (self.sums()) self.at[place] = self.used + 1;
        std.mem.writeInt(u32, row[0..4], @intCast(len), .little);
        std.mem.writeInt(u32, row[4..8], 0, .little);
        std.mem.writeInt(u64, row[8..16], value, .little);
        self.used += @intCast(std.mem.alignForward(usize, row_head + len, 8));
    }

    /// Hands over what was added. The end of a batch does it for every table.
    pub fn flush(self: *Table) void {
        if (self.used == 0) return;
        imports.table_add_many(self.handle, &self.rows, self.used);
        if (self.sums()) self.at = @splat(0);
        self.used = 0;
    }

    pub fn flushAll() void {
        var each = opened;
        while (each) |table| : (each = table.next) table.flush();
    }

    /// Whether values of a row can be put together here. Each value of a histogram counts by itself.
    fn sums(self: *const Table) bool {
        return self.kind != .histogram and self.kind != .distinct;
    }

    /// Where the row of this key is, or would be.
    fn find(self: *const Table, key: []const u8) usize {
        var at: usize = @truncate(std.hash.Wyhash.hash(0, key));
        while (true) : (at += 1) {
            at %= slots;
            if (self.at[at] == 0) return at;
            const row = self.rows[self.at[at] - 1 ..];
            const len = std.mem.readInt(u32, row[0..4], .little);
            if (std.mem.eql(u8, row[row_head..][0..len], key)) return at;
        }
    }
};

/// Joins labels by NUL. A NUL within one would begin another label.
fn write(to: []u8, labels: []const []const u8) void {
    var at: usize = 0;
    for (labels, 0..) |label, index| {
        if (index > 0) {
            to[at] = 0;
            at += 1;
        }
        for (label) |byte| {
            to[at] = if (byte == 0) '@' else byte;
            at += 1;
        }
    }
}
