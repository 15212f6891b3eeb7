//! The core's judgements, in the words of `wit/`.

use wardkey::{Judgement, ListSeen, Reason, SigningKeyId, TimelyKey, Zone};

use crate::claims::{Claims, Said};
use crate::handed::{Maybe, Told};
use crate::verifying::resource::{Handle, hand_over};
use crate::verifying::verifier::Question;

#[repr(C, u8)]
#[expect(dead_code, reason = "the host reads it")]
pub(crate) enum Decision {
    Allow(Allow),
    Deny(Denial),
    Ask(Ask),
}

#[repr(C)]
pub(crate) struct Allow {
    tenant: u16,
    audience: u8,
    epoch: u8,
    key_id: Told<u8>,
    status_index: u32,
    expires_at_s: u32,
    subject: Told<u8>,
    scopes: Told<u8>,
    narrowed: bool,
    sequence: u64,
    age_ms: u64,
    zone: u8,
}

#[repr(C)]
pub(crate) struct Denial {
    /// By its place in `wit/`, which is that in [`Reason::ALL`].
    reason: u8,
    answer: HttpAnswer,
    claims: Maybe<Claims>,
}

#[repr(C)]
struct HttpAnswer {
    status: u16,
    error: Maybe<Told<u8>>,
    code: Told<u8>,
    retry_after_s: Maybe<u8>,
}

#[repr(C, u8)]
#[expect(dead_code, reason = "the host reads it")]
pub(crate) enum Ask {
    Refresh,
    Registry(Handle<Question>),
}

impl Decision {
    pub(crate) fn told(judgement: Judgement<'_>, said: &mut Said) -> Self {
        match judgement {
            Judgement::Allow(key, seen) => Self::Allow(allow(&key, seen, said)),
            Judgement::Deny(reason, key) => {
                let claims = key.map(|key| said.claims(&key.base()));
                Self::Deny(Denial {
                    reason: reason as u8,
                    answer: answer(reason),
                    claims: claims.into(),
                })
            }
            Judgement::AskRefresh => Self::Ask(Ask::Refresh),
            Judgement::AskRegistry(key) => Self::Ask(Ask::Registry(hand_over(Question::new(key)))),
        }
    }
}

fn allow(key: &TimelyKey<'_>, seen: ListSeen, said: &mut Said) -> Allow {
    let SigningKeyId { tenant, audience, epoch } = key.signing_key();
    Allow {
        tenant: tenant.0,
        audience: audience.0,
        epoch: epoch.number(),
        key_id: said.key_id(key.key_id()),
        status_index: key.status_index().0,
        expires_at_s: key.expires_at().0,
        subject: said.subject(key.subject_bytes()),
        scopes: said.scopes(&key.scopes_left()),
        narrowed: key.is_narrowed(),
        sequence: seen.sequence,
        age_ms: seen.age_ms,
        zone: match seen.zone {
            Zone::Fresh => 0,
            Zone::MustAsk => 1,
            Zone::Stale => 2,
            Zone::Registry => 3,
        },
    }
}

fn answer(reason: Reason) -> HttpAnswer {
    let wardkey::HttpAnswer { status, error, code, retry_after_s } = reason.answer();
    HttpAnswer {
        status,
        error: error.map(|error| Told::new(error.as_bytes())).into(),
        code: Told::new(code.as_bytes()),
        retry_after_s: retry_after_s.into(),
    }
}

// INVARIANT: the places are part of the interface: a reason that is new needs a new version of it.
const _: () = {
    let mut rest: &[Reason] = &Reason::ALL;
    let mut place = 0;
    while let [reason, others @ ..] = rest {
        assert!(*reason as u32 == place, "a reason's number is its place");
        place += 1;
        rest = others;
    }
    assert!(place == 23 && Reason::RegistryUnavailable as u32 == 22, "the 23 reasons of wit/");
};
