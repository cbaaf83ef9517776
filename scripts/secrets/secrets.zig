//! secrets: finds passwords, tokens and keys that are sent in plain text, and shows them redacted.

const std = @import("std");
const weir = @import("weir");

comptime {
    weir.script(Secrets);
}

const Secrets = struct {
    pub const describe =
        \\{"name":"secrets","version":"0.1.0","role":"filter","language":"zig",
        \\"summary":"Keeps calls whose payload has a password, token or key in plain text","params":[],
        \\"tables":[{"name":"secrets","kind":"counter","help":"Calls with a secret"}],
        \\"wants":{"calls":["sendmsg","sendmmsg","sendto"],"payload":4096}}
    ;

    var secrets: weir.Table = .{};

    pub fn start() ?[]const u8 {
        secrets.open(.counter, "secrets",
            \\{"labels":["process","secret"],"unit":"1","help":"Calls with a secret"}
        );
        return null;
    }

    pub fn event(it: weir.Event) weir.Verdict {
        const found = find(it.payload()) orelse return .drop;
        var shown: [80]u8 = undefined;
        it.attr("secret", found.kind);
        it.attr("secret.shown", redacted(found, &shown));
        secrets.add(&.{ it.comm(), found.kind }, 1);
        return .keep;
    }
};

const Found = struct {
    kind: []const u8,
    /// What stands before it, as it was sent.
    before: []const u8,
};

/// What a secret begins with, and how long it is at least.
const Mark = struct { kind: []const u8, text: []const u8, secret: usize = 1, within: bool = false };

/// `within`: the mark is a part of the secret, which therefore is shown up to its end. It is in no other case, and
/// what follows is letters and digits.
const marks = [_]Mark{
    .{ .kind = "authorization", .text = "authorization: basic " },
    .{ .kind = "authorization", .text = "authorization: bearer " },
    .{ .kind = "aws access key", .text = "AKIA", .secret = 16, .within = true },
    .{ .kind = "github token", .text = "ghp_", .secret = 36, .within = true },
    .{ .kind = "password", .text = "passwd=" },
    .{ .kind = "password", .text = "password=" },
    .{ .kind = "password", .text = "\"password\":\"" },
    .{ .kind = "password", .text = "\"password\": \"" },
    .{ .kind = "private key", .text = "-----BEGIN PRIVATE KEY-----", .secret = 0, .within = true },
    .{ .kind = "private key", .text = "-----BEGIN RSA PRIVATE KEY-----", .secret = 0, .within = true },
    .{ .kind = "token", .text = "api_key=" },
    .{ .kind = "token", .text = "access_token=" },
};

/// The first byte of some mark: most bytes are of none, and that is told at once.
const begins = blk: {
    var table: [256]bool = @splat(false);
    for (marks) |mark| {
        table[std.ascii.toLower(mark.text[0])] = true;
        table[std.ascii.toUpper(mark.text[0])] = true;
    }
    break :blk table;
};

fn find(payload: []const u8) ?Found {
    for (payload, 0..) |byte, at| {
        if (!begins[byte]) continue;
        for (marks) |mark| {
            const begun = if (mark.within)
                std.mem.startsWith(u8, payload[at..], mark.text)
            else
                std.ascii.startsWithIgnoreCase(payload[at..], mark.text);
            if (!begun) continue;
            // "maakia" begins no key.
            if (mark.within and at > 0 and std.ascii.isAlphanumeric(payload[at - 1])) continue;
            const start = at + mark.text.len;
            const secret = if (mark.within) plain(payload[start..]) else length(payload[start..]);
            if (secret < mark.secret) continue;
            return .{ .kind = mark.kind, .before = payload[at..start] };
        }
    }
    return null;
}

/// How far a secret goes: to white space, a quote, or what separates it from the next value.
fn length(text: []const u8) usize {
    return std.mem.indexOfAny(u8, text, " \t\r\n\"'&;,\x00") orelse text.len;
}

/// How many letters and digits there are.
fn plain(text: []const u8) usize {
    for (text, 0..) |byte, at| if (!std.ascii.isAlphanumeric(byte)) return at;
    return text.len;
}

/// As `password=********`: nothing of the secret but the beginning that all of its kind share, and not its length.
fn redacted(found: Found, to: *[80]u8) []const u8 {
    const stars = "********";
    @memcpy(to[0..found.before.len], found.before);
    @memcpy(to[found.before.len..][0..stars.len], stars);
    return to[0 .. found.before.len + stars.len];
}
