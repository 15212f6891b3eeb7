//! Heads and their changes, made by hand (FORMAT.md sections 4.2 and 4.3).

use serde_json::{Value, json};

use crate::key_set_bytes::list_key;
use crate::spelling::{hex, tag, var};
use crate::state::{State, state};

/// The sequence and the issued-at of the worked example, in milliseconds.
pub(crate) const T0: u64 = 1_800_000_000_000;
/// The longest time from issued-at to not-after.
pub(crate) const HOUR: u64 = 3_600_000;

/// What a head says.
#[derive(Clone)]
pub(crate) struct Head {
    pub(crate) format: u8,
    pub(crate) tenant: u16,
    pub(crate) sequence: u64,
    pub(crate) digest: [u8; 32],
    pub(crate) issued_at: u64,
    pub(crate) not_after: u64,
    pub(crate) cut_off: u32,
    pub(crate) audiences: Vec<Audience>,
    /// Audience, epoch.
    pub(crate) dead: Vec<(u8, u8)>,
    pub(crate) from: u64,
    pub(crate) changes: Vec<Change>,
}

/// What it says of one audience.
#[derive(Clone)]
pub(crate) struct Audience {
    pub(crate) number: u8,
    pub(crate) current: u32,
    pub(crate) least: u32,
    pub(crate) cut_off: u32,
}

/// What one mutation did.
#[derive(Clone, Default)]
pub(crate) struct Change {
    pub(crate) sequence: u64,
    pub(crate) rise: u64,
    /// Ascending, from the new floor.
    pub(crate) places: Vec<u64>,
}

/// The state of the worked example: 801 and 809 are dead.
pub(crate) fn example_state() -> State {
    state(800, 10, &[2, 2])
}

/// The worked example without its change and its dead signing key.
pub(crate) fn head() -> Head {
    Head {
        format: 1,
        tenant: 7,
        sequence: T0,
        digest: example_state().digest(),
        issued_at: T0,
        not_after: T0 + HOUR,
        cut_off: 0,
        audiences: vec![audience(2)],
        dead: vec![],
        from: 0,
        changes: vec![],
    }
}

pub(crate) fn audience(number: u8) -> Audience {
    Audience { number, current: 3, least: 3, cut_off: 0 }
}

pub(crate) fn change(sequence: u64, rise: u64, places: &[u64]) -> Change {
    Change { sequence, rise, places: places.to_vec() }
}

impl Head {
    /// The same, made at another time, in milliseconds.
    pub(crate) fn at(self, issued_at: u64) -> Self {
        Self { issued_at, not_after: issued_at.saturating_add(HOUR), ..self }
    }

    pub(crate) fn of(self, state: &State) -> Self {
        Self { digest: state.digest(), ..self }
    }

    /// What its first audience is told, bent.
    pub(crate) fn telling(mut self, bend: impl FnMut(&mut Audience)) -> Self {
        self.audiences.first_mut().into_iter().for_each(bend);
        self
    }

    /// What its last audience is told, bent.
    pub(crate) fn telling_last(mut self, bend: impl FnMut(&mut Audience)) -> Self {
        self.audiences.last_mut().into_iter().for_each(bend);
        self
    }

    pub(crate) fn with_changes(self, from: u64, changes: Vec<Change>) -> Self {
        let sequence = changes.last().map_or(self.sequence, |change| change.sequence);
        Self { sequence, from, changes, ..self }
    }

    /// The body row by row, as 4.2 has them; changes are one row.
    pub(crate) fn rows(&self) -> Vec<Vec<u8>> {
        let audiences: Vec<_> = self.audiences.iter().map(Audience::bytes).collect();
        let dead: Vec<_> =
            self.dead.iter().map(|(audience, epoch)| vec![*audience, *epoch]).collect();
        let len = |len: usize| u16::try_from(len).unwrap_or(u16::MAX);
        let mut rows = vec![
            vec![self.format],
            self.tenant.to_be_bytes().to_vec(),
            self.sequence.to_be_bytes().to_vec(),
            self.digest.to_vec(),
            self.issued_at.to_be_bytes().to_vec(),
            self.not_after.to_be_bytes().to_vec(),
            self.cut_off.to_be_bytes().to_vec(),
            vec![u8::try_from(audiences.len()).unwrap_or(u8::MAX)],
        ];
        rows.extend(audiences);
        rows.push(len(dead.len()).to_be_bytes().to_vec());
        rows.extend(dead);
        rows.push(len(self.changes.len()).to_be_bytes().to_vec());
        if !self.changes.is_empty() {
            rows.push(self.from.to_be_bytes().to_vec());
            let mut before = self.from;
            for change in &self.changes {
                rows.push(change.bytes(before));
                before = change.sequence;
            }
        }
        rows
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        self.rows().concat()
    }

    /// Body and tags.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.signed(&self.body())
    }

    /// Another body, with a right tag of it for each of this head's audiences.
    pub(crate) fn signed(&self, body: &[u8]) -> Vec<u8> {
        let tags = self.audiences.iter().flat_map(|one| tag(&list_key(one.number), body));
        body.iter().copied().chain(tags).collect()
    }

    /// This head with other bytes from the count of changes on.
    pub(crate) fn with_change_bytes(&self, from_count: &[u8]) -> Vec<u8> {
        let plain = Self { changes: vec![], ..self.clone() }.body();
        let kept = plain.len().saturating_sub(2);
        self.signed(
            &plain.into_iter().take(kept).chain(from_count.iter().copied()).collect::<Vec<_>>(),
        )
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.bytes())
    }

    /// What `read_head` must tell an audience that it names.
    pub(crate) fn told(&self, audience: u8) -> Value {
        let own = self.audiences.iter().find(|one| one.number == audience);
        let audiences = self.audiences.iter().map(|one| {
            json!({
                "audience": one.number,
                "current": one.current,
                "least": one.least,
                "cut_off": one.cut_off,
            })
        });
        let changes = self.changes.iter().map(|change| {
            json!({ "sequence": change.sequence, "rise": change.rise, "places": change.places })
        });
        let from = (!self.changes.is_empty()).then_some(self.from);
        json!({ "ok": {
            "sequence": self.sequence,
            "tenant": self.tenant,
            "digest": hex(&self.digest),
            "issued_at": self.issued_at,
            "not_after": self.not_after,
            "cut_off": self.cut_off,
            "audience": audience,
            "current": own.map(|own| own.current),
            "least": own.map(|own| own.least),
            "audience_cut_off": own.map(|own| own.cut_off),
            "audiences": audiences.collect::<Value>(),
            "dead_signing_keys": self.dead,
            "from": from,
            "changes": changes.collect::<Value>(),
        } })
    }
}

impl Audience {
    fn bytes(&self) -> Vec<u8> {
        let numbers = [self.current, self.least, self.cut_off].map(u32::to_be_bytes);
        [&[self.number], numbers.concat().as_slice()].concat()
    }
}

impl Change {
    /// Its bytes behind another sequence.
    pub(crate) fn bytes(&self, before: u64) -> Vec<u8> {
        let count = u64::try_from(self.places.len()).unwrap_or(u64::MAX);
        let mut bytes = [self.sequence.wrapping_sub(before), self.rise, count].map(var).concat();
        let mut last = 0;
        for place in &self.places {
            bytes.extend(var(place.wrapping_sub(last)));
            last = *place;
        }
        bytes
    }
}
