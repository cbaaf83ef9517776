//! `weir top`: the tables and scripts of a running host, live in the terminal.

mod draw;
mod state;

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers},
};

use super::{
    client::{Client, Host},
    look::Source,
};
use state::State;

/// Longest time without a look at the keyboard.
const LOOK: Duration = Duration::from_millis(100);

/// Show the tables and scripts of a running host, live.
///
/// It asks the host that runs on this machine, or that of --url, over its API.
#[derive(Args)]
#[command(after_help = "Keys:\n  \
    Tab, →, ←       the next table, or the one before; the first is the list of scripts\n  \
    s, S            sort by the next column, the one before\n  \
    r               the other end first\n  \
    /               only rows that contain a text; Enter keeps it, Esc drops it\n  \
    ↑, ↓, PgUp, PgDn, Home\n                  \
    move through the rows\n  \
    space           stop, and go on\n  \
    q, Esc, Ctrl-C  quit\n\n\
    Examples:\n  \
    weir top\n  \
    weir top --url http://127.0.0.1:7071 --table latency/duration")]
pub struct Top {
    #[command(flatten)]
    host: Host,
    /// The table to begin with.
    #[arg(short, long, value_name = "SCRIPT/TABLE")]
    table: Option<String>,
    /// How often the host is asked.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = super::run::interval)]
    interval: Duration,
}

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing that takes another look at the host.
    Nothing,
    /// Other rows.
    Rows,
    /// The end.
    Quit,
}

impl Top {
    /// Shows tables until a key says stop.
    pub fn run(self) -> anyhow::Result<()> {
        let client = Client::new(self.host)?;
        let host = client.host().to_owned();
        let source = Source::Other(client);
        // What is wrong from the start is said in an ordinary line.
        let look = source.look()?;
        let mut state = State::new(host, look, self.table.as_deref())?;
        let mut terminal = ratatui::try_init()
            .context("cannot use this terminal: is it one? (try weir tables)")?;
        let result = show(&mut terminal, &source, &mut state, self.interval);
        ratatui::restore();
        result
    }
}

fn show(
    terminal: &mut DefaultTerminal,
    source: &Source,
    state: &mut State,
    interval: Duration,
) -> anyhow::Result<()> {
    state.rows(source);
    let mut due = Instant::now() + interval;
    loop {
        terminal.draw(|frame| draw::draw(frame, state)).context("cannot draw")?;
        let wait = due.saturating_duration_since(Instant::now()).min(LOOK);
        if event::poll(wait).context("cannot read the keyboard")? {
            let asked = match event::read().context("cannot read the keyboard")? {
                Event::Key(key) if key.kind != KeyEventKind::Release => pressed(state, key),
                _ => Asked::Nothing,
            };
            match asked {
                Asked::Quit => return Ok(()),
                Asked::Rows => state.rows(source),
                Asked::Nothing => {}
            }
        }
        if Instant::now() >= due {
            if !state.paused {
                state.look(source);
            }
            due = Instant::now() + interval;
        }
    }
}

fn pressed(state: &mut State, key: KeyEvent) -> Asked {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && key.code == KeyCode::Char('c') {
        return Asked::Quit;
    }
    if state.typing {
        match key.code {
            KeyCode::Esc => {
                state.filter.clear();
                state.typing = false;
            }
            KeyCode::Enter => state.typing = false,
            KeyCode::Backspace => _ = state.filter.pop(),
            KeyCode::Char(char) if !control => state.filter.push(char),
            _ => {}
        }
        return Asked::Nothing;
    }
    match key.code {
        KeyCode::Char('q') => return Asked::Quit,
        KeyCode::Esc if state.filter.is_empty() => return Asked::Quit,
        KeyCode::Esc => state.filter.clear(),
        KeyCode::Tab | KeyCode::Right => {
            state.step(1);
            return Asked::Rows;
        }
        KeyCode::BackTab | KeyCode::Left => {
            state.step(-1);
            return Asked::Rows;
        }
        KeyCode::Char('s') => {
            state.sort(1);
            return Asked::Rows;
        }
        KeyCode::Char('S') => {
            state.sort(-1);
            return Asked::Rows;
        }
        KeyCode::Char('r') => {
            state.ascending = !state.ascending;
            return Asked::Rows;
        }
        KeyCode::Char('/') => state.typing = true,
        KeyCode::Char(' ') => state.paused = !state.paused,
        KeyCode::Down => state.scroll(1),
        KeyCode::Up => state.scroll(-1),
        KeyCode::PageDown => state.scroll(20),
        KeyCode::PageUp => state.scroll(-20),
        KeyCode::Home => state.first = 0,
        _ => {}
    }
    Asked::Nothing
}
