//! What the fuzzer starts from: for every stage a small input that reaches it.

use crate::head_form::{ChangeForm, HeadForm, LogForm};
use crate::key_form::{Fields, KeyForm};
use crate::key_set_form::{KeySetForm, ScopeForm, catalog};
use crate::spelling;
use crate::state_form::StateForm;
use crate::world::{
    AUDIENCE, ISSUED, PREFIX, STATE, TENANT, chain, signed, signing_key, usual_head, usual_key_set,
};

/// One input to start from.
#[derive(Debug)]
pub struct Seed {
    /// The target that it is for.
    pub target: &'static str,
    /// Its file's name.
    pub name: &'static str,
    /// The input.
    pub bytes: Vec<u8>,
    /// How far it gets.
    pub reaches: &'static str,
}

/// Every seed, the same at every call.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = vec![];
    let mut add = |target, name, reaches, bytes| {
        seeds.push(Seed { target, name, bytes, reaches });
    };
    key(&mut add);
    key_set(&mut add);
    head(&mut add);
    state(&mut add);
    changes(&mut add);
    scope(&mut add);
    word(&mut add);
    scan(&mut add);
    seeds
}

type Add<'a> = &'a mut dyn FnMut(&'static str, &'static str, &'static str, Vec<u8>);

fn usual_key() -> KeyForm {
    KeyForm {
        tenant: TENANT,
        audience: AUDIENCE,
        epoch: 1,
        key_id: [0, 1, 2, 3, 4, 5, 6, 7],
        index: 808,
        issued_at: ISSUED,
        expires_at: ISSUED + 7_200,
        subject: b"svc:fuzz".to_vec(),
        // 0, 1, 2 and 9: all but the last of the catalog.
        scopes: vec![0b0000_0111, 0b0000_0010],
        constraints: Fields::new(),
        blocks: vec![],
        tag: [0; 16],
        base_len: 0,
    }
}

/// The bytes of a key's base.
fn base(key: &KeyForm) -> Vec<u8> {
    let mut bytes = key.write();
    bytes.truncate(bytes.len() - 16);
    bytes
}

/// An input for the third way of the target `key`.
fn asked(selector: u8, flags: u8, offset_ms: i32, base: &[u8], blocks: &[&[u8]]) -> Vec<u8> {
    let len = u8::try_from(base.len()).expect("a base is at most 251 bytes");
    let offset = offset_ms.to_be_bytes();
    let ways = [2, selector, flags, offset[0], offset[1], offset[2], offset[3], 1, 7];
    [&ways[..], &[0; 5], &[len], base, &blocks.concat()].concat()
}

/// The same, asked for a caller: 1 is IPv4, 2 the same mapped, 3 IPv6; then four bytes of the address.
fn called_from(caller: [u8; 5], mut asked: Vec<u8>) -> Vec<u8> {
    asked[9..14].copy_from_slice(&caller);
    asked
}

fn key(add: Add<'_>) {
    let usual = usual_key();
    let base_of = |change: fn(&mut KeyForm)| {
        let mut key = usual_key();
        change(&mut key);
        base(&key)
    };
    let plain = base(&usual);
    let tag = chain(&signing_key(1), &plain, &[]);
    let checked = [&plain[..], tag.secret_bytes()].concat();
    let text = |checked: &[u8]| [&[0], spelling::text(PREFIX, checked).as_bytes()].concat();
    add("key", "text", "fresh", text(&checked));
    add("key", "text_forged", "bad_tag", text(&[&plain[..], &[9; 16]].concat()));
    add("key", "text_cut", "malformed", text(&checked)[..60].to_vec());
    add("key", "payload", "fresh", [&[1][..], &checked].concat());

    // Flags: bit 0 a failed refresh, bits 1 and 2 the list (1 is the usual one), bits 5 to 7 the registry.
    add("key", "fresh", "fresh", asked(0b00111, 2, 0, &plain, &[]));
    add("key", "any_of", "fresh", asked(0b110010, 2, 0, &plain, &[]));
    add("key", "must_ask", "must_ask", asked(0b00001, 3, 6_000, &plain, &[]));
    add("key", "refresh_owed", "ask_refresh", asked(0b00001, 2, 6_000, &plain, &[]));
    add("key", "stale", "list_stale", asked(0b00100, 3, 31_000, &plain, &[]));
    add("key", "no_list", "ask_refresh", asked(0b00001, 0, 0, &plain, &[]));
    add("key", "strict_alive", "registry", asked(0b01000, 2, 0, &plain, &[]));
    add("key", "strict_revoked", "revoked", asked(0b01000, 0x22, 0, &plain, &[]));
    add("key", "strict_away", "registry_unavailable", asked(0x41, 0xe2, 0, &plain, &[]));
    add("key", "scope_missing", "scope_missing", asked(0b10000, 2, 0, &plain, &[]));
    add("key", "cut_off", "inactive", asked(1, 4, 0, &plain, &[]));
    add("key", "outdated", "no_key_set", asked(1, 6, 0, &plain, &[]));
    add("key", "dead", "inactive", asked(1, 2, 0, &base_of(|key| key.index = 809), &[]));
    add("key", "expired", "expired", asked(1, 2, 6_200_000, &plain, &[]));
    add("key", "clock_behind", "clock_behind", asked(1, 2, -6_000, &plain, &[]));
    add("key", "of_the_second_epoch", "fresh", asked(1, 2, 0, &base_of(|key| key.epoch = 2), &[]));
    let outside = base_of(|key| {
        (key.issued_at, key.expires_at) = (ISSUED - 3_601, ISSUED + 60);
    });
    add("key", "outside_window", "outside_window", asked(1, 2, 0, &outside, &[]));
    let stranger = base_of(|key| key.epoch = 3);
    add("key", "unknown_signing_key", "unknown_signing_key", asked(1, 2, 0, &stranger, &[]));
    let longest = base_of(|key| {
        key.subject = vec![b's'; 63];
        key.scopes = vec![0xff; 32];
        key.constraints.insert(3, vec![0; 4]);
        let networks = (0..20).map(|prefix_len| [4, prefix_len, 0, 0, 0, 0]);
        key.constraints.insert(4, networks.collect::<Vec<_>>().concat());
    });
    let longest = called_from([1, 0, 0, 0, 1], asked(0b10111, 2, 0, &longest, &[]));
    add("key", "longest_base", "fresh", longest);

    let to_scope_0: &[u8] = &[0x80, 3, 1, 1, 1];
    let shorter: &[u8] = &[0x80, 6, 2, 4, 0x65, 0x54, 0x02, 0x00];
    let from_ten: &[u8] = &[0x80, 8, 4, 6, 4, 8, 10, 0, 0, 0];
    let later: &[u8] = &[0x80, 6, 3, 4, 0x65, 0x54, 0x00, 0x00];
    add("key", "narrowed", "fresh", asked(1, 2, 0, &plain, &[to_scope_0, shorter]));
    add("key", "narrowed_away", "narrowed", asked(2, 2, 0, &plain, &[shorter, to_scope_0]));
    add("key", "narrowed_to_later", "not_yet_valid", asked(1, 2, 0, &plain, &[later]));
    add("key", "narrowed_to_earlier", "expired", asked(1, 2, 4_000_000, &plain, &[shorter]));
    let four = [to_scope_0, shorter, from_ten, to_scope_0];
    add(
        "key",
        "four_blocks",
        "fresh",
        called_from([1, 10, 1, 2, 3], asked(1, 2, 0, &plain, &four)),
    );
    let five = [to_scope_0; 5];
    add("key", "five_blocks", "malformed", asked(1, 2, 0, &plain, &five));
    let not_before = |second: u32| {
        let mut key = usual_key();
        key.constraints.insert(3, second.to_be_bytes().to_vec());
        base(&key)
    };
    add("key", "valid_now", "fresh", asked(1, 2, 0, &not_before(ISSUED + 1_000), &[]));
    add("key", "not_yet_valid", "not_yet_valid", asked(1, 2, 0, &not_before(ISSUED + 1_001), &[]));
    let networked = base_of(|key| {
        let v6 = [6, 32, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let networks = [&[4, 8, 10, 0, 0, 0][..], &v6].concat();
        key.constraints.insert(3, ISSUED.to_be_bytes().to_vec());
        key.constraints.insert(4, networks);
    });
    let called = |caller| called_from(caller, asked(1, 2, 0, &networked, &[]));
    add("key", "from_nowhere", "address_not_allowed", called([0; 5]));
    add("key", "from_elsewhere", "address_not_allowed", called([1, 11, 0, 0, 1]));
    add("key", "from_v4", "fresh", called([1, 10, 255, 0, 1]));
    add("key", "from_mapped_v4", "fresh", called([2, 10, 255, 0, 1]));
    add("key", "from_v6", "fresh", called([3, 1, 2, 3, 4]));
}

fn key_set(add: Add<'_>) {
    let usual = usual_key_set();
    add("key_set", "usual", "ask_refresh", usual.write());
    let one = |risk| {
        let scope = ScopeForm { number: 255, risk, name: b"doc:void".to_vec() };
        let form = usual_key_set();
        KeySetForm { entries: form.entries[..1].to_vec(), scopes: vec![scope], ..form }
    };
    add("key_set", "smallest", "ask_refresh", one(0).write());
    add("key_set", "strict", "ask_registry", one(3).write());
    let mut closed = usual_key_set();
    closed.entries[0].mint_until = 0;
    add("key_set", "closed_window", "outside_window", closed.write());
    let mut most = usual_key_set();
    let first = most.entries[0].clone();
    most.entries = (1..=8)
        .map(|epoch| {
            let mut entry = first.clone();
            entry.epoch = epoch;
            entry.prefix = b"abcdefghijkl_live_".to_vec();
            entry
        })
        .collect();
    add("key_set", "eight_epochs", "ask_refresh", most.write());
    add("key_set", "cut", "no_key_set", usual.write()[..100].to_vec());
}

fn head(add: Add<'_>) {
    let usual = usual_head();
    let raw = |form: &HeadForm| [&[0], &signed(&form.write())[..]].concat();
    add("head", "usual", "authentic", raw(&usual));
    let mut forged = raw(&usual);
    *forged.last_mut().expect("a tag") ^= 1;
    add("head", "forged", "tag", forged);
    let of = |change: fn(&mut HeadForm)| {
        let mut form = usual_head();
        change(&mut form);
        form
    };
    add("head", "of_another_tenant", "tenant", raw(&of(|form| form.tenant = 8)));
    let elsewhere = of(|form| form.audiences[0].number = 3);
    add("head", "of_another_audience", "audience", raw(&elsewhere));

    let body = |form: &HeadForm| [&[1, 1], &form.write()[..]].concat();
    add("head", "adopted", "adopted", body(&usual));
    add("head", "not_ours", "not_ours", body(&elsewhere));
    let killing = of(|form| {
        form.cutoff = ISSUED;
        form.dead = vec![(1, 9), (AUDIENCE, 2), (AUDIENCE, 7)];
    });
    add("head", "killing", "adopted_and_kills", body(&killing));
    let outdating = of(|form| form.audiences[0].least += 1);
    add("head", "outdating", "adopted_and_outdated", body(&outdating));
    let three = of(|form| {
        let ours = form.audiences[0];
        form.audiences = [1, AUDIENCE, 255]
            .map(|number| {
                let mut entry = ours;
                entry.number = number;
                entry
            })
            .to_vec();
    });
    add("head", "three_audiences", "adopted", body(&three));
    let logged = of(|form| {
        let change =
            |step, rise, places: &[u64]| ChangeForm { step, rise, places: places.to_vec() };
        let changes = vec![change(1, 0, &[5]), change(300, 1, &[0, 1, 200]), change(5, 0, &[])];
        form.log = LogForm { from: form.sequence - 306, changes };
    });
    add("head", "with_a_log", "authentic", raw(&logged));
    add("head", "adopted_with_a_log", "adopted", body(&logged));
    // Refused, and two edits away from what is read: further than a short run comes.
    let empty_step = of(|form| {
        let changes = [0, 5].map(|step| ChangeForm { step, rise: 0, places: vec![] });
        form.log = LogForm { from: form.sequence - 5, changes: changes.to_vec() };
    });
    add("head", "empty_step", "no_head", body(&empty_step));
    let one_change = of(|form| {
        let change = ChangeForm { step: 5, rise: 0, places: vec![] };
        form.log = LogForm { from: form.sequence - 5, changes: vec![change] };
    });
    let mut long_number = body(&one_change);
    // Step, rise, count: the rise of 0 in two bytes.
    let rise = long_number.len() - 2;
    long_number.insert(rise, 0x80);
    add("head", "long_number", "no_head", long_number);
    let mut other_state = body(&usual);
    (other_state[1], other_state[2 + 11]) = (0, 0);
    other_state[2 + 12] = 0;
    add("head", "of_another_state", "other_state", other_state);
}

fn state(add: Add<'_>) {
    add("state", "usual", "state", STATE.write());
    add("state", "empty", "empty", StateForm { floor: 8, bit_count: 0, bits: &[] }.write());
    let last = StateForm { floor: u32::MAX, bit_count: 1, bits: &[1] };
    add("state", "last_index", "state", last.write());
    let two_chunks = StateForm { floor: 32_768, bit_count: 32_777, bits: &[0x55; 4_098] };
    let mut bytes = two_chunks.write();
    *bytes.last_mut().expect("bits") = 1;
    add("state", "two_chunks", "state", bytes);
    add("state", "spare_bits", "no_state", [&STATE.write()[..8], &[15, 0, 0x80]].concat());
}

/// Steps: 0 a mutation (shape, first place, others), 1 time passes, 2 a head (edition, log, flags), 3 a
/// head that is bent.
fn changes(add: Add<'_>) {
    // Flags: bit 1 hands in the head's own state.
    let first: &[u8] = &[2, 0, 0, 2];
    let kill: &[u8] = &[0, 0, 0, 5];
    let kill_another: &[u8] = &[0, 0, 0, 6];
    let later: &[u8] = &[1, 0, 200];
    add("change", "first", "adopted", first.to_vec());
    add("change", "first_without_state", "state_needed", vec![2, 0, 0, 0]);
    add("change", "the_same_again", "in_force", [first, first].concat());
    add("change", "renewed", "adopted", [first, later, &[2, 0, 0, 0]].concat());
    add("change", "by_state", "adopted", [first, kill, &[2, 0, 0, 2]].concat());
    add("change", "by_log", "adopted", [first, kill, later, kill_another, &[2, 0, 2, 0]].concat());
    let rising: &[u8] = &[0, 0xe1, 0, 5, 3];
    add("change", "rising_floor", "adopted", [first, rising, &[2, 0, 1, 0]].concat());
    let far = |high, low| [first, &[0, 0x1c, high, low], &[2, 0, 1, 0]].concat();
    add("change", "as_far_as_may_be", "adopted", far(0x80, 0x00));
    add("change", "too_far", "state_needed", far(0x80, 0x80));
    let short_log = [first, kill, kill, kill, &[2, 0, 2, 0]].concat();
    add("change", "log_too_short", "state_needed", short_log);
    add("change", "a_step_back", "older", [first, kill, &[2, 0, 0, 2], &[2, 1, 0, 2]].concat());
    add("change", "other_state", "other_state", [first, kill, &[2, 0, 0, 1]].concat());
    add("change", "from_ahead", "clock_behind", [kill, &[2, 0, 0, 0xf2]].concat());
    let bent_cutoff: &[u8] = &[3, 0, 0, 2, 128 + 63 - 4, 0xff];
    add("change", "bent_cutoff", "adopted_and_kills", bent_cutoff.to_vec());
    let tail: &[u8] = &[3, 0, 0, 2, 2, 0, 0];
    add("change", "written_log", "adopted", tail.to_vec());
}

fn scope(add: Add<'_>) {
    let usual = usual_key_set().scopes;
    add("scope", "catalog", "catalog", [&[0], &catalog(&usual)[..]].concat());
    add("scope", "no_catalog", "no_catalog", vec![0, 0, 1, 0, 0, 3, b'a', b'a', b'a']);
    add("scope", "all", "all", vec![1, 2, 0b111, 0b10, 0b011]);
    add("scope", "some", "some", vec![1, 1, 0b111, 0b100, 1]);
    add("scope", "none", "none", vec![1, 1, 0b111, 0b1000]);
    add("scope", "trailing_zero", "one_scope_set", vec![1, 2, 1, 0, 1]);
    add("scope", "longest", "all", [&[1, 32][..], &[0xff; 64]].concat());
}

fn word(add: Add<'_>) {
    for (name, text) in [
        ("subject", "svc:billing/eu-1.x_y"),
        ("key_id", "key_00112233445566ff"),
        ("scope", "doc.v2:read-all"),
        ("brand", "example"),
        ("reason", "registry_unavailable"),
        ("network", "2001:db8::/32"),
        ("no_word", "Ä"),
    ] {
        add("word", name, name, text.as_bytes().to_vec());
    }
}

fn scan(add: Add<'_>) {
    // Where the key goes, how it is spelt, and what stands around it.
    add("scan", "alone", "key", vec![0, 0, 0]);
    add(
        "scan",
        "in_a_header",
        "key",
        [&[0, 15, 0], &b"Authorization: Bearer \nHost: a"[..]].concat(),
    );
    add("scan", "glued", "key", [&[0, 4, 0], &b"AAAA____"[..]].concat());
    add("scan", "in_base64", "base64", [&[0, 6, 2], &b"token= end"[..]].concat());
    add(
        "scan",
        "beside_another",
        "key",
        [&[0, 0, 0], &b" wk_live_AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"[..]].concat(),
    );
    let token = b" wkboot_7_1700000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    add("scan", "beside_a_token", "key", [&[0, 0, 0], &token[..]].concat());
    add("scan", "outside_ascii", "key", [&[0, 2, 0], "ä → ü".as_bytes()].concat());
    // Of another brand and drawn; cut short; mistyped; the same in base64, over lines of a JSON string.
    let drawn = [7; 25];
    add("scan", "of_another_brand", "key", [&[0, 0, 0b0001_1100], &drawn[..]].concat());
    add("scan", "cut_short", "damaged", vec![0, 0, 0b0010_0000, 9]);
    add("scan", "mistyped", "damaged", vec![0, 0, 0b0110_0100, 9, 40, 0]);
    add("scan", "in_json", "base64", [&[0, 2, 0b1000_0010, 0b1001], &b"{\"\"}"[..]].concat());
    let cut_in_json = [&[0, 2, 0b1010_1010, 3, 0b1010], &b"{\"\"}"[..]].concat();
    add("scan", "cut_short_in_json", "damaged_base64", cut_in_json);
}
