//! Keeps what root sends, and counts it by process.

const weir = @import("weir");

comptime {
    weir.script(Root);
}

const Root = struct {
    pub const describe =
        \\{"name":"SCRIPT_NAME","version":"0.1.0","summary":"Keeps what root sends","role":"filter",
        \\"language":"zig","tables":[{"name":"calls","kind":"counter","help":"Calls of root"}]}
    ;

    var calls: weir.Table = .{};

    pub fn start() ?[]const u8 {
        calls.open(.counter, "calls",
            \\{"labels":["process"],"unit":"1","help":"Calls of root"}
        );
        return null;
    }

    pub fn event(it: weir.Event) weir.Verdict {
        if (it.head.uid != 0) return .drop;
        calls.add(&.{it.comm()}, 1);
        return .keep;
    }
};
