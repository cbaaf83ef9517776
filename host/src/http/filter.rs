//! The filter of a request for events: an expression, run over what a pipeline kept.

use axum::http::StatusCode;
use weir_expression::{Field, Program, run::Room};

use super::{App, error::Error};
use crate::{decode::Batch, expression};

/// A filter, and the room that it needs.
#[derive(Default)]
pub struct Filter {
    /// Without one, every event fits.
    program: Option<Program>,
    room: Room,
}

impl Filter {
    /// Compiles the text of a request. One that is left out, or empty, lets every event pass.
    pub fn new(app: &App, text: Option<&str>) -> Result<Self, Error> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            return Ok(Self::default());
        };
        let program = expression::compile_filter(text).map_err(|error| {
            Error::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_expression", error.to_string())
        })?;
        if !app.show_payload && asks_for_payload(&program) {
            // Who may ask often enough whether it starts with this or that, knows it.
            return Err(Error::new(
                StatusCode::FORBIDDEN,
                "payload_hidden",
                "this filter asks for `msg.payload`, which is hidden: start weir with --show-payload",
            ));
        }
        Ok(Self::of(Some(program)))
    }

    /// A filter that is compiled already.
    pub fn of(program: Option<Program>) -> Self {
        Self { program, room: Room::default() }
    }

    /// Whether it lets every event pass.
    pub fn is_empty(&self) -> bool {
        self.program.is_none()
    }

    /// Whether an event of a batch fits.
    pub fn fits(&mut self, batch: &Batch, index: usize) -> bool {
        let Self { program, room } = self;
        program.as_ref().is_none_or(|program| program.fits(&batch.view(index), room))
    }
}

fn asks_for_payload(program: &Program) -> bool {
    program.steps.iter().any(|step| step.test.fields().contains(&Field::Payload))
}
