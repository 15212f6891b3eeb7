//! What follows a list's first head: newer ones, older ones, with a log of changes or the whole state.

use wardkey::{Adoption, List, ListError, State, UnixMillis, UnverifiedHead};

use crate::head::words_of;
use crate::head_form::{ChangeForm, HeadForm, LogForm};
use crate::input::Input;
use crate::judgement;
use crate::state_form::StateForm;
use crate::world::{AUDIENCE, MAX_SKEW_MS, NOW, STATE, signed, usual_head, world};

/// Plays a registry that changes its list and a verifier that follows it, with whatever comes between:
/// each step is the fuzzer's, and each head is signed. Tells what the last head came to.
///
/// # Panics
/// When the verifier steps back, takes a head for more or less than it is, or judges keys by another
/// state than the one that its head names.
pub fn run(data: &[u8]) -> &'static str {
    let mut input = Input::new(data);
    let mut book = Book::new();
    let mut verifier = Verifier { list: None, form: None, state: None };
    let mut last = "nothing_offered";
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        match input.u8() % 4 {
            0 => book.change(&mut input),
            1 => book.now += u64::from(input.u16()),
            2 => {
                let (form, state) = book.head(&mut input);
                last = verifier.offer(&form.write(), state, &book);
            }
            _ => {
                let (form, state) = book.head(&mut input);
                let len = usize::from(input.u8());
                let body = if len < 128 {
                    // A log, or anything else, that the fuzzer wrote.
                    [&form.write_without_log(), input.take(len)].concat()
                } else {
                    let mut body = form.write();
                    let place = (len - 128) % body.len();
                    body[place] ^= input.u8();
                    body
                };
                last = verifier.offer(&body, state, &book);
            }
        }
    }
    last
}

/// The registry's side: every state that the list ever had.
struct Book {
    now: u64,
    editions: Vec<Edition>,
}

struct Edition {
    sequence: u64,
    /// What made it; none for the first.
    change: Option<ChangeForm>,
    state: Owned,
    digest: [u8; 32],
}

impl Edition {
    fn of(sequence: u64, change: Option<ChangeForm>, state: Owned) -> Self {
        let digest = state.form().digest();
        Self { sequence, change, state, digest }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    floor: u32,
    bit_count: u32,
    bits: Vec<u8>,
}

impl Owned {
    fn form(&self) -> StateForm<'_> {
        StateForm { floor: self.floor, bit_count: self.bit_count, bits: &self.bits }
    }

    /// The state after a change; `None` where the change does not fit it.
    fn after(&self, change: &ChangeForm) -> Option<Self> {
        let dropped = change.rise.checked_mul(CHUNK_INDEXES)?;
        let floor = u32::try_from(u64::from(self.floor).checked_add(dropped)?).ok()?;
        let bytes = usize::try_from(dropped / 8).ok()?.min(self.bits.len());
        let mut bit_count = u64::from(self.bit_count).saturating_sub(dropped);
        let mut bits = self.bits[bytes..].to_vec();
        let mut place = 0_u64;
        for step in &change.places {
            place = place.checked_add(*step)?;
            u32::try_from(u64::from(floor).checked_add(place)?).ok()?;
            if place >= bit_count {
                bit_count = place + 1;
                bits.resize(usize::try_from(bit_count.div_ceil(8)).ok()?, 0);
            }
            bits[usize::try_from(place / 8).ok()?] ^= 1 << (place % 8);
        }
        Some(Self { floor, bit_count: u32::try_from(bit_count).ok()?, bits })
    }
}

impl Book {
    fn new() -> Self {
        let StateForm { floor, bit_count, bits } = STATE;
        let first = Owned { floor, bit_count, bits: bits.to_vec() };
        Self { now: NOW, editions: vec![Edition::of(NOW, None, first)] }
    }

    fn last(&self) -> &Edition {
        self.editions.last().expect("there is a first one")
    }

