//! What a script can ask of the host.

const imports = struct {
    extern "weir" fn attr(event: u32, name: [*]const u8, name_len: u32, value: [*]const u8, value_len: u32) void;
    extern "weir" fn emit(json: [*]const u8, len: u32) void;
    extern "weir" fn log(level: u32, text: [*]const u8, len: u32) void;
    extern "weir" fn param(name: [*]const u8, name_len: u32, to: [*]u8, to_len: u32) i32;
    extern "weir" fn process(pid: u32, to: [*]u8, to_len: u32) i32;
};

/// How urgent a line of the log is.
pub const Level = enum(u32) { debug, info, warn, @"error" };

/// Adds a line to the script's log. The host takes some hundred lines a second: none per event.
pub fn log(level: Level, text: []const u8) void {
    imports.log(@backingInt(level), text.ptr, text.len);
}

/// A parameter's value, written into `to`; null if there is no such parameter. What does not fit is cut.
pub fn param(name: []const u8, to: []u8) ?[]const u8 {
    return written(to, imports.param(name.ptr, name.len, to.ptr, to.len));
}

/// Hands on a result that is no row of a table: a JSON object, shown with the script.
pub fn emit(json: []const u8) void {
    imports.emit(json.ptr, json.len);
}

/// What the host knows of a process: a JSON object, written into `to`; null if it knows none, or if it does not
/// fit.
pub fn process(pid: u32, to: []u8) ?[]const u8 {
    const len = imports.process(pid, to.ptr, to.len);
    return if (len > to.len) null else written(to, len);
}

/// Adds an attribute to the event at an index of the batch at hand.
pub fn attr(event: u32, name: []const u8, value: []const u8) void {
    imports.attr(event, name.ptr, name.len, value.ptr, value.len);
}

fn written(to: []u8, len: i32) ?[]const u8 {
    if (len < 0) return null;
    return to[0..@min(to.len, @as(usize, @intCast(len)))];
}
