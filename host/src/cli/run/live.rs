//! Draws the live view of `weir run` again and again, on a thread of its own.

use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context;
use ratatui::crossterm::terminal;

use super::{screen::Screen, view};
use crate::cli::look::{Order, Source};

/// Tables that are looked at for a view: more would not fit any terminal.
const TABLES: usize = 4;
/// A terminal that does not say how large it is.
const SIZE: (u16, u16) = (80, 24);

/// A view that is drawn until this is ended.
pub struct Live {
    stop: Sender<()>,
    thread: JoinHandle<()>,
    screen: Screen,
}

impl Live {
    /// Draws what there is to see each time so much has passed.
    pub fn start(source: Source, screen: Screen, interval: Duration) -> anyhow::Result<Self> {
        let (stop, stopped) = channel();
        let drawn = screen.clone();
        let draw = move || {
            let Ok(mut before) = source.look() else { return };
            while stopped.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                let Ok(now) = source.look() else { return };
                let (width, height) = terminal::size().unwrap_or(SIZE);
                let (width, height) = (usize::from(width), usize::from(height).saturating_sub(1));
                let order = Order { limit: height, ..Order::default() };
                let tables = now.tables.iter().take(TABLES).filter_map(|table| {
                    let (script, name) = (table["script"].as_str()?, table["table"].as_str()?);
                    source.table(script, name, &order).ok().filter(|table| table.is_object())
                });
                let tables: Vec<_> = tables.collect();
                drawn.draw(view::lines(&before, &now, &tables, width, height));
                before = now;
            }
        };
        let thread = thread::Builder::new().name("weir-view".to_owned()).spawn(draw);
        Ok(Self { stop, thread: thread.context("cannot start the view's thread")?, screen })
    }

    /// Leaves the last view where it is.
    pub fn end(self) {
        drop(self.stop);
        // What it drew is all that is lost with it.
        _ = self.thread.join();
        self.screen.leave();
    }
}
