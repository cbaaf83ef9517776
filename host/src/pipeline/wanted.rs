//! What the kernel side is asked for, by all scripts and the command line together.

use std::{fmt, iter};

use weir_ebpf::want::{WANTS, Want};
use weir_sdk::event::CALL_SENDMSG;

use super::registry::State;
use crate::script::{Wants, call_names};

/// The calls to trace, and how much of their payload to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The calls: a bit for each, at its number (`CALL_*`).
    pub calls: u16,
    /// Bytes of payload.
    pub payload: u32,
    /// Of which the programs send only what fits one of these; none when all is wanted.
    pub wants: Vec<Want>,
}

/// Is told of each change of what is wanted. It must not change pipelines itself.
pub type OnWanted = Box<dyn Fn(Wanted) + Send + Sync>;

impl Wanted {
    /// All events of these calls.
    pub fn all(calls: u16, payload: u32) -> Self {
        Self { calls, payload, wants: Vec::new() }
    }

    /// Whether a call (`CALL_*`) is to be traced.
    pub fn has(&self, call: u16) -> bool {
        1u16.checked_shl(call.into()).is_some_and(|bit| self.calls & bit != 0)
    }

    /// What the scripts of this state and the command line want. Where nobody says which calls, as
    /// in a pipeline without scripts at work, it is sendmsg.
    pub(super) fn of(state: &State, asked: &Self) -> Self {
        let at_work = |script: &String| {
            state
                .scripts
                .get(script)
                .filter(|script| script.is_enabled())
                .map(|it| it.describe.wants)
        };
        let mut wanted = asked.clone();
        let mut wants = Vec::new();
        let mut whole = asked.calls;
        let mut unsaid = state.pipelines.is_empty();
        for pipeline in &state.pipelines {
            let mut scripts = pipeline.scripts.iter().filter_map(|(script, _)| at_work(script));
            let Some(first) = scripts.next() else {
                unsaid = true;
                continue;
            };
            for Wants { calls, payload, want } in iter::once(first).chain(scripts) {
                wanted.calls |= calls;
                wanted.payload = wanted.payload.max(payload);
                if want.is_unconditional() {
                    whole |= calls;
                } else {
                    wants.push(want);
                }
            }
        }
        if unsaid && asked.calls == 0 {
            wanted.calls |= 1 << CALL_SENDMSG;
            whole |= 1 << CALL_SENDMSG;
        }
        wanted.wants = Self::least(wants, whole);
        wanted
    }

    /// The wants without what is wanted as a whole, which becomes one want. Too many for the programs
    /// are none: all is sent then, and each script is given its part all the same.
    fn least(mut wants: Vec<Want>, whole: u16) -> Vec<Want> {
        for want in &mut wants {
            want.calls &= !whole;
        }
        wants.retain(|want| want.calls != 0);
        if wants.is_empty() {
            return wants;
        }
        if whole != 0 {
            wants.insert(0, Want { calls: whole, ..Want::default() });
        }
        let mut least: Vec<Want> = Vec::new();
        for want in wants {
            if !least.contains(&want) {
                least.push(want);
            }
        }
        if least.len() > WANTS as usize { Vec::new() } else { least }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls {
            0 => f.write_str("no calls")?,
            calls => f.write_str(&call_names(calls).collect::<Vec<_>>().join(", "))?,
        }
        match self.payload {
            0 => {}
            bytes => write!(f, ", with {bytes} bytes of payload")?,
        }
        match self.wants.len() {
            0 => Ok(()),
            wants => write!(f, ", where one of {wants} wants holds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        thread,
    };

    use weir_sdk::event::{CALL_RECVMSG, CALL_SENDTO, Head};

    use super::*;
    use crate::{
        decode::Batch,
        pipeline::{Pipelines, Put, Spec},
        script::{Engine, Limits},
    };

    const SENDMSG: u16 = 1 << CALL_SENDMSG;
    const SENDTO: u16 = 1 << CALL_SENDTO;
    const RECVMSG: u16 = 1 << CALL_RECVMSG;

    /// A script that says this of its wants, and does this to a batch, which lies at `$at`.
    fn script(wants: &str, batch: &str) -> Vec<u8> {
        described(&format!("{{\"wants\":{wants}}}"), batch)
    }

    /// A script that says this of itself, and does this to a batch.
    fn described(describe: &str, batch: &str) -> Vec<u8> {
        let text = format!(
            r#"(module
                (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))
                (memory (export "memory") 4)
                (data (i32.const 16) "{}")
                (func (export "weir_abi") (result i32) (i32.const 1))
                (func (export "weir_alloc") (param i32) (result i32) (i32.const 65536))
                (func (export "weir_describe") (result i64) (i64.const {}))
                (func (export "weir_batch") (param $at i32) (param i32) {batch}))"#,
            describe.replace('"', r"\22"),
            16 << 32 | describe.len(),
        );
        wat::parse_str(text).unwrap()
    }

