;; changed: an alarm for messages that their caller changed while the kernel looked at them (TOCTOU). Keeps those
;; calls, counts them by process, and warns in its log. See docs/scripting.md for the offsets.
(module
  (import "weir" "log" (func $log (param i32 i32 i32)))
  (import "weir" "table_open" (func $table_open (param i32 i32 i32 i32 i32) (result i32)))
  (import "weir" "table_add" (func $table_add (param i32 i32 i32 i64)))
  (import "weir" "attr" (func $attr (param i32 i32 i32 i32 i32)))

  ;; Texts lie below 4096, batches from 64 KiB on.
  (memory (export "memory") 2)
  (global $room i32 (i32.const 65536))
  (global $table (mut i32) (i32.const 0))

  (data (i32.const 0) "changed")
  (data (i32.const 16) "toctou")
  (data (i32.const 32) "a caller changed its message while the kernel looked at it")
  (data (i32.const 128) "{\"labels\":[\"process\"],\"unit\":\"1\",\"help\":\"Calls whose message was changed\"}")
  (data (i32.const 512) "{\"name\":\"changed\",\"version\":\"0.1.0\",\"role\":\"filter\",\"language\":\"wat\",\"summary\":\"Keeps calls whose message was changed while the kernel looked at it\",\"params\":[],\"tables\":[{\"name\":\"changed\",\"kind\":\"counter\",\"help\":\"Calls whose message was changed\"}],\"wants\":{\"calls\":[\"sendmsg\",\"sendmmsg\",\"sendto\"]}}")

  (func (export "weir_abi") (result i32) (i32.const 1))

  ;; The one buffer for batches: the memory grows as it must. 0 when there is no more.
  (func (export "weir_alloc") (param $len i32) (result i32)
    (local $missing i32)
    (local.set $missing
      (i32.sub
        (i32.shr_u (i32.add (i32.add (global.get $room) (local.get $len)) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $missing)) (i32.const -1)) (then (return (i32.const 0))))))
    (global.get $room))

  ;; ptr << 32 | len
  (func (export "weir_describe") (result i64)
    (i64.or (i64.shl (i64.const 512) (i64.const 32)) (i64.const 299)))

  (func (export "weir_start") (result i64)
    ;; A counter (0) with the name at 0.
    (global.set $table
      (call $table_open (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 128) (i32.const 74)))
    (i64.const 0))

  (func (export "weir_batch") (param $at i32) (param $len i32)
    (local $event i32) (local $head i32) (local $verdict i32) (local $alarm i32)
    ;; heads, verdicts: offsets from the start of the batch.
    (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
    (local.set $verdict (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
    (loop $next
      ;; toctou is 2: changed.
      (if (i32.eq (i32.load8_u offset=299 (local.get $head)) (i32.const 2))
        (then
          (local.set $alarm (i32.const 1))
          (call $attr (local.get $event) (i32.const 16) (i32.const 6) (i32.const 0) (i32.const 7))
          (call $table_add (global.get $table)
            (i32.add (local.get $head) (i32.const 136)) (call $comm_len (local.get $head)) (i64.const 1)))
        (else (i32.store8 (local.get $verdict) (i32.const 1))))
      ;; stride: bytes from one head to the next.
      (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
      (local.set $verdict (i32.add (local.get $verdict) (i32.const 1)))
      (local.set $event (i32.add (local.get $event) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at)))))
    ;; One line a batch: level 2 is warn.
    (if (local.get $alarm) (then (call $log (i32.const 2) (i32.const 32) (i32.const 58)))))

  ;; Bytes of the thread's name, which is padded with NUL to 16.
  (func $comm_len (param $head i32) (result i32)
    (local $len i32)
    (block $end
      (loop $next
        (br_if $end (i32.eqz (i32.load8_u offset=136 (i32.add (local.get $head) (local.get $len)))))
        (local.set $len (i32.add (local.get $len) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $len) (i32.const 16)))))
    (local.get $len))
)
