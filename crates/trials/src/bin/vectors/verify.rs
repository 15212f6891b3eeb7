//! `verify.json`: deciding (FORMAT.md section 5), row by row.

mod addresses;
mod allowed;
mod authentic;
mod granted;
mod identities;
mod key_sets;
mod lengths;
mod listed;
mod presented;
mod registry;
mod timely;

use serde_json::{Map, Value, json};

use crate::file::VectorFile;
use crate::head_bytes::{Head, audience, head};
use crate::key_bytes::{ISSUED, Key, key};
use crate::key_set_bytes::{Entry, KeySet, entry, key_set, list_key, scope};
use crate::state::State;

/// The usual clock, and when the usual list was made, in milliseconds: 1,000 s after the usual key.
pub(crate) const NOW: u64 = SECOND as u64 * 1_000;
/// The same in seconds.
pub(crate) const SECOND: u32 = ISSUED + 1_000;
/// The usual list's sequence.
pub(crate) const SEQUENCE: u64 = 41;

/// Scopes that the usual key set names; the first four are of the levels low, standard, high and strict.
pub(crate) const LIST: &str = "invoice:list";
pub(crate) const READ: &str = "invoice:read";
pub(crate) const WRITE: &str = "invoice:write";
pub(crate) const VOID: &str = "invoice:void";
pub(crate) const PRINT: &str = "invoice:print";
pub(crate) const LAST: &str = "invoice:last";

pub(crate) fn file() -> VectorFile {
    let mut file = VectorFile::new(
        "verify.json",
        "Deciding: the first row of section 5 that applies, with every boundary of time one millisecond below, at and above it.",
    );
    for (name, keys) in [
        ("keys", keys()),
        ("wide keys", wide_keys()),
        ("keys of audience 3", keys_of_audience_3()),
        ("keys of tenant 8", KeySet { tenant: 8, ..keys() }),
    ] {
        file.share(name, keys.hex());
    }
    file.share("state", state().hex());
    file.share("head", list().head.hex());
    file.share("key", key().text());
    presented::add(&mut file);
    authentic::add(&mut file);
    key_sets::add(&mut file);
    timely::add(&mut file);
    listed::add(&mut file);
    granted::add(&mut file);
    addresses::add(&mut file);
    registry::add(&mut file);
    allowed::add(&mut file);
    lengths::add(&mut file);
    identities::add(&mut file);
    file
}

/// What is asked of a verifier.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) keys: KeySet,
    pub(crate) list: Option<List>,
    pub(crate) key: String,
    pub(crate) required: Value,
    pub(crate) now: u64,
    pub(crate) caller: Option<&'static str>,
    pub(crate) refresh_failed: bool,
    /// Null where it was not asked.
    pub(crate) registry: Value,
}

/// A list that was adopted.
#[derive(Clone)]
pub(crate) struct List {
    pub(crate) head: Head,
    pub(crate) state: State,
    /// What proved its head, where that is another key set than the verifier's.
    pub(crate) keys: Option<KeySet>,
}

/// The key set of the worked examples with a scope of each level, some more, and another signing key
/// that has another prefix.
pub(crate) fn keys() -> KeySet {
    let scopes =
        [(0, 0, LIST), (1, 1, READ), (2, 2, WRITE), (9, 3, VOID), (39, 0, PRINT), (255, 0, LAST)];
    KeySet {
        entries: vec![entry(1), Entry { prefix: "wk_test_".into(), ..entry(3) }],
        scopes: scopes
            .into_iter()
            .map(|(number, level, name)| scope(number, level, name))
            .collect(),
        ..key_set()
    }
}

/// The same with windows that hold every key.
pub(crate) fn wide_keys() -> KeySet {
    let (mint_from, mint_until, verify_until) = (0, u32::MAX, u32::MAX);
    KeySet { entries: vec![Entry { mint_from, mint_until, verify_until, ..entry(1) }], ..keys() }
}

/// Another audience's key set.
pub(crate) fn keys_of_audience_3() -> KeySet {
    KeySet { audience: 3, list_key: list_key(3), ..keys() }
}

/// From 800 on 16 bits, of which 801 and 809 are dead.
pub(crate) fn state() -> State {
    State::with_dead(800, 16, &[1, 9])
}

pub(crate) fn list() -> List {
    list_of(Head { sequence: SEQUENCE, ..head().at(NOW) }, &state())
}

pub(crate) fn list_of(head: Head, state: &State) -> List {
    List { head: head.of(state), state: state.clone(), keys: None }
}

/// A list of another audience, dead to this one's keys.
pub(crate) fn list_of_audience_3() -> List {
    let head = Head { audiences: vec![audience(3)], ..list().head };
    List { head, keys: Some(keys_of_audience_3()), ..list() }
}

/// The usual list, made at another time.
pub(crate) fn list_at(issued_at: u64) -> List {
    List { head: list().head.at(issued_at), ..list() }
}

/// The usual list with a bent head.
pub(crate) fn list_telling(bend: impl FnOnce(Head) -> Head) -> List {
    List { head: bend(list().head), ..list() }
}

/// A list whose least key-set version is this.
pub(crate) fn list_wanting(least: u32) -> List {
    list_telling(|head| head.telling(|own| own.least = least))
}

