//! Code in Markdown.

/// Each fenced block: what stands behind the fence, and the text.
pub fn of(text: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```");
        blocks.push((info, block.map(|line| format!("{line}\n")).collect()));
    }
    blocks
}