    /// One mutation: some flips, and now and then the floor rises.
    fn change(&mut self, input: &mut Input<'_>) {
        let shape = input.u8();
        let rise = u64::from(shape & 0xe0 == 0xe0);
        let far = shape & 0x1c == 0x1c && self.last().state.bit_count < FAR;
        let first = u64::from(input.u16()) << if far { 8 } else { 0 };
        let others = (0..shape & 3).map(|_| 1 + u64::from(input.u8()));
        let places = [first].into_iter().chain(others).collect();
        let Edition { sequence, state, .. } = self.last();
        let next = (sequence + 1).max(self.now);
        let change = ChangeForm { step: next - sequence, rise, places };
        if let Some(state) = state.after(&change) {
            self.editions.push(Edition::of(next, Some(change), state));
        }
    }

    /// The head of one of the editions, with as much of the log and such a state as the fuzzer likes.
    fn head(&self, input: &mut Input<'_>) -> (HeadForm, Option<Owned>) {
        let back = usize::from(input.u8()) % self.editions.len();
        let place = self.editions.len() - 1 - back;
        let Edition { sequence, state, digest, .. } = &self.editions[place];
        let logged = usize::from(input.u8()) % (place + 1);
        let changes = self.editions[place + 1 - logged..=place].iter();
        let log = LogForm {
            from: self.editions[place - logged].sequence,
            changes: changes.filter_map(|edition| edition.change.clone()).collect(),
        };
        let flags = input.u8();
        let issued_at = self.now + u64::from(flags >> 4) * 500;
        let form = HeadForm {
            sequence: *sequence,
            digest: *digest,
            issued_at,
            not_after: issued_at + 3_600_000,
            log,
            ..usual_head()
        };
        let handed = match flags & 3 {
            0 => None,
            1 => Some(self.editions[usize::from(flags >> 2) % self.editions.len()].state.clone()),
            _ => Some(state.clone()),
        };
        (form, handed)
    }

    /// The state of a digest: only these have ever had a name.
    fn state(&self, digest: [u8; 32]) -> Option<&Owned> {
        let named = self.editions.iter().find(|edition| edition.digest == digest);
        named.map(|edition| &edition.state)
    }
}

/// The verifier's side, and what the specification says that it is.
struct Verifier {
    list: Option<List<Vec<u8>>>,
    form: Option<HeadForm>,
    state: Option<Owned>,
}

impl Verifier {
    fn offer(&mut self, body: &[u8], state: Option<Owned>, book: &Book) -> &'static str {
        let bytes = signed(body);
        let unverified = UnverifiedHead::parse(&bytes);
        let sound = words_of(&bytes);
        assert_eq!(unverified.is_ok(), sound.is_some(), "{:?}", unverified.err());
        let (Ok(unverified), Some((form, _))) = (unverified, sound) else { return "no_head" };
        let Ok(head) = unverified.authenticate(&world().key_set) else { return "not_ours" };
        // WHY: the core works out how far the changes reach before it makes room; this model does not.
        if form.log.reaches(FARTHEST_PLACE) {
            return "too_far";
        }
        let (expected, left) = self.expected(&form, state.as_ref(), book.now);
        let handed = state.map(|state| State::parse(&state.form().write()).expect("a state"));
        let before = self.list.as_ref().map(|list| *list.head());
        let now = UnixMillis(book.now);
        let bounds = world().key_set.bounds();
        let adopted = List::adopt(&mut self.list, &head, handed, now, bounds);
        assert_eq!(adopted, expected, "{form:?} after {:?}", self.form);

