//! Connections: so many at once, and none for longer than its client makes use of it. What a client may cost
//! is bounded: its head by size and time, what it is sent by the time in which it takes something.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use anyhow::Context as _;
use axum::{Router, http::StatusCode};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::Sleep,
};

use super::{error::Error, tls::Tls};

/// How long a client may take for the head of a request, and between two requests.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it is sent.
const STALL: Duration = Duration::from_secs(60);
/// Most bytes of a request's head, and of what waits in the host to be sent.
const BUFFER_BYTES: usize = 64 << 10;
/// The same of what waits in the kernel.
const SEND_BYTES: usize = 256 << 10;
/// Connections beyond the limit that are told so; those beyond these are closed at once.
const REFUSALS: usize = 64;
/// Descriptors that are left to the rest of the host.
const OWN_FILES: u64 = 256;
/// Before the next try, when the system has no room for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves for ever, so many connections at once.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    connections: usize,
) -> Infallible {
    let most = with_files(connections);
    let (served, refused) = (Arc::new(Semaphore::new(most)), Arc::new(Semaphore::new(REFUSALS)));
    let full = full(most);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // Of a client that is gone already.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let taken = served.clone().try_acquire_owned().map(|permit| (permit, &router));
        let taken =
            taken.or_else(|_| refused.clone().try_acquire_owned().map(|permit| (permit, &full)));
        if let Ok((permit, router)) = taken {
            let (router, tls) = (router.clone(), tls.clone());
            tokio::spawn(async move {
                if let Err(error) = connection(stream, tls, router).await {
                    tracing::debug!("a connection ended: {error}");
                }
                drop(permit);
            });
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<Tls>, router: Router) -> anyhow::Result<()> {
    let socket = SockRef::from(&stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(SEND_BYTES)?;
    // Of a client that is gone without a word.
    socket.set_tcp_user_timeout(Some(STALL))?;
    let stream = Taking::new(stream);
    match tls {
        None => speak(stream, router).await?,
        Some(tls) => {
            let greeted = tokio::time::timeout(HEAD, tls.acceptor.accept(stream)).await;
            speak(greeted.context("no TLS handshake in time")??, router).await?;
        }
    }
    Ok(())
}

/// Speaks HTTP, over TLS or not.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: Router,
) -> Result<(), hyper::Error> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await
}

/// Answers everybody that there is no room.
fn full(most: usize) -> Router {
    Router::new().fallback(move || async move {
        let message = format!(
            "there are {most} connections, and no more are served: close some, or raise --connections"
        );
        Error::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_connections", message)
    })
}

/// As many connections as asked for, or as there are descriptors for, of which it allows itself all it can.
fn with_files(asked: usize) -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is refused, the limit is what it was.
    _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(files.saturating_sub(OWN_FILES)).unwrap_or(usize::MAX).max(1);
    if room < asked {
        tracing::warn!(
            "{room} connections are served at once, not {asked} (--connections): the system allows {files} \
             open files (ulimit -n)"
        );
    }
    asked.min(room)
}

/// A connection whose client must take something of what it is sent from time to time.
struct Taking<T> {
    inner: T,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<T> Taking<T> {
    fn new(inner: T) -> Self {
        Self { inner, stalled: None }
    }

    /// What came of a write, unless it has waited for too long.
    fn watch<R>(
        &mut self,
        written: Poll<io::Result<R>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<R>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        stalled.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Taking<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, to)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Taking<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, parts);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.watch(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.inner).poll_shutdown(context);
        self.watch(ended, context)
    }
}
