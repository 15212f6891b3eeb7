//! What is done to the text, where everything behind it stays as it was.

use crate::chance::Chance;
use crate::spelling::ALPHABET;

/// Changes the text of a key, ASCII so far, in one way; it stays UTF-8.
pub(super) fn respell(text: &mut Vec<u8>, chance: &mut Chance) {
    let place = chance.place(text.len());
    match chance.below(20) {
        0 => turn_case(text, place),
        1 => text.make_ascii_uppercase(),
        2 => alias(text, chance),
        3 => text.extend_from_slice(if chance.one_in(2) { b"=" } else { b"==" }),
        4 => take_standard_alphabet(text),
        5 | 6 => insert(text, place, pick(&SPACES, chance)),
        7 => insert(text, text.len(), pick(&SPACES, chance)),
        8 => insert(text, 0, pick(&SPACES, chance)),
        9 | 10 => {
            text.remove(place);
            insert(text, place, pick(&LOOK_ALIKES, chance));
        }
        11 => set(text, place, digit(chance)),
        12 => insert(text, place, &[digit(chance)]),
        13 => {
            text.remove(place);
        }
        14 if place > 0 => text.swap(place - 1, place),
        15 => text.truncate(place),
        16 => {
            text.drain(..place);
        }
        17 => text.extend_from_within(..),
        18 => insert(text, 0, pick(&FRONTS, chance)),
        _ => {
            // As a web address would have it.
            let byte = text.get(place).copied().unwrap_or(b'_');
            text.remove(place);
            insert(text, place, format!("%{byte:02X}").as_bytes());
        }
    }
}

fn turn_case(text: &mut [u8], place: usize) {
    let letter = |byte: &&mut u8| byte.is_ascii_alphabetic();
    if let Some(letter) = text.iter_mut().skip(place).find(letter) {
        *letter ^= 0x20;
    }
}

/// Another last digit, mostly one that a decoder which forgets spare bits takes for the same.
fn alias(text: &mut [u8], chance: &mut Chance) {
    if let Some(last) = text.last_mut() {
        let value = ALPHABET.iter().position(|digit| digit == last).unwrap_or(0);
        let other = value & !15 | value.wrapping_add(1 + chance.place(15)) & 15;
        *last = ALPHABET.get(other).copied().unwrap_or(b'A');
    }
}

fn take_standard_alphabet(text: &mut [u8]) {
    // Behind the prefix: there an underscore is none of the alphabet.
    let behind = text.iter().position(|byte| *byte == b'_').map_or(0, |place| place + 6);
    for byte in text.iter_mut().skip(behind) {
        match byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
}

fn digit(chance: &mut Chance) -> u8 {
    *chance.pick(ALPHABET).unwrap_or(&b'A')
}

fn set(text: &mut [u8], place: usize, with: u8) {
    if let Some(byte) = text.get_mut(place) {
        *byte = with;
    }
}

fn insert(text: &mut Vec<u8>, place: usize, with: &[u8]) {
    text.splice(place..place, with.iter().copied()).for_each(drop);
}

fn pick<'l>(list: &[&'l str], chance: &mut Chance) -> &'l [u8] {
    chance.pick(list).copied().unwrap_or_default().as_bytes()
}

/// Blanks that some trim or skip, seen and unseen.
const SPACES: [&str; 12] = [
    " ", "\n", "\r\n", "\t", "\0", "\u{b}", "\u{a0}", "\u{200b}", "\u{feff}", "\u{2028}", "\u{ad}",
    "\u{202e}",
];
/// Characters that look like a key's, or that some fold to one.
const LOOK_ALIKES: [&str; 14] =
    ["а", "е", "о", "р", "с", "х", "ｗ", "Ａ", "０", "＿", "‐", "ſ", "\u{212a}", "é"];
const FRONTS: [&str; 8] = ["Bearer ", "bearer ", "\"", "key=", "wk_live_", "_", "A", "https://"];