/// A list of audience 3 of the same tenant, which names ours, too.
pub(crate) fn list_of_audience_3_wanting(least: u32) -> List {
    let mut theirs = audience(3);
    theirs.least = least;
    let head = Head { audiences: vec![audience(2), theirs], ..list().head };
    List { head, ..list_of_audience_3() }
}

/// The usual question: the usual key, allowed.
pub(crate) fn usual() -> Question {
    Question {
        keys: keys(),
        list: Some(list()),
        key: key().text(),
        required: all_of(&[LIST]),
        now: NOW,
        caller: None,
        refresh_failed: false,
        registry: Value::Null,
    }
}

/// The usual question about another key.
pub(crate) fn about(key: &Key) -> Question {
    Question { key: key.text(), ..usual() }
}

/// The usual question about whatever is presented.
pub(crate) fn presenting(key: impl Into<String>) -> Question {
    Question { key: key.into(), ..usual() }
}

/// A key, forged: its tag is zeros.
pub(crate) fn forgery(key: &Key) -> String {
    key.text_with(&key.signed(), &[0; 16])
}

impl Question {
    pub(crate) fn at(self, now: u64) -> Self {
        Self { now, ..self }
    }

    pub(crate) fn requiring(self, required: Value) -> Self {
        Self { required, ..self }
    }

    pub(crate) fn with(self, list: List) -> Self {
        Self { list: Some(list), ..self }
    }

    pub(crate) fn without_list(self) -> Self {
        Self { list: None, ..self }
    }

    pub(crate) fn after_refresh(self) -> Self {
        Self { refresh_failed: true, ..self }
    }

    pub(crate) fn under(self, keys: KeySet) -> Self {
        Self { keys, ..self }
    }

    pub(crate) fn case(&self) -> Value {
        let list = self.list.as_ref().map(|list| {
            let mut told = Map::from_iter([
                ("head".into(), json!(list.head.hex())),
                ("state".into(), json!(list.state.hex())),
            ]);
            let keys = list.keys.as_ref().map(|keys| ("key_set".into(), json!(keys.hex())));
            told.extend(keys);
            told
        });
        let mut case = Map::from_iter([
            ("do".into(), json!("verify")),
            ("key_set".into(), json!(self.keys.hex())),
            ("list".into(), json!(list)),
            ("key".into(), json!(self.key)),
            ("required".into(), self.required.clone()),
            ("now".into(), json!(self.now)),
        ]);
        let mut add = |name: &str, value: Value| {
            if !value.is_null() {
                case.insert(name.into(), value);
            }
        };
        add("caller", json!(self.caller));
        add("refresh", json!(self.refresh_failed.then_some("failed")));
        add("registry", self.registry.clone());
        Value::Object(case)
    }
}

pub(crate) fn all_of(scopes: &[&str]) -> Value {
    json!({ "scopes": scopes, "mode": "all_of" })
}

pub(crate) fn any_of(scopes: &[&str]) -> Value {
    json!({ "scopes": scopes, "mode": "any_of" })
}

/// A requirement with one more member.
pub(crate) fn bent(required: Value, name: &str, value: impl Into<Value>) -> Value {
    let mut required = required;
    if let Some(members) = required.as_object_mut() {
        members.insert(name.into(), value.into());
    }
    required
}

/// Denied for this reason.
pub(crate) fn deny(reason: &str, question: Question) -> (Value, Value) {
    (json!({ "deny": reason }), question.case())
}

/// A refresh is owed.
pub(crate) fn ask_refresh(question: Question) -> (Value, Value) {
    (json!({ "ask": "refresh" }), question.case())
}

/// The registry must be asked.
pub(crate) fn ask_registry(question: Question) -> (Value, Value) {
    (json!({ "ask": "registry" }), question.case())
}

/// The key is allowed by a list of sequence 41 of this age.
pub(crate) fn allow(key: &Key, zone: &str, age_ms: u64, question: Question) -> (Value, Value) {
    (allowed(key, SEQUENCE, age_ms, zone), question.case())
}

/// The key is allowed by a list that has just been made.
pub(crate) fn allow_fresh(key: &Key, question: Question) -> (Value, Value) {
    allow(key, "fresh", 0, question)
}

/// The key is allowed by the registry.
pub(crate) fn allow_by_registry(key: &Key, sequence: u64, question: Question) -> (Value, Value) {
    (allowed(key, sequence, 0, "registry"), question.case())
}

fn allowed(key: &Key, sequence: u64, age_ms: u64, zone: &str) -> Value {
    let (scopes, expires_at) = key.left();
    json!({ "allow": {
        "subject": key.subject,
        "key_id": key.id_text(),
        "status_index": key.index,
        "signing_key": (key.tenant, key.audience, key.epoch),
        "scopes": scopes,
        "expires_at": expires_at,
        "sequence": sequence,
        "age_ms": age_ms,
        "zone": zone,
    } })
}

/// Rows of section 5, to which cases are added.
pub(crate) struct Row<'f> {
    pub(crate) file: &'f mut VectorFile,
    stage: String,
}

impl<'f> Row<'f> {
    pub(crate) fn new(file: &'f mut VectorFile, number: u8) -> Self {
        Self { file, stage: format!("5 row {number}") }
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, (expect, case): (Value, Value)) {
        self.file.add(&self.stage, name, expect, case);
    }

    pub(crate) fn around(&mut self, boundary: &str, cases: [(Value, Value); 3]) {
        self.file.around(&self.stage, boundary, cases);
    }
}
