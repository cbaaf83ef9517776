//! What calls returned, counted.

use std::{collections::BTreeMap, io};

use serde::Serialize;
use weir_sdk::Errno;

/// The calls of one kind.
#[derive(Debug, Default, Serialize)]
pub struct Tally {
    /// sendmsg.
    #[serde(flatten)]
    sendmsg: Outcomes,
    /// Its relatives, by the call's name; a message of sendmmsg or recvmmsg counts as a call. Calls
    /// that only fill or drain a socket are not among them.
    relatives: BTreeMap<&'static str, Outcomes>,
    /// Why this kind ended early.
    pub stopped: Option<String>,
}

/// What calls of one name returned.
#[derive(Debug, Default, Serialize)]
pub struct Outcomes {
    /// All of them.
    pub calls: u64,
    /// Those that succeeded.
    pub ok: u64,
    /// Those that failed, by the name of the error.
    pub errors: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a sendmsg call by what it returned.
    pub fn count(&mut self, result: io::Result<usize>) {
        self.sendmsg.count(result);
    }

    /// Counts another call.
    pub fn count_of(&mut self, call: &'static str, result: io::Result<usize>) {
        self.relatives.entry(call).or_default().count(result);
    }

    /// Counts the messages of a call that has several, each of which is an event.
    pub fn count_messages(&mut self, call: &'static str, result: io::Result<usize>) {
        match result {
            Ok(messages) => (0..messages).for_each(|_| self.count_of(call, Ok(0))),
            Err(error) => self.count_of(call, Err(error)),
        }
    }

    /// Adds another's calls.
    pub fn add(&mut self, more: Self) {
        let Self { sendmsg, relatives, stopped } = more;
        self.sendmsg.add(sendmsg);
        for (call, outcomes) in relatives {
            self.relatives.entry(call).or_default().add(outcomes);
        }
        self.stopped = self.stopped.take().or(stopped);
    }

    /// The calls by name, those that there were.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, &Outcomes)> {
        let relatives = self.relatives.iter().map(|(&call, outcomes)| (call, outcomes));
        let sendmsg = (self.sendmsg.calls > 0).then_some(("sendmsg", &self.sendmsg));
        sendmsg.into_iter().chain(relatives)
    }
}

impl Outcomes {
    fn count(&mut self, result: io::Result<usize>) {
        self.calls += 1;
        match result {
            Ok(_) => self.ok += 1,
            Err(error) => {
                let number = error.raw_os_error().unwrap_or_default();
                let name = Errno(number.unsigned_abs()).to_string();
                *self.errors.entry(name).or_default() += 1;
            }
        }
    }

    fn add(&mut self, more: Self) {
        let Self { calls, ok, errors } = more;
        self.calls += calls;
        self.ok += ok;
        for (error, count) in errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}
