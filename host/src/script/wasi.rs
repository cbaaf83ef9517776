//! WASI with nothing granted: no files, no network, no arguments. What a script prints goes into
//! its log, and nothing makes it wait: waiting is over at once.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::{
    Caller, Linker,
    component::{self, HasSelf, Resource, ResourceTable},
};
use wasmtime_wasi::{
    WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView, async_trait,
    cli::{IsTerminal, StdoutStream},
    p1::{self, WasiP1Ctx},
    p2::{
        self, DynPollable, OutputStream, Pollable, StreamResult, bindings::clocks::monotonic_clock,
        subscribe,
    },
};

use super::{
    Log,
    guest::{State, range, split},
    log::LINE_BYTES,
};

/// The module of preview 1.
pub const PREVIEW_1: &str = "wasi_snapshot_preview1";
/// What packages of preview 2 begin with.
pub const PREVIEW_2: &str = "wasi:";

/// Handles that a component may hold of the host.
const HANDLES: usize = 1024;
/// Random bytes of one call.
const RANDOM_BYTES: u64 = 64 << 10;
/// What a stream of output takes at once, in bytes.
const WRITE_BYTES: usize = 64 << 10;

/// What an instance that imports WASI has of it.
pub enum Wasi {
    None,
    Preview1(Box<WasiP1Ctx>),
    Preview2(Box<(WasiCtx, ResourceTable)>),
}

impl Wasi {
    pub fn preview_1(log: &Arc<Log>) -> Self {
        Self::Preview1(Box::new(nothing(log).build_p1()))
    }

    pub fn preview_2(log: &Arc<Log>) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(HANDLES);
        Self::Preview2(Box::new((nothing(log).build(), table)))
    }
}

fn nothing(log: &Arc<Log>) -> WasiCtxBuilder {
    let mut builder = WasiCtxBuilder::new();
    builder
        .stdout(Printed { log: log.clone(), level: "info" })
        .stderr(Printed { log: log.clone(), level: "warn" })
        .allow_tcp(false)
        .allow_udp(false)
        .max_random_size(RANDOM_BYTES);
    builder
}

/// Defines preview 1 for core modules.
pub fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    p1::add_to_linker_sync(linker, |state: &mut State| match &mut state.wasi {
        Wasi::Preview1(wasi) => &mut **wasi,
        _ => unreachable!("every module that imports preview 1 has it"),
    })?;
    linker.allow_shadowing(true);
    linker.func_wrap(PREVIEW_1, "poll_oneoff", poll_oneoff)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Defines preview 2 for components.
pub fn link_component(linker: &mut component::Linker<State>) -> wasmtime::Result<()> {
    p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        match &mut self.wasi {
            Wasi::Preview2(wasi) => WasiCtxView { ctx: &mut wasi.0, table: &mut wasi.1 },
            _ => unreachable!("every component has preview 2"),
        }
    }
}

/// The layout of a subscription and of an event, as far as it is needed here.
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

/// Says of all that is waited for that it has happened. The host's own would wait, and the whole
/// pipeline with it.
fn poll_oneoff(
    mut caller: Caller<'_, State>,
    subscriptions: u32,
    events: u32,
    count: u32,
    count_to: u32,
) -> wasmtime::Result<i32> {
    const SUCCESS: i32 = 0;
    const INVALID: i32 = 28;
    let (memory, _) = split(&mut caller)?;
    let what = "poll_oneoff: the list";
    let from = range(memory, subscriptions, count.saturating_mul(SUBSCRIPTION_BYTES), what)?;
    let to = range(memory, events, count.saturating_mul(EVENT_BYTES), what)?;
    let count_to = range(memory, count_to, 4, "poll_oneoff: the count")?;
    if count == 0 {
        return Ok(INVALID);
    }
    for index in 0..count as usize {
        let from = from.start + index * SUBSCRIPTION_BYTES as usize;
        let to = to.start + index * EVENT_BYTES as usize;
        let (mut user_data, kind) = ([0; 8], memory[from + 8]);
        user_data.copy_from_slice(&memory[from..from + 8]);
        memory[to..to + EVENT_BYTES as usize].fill(0);
        memory[to..to + 8].copy_from_slice(&user_data);
        memory[to + 10] = kind;
    }
    memory[count_to].copy_from_slice(&count.to_le_bytes());
    Ok(SUCCESS)
}

/// What a script waits for that waits for time: it is there at once.
struct Now;

#[async_trait]
impl Pollable for Now {
    async fn ready(&mut self) {}
}

impl State {
    fn now(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let table = self.ctx().table;
        let now = table.push(Now)?;
        subscribe(table, now)
    }
}

impl monotonic_clock::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.began.elapsed().as_nanos() as u64)
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1)
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.now()
    }

    fn subscribe_duration(&mut self, _time: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.now()
    }
}

/// Standard output or error.
#[derive(Clone)]
struct Printed {
    log: Arc<Log>,
    level: &'static str,
}

/// A stream of it, and the line that is not ended yet.
struct Lines {
    to: Printed,
    line: Vec<u8>,
}

impl Lines {
    fn print(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|&byte| byte == b'\n');
        // There is at least one part; what comes behind the last line end stays.
        let first = parts.next().unwrap_or_default();
        self.extend(first);
        for part in parts {
            self.end();
            self.extend(part);
        }
    }

    fn extend(&mut self, part: &[u8]) {
        // The log would cut it all the same.
        let room = LINE_BYTES.saturating_sub(self.line.len());
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn end(&mut self) {
        self.to.log.add(self.to.level, &self.line);
        self.line.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end();
        }
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printed {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines { to: self.clone(), line: Vec::new() })
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines { to: self.clone(), line: Vec::new() })
    }
}

#[async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.print(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().print(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_logged_by_lines() {
        let log = Arc::new(Log::new(100));
        let mut lines = Lines { to: Printed { log: log.clone(), level: "info" }, line: Vec::new() };
        for part in ["a", "b\nc\n\nd", &"e".repeat(2 * LINE_BYTES), "f\ng"] {
            lines.print(part.as_bytes());
        }
        drop(lines);
        let texts: Vec<_> = log.last(10).0.into_iter().map(|line| line.text).collect();
        let long = format!("d{}", "e".repeat(LINE_BYTES - 1));
        assert_eq!(texts, ["ab", "c", "", &long, "g"]);
    }
}
