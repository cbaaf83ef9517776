//! What is written to stdout, and who may have stopped reading it.

use std::io::{self, ErrorKind};

/// Ends the process well where nobody reads on, as after `| head`; other errors are errors.
pub fn ended(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(|error| anyhow::anyhow!("cannot write to stdout: {error}")),
    }
}
