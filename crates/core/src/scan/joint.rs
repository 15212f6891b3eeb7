//! What may stand between two characters of a credential, put there by whatever passed the text on: line
//! breaks with what begins the next line, strings that are joined, colours.

use super::work;

/// Bytes of the joint that `text` begins with, if any.
///
/// A line break may be escaped (in JSON, also twice) or continued (shells, quoted-printable), and what the next line begins
/// with may be indentation and the marks of quoted e-mail, comments and lists. There is one break at most, so that
/// nothing reaches over an empty line.
pub(super) fn joint_len(text: &[u8]) -> usize {
    let before = colours_len(text);
    let rest = text.get(before..).unwrap_or_default();
    let len = before + break_len(rest).or_else(|| concatenation_len(rest)).unwrap_or(0);
    let len = len + colours_len(text.get(len..).unwrap_or_default());
    work::spend(len);
    len
}

/// Bytes of the joint that `text` ends with.
pub(super) fn joint_len_before(text: &[u8]) -> Option<usize> {
    let last = *text.last()?;
    if !is_blank(last)
        && !matches!(last, b'\n' | b'n' | b'm' | b'K' | b'>' | b'#' | b'*' | b'"' | b'\'' | b'`')
    {
        return None;
    }
    let mut joint = None;
    let bytes = text.iter().rev().take(MAX_JOINT_LEN);
    for (byte, len) in bytes.take_while(|byte| may_be_in_joint(**byte)).zip(1..) {
        work::spend(1);
        let begins = matches!(*byte, b'\n' | b'\r' | b'\\' | b'=' | ESCAPE | b'"' | b'\'' | b'`');
        if begins && text.get(text.len() - len..).map(joint_len) == Some(len) {
            joint = Some(len);
        }
    }
    joint
}

/// Bytes of the colour sequences that `text` begins with, as `grep --color` and others write them.
pub(super) fn colours_len(text: &[u8]) -> usize {
    let mut len = 0;
    for _ in 0..MAX_COLOURS {
        let Some([ESCAPE, b'[', rest @ ..]) = text.get(len..) else { break };
        let numbers = rest.iter().take(MAX_COLOUR_LEN);
        let numbers = numbers.take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
        if !matches!(rest.get(numbers), Some(b'm' | b'K')) {
            break;
        }
        len += 2 + numbers + 1;
    }
    len
}

fn break_len(text: &[u8]) -> Option<usize> {
    let line = match text {
        [b'\n', ..] => 1,
        [b'\r' | b'=' | b'\\', b'\n', ..] => 2,
        [b'=' | b'\\', b'\r', b'\n', ..] => 3,
        [b'\\', ..] => {
            let carriage = escape_len(text, b'r').unwrap_or(0);
            carriage + escape_len(text.get(carriage..)?, b'n')?
        }
        _ => return None,
    };
    Some(line + line_front_len(text.get(line..)?))
}

/// Bytes of an escape such as `\n`, whose backslash may have been escaped in turn.
fn escape_len(text: &[u8], letter: u8) -> Option<usize> {
    let slashes = slashes(text.iter());
    (slashes > 0 && text.get(slashes) == Some(&letter)).then_some(slashes + 1)
}

/// Backslashes that follow one another, as many as escaping twice makes of one.
pub(super) fn slashes<'t>(bytes: impl Iterator<Item = &'t u8>) -> usize {
    bytes.take(MAX_SLASHES).take_while(|byte| **byte == b'\\').count()
}

/// Bytes of the blanks and marks that a line begins with.
fn line_front_len(line: &[u8]) -> usize {
    let mut len = 0;
    while len < MAX_FRONT_LEN {
        len += match line.get(len..) {
            Some([b' ' | b'\t' | b'>' | b'#' | b'*', ..]) => 1,
            // Both are digits of base64, too.
            Some([b'/', b'/', b' ' | b'\t', ..]) => 3,
            _ => break,
        };
    }
    len
}

/// Bytes of what joins two strings: from one's closing quote to the other's opening one.
fn concatenation_len(text: &[u8]) -> Option<usize> {
    let (quote @ (b'"' | b'\'' | b'`'), rest) = text.split_first()? else { return None };
    let between = rest.iter().take(MAX_FRONT_LEN).take_while(|byte| {
        is_blank(**byte) || matches!(byte, b'+' | b'.' | b'&' | b'\\' | b'\n' | b'\r')
    });
    let between = between.count();
    work::spend(between);
    // Blanks alone part words.
    let joined = rest.get(..between)?.iter().any(|byte| !is_blank(*byte));
    (joined && rest.get(between) == Some(quote)).then_some(between + 2)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn may_be_in_joint(byte: u8) -> bool {
    is_blank(byte)
        || matches!(byte, b'\n' | b'\r' | b'\\' | b'=' | b'n' | b'r' | b'>' | b'#' | b'*' | b'/')
        || matches!(byte, b'"' | b'\'' | b'`' | b'+' | b'.' | b'&')
        || matches!(byte, ESCAPE | b'[' | b';' | b'0'..=b'9' | b'm' | b'K')
}

const ESCAPE: u8 = 0x1b;
/// Blanks and marks before a line, and what stands between two strings, so that the work stays bounded.
const MAX_FRONT_LEN: usize = 64;
const MAX_COLOURS: usize = 4;
/// Of the numbers in one.
const MAX_COLOUR_LEN: usize = 16;
const MAX_SLASHES: usize = 4;
/// The longest that is worth looking for backwards.
const MAX_JOINT_LEN: usize = 128;
