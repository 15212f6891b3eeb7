//! What every key says, ours and the peers': subject, key id, eight scopes, expiry. Each verification asks for one of the
//! eight.

/// Different keys that a row goes round, a power of two.
pub const KEYS: usize = 64;
/// The scopes of a key.
pub const SCOPES: [&str; 8] = [
    "accounts:read",
    "accounts:write",
    "invoices:read",
    "invoices:write",
    "payouts:list",
    "reports:list",
    ASKED,
    "status:read",
];
/// The scope that each verification asks for.
pub const ASKED: &str = "reports:read";

/// The subject of a key.
pub fn subject(number: usize) -> String {
    format!("svc:billing-{number:02}")
}
