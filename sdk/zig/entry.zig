//! The module's exports, made of a script.

const host = @import("host.zig");
const layout = @import("layout.zig");
const Table = @import("table.zig").Table;
const batches = @import("batch.zig");

/// What becomes of an event.
pub const Verdict = enum(u8) { keep = layout.KEEP, drop = layout.DROP };

/// Makes the exports. A script has
///
///     pub const describe: []const u8                            JSON, see docs/scripting.md
///     pub fn event(it: weir.Event) weir.Verdict                 each event
///
/// and, if it likes,
///
///     pub fn start() ?[]const u8                                once, before all events; a reason refuses
///     pub fn batch(it: weir.Batch) void                         each batch, before its events
///     pub fn tick(now_ms: u32) void                             about once a second
///     pub fn save() []const u8                                  what the next version goes on from
///     pub fn restore(version: u32, state: []const u8) ?[]const u8    after start; a reason refuses the state
pub fn script(comptime S: type) void {
    const exports = struct {
        fn abi() callconv(.c) u32 {
            return layout.ABI;
        }

        fn describe() callconv(.c) u64 {
            return text(S.describe);
        }

        fn start() callconv(.c) u64 {
            const refusal = if (@hasDecl(S, "start")) S.start() else null;
            Table.flushAll();
            return if (refusal) |reason| text(reason) else 0;
        }

        fn batch(ptr: [*]align(8) u8, len: u32) callconv(.c) void {
            const at_hand = batches.Batch.read(ptr[0..len]) orelse {
                host.log(.@"error", "this is no batch that the script can read");
                @trap();
            };
            if (@hasDecl(S, "batch")) S.batch(at_hand);
            for (0..at_hand.header.count) |index| {
                const at: u32 = @intCast(index);
                if (S.event(at_hand.event(at)) == .drop) at_hand.drop(at);
            }
            Table.flushAll();
        }

        fn tick(now_ms: u32) callconv(.c) void {
            S.tick(now_ms);
            Table.flushAll();
        }

        fn save() callconv(.c) u64 {
            return text(S.save());
        }

        fn restore(version: u32, ptr: [*]const u8, len: u32) callconv(.c) u64 {
            return if (S.restore(version, ptr[0..len])) |reason| text(reason) else 0;
        }
    };
    @export(&exports.abi, .{ .name = "weir_abi" });
    @export(&alloc, .{ .name = "weir_alloc" });
    @export(&exports.describe, .{ .name = "weir_describe" });
    @export(&exports.start, .{ .name = "weir_start" });
    @export(&exports.batch, .{ .name = "weir_batch" });
    if (@hasDecl(S, "tick")) @export(&exports.tick, .{ .name = "weir_tick" });
    if (@hasDecl(S, "save")) @export(&exports.save, .{ .name = "weir_save" });
    if (@hasDecl(S, "restore")) @export(&exports.restore, .{ .name = "weir_restore" });
}

/// Makes room for batches: pages of its own, so that allocators may grow the memory as well. The host asks again
/// only for twice as much or more.
fn alloc(len: u32) callconv(.c) usize {
    const page = 64 << 10;
    const before = @wasmMemoryGrow(0, (len + page - 1) / page);
    return if (before < 0) 0 else @as(usize, @intCast(before)) * page;
}

/// A text for the host. It must stay where it is until the next call.
fn text(bytes: []const u8) u64 {
    return @as(u64, @intFromPtr(bytes.ptr)) << 32 | bytes.len;
}
