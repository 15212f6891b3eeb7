//! What the host says: one line each, on standard error. Nothing of a key is ever handed in.

use std::io::{Write as _, stderr};

/// Says a line. A log that cannot be written stops nothing.
pub(crate) fn say(line: &str) {
    let _unwritten = writeln!(stderr(), "wardkey: {line}");
}
