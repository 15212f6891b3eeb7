//! World `wardkey:scan/scanning`.

mod exports;
mod findings;
mod label;
mod text;
