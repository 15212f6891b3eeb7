//! The worker's only clock.

use wardkey::UnixMillis;

/// Now. On Workers it moves with I/O only, so that it never runs ahead of the request.
pub(crate) fn now() -> UnixMillis {
    let ms = js_sys::Date::now();
    // A float becomes the nearest integer, and 0 if it is none: then every key is `clock_behind`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    UnixMillis(ms as u64)
}

/// Now, as a `Date` header says it (RFC 9110 section 5.6.7).
pub(crate) fn http_date() -> String {
    js_sys::Date::new_0().to_utc_string().into()
}

/// Another time, said in the same way.
pub(crate) fn http_date_of(at: UnixMillis) -> String {
    js_sys::Date::new(&(at.0 as f64).into()).to_utc_string().into()
}
