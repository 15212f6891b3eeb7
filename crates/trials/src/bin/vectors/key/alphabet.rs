//! Characters that are not in base64url's alphabet (1): each alone, where a careless decoder has a digit of its own
//! for it, and several at once, where each could hide the other.

use super::{add, bad, good};
use crate::file::VectorFile;
use crate::key_bytes::{Key, key};

const STAGE: &str = "2.7 step 1";

/// The digits are `aZ0z-_A9` from the ninth on, two whole groups.
fn with_every_kind() -> Key {
    Key { key_id: [0, 105, 157, 51, 251, 240, 61, 0], ..key() }
}

pub(super) fn foreign_characters(file: &mut VectorFile) {
    add(file, STAGE, "the first and the last digit of each kind", good(&with_every_kind()));
    let text = with_every_kind().text();
    // Beside the digit in ASCII, or where a range that goes one too far has it stand for the digit.
    for (foreign, digit) in [
        ('@', 'A'),
        ('@', '_'),
        ('[', 'Z'),
        ('[', 'a'),
        ('`', 'a'),
        ('`', 'Z'),
        ('`', '_'),
        ('{', 'z'),
        ('{', '0'),
        ('/', '0'),
        ('/', 'z'),
        (':', '9'),
        (':', '-'),
        (';', '_'),
        (',', '-'),
        ('.', '-'),
        ('.', '_'),
        ('^', '_'),
        ('~', '_'),
        ('\r', '-'),
        ('\u{7f}', '_'),
    ] {
        let digits: String =
            "aZ0z-_A9".chars().map(|c| if c == digit { foreign } else { c }).collect();
        let name = format!("{foreign:?} for the digit {digit}");
        add(file, STAGE, &name, bad(text.replacen("aZ0z-_A9", &digits, 1)));
    }
    for foreign in (0..128_u8).map(char::from).filter(|c| !super::ALPHABET.contains(*c)) {
        let text = text.replacen('a', &foreign.to_string(), 1);
        add(file, STAGE, &format!("the character {foreign:?} inside"), bad(text));
    }
    // Payloads of 60, 59 and 61 bytes: a last group of four, three and two digits.
    for (subject, digits) in [("svc:billing", 4), ("svc:billin", 3), ("svc:billing1", 2)] {
        let text = Key { subject: subject.into(), ..key() }.text();
        for foreign in NEIGHBOURS {
            for place in 0..digits {
                let name = format!("{foreign:?} at place {place} of {digits} last digits");
                let at = text.len() - digits + place;
                add(file, STAGE, &name, bad(replaced(&text, &[at], foreign)));
            }
        }
    }
}

/// A decoder that joins what it finds out by xor or by a sum takes two foreign characters for none; the digits
/// are chosen so that it would then read the very key.
pub(super) fn that_hide_each_other(file: &mut VectorFile) {
    // A foreign character may count as the digit 0, or as one of all ones.
    for (byte, digit) in [(0, 'A'), (255, '_')] {
        let key = Key { key_id: [byte; 8], ..key() };
        let text = key.text();
        let group = text.find(&digit.to_string().repeat(8)).unwrap_or_default();
        for (name, places) in SEVERAL {
            let places: Vec<usize> = places.iter().map(|place| group + place).collect();
            for foreign in ['@', '['] {
                let name = format!("{foreign:?} for the digits {digit} {name}");
                add(file, STAGE, &name, bad(replaced(&text, &places, foreign)));
            }
        }
        // Two that are not the same.
        let two = replaced(&replaced(&text, &[group], '@'), &[group + 1], '`');
        add(file, STAGE, &format!("'@' and '`' for the digits {digit} in one group"), bad(two));
    }
    // At the end, where groups are of two and of three digits.
    for (subject, end) in [("svc:billing1", "AA"), ("svc:billin", "AAA")] {
        let of = |index| Key { index, subject: subject.into(), ..key() };
        let Some(key) = (0..).map(of).find(|key| key.text().ends_with(end)) else { continue };
        add(file, STAGE, &format!("a last group of the digits {end}"), good(&key));
        let text = key.text();
        let pairs = [[0, 1], [0, 2], [1, 2]];
        for [first, second] in
            pairs.into_iter().filter(|pair| pair.iter().all(|at| *at < end.len()))
        {
            let name =
                format!("two foreign characters at places {first} and {second} of a last {end}");
            let at = text.len() - end.len();
            add(file, STAGE, &name, bad(replaced(&text, &[at + first, at + second], '@')));
        }
    }
}

/// The text with a character at these places.
pub(crate) fn replaced(text: &str, places: &[usize], by: char) -> String {
    text.char_indices().map(|(at, c)| if places.contains(&at) { by } else { c }).collect()
}

/// What stands beside the alphabet's five ranges.
const NEIGHBOURS: [char; 9] = ['@', '[', '`', '{', '/', ':', ',', '.', '^'];

/// Places of two groups.
const SEVERAL: [(&str, &[usize]); 10] = [
    ("at places 0 and 1", &[0, 1]),
    ("at places 0 and 2", &[0, 2]),
    ("at places 0 and 3", &[0, 3]),
    ("at places 1 and 2", &[1, 2]),
    ("at places 1 and 3", &[1, 3]),
    ("at places 2 and 3", &[2, 3]),
    ("at places 0, 1 and 2", &[0, 1, 2]),
    ("at all four places", &[0, 1, 2, 3]),
    ("at the same place of two groups", &[1, 5]),
    ("at other places of two groups", &[0, 6]),
];
