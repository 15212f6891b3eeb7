//! The exports of interface `verifier`, as the canonical ABI flattens them: `wit/verify/verifier.wit` is their manual.
#![expect(unsafe_code, reason = "exports are unmangled symbols, and take addresses")]
// WHY: native linkers refuse the exported names, and nobody calls them there.
#![cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "only a wasm host calls exports")
)]

use wardkey::{KeyBuffer, Query, Refresh, RegistryVerdict, UnixMillis, verify_in};
use wardkey_module::wipe_stack;

use crate::address::IpAddress;
use crate::alone::Alone;
use crate::claims::{Claims, Said};
use crate::handed::{Given, Maybe, Outcome};
use crate::incoming;
use crate::runtime::trap;
use crate::verifying::decision::{Ask, Decision};
use crate::verifying::resource::{Handle, Lent, dropped, hand_over, take_back};
use crate::verifying::verifier::{
    Alive, Confirmation, Digest, NoKeySet, NoRequirement, NotAnswered, NotApplied, Question,
    Requirement, Verifier, names,
};

/// Nearly three times what reading a key set needs: tests look for what is left (tests/component).
const STACK_LEN: usize = 192 * 1024;

/// What a call works with, and where its answer stands until the host has read it.
struct Instance {
    buffer: KeyBuffer,
    said: Said,
    digest: Digest,
    answer: Answer,
}

/// One place for each type of answer: a host reads it before it calls again.
struct Answer {
    decision: Decision,
    made: Outcome<Handle<Verifier>, NoKeySet>,
    renewed: Outcome<(), NoKeySet>,
    requirement: Outcome<Handle<Requirement>, NoRequirement>,
    applied: Outcome<(), NotApplied>,
    confirmed: Outcome<Handle<Confirmation>, NotAnswered>,
    key_set: KeySetInfo,
    list: Maybe<ListInfo>,
    claims: Option<Claims>,
}

static ALONE: Alone<Instance> = Alone::new(Instance {
    buffer: KeyBuffer::new(),
    said: Said::new(),
    digest: [0; _],
    answer: Answer {
        decision: Decision::Ask(Ask::Refresh),
        made: Outcome::Err(NoKeySet::Malformed),
        renewed: Outcome::Err(NoKeySet::Malformed),
        requirement: Outcome::Err(NoRequirement::Empty),
        applied: Outcome::Err(NotApplied::MalformedHead),
        confirmed: Outcome::Err(NotAnswered::AnotherKey),
        key_set: KeySetInfo { tenant: 0, audience: 0, version: 0, fresh_for_ms: 0 },
        list: Maybe::None,
        claims: None,
    },
});

#[repr(C)]
struct KeySetInfo {
    tenant: u16,
    audience: u8,
    version: u32,
    fresh_for_ms: u64,
}

#[repr(C)]
struct ListInfo {
    sequence: u64,
    issued_at_ms: u64,
    current_key_set: u32,
    least_key_set: u32,
}

/// Works in the instance, and wipes what the host has written for the call.
fn with<R>(work: impl FnOnce(&mut Instance) -> R) -> R {
    let done = ALONE.with(work);
    incoming::forget();
    done
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[static]verifier.new")
)]
extern "C" fn verifier_new(
    start: *const u8,
    len: usize,
) -> *const Outcome<Handle<Verifier>, NoKeySet> {
    // SAFETY: the host handed both in.
    let bytes = unsafe { Given::new(start, len) };
    let answer = make(&bytes);
    wipe_stack::<STACK_LEN>();
    answer
}

