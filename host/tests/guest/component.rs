//! Scripts for tests that are components, as WebAssembly text.

/// What a component does. Each part is the body of a core function; what is left empty does
/// nothing and returns nothing.
///
/// The batch lies at `$at`; a function that returns something returns an address. What lies at 512
/// is zeros, which is an empty list, an empty text, or a result without an error.
#[derive(Default)]
pub struct Component<'a> {
    /// Data segments.
    pub data: &'a str,
    /// Further definitions of the core module.
    pub more: &'a str,
    /// `(result i32)`
    pub describe: &'a str,
    /// `(param $at i32) (param $len i32) (result i32)`: the parameters
    pub start: &'a str,
    /// `(param $at i32) (param $len i32) (result i32)`
    pub batch: &'a str,
    /// `(param $now i32)`
    pub tick: &'a str,
    /// `(result i32)`
    pub save: &'a str,
    /// `(param $version i32) (param $at i32) (param $len i32) (result i32)`
    pub restore: &'a str,
    /// `(param i32)`: what is done when the host has taken a result
    pub after: &'a str,
    /// Further imports of the component.
    pub imports: &'a str,
}

/// What a function returns that has nothing to say.
const NOTHING: &str = "(i32.const 512)";

impl Component<'_> {
    /// The component.
    pub fn build(&self) -> Vec<u8> {
        let or = |body: &str| if body.is_empty() { NOTHING.to_owned() } else { body.to_owned() };
        let (describe, start, batch) = (or(self.describe), or(self.start), or(self.batch));
        let (save, restore) = (or(self.save), or(self.restore));
        let Self { data, more, tick, after, imports, .. } = self;
        super::text(&format!(
            r#"(component
    (import "weir:script/host@1.0.0" (instance $host
        (type $l (enum "debug" "info" "warn" "error"))
        (export "level" (type $level (eq $l)))
        (type $k (enum "counter" "histogram" "gauge" "top-k" "distinct" "rate"))
        (export "kind" (type $kind (eq $k)))
        (type $u (record (field "table" u32) (field "key" string) (field "value" f64)))
        (export "update" (type $update (eq $u)))
        (type $a (record (field "event" u32) (field "name" string) (field "value" string)))
        (export "attribute" (type $attribute (eq $a)))
        (export "log" (func (param "level" $level) (param "text" string)))
        (export "table-open" (func (param "kind" $kind) (param "name" string)
            (param "options" string) (result (result u32 (error string)))))
        (export "table-add" (func (param "updates" (list $update))))
        (export "attr" (func (param "updates" (list $attribute))))
        (export "emit" (func (param "json" (list string))))
        (export "process" (func (param "pid" u32) (result (option string))))))
    {imports}
    (core module $Memory
        (memory (export "memory") 4)
        (global $next (mut i32) (i32.const 65536))
        (func (export "reset") (global.set $next (i32.const 65536)))
        (func (export "realloc") (param i32 i32 i32) (param $len i32) (result i32)
            (local $at i32) (local $pages i32)
            (local.set $at (global.get $next))
            (global.set $next (i32.and (i32.const -8)
                (i32.add (i32.const 7) (i32.add (local.get $at) (local.get $len)))))
            (local.set $pages (i32.sub
                (i32.div_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 65536))
                (memory.size)))
            (if (i32.gt_s (local.get $pages) (i32.const 0))
                (then (drop (memory.grow (local.get $pages)))))
            (local.get $at)))
    (core instance $memory (instantiate $Memory))
    (core func $log (canon lower (func $host "log") (memory (core memory $memory "memory"))))
    (core func $open (canon lower (func $host "table-open") (memory (core memory $memory "memory"))
        (realloc (core func $memory "realloc"))))
    (core func $add (canon lower (func $host "table-add") (memory (core memory $memory "memory"))))
    (core func $attr (canon lower (func $host "attr") (memory (core memory $memory "memory"))))
    (core func $emit (canon lower (func $host "emit") (memory (core memory $memory "memory"))))
    (core func $process (canon lower (func $host "process") (memory (core memory $memory "memory"))
        (realloc (core func $memory "realloc"))))
    (core module $Main
        (import "memory" "memory" (memory 1))
        (import "memory" "reset" (func $reset))
        (import "host" "log" (func $log (param i32 i32 i32)))
        (import "host" "table-open" (func $open (param i32 i32 i32 i32 i32 i32)))
        (import "host" "table-add" (func $add (param i32 i32)))
        (import "host" "attr" (func $attr (param i32 i32)))
        (import "host" "emit" (func $emit (param i32 i32)))
        (import "host" "process" (func $process (param i32 i32)))
        {data}
        {more}
        (func (export "describe") (result i32) {describe})
        (func (export "start") (param $at i32) (param $len i32) (result i32) {start})
        (func $batch (export "batch") (param $at i32) (param $len i32) (result i32)
            (local $i i32) {batch})
        (func (export "tick") (param $now i32) {tick})
        (func (export "save") (result i32) {save})
        (func (export "restore") (param $version i32) (param $at i32) (param $len i32) (result i32)
            {restore})
        (func (export "after") (param i32) {after} (call $reset)))
    (core instance $main (instantiate $Main
        (with "memory" (instance $memory))
        (with "host" (instance
            (export "log" (func $log))
            (export "table-open" (func $open))
            (export "table-add" (func $add))
            (export "attr" (func $attr))
            (export "emit" (func $emit))
            (export "process" (func $process))))))
    (func $describe (result string) (canon lift (core func $main "describe")
        (memory (core memory $memory "memory"))))
    (func $start (param "params" string) (result (result (error string)))
        (canon lift (core func $main "start") (memory (core memory $memory "memory"))
            (realloc (core func $memory "realloc")) (post-return (core func $main "after"))))
    (func $batch (param "bytes" (list u8)) (result (list u8))
        (canon lift (core func $main "batch") (memory (core memory $memory "memory"))
            (realloc (core func $memory "realloc")) (post-return (core func $main "after"))))
    (func $tick (param "now-ms" u32) (canon lift (core func $main "tick")))
    (func $save (result (list u8)) (canon lift (core func $main "save")
        (memory (core memory $memory "memory"))))
    (func $restore (param "version" u32) (param "state" (list u8))
        (result (result (error string)))
        (canon lift (core func $main "restore") (memory (core memory $memory "memory"))
            (realloc (core func $memory "realloc")) (post-return (core func $main "after"))))
    (instance $guest
        (export "describe" (func $describe))
        (export "start" (func $start))
        (export "batch" (func $batch))
        (export "tick" (func $tick))
        (export "save" (func $save))
        (export "restore" (func $restore)))
    (export "weir:script/guest@1.0.0" (instance $guest)))"#
        ))
    }
}

/// Bytes at an address, as a data segment.
pub fn data(at: u32, bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!(r#"(data (i32.const {at}) "{text}")"#)
}

/// A text, or list of bytes, that is returned by its address `at`; it lies behind that.
pub fn returned(at: u32, text: &[u8]) -> String {
    let mut bytes = (at + 8).to_le_bytes().to_vec();
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text);
    data(at, &bytes)
}

/// An error that is returned by its address `at`; it lies behind that.
pub fn error(at: u32, text: &str) -> String {
    let mut bytes = 1u32.to_le_bytes().to_vec();
    bytes.extend((at + 12).to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    data(at, &bytes)
}
