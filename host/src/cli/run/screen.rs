//! The terminal of `weir run`: lines of the log, and below them a view that is drawn anew.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

/// What is drawn at the moment, shared by those who write. Without a view it is stderr.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Vec<String>>>);

impl Screen {
    /// Draws a view in the place of the one before. No line may be wider than the terminal.
    pub fn draw(&self, lines: Vec<String>) {
        let mut shown = self.0.lock().expect("no panic while locked");
        let text = erase(&shown) + &text(&lines);
        *shown = lines;
        write(io::stdout(), &text);
    }

    /// Leaves what is drawn where it is.
    pub fn leave(&self) {
        self.0.lock().expect("no panic while locked").clear();
    }
}

impl<'a> MakeWriter<'a> for Screen {
    type Writer = Above;

    fn make_writer(&'a self) -> Above {
        Above(self.clone())
    }
}

/// Writes above the view, to stderr.
pub struct Above(Screen);

impl Write for Above {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let shown = self.0.0.lock().expect("no panic while locked");
        if shown.is_empty() {
            io::stderr().write_all(bytes)?;
            return Ok(bytes.len());
        }
        write(io::stdout(), &erase(&shown));
        io::stderr().write_all(bytes)?;
        write(io::stdout(), &text(&shown));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes back so many lines.
fn erase(lines: &[String]) -> String {
    // To the start of the first, and from there all that follows (ECMA-48: CPL, ED).
    if lines.is_empty() { String::new() } else { format!("\x1b[{}F\x1b[J", lines.len()) }
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\r\n"]).collect()
}

fn write(mut to: io::Stdout, text: &str) {
    // The terminal may be gone; the trace goes on.
    _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_takes_the_place_of_the_one_before() {
        let mut terminal = vt100::Parser::new(6.try_into().unwrap(), 20.try_into().unwrap(), 0);
        let view = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let (first, second) = (view(&["a", "bb", "c"]), view(&["dd", "e"]));
        let all = format!("log\r\n{}{}{}", text(&first), erase(&first), text(&second));
        terminal.process(all.as_bytes());
        assert_eq!(terminal.screen().contents(), "log\ndd\ne");
        terminal.process(format!("{}more\r\n{}", erase(&second), text(&second)).as_bytes());
        assert_eq!(terminal.screen().contents(), "log\nmore\ndd\ne");
        assert_eq!(erase(&[]), "");
    }
}
