//! A key that is put into a text: whole, cut short or mistyped, plain or as base64.

use std::ops::Range;

use crate::input::Input;
use crate::key_form::{Fields, KeyForm};
use crate::spelling;
use crate::world::{AUDIENCE, ISSUED, PREFIX, TENANT};

/// A key as it is written into a text.
pub(crate) struct BuriedKey {
    pub(crate) key_id: [u8; 8],
    pub(crate) written: String,
    /// Of what is written, the least that a finding must cover.
    pub(crate) covered: Range<usize>,
    /// What of the secret part is written, as it would be without base64.
    pub(crate) tail: String,
    pub(crate) is_whole: bool,
    /// What stands between two lines of base64.
    pub(crate) line_break: &'static str,
    pub(crate) is_base64: bool,
}

impl BuriedKey {
    /// Draws one. Where no bit of `shape` asks for anything, it is always the same, and takes nothing of the input.
    pub(crate) fn draw(shape: u8, input: &mut Input<'_>) -> Self {
        let bit = |number: u8| shape >> number & 1 == 1;
        let prefix = BRANDS[usize::from(shape >> 2 & 3)];
        let (key_id, tag, subject) = if bit(4) {
            let (key_id, tag) = (input.array(), input.array());
            let subject = SUBJECT.repeat(1 + usize::from(input.u8() % 7));
            (key_id, tag, subject)
        } else {
            (KEY_ID, [0x5a; 16], SUBJECT.to_vec())
        };
        let whole = text(prefix, key_id, tag, subject);
        let mut key = whole.clone();
        if bit(5) {
            key.truncate(key.len() - 1 - usize::from(input.u8()) % TAIL_LEN);
        }
        // Of a brand that the scanner does not know, two damages are too many.
        if bit(6) && !(bit(5) && prefix == OTHER_BRAND) {
            // Behind the version, by which a brand that is not known is.
            let room = key.len() - prefix.len() - 2;
            let place = prefix.len() + 2 + usize::from(input.u8()) % room;
            let other = WRONG[usize::from(input.u8()) % WRONG.len()];
            key.replace_range(place..=place, other);
        }
        let tail = key.get(prefix.len() + PUBLIC_LEN..).unwrap_or_default().to_owned();
        let tail_at = key.len() - tail.len();
        // Fewer than eight characters behind what is wrong are no use to anybody.
        let covered = tail_at..key.len().saturating_sub(WINDOW - 1).max(tail_at);
        let is_whole = key == whole;
        let mut buried = Self {
            key_id,
            covered: if is_whole { 0..key.len() } else { covered },
            written: key,
            tail,
            is_whole,
            line_break: "",
            is_base64: bit(1),
        };
        if bit(1) {
            let layout = if bit(7) { input.u8() } else { 0 };
            buried.wrap(layout);
        }
        buried
    }

    fn wrap(&mut self, layout: u8) {
        let before = usize::from(layout & 3);
        self.line_break = LINE_BREAKS[usize::from(layout >> 2 & 3)];
        let mut digits = String::new();
        spelling::digits(
            format!("{}{}", "....".get(..before).unwrap_or(""), self.written).as_bytes(),
            &mut digits,
        );
        if layout & 0x80 != 0 {
            digits = digits.replace('-', "+").replace('_', "/");
        }
        // WHY: a character of base64 beside it would belong to it, and shift what it means.
        let mut written = String::from(" ");
        let mut places = vec![];
        for (number, digit) in digits.chars().enumerate() {
            if number > 0 && number % LINE_LEN == 0 {
                written.push_str(self.line_break);
            }
            places.push(written.len());
            written.push(digit);
        }
        written.push(' ');
        let Range { start, end } = self.covered;
        let place = |byte: usize| places[8 * (before + byte) / 6];
        self.covered = match end.checked_sub(1) {
            Some(last) if start < end => place(start)..places[(8 * (before + last) + 7) / 6] + 1,
            _ => 0..0,
        };
        self.written = written;
    }

    /// Whether a text that was redacted gives any of the tail away, when its base64 is undone at every alignment.
    pub(crate) fn shows_in(&self, left: &[u8]) -> bool {
        // Behind what is wrong, fewer characters of the key may stay.
        let is_of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let windows = self.tail.as_bytes().windows(WINDOW);
        let windows = windows.filter(|window| window.iter().all(is_of_key));
        let shows = |text: &[u8]| {
            windows.clone().any(|window| text.windows(WINDOW).any(|part| part == window))
        };
        if !self.is_base64 {
            return shows(left);
        }
        let mut left = left.to_vec();
        if !self.line_break.is_empty() {
            let text: String = left.iter().copied().map(char::from).collect();
            let joined = text.replace(self.line_break, "");
            left = joined.chars().filter_map(|character| u8::try_from(character).ok()).collect();
        }
        (0..4).any(|skipped| {
            shows(&spelling::bytes_of_digits(left.get(skipped..).unwrap_or_default()))
        })
    }
}

/// A whole key, whose tag nobody checks here.
fn text(prefix: &str, key_id: [u8; 8], tag: [u8; 16], subject: Vec<u8>) -> String {
    let key = KeyForm {
        tenant: TENANT,
        audience: AUDIENCE,
        epoch: 1,
        key_id,
        index: 808,
        issued_at: ISSUED,
        expires_at: ISSUED + 7_200,
        subject,
        scopes: vec![1],
        constraints: Fields::new(),
        blocks: vec![],
        tag,
        base_len: 0,
    };
    spelling::text(prefix, &key.write())
}

/// Brands that the scanner is told, beside its own.
pub(crate) const NAMED: [&str; 1] = ["zz9"];
const BRANDS: [&str; 4] = [PREFIX, "wkadmin_live_", "zz9_test_", OTHER_BRAND];
const OTHER_BRAND: &str = "other_live_";
const KEY_ID: [u8; 8] = [0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
const SUBJECT: &[u8] = b"svc:fuzz";
/// Characters that hold tag and checksum.
const TAIL_LEN: usize = 27;
/// Characters behind a prefix that hold nothing of the tag.
const PUBLIC_LEN: usize = 38;
/// So few in a row give nothing away.
const WINDOW: usize = 8;
const WRONG: [&str; 8] = ["~", ".", " ", "\n", "x", "_", "\u{e9}", "\\"];
const LINE_LEN: usize = 76;
const LINE_BREAKS: [&str; 4] = ["", "\n", "\\n", "\n> "];
