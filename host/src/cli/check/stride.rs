//! Whether a script bears longer heads: later hosts append fields, and old scripts are to go on.

use std::sync::Arc;

use serde_json::Value;
use weir_sdk::event::HEAD_BYTES;

use super::{report::Problem, samples::samples};
use crate::{
    script::Instance,
    table::{Query, Tables},
};

/// What a later host may have appended, in bytes.
const APPENDED: usize = 104;

/// What a script did with one batch of all samples that it wants.
#[derive(PartialEq)]
struct Did {
    verdicts: Vec<u8>,
    attrs: Vec<Vec<u8>>,
    tables: Value,
}

/// Runs fresh instances on the same events, closer and further apart. Nothing, if that makes no difference, or if
/// a difference says nothing because the script never does the same twice.
pub fn problem(mut start: impl FnMut() -> Option<(Instance, Arc<Tables>)>) -> Option<Problem> {
    let mut run = |stride| {
        let (instance, tables) = start()?;
        Some(did(instance, &tables, stride))
    };
    let (Ok(before), Ok(again)) = (run(HEAD_BYTES)?, run(HEAD_BYTES)?) else { return None };
    if before != again {
        return None;
    }
    let what = match run(HEAD_BYTES + APPENDED)? {
        Err(fault) => format!("fails: {fault}"),
        Ok(after) if after.verdicts != before.verdicts => "gives other verdicts".to_owned(),
        Ok(after) if after.attrs != before.attrs => "adds other attributes".to_owned(),
        Ok(after) if after.tables != before.tables => "fills its tables otherwise".to_owned(),
        Ok(_) => return None,
    };
    Some(Problem::new(
        format!(
            "with heads that are {APPENDED} bytes longer, as a later host may have them, it {what}"
        ),
        format!(
            "step from one head to the next by `stride` of the batch's header, not by {HEAD_BYTES} bytes, and take \
             any stride that is as large"
        ),
    ))
}

fn did(mut instance: Instance, tables: &Tables, stride: usize) -> Result<Did, String> {
    let (batch, _) = samples();
    let wants = instance.describe().wants;
    let given: Vec<u32> =
        (0..).zip(&batch.heads).filter(|(_, head)| wants.fits(head)).map(|(at, _)| at).collect();
    if given.is_empty() {
        return Ok(Did { verdicts: Vec::new(), attrs: Vec::new(), tables: Value::Null });
    }
    instance.set_stride(stride);
    let mut verdicts = Vec::new();
    let effects =
        instance.run(&batch, Some(&given), 0, &mut verdicts).map_err(|fault| fault.to_string())?;
    // Of dropped events they would go.
    let after = batch.after(&vec![0; batch.heads.len()], effects.attributes);
    let attrs = after.heads.iter().map(|head| after.part(head.attrs).to_vec()).collect();
    Ok(Did { verdicts, attrs, tables: rows(tables, batch.now_ns) })
}

fn rows(tables: &Tables, now_ns: u64) -> Value {
    let all = Query { sort: None, descending: true, limit: usize::MAX, now_ns };
    let mut filled = Vec::new();
    tables.each(|name, table| {
        filled.push(serde_json::json!({ "table": name, "rows": table.rows(&all).ok() }));
    });
    Value::Array(filled)
}
