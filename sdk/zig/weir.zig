//! Write scripts for Weir in Zig.
//!
//! A script is a Wasm module that Weir hands events to, in batches. The smallest filter:
//!
//!     const weir = @import("weir");
//!
//!     comptime {
//!         weir.script(struct {
//!             pub const describe =
//!                 \\{"name":"root","summary":"keeps what root sends","role":"filter","language":"zig"}
//!             ;
//!             pub fn event(it: weir.Event) weir.Verdict {
//!                 return if (it.head.uid == 0) .keep else .drop;
//!             }
//!         });
//!     }
//!
//! Build it with
//!
//!     zig build-exe -target wasm32-freestanding -O ReleaseSmall -fno-entry -rdynamic \
//!         --dep weir -Mroot=main.zig -Mweir=weir/weir.zig -femit-bin=mine.wasm

pub const layout = @import("layout.zig");
pub const Head = layout.Head;
pub const BatchHeader = layout.BatchHeader;

const batch = @import("batch.zig");
pub const Batch = batch.Batch;
pub const Event = batch.Event;
pub const Group = batch.Group;

pub const errorName = @import("errno.zig").errorName;

const parts = @import("parts.zig");
pub const Attr = parts.Attr;
pub const Control = parts.Control;
pub const File = parts.File;
pub const Iov = parts.Iov;
pub const Kernel = parts.Kernel;
pub const ProcessPart = parts.ProcessPart;

const host = @import("host.zig");
pub const Level = host.Level;
pub const emit = host.emit;
pub const log = host.log;
pub const param = host.param;
pub const process = host.process;

pub const Table = @import("table.zig").Table;

const entry = @import("entry.zig");
pub const Verdict = entry.Verdict;
pub const script = entry.script;