/// In a frame of its own, which is gone when the stack is wiped.
#[inline(never)]
fn make(bytes: &Given<u8>) -> *const Outcome<Handle<Verifier>, NoKeySet> {
    with(|Instance { answer, .. }| {
        answer.made = Verifier::new(bytes.get()).map(hand_over).into();
        &raw const answer.made
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.renew")
)]
extern "C" fn verifier_renew(
    verifier: Lent<Verifier>,
    start: *const u8,
    len: usize,
) -> *const Outcome<(), NoKeySet> {
    // SAFETY: the host handed both in.
    let bytes = unsafe { Given::new(start, len) };
    let answer = renew(verifier, &bytes);
    wipe_stack::<STACK_LEN>();
    answer
}

/// In a frame of its own, which is gone when the stack is wiped.
#[inline(never)]
fn renew(mut verifier: Lent<Verifier>, bytes: &Given<u8>) -> *const Outcome<(), NoKeySet> {
    with(|Instance { answer, .. }| {
        let Some(verifier) = verifier.get_mut() else { trap() };
        answer.renewed = verifier.renew(bytes.get()).into();
        &raw const answer.renewed
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.key-set")
)]
extern "C" fn verifier_key_set(verifier: Lent<Verifier>) -> *const KeySetInfo {
    with(|Instance { answer, .. }| {
        let Some(Verifier { key_set, .. }) = verifier.get() else { trap() };
        answer.key_set = KeySetInfo {
            tenant: key_set.tenant().0,
            audience: key_set.audience().0,
            version: key_set.version(),
            fresh_for_ms: key_set.bounds().fresh_for_ms(),
        };
        &raw const answer.key_set
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.list-in-force")
)]
extern "C" fn verifier_list_in_force(verifier: Lent<Verifier>) -> *const Maybe<ListInfo> {
    with(|Instance { answer, .. }| {
        let Some(Verifier { list, .. }) = verifier.get() else { trap() };
        let head = list.as_ref().map(wardkey::List::head);
        let info = head.map(|head| ListInfo {
            sequence: head.sequence(),
            issued_at_ms: head.issued_at().0,
            current_key_set: head.current_key_set(),
            least_key_set: head.least_key_set(),
        });
        answer.list = info.into();
        &raw const answer.list
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.all-of")
)]
extern "C" fn verifier_all_of(
    verifier: Lent<Verifier>,
    start: *const Given<u8>,
    len: usize,
) -> *const Outcome<Handle<Requirement>, NoRequirement> {
    // SAFETY: the host handed both in.
    let scopes = unsafe { Given::new(start, len) };
    require(verifier, &scopes, false)
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.any-of")
)]
extern "C" fn verifier_any_of(
    verifier: Lent<Verifier>,
    start: *const Given<u8>,
    len: usize,
) -> *const Outcome<Handle<Requirement>, NoRequirement> {
    // SAFETY: the host handed both in.
    let scopes = unsafe { Given::new(start, len) };
    require(verifier, &scopes, true)
}

fn require(
    verifier: Lent<Verifier>,
    scopes: &Given<Given<u8>>,
    is_any: bool,
) -> *const Outcome<Handle<Requirement>, NoRequirement> {
    with(|Instance { answer, .. }| {
        let Some(verifier) = verifier.get() else { trap() };
        let built = verifier.requirement(names(scopes), is_any);
        answer.requirement = built.map(hand_over).into();
        &raw const answer.requirement
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.apply-list")
)]
extern "C" fn verifier_apply_list(
    mut verifier: Lent<Verifier>,
    head_start: *const u8,
    head_len: usize,
    has_state: u32,
    state_start: *const u8,
    state_len: usize,
    now_ms: u64,
) -> *const Outcome<(), NotApplied> {
    // SAFETY: the host handed them in; a state only where it says so.
    let head = unsafe { Given::new(head_start, head_len) };
    let state = (has_state != 0).then(|| unsafe { Given::new(state_start, state_len) });
    with(|Instance { answer, digest, .. }| {
        let Some(verifier) = verifier.get_mut() else { trap() };
        let state = state.as_ref().map(Given::get);
        answer.applied = verifier.apply_list(head.get(), state, UnixMillis(now_ms), digest).into();
        &raw const answer.applied
    })
}

/// More than sixteen flat values: the host writes them into memory, laid out as a record.
#[repr(C)]
struct Verification {
    verifier: Lent<Verifier>,
    key: Given<u8>,
    required: Lent<Requirement>,
    now_ms: u64,
    caller: Maybe<IpAddress>,
    refresh: Refreshed,
    registry: Registry,
}

#[repr(u8)]
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "the host makes them")]
enum Refreshed {
    NotTried,
    Failed,
}

#[repr(C, u8)]
#[derive(Clone, Copy)]
#[expect(dead_code, reason = "the host makes them")]
enum Registry {
    NotAsked,
    Failed,
    Answered(Handle<Confirmation>),
}

/// # Safety
/// The host hands in the address of one.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]verifier.verify")
)]
unsafe extern "C" fn verifier_verify(verification: *const Verification) -> *const Decision {
    with(|Instance { answer, buffer, said, .. }| {
        // SAFETY: the caller says so, and `incoming` keeps it for as long as the call.
        let asked = unsafe { &*verification };
        let confirmation = match asked.registry {
            Registry::Answered(confirmation) => Some(take_back(confirmation)),
            _ => None,
        };
        let (Some(verifier), Some(required)) = (asked.verifier.get(), asked.required.get()) else {
            trap()
        };
        let query = Query {
            required: &required.0,
            now: UnixMillis(asked.now_ms),
            caller: match asked.caller {
                Maybe::Some(address) => Some(address.into()),
                Maybe::None => None,
            },
            refresh: match asked.refresh {
                Refreshed::NotTried => Refresh::NotTried,
                Refreshed::Failed => Refresh::Failed,
            },
            registry: match (&asked.registry, &confirmation) {
                (_, Some(confirmation)) => wardkey::Registry::Answered(&confirmation.0),
                (Registry::Failed, None) => wardkey::Registry::Failed,
                _ => wardkey::Registry::NotAsked,
            },
        };
        let Verifier { key_set, list, .. } = verifier;
        let told = |judgement: wardkey::Judgement<'_>| Decision::told(judgement, said);
        answer.decision = verify_in(buffer, key_set, list.as_ref(), asked.key.get(), &query, told);
        &raw const answer.decision
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]requirement.strict")
)]
extern "C" fn requirement_strict(requirement: Lent<Requirement>) -> Handle<Requirement> {
    with(|_| {
        let Some(requirement) = requirement.get() else { trap() };
        hand_over(Requirement(requirement.0.strict()))
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[method]registry-question.claims")
)]
extern "C" fn question_claims(question: Lent<Question>) -> *const Claims {
    with(|Instance { answer, said, .. }| {
        let Some(question) = question.get() else { trap() };
        &raw const *answer.claims.insert(said.claims(question.asked.base()))
    })
}

#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[static]registry-question.answered")
)]
extern "C" fn question_answered(
    question: Handle<Question>,
    verdict: u32,
    tenant: u32,
    audience: u32,
    id_start: *const u8,
    id_len: usize,
    status_index: u32,
    subject_start: *const u8,
    subject_len: usize,
    expires_at_s: u32,
    is_narrowed: u32,
    sequence: u64,
) -> *const Outcome<Handle<Confirmation>, NotAnswered> {
    let verdict = match verdict {
        0 => RegistryVerdict::Alive { sequence },
        1 => RegistryVerdict::Revoked,
        2 => RegistryVerdict::Suspended,
        3 => RegistryVerdict::Retired,
        4 => RegistryVerdict::Expired,
        5 => RegistryVerdict::NeverIssued,
        6 => RegistryVerdict::TenantGone,
        _ => trap(),
    };
    let is_alive = matches!(verdict, RegistryVerdict::Alive { .. });
    // SAFETY: the host handed both in, where it says alive.
    let texts = is_alive
        .then(|| unsafe { (Given::new(id_start, id_len), Given::new(subject_start, subject_len)) });
    with(|Instance { answer, .. }| {
        let alive = texts.as_ref().map(|(id, subject)| Alive {
            tenant: tenant as u16,
            audience: audience as u8,
            key_id: id.get(),
            status_index,
            subject: subject.get(),
            expires_at_s,
            is_narrowed: is_narrowed != 0,
        });
        let answered = take_back(question).answered(verdict, alive.as_ref());
        answer.confirmed = answered.map(hand_over).into();
        &raw const answer.confirmed
    })
}

/// # Safety
/// The runtime calls it when the host's handle is gone.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[dtor]verifier")
)]
unsafe extern "C" fn drop_verifier(place: *mut Option<Verifier>) {
    // SAFETY: the caller says so.
    unsafe { dropped(place, ALONE.is_lent()) };
}

/// # Safety
/// As above.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[dtor]requirement")
)]
unsafe extern "C" fn drop_requirement(place: *mut Option<Requirement>) {
    // SAFETY: the caller says so.
    unsafe { dropped(place, ALONE.is_lent()) };
}

/// # Safety
/// As above.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[dtor]registry-question")
)]
unsafe extern "C" fn drop_question(place: *mut Option<Question>) {
    // SAFETY: the caller says so.
    unsafe { dropped(place, ALONE.is_lent()) };
}

/// # Safety
/// As above.
#[cfg_attr(
    target_family = "wasm",
    unsafe(export_name = "wardkey:verify/verifier@0.1.0#[dtor]confirmation")
)]
unsafe extern "C" fn drop_confirmation(place: *mut Option<Confirmation>) {
    // SAFETY: the caller says so.
    unsafe { dropped(place, ALONE.is_lent()) };
}
