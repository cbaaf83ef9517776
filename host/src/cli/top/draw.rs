//! How `weir top` looks.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Style, Stylize},
    text::{Line, Span},
    widgets::{Paragraph, Row, Table},
};

use super::state::State;
use crate::cli::run::view;

/// Draws all of it.
pub fn draw(frame: &mut Frame<'_>, state: &State) {
    let areas = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Min(2),
        Constraint::Length(1),
    ]);
    let [head, tabs, body, foot] = areas.areas(frame.area());
    frame.render_widget(Paragraph::new(summary(state)), head);
    frame.render_widget(tab_line(state, tabs.width.into()), tabs);
    match &state.shown {
        None => scripts(frame, state, body),
        Some(_) => rows(frame, state, body),
    }
    frame.render_widget(foot_line(state), foot);
}

fn summary(state: &State) -> Vec<Line<'static>> {
    let Some(now) = state.now() else { return Vec::new() };
    let before = state.looks[0].as_ref().unwrap_or(now);
    let paused = if state.paused { "  PAUSED" } else { "" };
    vec![
        Line::from(format!("{}  {}{paused}", state.host, view::rates(before, now))),
        Line::from(format!("ledger: {}", view::sum(&now.ledger))),
    ]
}

/// The names of the tables, such that the one that is shown is among them.
fn tab_line(state: &State, width: usize) -> Line<'static> {
    let tabs = state.tabs();
    let name = |tab: &Option<(String, String)>| match tab {
        None => " scripts ".to_owned(),
        Some((script, table)) => format!(" {script}/{table} "),
    };
    let shown = tabs.iter().position(|tab| *tab == state.shown).unwrap_or(0);
    let mut first = 0;
    let wide = |from: usize| {
        tabs[from..=shown].iter().map(|tab| name(tab).chars().count()).sum::<usize>() > width
    };
    while first < shown && wide(first) {
        first += 1;
    }
    let spans = tabs.iter().enumerate().skip(first).map(|(at, tab)| {
        let style = if at == shown { Style::new().reversed() } else { Style::new().dim() };
        Span::styled(name(tab), style)
    });
    Line::from(spans.collect::<Vec<_>>())
}

fn scripts(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let Some(now) = state.now() else { return };
    let before = state.looks[0].as_ref().unwrap_or(now);
    let filter = state.filter.to_lowercase();
    let lines = view::scripts(before, now);
    let fits = lines.iter().skip(1).filter(|line| line.to_lowercase().contains(&filter));
    let rows = fits.skip(state.first).map(|line| Line::from(line.clone()));
    let head = lines.first().map(|head| Line::from(head.clone()).bold());
    frame.render_widget(Paragraph::new(head.into_iter().chain(rows).collect::<Vec<_>>()), area);
}

fn rows(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let (heads, rows) = (state.heads(), state.filtered());
    if rows.is_empty() {
        let text =
            if state.filter.is_empty() { "no rows yet" } else { "no row contains that text" };
        return frame.render_widget(Paragraph::new(text).dim(), area);
    }
    let labels = state.table["labels"].as_array().map_or(0, Vec::len);
    let widths: Vec<_> = heads
        .iter()
        .enumerate()
        .map(|(at, head)| {
            let cells = rows.iter().map(|row| row[at].chars().count());
            let widest = cells.chain([head.chars().count() + 1]).max().unwrap_or(0) as u16;
            // Numbers are never cut; labels share what is left.
            if at < labels { Constraint::Max(widest) } else { Constraint::Length(widest) }
        })
        .collect();
    let sorted = state.sorted().map(|sort| sort.to_uppercase());
    let mark = if state.ascending { "▲" } else { "▼" };
    let heads = heads.iter().map(|head| {
        if Some(head) == sorted.as_ref() { format!("{head}{mark}") } else { head.clone() }
    });
    let align = |at: usize, text: String| {
        if at < labels { Line::from(text) } else { Line::from(text).right_aligned() }
    };
    let line = |row: Vec<String>| {
        Row::new(row.into_iter().enumerate().map(|(at, text)| align(at, text)).collect::<Vec<_>>())
    };
    let head = line(heads.collect()).style(Style::new().bold());
    let shown = rows.into_iter().skip(state.first).take(area.height.into()).map(line);
    frame.render_widget(Table::new(shown, widths).header(head).column_spacing(2), area);
}

fn foot_line(state: &State) -> Line<'static> {
    if let Some(trouble) = &state.trouble {
        return Line::from(trouble.clone()).red();
    }
    if state.typing {
        return Line::from(format!("/{}_", state.filter)).bold();
    }
    let filter = match state.filter.as_str() {
        "" => String::new(),
        text => format!("  only: {text} (Esc: all)"),
    };
    Line::from(format!("Tab table  s sort  r reverse  / filter  space pause  q quit{filter}")).dim()
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::cli::top::state::tests::state;

    fn shown(state: &State, width: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, 8)).unwrap();
        terminal.draw(|frame| draw(frame, state)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..8).map(|y| row(y).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_table() {
        let expected = "\
http://127.0.0.1:7070  tracepoint: 0 calls/s seen, 0 delivered, 0 filtered in
ledger: 5 seen = 5 delivered; none lost
 scripts  e1/count  latency/duration
CALL     VALUE▼
sendmsg       5
recvmsg       3

Tab table  s sort  r reverse  / filter  space pause  q quit";
        assert_eq!(shown(&state(), 77), expected);
    }

    #[test]
    fn scripts_and_trouble() {
        let mut state = state();
        state.step(-1);
        state.trouble = Some("no weir runs at x".to_owned());
        let text = shown(&state, 100);
        assert!(text.contains("SCRIPT  STATE") && text.contains("e1      running"), "{text}");
        assert!(text.ends_with("no weir runs at x"), "{text}");
    }

    #[test]
    fn the_table_that_is_shown_has_its_name_in_view() {
        let mut state = state();
        state.step(1);
        assert!(shown(&state, 20).contains("latency/duration"));
    }
}
