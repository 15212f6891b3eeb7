//! Calls that have come to an object and are not answered yet, and which of them are turned away when there are too many.
//!
//! Why it exists: an object answers one call after the other. Whoever asks it for much must not keep verifiers from the list's
//! head, nor anybody from ending a key.

use std::cell::{Cell, RefCell};

use wardkey::UnixMillis;
use wardkey_registry::Call;

/// The calls that wait in one object.
#[derive(Default)]
pub(crate) struct WaitingCalls {
    since: RefCell<Vec<(u64, UnixMillis)>>,
    last: Cell<u64>,
}

/// One of them, until it is dropped.
pub(crate) struct Waiting<'w> {
    calls: &'w WaitingCalls,
    number: u64,
}

impl WaitingCalls {
    /// Counts a call that has come.
    pub(crate) fn come(&self, now: UnixMillis) -> Waiting<'_> {
        let number = self.last.get().wrapping_add(1);
        self.last.set(number);
        let mut since = self.since.borrow_mut();
        // Its caller has gone, and with it perhaps the call, unanswered: it must not count for ever.
        since.retain(|(_, at)| now.since(*at) < GIVEN_UP_MS);
        since.push((number, now));
        Waiting { calls: self, number }
    }

    /// Whether a call is to be turned away.
    pub(crate) fn turn_away(&self, call: &Call) -> bool {
        self.since.borrow().len() > MOST && can_wait(call)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.calls.since.borrow_mut().retain(|(number, _)| *number != self.number);
    }
}

/// Whether nothing dies later, and nobody's verification rests on it that could not go on by the list, if it is not answered now.
const fn can_wait(call: &Call) -> bool {
    match call {
        // What verifiers know by, and the one question that has no other answer.
        Call::Head | Call::State { .. } | Call::Material { .. } | Call::Check { .. } => false,
        // What ends keys, or keeps them from being used.
        Call::RevokeKey { .. }
        | Call::Revoke { .. }
        | Call::RevokeSelf { .. }
        | Call::SuspendKey { .. }
        | Call::ConfirmKey { .. }
        | Call::RotateSigningKeys { .. }
        | Call::DestroyTenant { .. } => false,
        // Cron's own, and the way back for whoever has lost all administrators: few by their nature.
        Call::Sweep | Call::Bootstrap { .. } => false,
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
        | Call::Admit { .. }
        | Call::AdmitVerifier { .. }
        | Call::ReadKeySet { .. }
        | Call::ReadRoot { .. }
        | Call::RewrapRoot { .. } => true,
    }
}

/// Most calls that wait before others are turned away: some 50 ms of what Cloudflare says that one object does.
const MOST: usize = 64;
/// The Worker has told its caller before then that there was no answer.
const GIVEN_UP_MS: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000);

    fn reading() -> Call {
        let text = r#"{"call": "read_root", "authority": {"credential": "", "request_id": ""}}"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn calls_are_turned_away_only_while_too_many_wait() {
        let calls = WaitingCalls::default();
        let mut waiting: Vec<_> = (0..MOST).map(|_| calls.come(NOW)).collect();
        assert!(!calls.turn_away(&reading()));
        let one_more = calls.come(NOW);
        assert!(calls.turn_away(&reading()));
        assert!(!calls.turn_away(&Call::Head) && !calls.turn_away(&Call::Sweep));
        drop(one_more);
        assert!(!calls.turn_away(&reading()));
        let one_more = calls.come(NOW);
        waiting.remove(7);
        assert!(!calls.turn_away(&reading()));
        drop(one_more);
    }

    #[test]
    fn what_was_never_answered_is_not_counted_for_ever() {
        let calls = WaitingCalls::default();
        for _ in 0..2 * MOST {
            // As where a caller goes and what it waited for is never run again.
            std::mem::forget(calls.come(NOW));
        }
        assert!(calls.turn_away(&reading()));
        let _one = calls.come(NOW.plus(GIVEN_UP_MS));
        assert!(!calls.turn_away(&reading()));
    }
}
