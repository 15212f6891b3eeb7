//! Instances that come and go leave nothing behind. It is alone in its process, whose memory is measured.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "component/ready.rs"]
mod ready;

use wardkey_vectors::resident_kib;
use wardkey_wasmtime::Limits;

use crate::ready::Usual;

#[test]
fn ten_thousand_instances_leave_nothing_behind() {
    let usual = Usual::new();
    let round = |count: usize| {
        for number in 0..count {
            let mut instance = usual.instance();
            assert!(usual.is_allowed(&mut instance));
            if number % 10 == 0 {
                instance.set_limits(Limits { call: 1_000, byte: 0, ..Limits::DEFAULT });
                assert!(usual.verify(&mut instance, &usual.key, usual.now).is_err());
            }
        }
        resident_kib()
    };
    let first = round(1_000);
    let last = round(9_000);
    println!("{first} KiB after 1,000 instances, {last} KiB after 10,000");
    assert!(last < first + ALLOWED, "{first} KiB, then {last} KiB");

    // Of the 9,000, a hundred that stayed would be seen.
    let kept: Vec<_> = (0..100)
        .map(|_| {
            let mut one = usual.instance();
            assert!(usual.is_allowed(&mut one));
            one
        })
        .collect();
    let with_kept = resident_kib();
    println!("{with_kept} KiB with {} that are kept", kept.len());
    assert!(with_kept > last + ALLOWED, "{last} KiB, then {with_kept} KiB");
}

/// KiB that may come for other reasons.
const ALLOWED: usize = 4 * 1_024;
