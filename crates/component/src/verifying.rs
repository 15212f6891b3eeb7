//! World `wardkey:verify/verifying`.

mod decision;
mod exports;
mod resource;
mod verifier;
