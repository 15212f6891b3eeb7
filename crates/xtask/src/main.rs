//! Set-up, build, tests and demo: the very commands that CI runs.
fn main() {}
