//! Text in columns.

/// Which side of a column its text stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A line for the head and for each row. Line breaks within become spaces.
pub fn columns(head: &[(&str, Align)], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let titles = head.iter().map(|(title, _)| (*title).to_owned()).collect();
    let all: Vec<Vec<String>> = std::iter::once(titles)
        .chain(rows)
        .map(|row| row.into_iter().map(|cell| cell.replace('\n', " ")).collect())
        .collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &all {
        let cells =
            row.iter().zip(head).zip(&widths).map(|((cell, (_, align)), &width)| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
