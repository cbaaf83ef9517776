//! What people are shown of a failure.

use std::time::SystemTime;

use wasmtime::{Store, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::{Fault, FaultKind, guest::State};

/// Functions of Rust's that a panic goes through.
const PANIC: [&str; 4] = ["rust_panic", "panicking", "panic_handler", "backtrace::__rust"];
/// Frames that are shown.
const FRAMES: usize = 32;
/// Longest message in bytes: a script has a say in it.
const MESSAGE_BYTES: usize = 2048;

impl Fault {
    /// A failure in these words.
    pub(crate) fn new(message: String) -> Self {
        Self { time: SystemTime::now(), kind: FaultKind::Trap, message, backtrace: Vec::new() }
    }

    /// Makes of an error what people are shown.
    pub(super) fn of(store: &Store<State>, error: &wasmtime::Error) -> Self {
        let state = store.data();
        let trap = error.downcast_ref::<Trap>();
        let timeout = trap == Some(&Trap::Interrupt);
        let kind = if timeout { FaultKind::Timeout } else { FaultKind::Trap };
        let mut message = match trap {
            Some(Trap::Interrupt) if state.clock.starved => format!(
                "did not end within {:?}, in which it got less than its {:?} of the processor",
                state.limits.wall_time(),
                state.limits.batch_time
            ),
            Some(Trap::Interrupt) => {
                format!("ran longer than its limit of {:?} for one batch", state.limits.batch_time)
            }
            Some(Trap::UnreachableCodeReached) if state.last_words.is_some() => {
                state.last_words.clone().unwrap_or_default()
            }
            Some(trap) => trap.to_string(),
            None => match error.downcast_ref::<I32Exit>() {
                Some(I32Exit(code)) => format!("it exited with code {code}"),
                None => error.root_cause().to_string(),
            },
        };
        if let Some(bytes) = state.memory_refused {
            message.push_str(&format!(
                ", after it was refused {bytes} bytes of memory (limit {})",
                state.limits.memory_bytes
            ));
        }
        if message.len() > MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        }
        let backtrace = error.downcast_ref::<WasmBacktrace>().map_or_else(Vec::new, |backtrace| {
            let names = backtrace.frames().iter().map(|frame| match frame.func_name() {
                Some(name) => format!("{:#}", rustc_demangle::demangle(name)),
                None => format!("function {}", frame.func_index()),
            });
            // What a Rust panic goes through says nothing of where it came from.
            let own = names.skip_while(|name| PANIC.iter().any(|part| name.contains(part)));
            own.take(FRAMES).collect()
        });
        Self { time: SystemTime::now(), kind, message, backtrace }
    }
}