        let after = self.list.as_ref().map(|list| *list.head());
        match adopted {
            Ok(Adoption::Adopted) => assert_eq!(after, Some(*head.head())),
            _ => assert_eq!(after, before, "nothing has changed"),
        }
        let newest = before.map(|head| (head.sequence(), head.issued_at()));
        assert!(after.map(|head| (head.sequence(), head.issued_at())) >= newest, "a step back");
        if adopted == Ok(Adoption::Adopted) {
            (self.form, self.state) = (Some(form), left);
        }
        if let (Some(form), Some(state)) = (&self.form, &self.state) {
            // Nobody finds a second state for a digest: it can only be one that the registry had.
            assert_eq!(Some(state), book.state(form.digest));
            let end = state.floor.wrapping_add(state.bit_count);
            let mut indexes = vec![0, state.floor.wrapping_sub(1), state.floor, end, 802, 809, 815];
            for edition in book.editions.iter().rev().take(4) {
                let first = edition.change.as_ref().map_or(0, |change| change.places[0]);
                let first = u32::try_from(first).expect("at most 2²⁴");
                indexes.push(edition.state.floor.wrapping_add(first));
            }
            let judged = judgement::holds(self.list.as_ref(), form, state.form(), &indexes);
            if adopted == Ok(Adoption::Adopted) && judged != "adopted" {
                return judged;
            }
        }
        match adopted {
            Ok(Adoption::Adopted) => "adopted",
            Ok(Adoption::InForce) => "in_force",
            Ok(Adoption::StateNeeded) => "state_needed",
            Err(ListError::ClockBehind) => "clock_behind",
            Err(ListError::Older) => "older",
            Err(ListError::OtherState) => "other_state",
            Err(error) => panic!("{error:?}"),
        }
    }

    /// What the specification says that this head comes to, and the state that is then in force.
    fn expected(
        &self,
        form: &HeadForm,
        handed: Option<&Owned>,
        now: u64,
    ) -> (Result<Adoption, ListError>, Option<Owned>) {
        if form.issued_at > now.saturating_add(MAX_SKEW_MS) {
            return (Err(ListError::ClockBehind), None);
        }
        if let (Some(in_force), Some(state)) = (&self.form, &self.state) {
            if form.said_to(AUDIENCE) == in_force.said_to(AUDIENCE) {
                return (Ok(Adoption::InForce), None);
            }
            if (form.sequence, form.issued_at) <= (in_force.sequence, in_force.issued_at) {
                return (Err(ListError::Older), None);
            }
            if form.digest == in_force.digest {
                return (Ok(Adoption::Adopted), Some(state.clone()));
            }
            let changed = changed(state, in_force.sequence, &form.log);
            if let Some(changed) = changed.filter(|changed| changed.form().digest() == form.digest)
            {
                return (Ok(Adoption::Adopted), Some(changed));
            }
        }
        match handed {
            None => (Ok(Adoption::StateNeeded), None),
            Some(state) if state.form().digest() == form.digest => {
                (Ok(Adoption::Adopted), Some(state.clone()))
            }
            Some(_) => (Err(ListError::OtherState), None),
        }
    }
}

/// The state after all of a log's changes behind this sequence; `None` if the log does not go back that
/// far, or one does not fit.
fn changed(state: &Owned, sequence: u64, log: &LogForm) -> Option<Owned> {
    let mut at = log.from;
    let mut changed = (at == sequence).then(|| state.clone());
    for change in &log.changes {
        at = at.checked_add(change.step)?;
        changed = match changed {
            Some(state) => Some(state.after(change)?),
            None => (at == sequence).then(|| state.clone()),
        };
    }
    let room = |state: &Owned| u64::from(state.bit_count).div_ceil(CHUNK_INDEXES);
    changed.filter(|changed| room(changed) <= room(state) + MOST_NEW_CHUNKS)
}

/// Heads and mutations of one input.
const MAX_STEPS: usize = 24;
/// Status indexes of a chunk.
const CHUNK_INDEXES: u64 = 32_768;
/// Bits of a state that no far place is added to any more: two of them would only be slow.
const FAR: u32 = 1 << 20;
/// Chunks that changes may add.
const MOST_NEW_CHUNKS: u64 = 256;
/// As far as a change is followed here: beyond what may be added.
const FARTHEST_PLACE: u64 = 1 << 24;
