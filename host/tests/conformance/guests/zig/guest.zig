//! Says all that it sees: the conformance suite compares it with what the host has.

const std = @import("std");
const weir = @import("weir");
const fields = @import("fields.zig");

comptime {
    weir.script(Guest);
}

const Guest = struct {
    pub const describe =
        \\{"name":"conformance","version":"1.2.3","summary":"what a script sees and does","role":"filter",
        \\"language":"zig","state_version":7,
        \\"params":[{"name":"greeting","type":"string","default":"hello","help":"is logged"}],
        \\"tables":[],"wants":{"calls":["sendmsg","recvmsg"],"payload":64}}
    ;

    var count: u64 = 0;
    var saved: [64]u8 = undefined;
    var tables: [6]weir.Table = @splat(.{});

    pub fn start() ?[]const u8 {
        var room: [256]u8 = undefined;
        const greeting = weir.param("greeting", &room).?;
        if (std.mem.eql(u8, greeting, "refuse")) return "told to refuse: grüße";
        var line = Text{};
        line.put("greeting: {s}", .{greeting});
        weir.log(.info, line.written());
        if (weir.param("nothing", &room) != null) return "there is a parameter that was not declared";
        const names = [_][]const u8{ "counter", "histogram", "gauge", "topk", "distinct", "rate" };
        for (&tables, names, 0..) |*table, name, kind| {
            table.open(@fromBackingInt(@as(u32, @intCast(kind))), name,
                \\{"labels":["process","call"],"unit":"1","help":""}
            );
        }
        return null;
    }

    pub fn batch(it: weir.Batch) void {
        count += it.header.count;
        var out = Text{};
        fields.header(&out, it);
        it.event(0).attr("header", out.written());
        out = .{};
        out.put("{{\"events\":{d}}}", .{count});
        weir.emit(out.written());
        var room: [4096]u8 = undefined;
        const known = weir.process(it.event(0).head.pid, &room);
        weir.log(.debug, if (known == null) "process: none" else "process: known");
    }

    pub fn event(it: weir.Event) weir.Verdict {
        var out = Text{};
        fields.event(&out, it);
        it.attr("event", out.written());
        out = .{};
        parts(&out, it);
        it.attr("parts", out.written());
        for (&tables, 0..) |*table, kind| {
            table.add(&.{ it.comm(), it.call() }, if (kind == 4) it.head.tid else it.head.bytes);
        }
        return if (it.errno() == 0) .keep else .drop;
    }

    fn parts(out: *Text, it: weir.Event) void {
        out.put("at={d}\ncall={s}\ncomm={s}\nerrno={d}\n", .{ it.at, it.call(), it.comm(), it.errno() });
        out.put("error={s}\nread=", .{it.errorName() orelse "-"});
        for (0..8) |group| out.put("{d}", .{@intFromBool(it.isRead(@fromBackingInt(@as(u3, @intCast(group)))))});
        out.put("\nteam={s}\n", .{it.findAttr("team") orelse "-"});
        var attrs = it.attrs();
        while (attrs.next()) |attr| out.put("attr={s}:{s}\n", .{ attr.name, attr.value });
        var iov = it.iov();
        while (iov.next()) |entry| out.put("iov={d}:{d}\n", .{ entry.base, entry.len });
        var control = it.control();
        while (control.next()) |message| {
            out.put("control={d}:{d}:{x}\n", .{ message.level, message.kind, message.data });
            if (message.credentials()) |who| out.put("credentials={d}:{d}:{d}\n", .{ who.pid, who.uid, who.gid });
        }
        var files = it.files();
        while (files.next()) |file| out.put("file={d}:{s}\n", .{ file.fd, file.text });
        var known = it.processParts();
        while (known.next()) |part| out.put("process={d}:{x}\n", .{ part.kind, part.bytes });
        if (it.kernel()) |kernel| {
            out.put("kernel={d}:{x}\n", .{ kernel.bytes, kernel.name });
            var used = kernel.control();
            while (used.next()) |message| {
                out.put("kernel_control={d}:{d}:{x}\n", .{ message.level, message.kind, message.data });
            }
        }
    }

    pub fn tick(now_ms: u32) void {
        var line = Text{};
        line.put("tick {d}", .{now_ms});
        weir.log(.warn, line.written());
    }

    pub fn save() []const u8 {
        return std.fmt.bufPrint(&saved, "events={d}", .{count}) catch unreachable;
    }

    pub fn restore(version: u32, state: []const u8) ?[]const u8 {
        if (version != 7) return "the state is not of version 7";
        count = std.fmt.parseInt(u64, state["events=".len..], 10) catch return "the state has no number";
        return null;
    }
};

/// A text that grows.
const Text = struct {
    room: [16384]u8 = undefined,
    len: usize = 0,

    fn put(self: *Text, comptime format: []const u8, values: anytype) void {
        self.len += (std.fmt.bufPrint(self.room[self.len..], format, values) catch unreachable).len;
    }

    fn written(self: *const Text) []const u8 {
        return self.room[0..self.len];
    }

    pub fn number(self: *Text, name: []const u8, value: anytype) void {
        self.put("{s}={d}\n", .{ name, value });
    }

    pub fn bytes(self: *Text, name: []const u8, value: []const u8) void {
        self.put("{s}={x}\n", .{ name, value });
    }
};
