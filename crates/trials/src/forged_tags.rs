//! Keys that are right in everything but their tag.

use crate::chance::chance;
use crate::fixture::{Fixture, bad_tag, word};
use crate::suite::{Cases, Stretch};
use crate::tally::Tally;

pub(crate) const CASES: Cases = Cases::Drawn {
    smoke: 500,
    test: 20_000,
    test_in_wasm: 20_000,
    deep: 1_000_000,
    deep_in_wasm: 100_000,
};

/// One to eight random bits of the tag are changed and the checksum is mended: each is `bad_tag`.
pub(crate) fn run(stretch: Stretch, tally: &mut Tally) {
    let Some(fixture) = Fixture::new(1) else {
        return tally.expect(false, "a fixture", String::new);
    };
    let Some(verifier) = fixture.verifier() else {
        return tally.expect(false, "a verifier", String::new);
    };
    let good = word(&verifier.decide(&fixture.key));
    tally.expect(good == "allow", "the good key, allowed", || good.into());
    for case in stretch.cases() {
        let mut chance = chance(stretch.seed, case);
        let mut changed = [0; 16];
        for _ in 0..=chance() % 8 {
            let bit = chance() % 128;
            if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|at| changed.get_mut(at)) {
                *byte |= 1 << (bit % 8);
            }
        }
        let text = fixture.with_tag(|tag| {
            tag.iter_mut().zip(changed).for_each(|(byte, change)| *byte ^= change);
        });
        let text = text.unwrap_or_default();
        let said = word(&verifier.decide(&text));
        tally.expect(said == bad_tag(), "forged, bad_tag", || format!("case {case}: {said}"));
        tally.outcome(text.as_bytes());
    }
    // The same check over a key whose tag was written anew, but not changed.
    let unchanged = fixture.with_tag(|_| ()).unwrap_or_default();
    let said = word(&verifier.decide(&unchanged));
    tally.control("a forgery that is none", said != bad_tag());
}
