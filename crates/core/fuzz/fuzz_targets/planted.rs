#![no_main]
#![allow(missing_docs, reason = "a fuzz target: it has no callers")]

// The bug that shows whether a fuzzer can find any: three bytes in a row, told by nothing but coverage,
// then a sum that only a build with overflow checks refuses.
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let [first, second, third, ..] = data
        && *first == b'b'
        && *second == b'u'
        && *third == b'g'
    {
        let sum = std::hint::black_box(u8::MAX) + std::hint::black_box(1);
        std::hint::black_box(sum);
    }
});
