//! A program, run over events: in a script over those of its batch, and in the host over those that it kept.

mod field;
mod test;
mod text;

use weir_sdk::Event;

use crate::{Program, Target};

pub use field::{is_true, number};
pub use text::{Room, text};

impl Program {
    /// Whether an event fits: runs the tests, each of which says where to go on.
    pub fn fits(&self, event: &Event, room: &mut Room) -> bool {
        let mut next = self.entry;
        loop {
            let index = match next {
                Target::Keep => return true,
                Target::Drop => return false,
                Target::Step(index) => usize::from(index),
            };
            let step = &self.steps[index];
            let yes = test::holds(&step.test, event, &self.names, room);
            next = if yes { step.yes } else { step.no };
        }
    }
}
