//! Functions that panic and that allocate, known by their names.

pub(crate) fn is_panic(name: &str) -> bool {
    PANICS.iter().any(|part| name.contains(part))
}

pub(crate) fn is_allocator(name: &str) -> bool {
    ALLOCATORS.iter().any(|part| name.contains(part))
}

/// Parts of the names of everything that core, alloc and std panic through; all of it ends in
/// `core::panicking::panic_fmt` or in the hook.
const PANICS: [&str; 14] = [
    "panic",
    "unwrap_failed",
    "expect_failed",
    "slice_index_fail",
    "slice_error_fail",
    "index_len_fail",
    "end_index_overflow",
    "len_mismatch_fail",
    "assert_failed",
    "handle_alloc_error",
    "capacity_overflow",
    "rust_begin_unwind",
    "rust_oom",
    "process::abort",
];

const ALLOCATORS: [&str; 5] =
    ["__rust_alloc", "__rust_realloc", "__rdl_alloc", "dlmalloc", "finish_grow"];
