//! Where the programs are attached, by backend. Their names are what `/api/v1/status` shows.

mod fentry;
mod kprobe;
mod thread;
mod tracepoint;
