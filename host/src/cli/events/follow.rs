//! Events as they come: the host's live stream, which is taken up again where it broke off.

use std::{
    io::{BufRead, BufReader, Read, Write},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::last;
use crate::cli::client::Client;

/// Between two attempts to take the stream up again.
const PAUSE: Duration = Duration::from_secs(1);

/// Prints the last events, then what comes, until there is an error that waiting does not mend.
pub fn follow(
    client: &Client,
    query: &[String],
    limit: usize,
    print: &mut impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let path = format!("events/stream?{}", query.join("&"));
    let mut stream = client.stream(&path, None)?;
    // What stands in both is printed once.
    let mut seen = None;
    for event in last(client, query, limit)? {
        print(&event)?;
        seen = event["seq"].as_u64().max(seen);
    }
    loop {
        read(stream, &mut seen, print)?;
        // Nobody may be looking.
        _ = writeln!(std::io::stderr(), "weir: the stream broke off; it is taken up again");
        stream = loop {
            thread::sleep(PAUSE);
            match client.stream(&path, seen) {
                Ok(stream) => break stream,
                Err(error) if error.to_string().contains("no weir runs at") => {}
                Err(error) => return Err(error),
            }
        };
        // A host that was started anew counts from 1 again.
        let newest = last(client, &[], 1)?.first().and_then(|event| event["seq"].as_u64());
        if newest < seen {
            seen = None;
        }
    }
}

/// Prints what a stream has until it ends.
fn read(
    stream: impl Read,
    seen: &mut Option<u64>,
    print: &mut impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut name, mut data) = (String::new(), String::new());
    for line in BufReader::new(stream).lines() {
        // An error is an end as well.
        let Ok(line) = line else { return Ok(()) };
        match line.split_once(':').map(|(field, value)| (field, value.trim_start())) {
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("data", value)) => data.push_str(value),
            None if line.is_empty() => {
                message(&name, &data, seen, print)?;
                name.clear();
                data.clear();
            }
            // Ids are in the events, comments keep the connection alive.
            _ => {}
        }
    }
    Ok(())
}

fn message(
    name: &str,
    data: &str,
    seen: &mut Option<u64>,
    print: &mut impl FnMut(&Value) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Ok(value) = serde_json::from_str::<Value>(data) else { return Ok(()) };
    match name {
        "event" => {
            let seq = value["seq"].as_u64();
            if seq > *seen {
                *seen = seq;
                print(&value)?;
            }
        }
        "missed" => {
            let missed = value["missed"].as_u64().unwrap_or(0);
            // Nobody may be looking.
            _ = writeln!(std::io::stderr(), "weir: {missed} events were too many to be sent");
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_taken_apart() {
        let text = ":\n\nevent: event\nid: 7\ndata: {\"seq\":7}\n\nevent: missed\ndata: {\"missed\":3}\n\n\
                    event: event\nid: 7\ndata: {\"seq\":7}\n\nevent:event\ndata:{\"seq\":\ndata: 9}\n\n\
                    event: event\ndata: {\"seq\":10}";
        let (mut seen, mut printed) = (Some(5), Vec::new());
        let mut print = |event: &Value| {
            printed.push(event["seq"].as_u64().unwrap());
            Ok(())
        };
        read(text.as_bytes(), &mut seen, &mut print).unwrap();
        // The last one has not ended.
        assert_eq!((printed, seen), (vec![7, 9], Some(9)));
    }
}
