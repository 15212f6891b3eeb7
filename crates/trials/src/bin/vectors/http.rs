//! `http.json`: what each reason becomes over HTTP (the end of FORMAT.md section 5).

use serde_json::json;

use crate::file::VectorFile;

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "http.json",
        "Reasons over HTTP: status, code, and whether a Retry-After goes with it.",
    );
    for (status, code, reasons) in [
        (
            401,
            Some("invalid_token"),
            &[
                "malformed",
                "bad_checksum",
                "unknown_signing_key",
                "prefix_mismatch",
                "bad_tag",
                "outside_window",
                "never_issued",
                "tenant_gone",
            ][..],
        ),
        (401, None, &["not_yet_valid", "expired", "inactive", "revoked", "suspended", "retired"]),
        (403, None, &["scope_missing", "narrowed", "address_not_allowed"]),
        (
            503,
            None,
            &[
                "wrong_audience",
                "requirement_outdated",
                "no_key_set",
                "clock_behind",
                "list_stale",
                "registry_unavailable",
            ],
        ),
    ] {
        for reason in reasons {
            let expect = json!({ "ok": {
                "status": status,
                "code": code.unwrap_or(reason),
                "retry_after": status == 503,
            } });
            file.add("5 HTTP", *reason, expect, json!({ "do": "http", "reason": reason }));
        }
    }
    file
}
