//! What a list does to keys on both sides of its every edge.

use wardkey::{Decision, List, Reason, Refresh, Registry};

use crate::head_form::HeadForm;
use crate::key_form::{Fields, KeyForm};
use crate::spelling;
use crate::state_form::StateForm;
use crate::world::{
    AUDIENCE, ISSUED, NOW, PREFIX, TENANT, VERSION, decide, requirement, signing_key, world,
};

/// Checks that the list judges keys with these indexes by the words of its head and its state, at the
/// moment that the head was made.
///
/// # Panics
/// When it does not.
pub(crate) fn holds(
    list: Option<&List<Vec<u8>>>,
    form: &HeadForm,
    state: StateForm<'_>,
    indexes: &[u32],
) -> &'static str {
    // The keys live around NOW: a head of another time says nothing of them.
    if !(NOW..NOW + LIFETIME_MS).contains(&form.issued_at) {
        return "adopted_elsewhen";
    }
    let ours = form.audiences.iter().find(|entry| entry.number == AUDIENCE);
    let ours = ours.expect("an authentic head names the audience");
    let cutoff = ours.cutoff.max(form.cutoff);
    let mut seen = "adopted";
    let usual = indexes.iter().map(|index| (*index, 1, ISSUED));
    let edges = [(u32::MAX, 2, ISSUED), (u32::MAX, 1, ISSUED - 1_000)];
    for (index, epoch, issued_at) in usual.chain(edges) {
        let text = key(index, epoch, issued_at);
        let (required, now) = (requirement(0), form.issued_at);
        let done = (Refresh::NotTried, Registry::NotAsked);
        let decision = decide(&world().key_set, list, &text, &required, now, None, done);
        let reason = match decision {
            Decision::Allow(_) => None,
            Decision::Deny(denial) => Some(denial.reason),
            Decision::Ask(ask) => panic!("the list is fresh: {ask:?}"),
        };
        let by_head = issued_at <= cutoff || form.dead.contains(&(AUDIENCE, epoch));
        let expected = if VERSION < ours.least {
            Some(Reason::NoKeySet)
        } else if by_head || state.is_dead(index) {
            Some(Reason::Inactive)
        } else {
            None
        };
        assert_eq!(reason, expected, "{index} of epoch {epoch} by {form:?} and {state:?}");
        match reason {
            Some(Reason::NoKeySet) => seen = "adopted_and_outdated",
            Some(_) if by_head => seen = "adopted_and_kills",
            _ => {}
        }
    }
    seen
}

fn key(index: u32, epoch: u8, issued_at: u32) -> String {
    let mut key = KeyForm {
        tenant: TENANT,
        audience: AUDIENCE,
        epoch,
        key_id: [1; 8],
        index,
        issued_at,
        expires_at: ISSUED + 7_200,
        subject: b"svc:fuzz".to_vec(),
        scopes: vec![1],
        constraints: Fields::new(),
        blocks: vec![],
        tag: [0; 16],
        base_len: 0,
    };
    let unsigned = key.write();
    key.tag = *signing_key(epoch).tag(&unsigned[..unsigned.len() - 16]).secret_bytes();
    spelling::text(PREFIX, &key.write())
}

/// How long after [`NOW`] the keys are still alive, in milliseconds.
const LIFETIME_MS: u64 = 6_000_000;
