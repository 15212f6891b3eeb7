//! World `wardkey:verify/holding`.

mod exports;
mod narrowing;
mod page;