    fn pipelines(asked: Wanted) -> (Pipelines, Arc<Mutex<Vec<Wanted>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let to = told.clone();
        let on_wanted = Box::new(move |wanted| to.lock().unwrap().push(wanted));
        (Pipelines::new(Engine::new(), Limits::default(), 100, asked, on_wanted), told)
    }

    fn put(pipelines: &Pipelines, name: &str, pipeline: Option<&str>, bytes: &[u8]) {
        pipelines.put(Put { name, bytes, pipeline, params: None }).unwrap();
    }

    #[test]
    fn each_change_of_what_is_wanted_is_told() {
        let (pipelines, told) = pipelines(Wanted::all(0, 16));
        let check = |calls, payload| {
            assert_eq!(pipelines.wanted(), Wanted::all(calls, payload));
            assert_eq!(told.lock().unwrap().drain(..).collect::<Vec<_>>(), [pipelines.wanted()]);
        };
        let check_untold = || assert_eq!(*told.lock().unwrap(), []);
        check_untold();
        pipelines.tell_wanted();
        check(SENDMSG, 16);
        put(&pipelines, "a", None, &script(r#"{"calls":["sendto"],"payload":256}"#, ""));
        check(SENDTO, 256);
        put(&pipelines, "b", None, &script(r#"{"calls":["recvmsg","sendto"]}"#, ""));
        check(SENDTO | RECVMSG, 256);
        pipelines.enable("b", true).unwrap();
        pipelines.tell_wanted();
        check_untold();
        // Its pipeline keeps events all the same.
        pipelines.enable("a", false).unwrap();
        check(SENDTO | RECVMSG | SENDMSG, 16);
        put(&pipelines, "a", None, &script("{}", ""));
        check_untold();
        put(&pipelines, "b", None, &script(r#"{"payload":17}"#, ""));
        check(SENDMSG, 17);
        pipelines.remove("b").unwrap();
        check(SENDMSG, 16);
        pipelines.finish();
    }

    #[test]
    fn the_command_line_stands_in_for_scripts() {
        let (pipelines, told) = pipelines(Wanted::all(RECVMSG, 0));
        pipelines.add(Spec { name: "all".to_owned(), scripts: Vec::new() }).unwrap();
        put(&pipelines, "a", None, &script(r#"{"calls":["sendto"]}"#, ""));
        let calls: Vec<_> = told.lock().unwrap().iter().map(|told| told.calls).collect();
        assert_eq!(calls, [RECVMSG, RECVMSG | SENDTO]);
        assert_eq!(pipelines.wanted().to_string(), "sendto, recvmsg");
        pipelines.finish();
    }

    #[test]
    fn conditions_are_told_unless_all_is_wanted() {
        let (pipelines, _) = pipelines(Wanted::default());
        let wants = || {
            let wants = pipelines.wanted().wants;
            wants.iter().map(|want| (want.calls, want.ports[0])).collect::<Vec<_>>()
        };
        put(&pipelines, "a", None, &script(r#"{"calls":["sendto","sendmsg"],"port":[53]}"#, ""));
        assert_eq!(wants(), [(SENDTO | SENDMSG, 53)]);
        put(&pipelines, "b", None, &script(r#"{"calls":["sendto"],"port":[80]}"#, ""));
        assert_eq!(wants(), [(SENDTO | SENDMSG, 53), (SENDTO, 80)]);
        put(&pipelines, "c", None, &script(r#"{"calls":["sendto"]}"#, ""));
        assert_eq!(wants(), [(SENDTO, 0), (SENDMSG, 53)]);
        put(&pipelines, "d", None, &script("{}", ""));
        assert_eq!(wants(), []);
        pipelines.remove("c").unwrap();
        assert_eq!(wants(), [(SENDMSG, 0), (SENDTO, 53), (SENDTO, 80)]);
        assert_eq!(pipelines.wanted().to_string(), "sendmsg, sendto, where one of 3 wants holds");
        pipelines.finish();
    }

    #[test]
    fn too_many_conditions_are_none() {
        let want = |port| {
            let mut want = Want { calls: SENDTO, ..Want::default() };
            (want.ports[0], want.counts.ports) = (port, 1);
            want.complete();
            want
        };
        let all = |count| (1..=count).map(want).collect::<Vec<_>>();
        assert_eq!(Wanted::least([all(32), all(3)].concat(), 0), all(32));
        assert_eq!(Wanted::least(all(33), 0), []);
    }

    fn batch(calls: &[u16]) -> Arc<Batch> {
        let mut batch = Batch { lost_before: 2, ..Batch::default() };
        for (seq, &call) in (11..).zip(calls) {
            batch.push(Head { seq, call, ..Head::default() });
        }
        Arc::new(batch)
    }

    fn seqs(pipelines: &Pipelines, pipeline: &str) -> Vec<u64> {
        let kept = pipelines.kept(Some(pipeline)).unwrap().before(u64::MAX);
        kept.iter().flat_map(|batch| batch.heads.iter().map(|head| head.seq)).collect()
    }

    const TRAP: &str = "unreachable";

    /// Traps unless it is given two events, the first of them number 12, after 4 lost calls; drops
    /// the first and gives the second an attribute.
    const TWO_FROM_12: &str = r#"
        (if (i32.or (i32.ne (i32.load offset=4 (local.get $at)) (i32.const 2))
                (i64.ne (i64.load offset=32 (local.get $at)) (i64.const 12)))
            (then unreachable))
        (if (i64.ne (i64.load offset=40 (local.get $at)) (i64.const 4)) (then unreachable))
        (if (i64.ne (i64.const 12) (i64.load
                (i32.add (local.get $at) (i32.load offset=12 (local.get $at)))))
            (then unreachable))
        (i32.store8 (i32.add (local.get $at) (i32.load offset=16 (local.get $at))) (i32.const 1))
        (call $attr (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 17) (i32.const 1))"#;

    #[test]
    fn a_script_is_given_what_it_wants_and_the_rest_passes_it_by() {
        let (pipelines, _) = pipelines(Wanted::default());
        put(&pipelines, "some", None, &script(r#"{"calls":["sendto"]}"#, TWO_FROM_12));
        pipelines.deliver(&batch(&[CALL_SENDMSG, CALL_RECVMSG]));
        let mixed = [CALL_SENDMSG, CALL_SENDTO, CALL_RECVMSG, CALL_SENDTO, CALL_SENDMSG];
        pipelines.deliver(&batch(&mixed));
        pipelines.finish();
        // The batches' numbers overlap; the one kept last comes first.
        assert_eq!(seqs(&pipelines, "some"), [11, 13, 14, 15, 11, 12]);
        let kept = pipelines.kept(Some("some")).unwrap().before(u64::MAX);
        let attrs: Vec<_> = kept[0].heads.iter().map(|head| head.attrs.len).collect();
        assert_eq!(attrs, [0, 0, 6, 0]);
        let info = pipelines.script("some").unwrap();
        assert_eq!(info.faults.last.map(|fault| fault.message), None);
        assert_eq!((info.events_in, info.kept, info.dropped, info.batches), (2, 1, 1, 1));
        assert_eq!(info.switched_at_seq, Some(12));
        let row = &pipelines.rows()[0];
        assert_eq!((row.delivered, row.kept, row.dropped_by_script), (7, 6, 1));
    }

    #[test]
    fn a_filter_drops_what_it_does_not_want() {
        let (pipelines, _) = pipelines(Wanted::default());
        let filter = described(r#"{"role":"filter","wants":{"calls":["sendto"]}}"#, "");
        put(&pipelines, "filter", None, &filter);
        let mixed = [CALL_SENDMSG, CALL_SENDTO, CALL_RECVMSG, CALL_SENDTO, CALL_SENDMSG];
        pipelines.deliver(&batch(&mixed));
        pipelines.deliver(&batch(&[CALL_SENDMSG, CALL_RECVMSG]));
        let info = || pipelines.script("filter").unwrap();
        while pipelines.rows()[0].queued > 0 {
            thread::yield_now();
        }
        pipelines.enable("filter", false).unwrap();
        // Turned off it is no filter.
        pipelines.deliver(&batch(&[CALL_RECVMSG]));
        let trap = described(r#"{"role":"filter","wants":{"calls":["sendto"]}}"#, TRAP);
        put(&pipelines, "traps", None, &trap);
        pipelines.deliver(&batch(&[CALL_SENDTO, CALL_SENDMSG]));
        pipelines.finish();
        assert_eq!(seqs(&pipelines, "filter"), [11, 12, 11, 12, 14]);
        assert_eq!((info().events_in, info().kept, info().dropped), (7, 2, 5));
        let rows = pipelines.rows();
        assert_eq!((rows[0].delivered, rows[0].kept, rows[0].dropped_by_script), (10, 5, 5));
        assert_eq!((rows[1].delivered, rows[1].dropped_by_script, rows[1].trapped), (2, 1, 1));
        let traps = pipelines.script("traps").unwrap();
        assert_eq!((traps.events_in, traps.kept, traps.dropped), (2, 0, 1));
    }

    #[test]
    fn a_fault_costs_no_event_that_the_script_does_not_want() {
        let (pipelines, _) = pipelines(Wanted::default());
        put(&pipelines, "traps", None, &script(r#"{"calls":["sendto"]}"#, TRAP));
        pipelines.deliver(&batch(&[CALL_SENDTO, CALL_SENDMSG, CALL_SENDTO]));
        // It pauses now, unless this takes long.
        pipelines.deliver(&batch(&[CALL_SENDTO, CALL_SENDTO]));
        pipelines.deliver(&batch(&[CALL_SENDMSG]));
        pipelines.finish();
        assert_eq!(seqs(&pipelines, "traps"), [11, 12]);
        let row = &pipelines.rows()[0];
        assert_eq!((row.kept, row.trapped + row.quarantined, row.queued), (2, 4, 0));
        let info = pipelines.script("traps").unwrap();
        assert_eq!((info.events_in, info.kept), (4, 0));
        assert!(info.faults.trapped > 0 && row.trapped > 0);
    }

    #[test]
    fn a_script_that_wants_what_there_is_not_is_refused() {
        let (pipelines, told) = pipelines(Wanted::default());
        for (wants, text) in
            [(r#"{"calls":["write"]}"#, "`write`"), (r#"{"payload":9999}"#, "9999")]
        {
            let bytes = script(wants, "");
            let put = Put { name: "x", bytes: &bytes, pipeline: None, params: None };
            let error = pipelines.put(put).unwrap_err().to_string();
            assert!(error.contains(text) && !error.contains('\n'), "{error}");
        }
        assert_eq!(*told.lock().unwrap(), []);
    }
}
