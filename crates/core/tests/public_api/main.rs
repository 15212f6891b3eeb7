//! The core by its public API alone, with keys, key sets and lists that `wardkey-provision` makes.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "it is all tests: what is not as they assume shall stop them"
)]

mod asking;
mod changes;
mod changes_not_followed;
mod changes_spelling;
mod constraints;
mod drawn;
mod format_text;
mod heads;
mod key_buffers;
mod key_sets;
mod list_model;
mod lists;
mod narrowing;
mod one_spelling;
mod outdated_key_sets;
mod random_bytes;
mod requirements;
mod revocation;
mod round_trip;
mod scan;
mod scan_damage;
mod scan_deep;
mod scan_exact;
mod scan_pattern;
mod scan_spelling;
mod scan_surroundings;
mod stages;
mod structure;
mod tenant;
mod times;
mod words;
