//! Any bytes as a record.

#![no_main]

libfuzzer_sys::fuzz_target!(|record: &[u8]| weir_fuzz::check(record));
