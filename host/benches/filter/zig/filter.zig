//! Keeps what failed: the benchmark's filter.

const weir = @import("weir");

comptime {
    weir.script(Filter);
}

const Filter = struct {
    pub const describe =
        \\{"name":"filter","version":"0.1.0","role":"filter","language":"zig"}
    ;

    pub fn event(it: weir.Event) weir.Verdict {
        return if (it.errno() == 0) .drop else .keep;
    }
};
