;; Keeps what root sends, and counts it by process.
(module
  (import "weir" "table_open" (func $table_open (param i32 i32 i32 i32 i32) (result i32)))
  (import "weir" "table_add" (func $table_add (param i32 i32 i32 i64)))

  ;; Texts lie below 4096, batches from 64 KiB on.
  (memory (export "memory") 2)
  (global $room i32 (i32.const 65536))
  (global $table (mut i32) (i32.const 0))

  (data (i32.const 0) "calls")
  (data (i32.const 16) "{\"labels\":[\"process\"],\"unit\":\"1\",\"help\":\"Calls of root\"}")
  ;; The description ends with spaces, so that its length is the same whatever the script's name.
  (data (i32.const 256) "                                                                                                                                                                                                                                                                                                                                                                                                                ")
  (data (i32.const 256) "{\"name\":\"SCRIPT_NAME\",\"version\":\"0.1.0\",\"summary\":\"Keeps what root sends\",\"role\":\"filter\",\"language\":\"wat\",\"tables\":[{\"name\":\"calls\",\"kind\":\"counter\",\"help\":\"Calls of root\"}]}")

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
    (i64.or (i64.shl (i64.const 256) (i64.const 32)) (i64.const 256)))

  (func (export "weir_start") (result i64)
    ;; A counter (0) with the name at 0.
    (global.set $table
      (call $table_open (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 16) (i32.const 56)))
    (i64.const 0))

  (func (export "weir_batch") (param $at i32) (param $len i32)
    (local $event i32) (local $head i32) (local $verdict i32)
    ;; heads, verdicts: offsets from the start of the batch.
    (local.set $head (i32.add (local.get $at) (i32.load offset=12 (local.get $at))))
    (local.set $verdict (i32.add (local.get $at) (i32.load offset=16 (local.get $at))))
    (loop $next
      ;; uid is at 92.
      (if (i32.eqz (i32.load offset=92 (local.get $head)))
        (then
          (call $table_add (global.get $table)
            (i32.add (local.get $head) (i32.const 136)) (call $comm_len (local.get $head)) (i64.const 1)))
        (else (i32.store8 (local.get $verdict) (i32.const 1))))
      ;; stride: bytes from one head to the next.
      (local.set $head (i32.add (local.get $head) (i32.load offset=8 (local.get $at))))
      (local.set $verdict (i32.add (local.get $verdict) (i32.const 1)))
      (local.set $event (i32.add (local.get $event) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $event) (i32.load offset=4 (local.get $at))))))

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
