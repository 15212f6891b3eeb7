//! Calls that have come to an object and are not answered yet, and which of them are turned away when there are too many.
//!
//! Why it exists: an object answers one call after the other. Whoever asks it for much must not keep verifiers from the list's
//! head, nor anybody from ending a key.

use wardkey::UnixMillis;
use wardkey_registry::Call;

use crate::underway::{OneUnderway, Underway};

/// The calls that wait in one object.
#[derive(Default)]
pub(crate) struct WaitingCalls(Underway<()>);

impl WaitingCalls {
    /// Counts a call that has come, until what is answered is dropped.
    pub(crate) fn come(&self, now: UnixMillis) -> OneUnderway<()> {
        self.0.begin((), now)
    }

    /// Whether a call is to be turned away.
    pub(crate) fn turn_away(&self, call: &Call, now: UnixMillis) -> bool {
        most_beside(call).is_some_and(|most| self.0.count(&(), now) > most)
    }
}

/// How many calls may wait, this one among them, before it is turned away; none for what is never turned away: what dies
/// later if it is not answered now, and what leaves a verifier without its list, its key set or the registry's own word.
///
/// Admitting a verifier to `/v1/verify` can wait, though its callers cannot verify meanwhile: that route's traffic is what could
/// drown all others. It is turned away last, since it comes in bursts and costs little.
const fn most_beside(call: &Call) -> Option<usize> {
    match call {
        // What verifiers know by, after a compromise all of them anew, and the one question that has no other answer.
        Call::Head
        | Call::State { .. }
        | Call::Material { .. }
        | Call::ReadKeySet { .. }
        | Call::Check { .. } => None,
        // What ends keys, or keeps them from being used.
        Call::RevokeKey { .. }
        | Call::Revoke { .. }
        | Call::RevokeSelf { .. }
        | Call::SuspendKey { .. }
        | Call::ConfirmKey { .. }
        | Call::RotateSigningKeys { .. }
        | Call::DestroyTenant { .. } => None,
        // Cron's own, and the way back for whoever has lost all administrators: few by their nature.
        Call::Sweep | Call::Bootstrap { .. } => None,
        Call::Admit { .. } | Call::AdmitVerifier { .. } => Some(MOST_ADMISSIONS),
        Call::CreateKey { .. }
        | Call::ReadKey { .. }
        | Call::ListKeys { .. }
        | Call::UpdateKey { .. }
        | Call::RotateKey { .. }
        | Call::ReadRevocation { .. }
        | Call::ReadAudit { .. }
        | Call::ReadPolicy { .. }
        | Call::ReplacePolicy { .. }
        | Call::TryPolicy { .. }
        | Call::ReadUsedKey { .. }
        | Call::AdmitReporter { .. }
        | Call::NoteSightings { .. }
        | Call::ReadRoot { .. }
        | Call::RewrapRoot { .. } => Some(MOST),
    }
}

/// Most calls that wait before others are turned away: some 50 ms of what Cloudflare says that one object does.
const MOST: usize = 64;
/// The same for admissions: a quarter of a second, which a refresh of a list can still wait for.
const MOST_ADMISSIONS: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use super::*;
    use crate::underway::GIVEN_UP_MS;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    /// Each call of the wire, and how many may wait before it is turned away. Whoever adds a call decides it here, too.
    const CALLS: [(&str, Option<usize>); 31] = [
        ("admit", Some(256)),
        ("admit_reporter", Some(64)),
        ("admit_verifier", Some(256)),
        ("bootstrap", None),
        ("check", None),
        ("confirm_key", None),
        ("create_key", Some(64)),
        ("destroy_tenant", None),
        ("head", None),
        ("list_keys", Some(64)),
        ("material", None),
        ("note_sightings", Some(64)),
        ("read_audit", Some(64)),
        ("read_key", Some(64)),
        ("read_key_set", None),
        ("read_policy", Some(64)),
        ("read_revocation", Some(64)),
        ("read_root", Some(64)),
        ("read_used_key", Some(64)),
        ("replace_policy", Some(64)),
        ("revoke", None),
        ("revoke_key", None),
        ("revoke_self", None),
        ("rewrap_root", Some(64)),
        ("rotate_key", Some(64)),
        ("rotate_signing_keys", None),
        ("state", None),
        ("suspend_key", None),
        ("sweep", None),
        ("try_policy", Some(64)),
        ("update_key", Some(64)),
    ];

    fn reading() -> Call {
        let text = r#"{"call": "read_root", "authority": {"credential": "", "request_id": ""}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn how_long_each_call_can_wait_is_decided_for_every_call_of_the_wire() {
        let wire = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/registry/tests/wire");
        let mut decided = BTreeMap::new();
        for file in fs::read_dir(wire).unwrap().map(|file| file.unwrap().path()) {
            if !file.file_name().unwrap().to_string_lossy().starts_with("calls.") {
                continue;
            }
            let text = fs::read_to_string(file).unwrap();
            let messages: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            for message in messages {
                let call: Call = serde_json::from_value(message.clone()).unwrap();
                let name = message["call"].as_str().unwrap().to_owned();
                let before = decided.insert(name, most_beside(&call));
                assert!(before.is_none_or(|before| before == most_beside(&call)), "{message}");
            }
        }
        let expected = CALLS.map(|(name, most)| (name.to_owned(), most));
        assert_eq!(decided, BTreeMap::from(expected));
    }

    #[test]
    fn calls_are_turned_away_only_while_too_many_wait() {
        let calls = WaitingCalls::default();
        let mut waiting: Vec<_> = (0..MOST).map(|_| calls.come(NOW)).collect();
        assert!(!calls.turn_away(&reading(), NOW));
        let one_more = calls.come(NOW);
        assert!(calls.turn_away(&reading(), NOW));
        assert!(!calls.turn_away(&Call::Head, NOW) && !calls.turn_away(&Call::Sweep, NOW));
        drop(one_more);
        assert!(!calls.turn_away(&reading(), NOW));
        let one_more = calls.come(NOW);
        waiting.remove(7);
        assert!(!calls.turn_away(&reading(), NOW));
        drop(one_more);
    }

    #[test]
    fn what_was_never_answered_is_not_counted_for_ever_whatever_the_clock_does() {
        let calls = WaitingCalls::default();
        for _ in 0..2 * MOST {
            // As where a caller goes and what it waited for is never run again.
            std::mem::forget(calls.come(NOW));
        }
        let before = UnixMillis(NOW.0 - 3_600);
        assert!(calls.turn_away(&reading(), NOW) && calls.turn_away(&reading(), before));
        let _one = calls.come(before.plus(GIVEN_UP_MS));
        assert!(!calls.turn_away(&reading(), before.plus(GIVEN_UP_MS)));
    }
}
