#![no_main]
#![allow(missing_docs, reason = "a fuzz target: it has no callers")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    wardkey_fuzz::key(data);
});
