//! The credentials in a text, as records that a host can cut it by.

use core::fmt::Write;

use wardkey::{Finding, FindingKind, Scanner};

use crate::memory::Stretches;
use crate::outcome;
use crate::page::Page;

/// Bytes of a record: README.md says which are what.
pub(crate) const RECORD_LEN: usize = 68;
/// Bytes of a record before its label.
const FRONT_LEN: usize = 12;
/// Most brands of a host.
const MOST_BRANDS: usize = 16;

/// Writes a record behind the text for each credential in its first `len` bytes, wipes the text, and tells how many there are.
///
/// WHY not inlined: what it leaves on the stack is wiped by its caller, whose own frame is not.
#[inline(never)]
pub(crate) fn record(
    mut above: Stretches<'_>,
    len: usize,
    brands: &[u8],
    deep: bool,
) -> Result<usize, i32> {
    let mut named = [""; MOST_BRANDS];
    let brands = named_in(brands, &mut named)?;
    let scanner = Scanner::new(brands).map_err(|_| outcome::NO_BRAND)?;
    let scanner = if deep { scanner.deep() } else { scanner };
    let text = above.take(len).ok_or(outcome::NO_MEMORY)?;
    let mut count = 0;
    for finding in scanner.scan(text) {
        let slot = above.take(RECORD_LEN).ok_or(outcome::NO_MEMORY)?;
        lay_out(&finding, slot).ok_or(outcome::MISUSE)?;
        count += 1;
    }
    text.fill(0);
    Ok(count)
}

/// The words of a text, a space between them.
fn named_in<'i, 's>(text: &'i [u8], named: &'s mut [&'i str]) -> Result<&'s [&'i str], i32> {
    let text = str::from_utf8(text).map_err(|_| outcome::NO_BRAND)?;
    let mut count = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        *named.get_mut(count).ok_or(outcome::NO_BRAND)? = word;
        count += 1;
    }
    named.get(..count).ok_or(outcome::MISUSE)
}

fn lay_out(finding: &Finding, slot: &mut [u8]) -> Option<()> {
    let (front, label) = slot.split_at_mut_checked(FRONT_LEN)?;
    let mut page = Page::new(label);
    write!(page, "{finding}").ok()?;
    let label_len = u8::try_from(page.len()).ok()?;
    let kind = match finding.kind() {
        FindingKind::Key(_) => 0,
        FindingKind::BootstrapToken => 2,
        _ => 1,
    };
    let range = finding.range();
    let words = [
        u32::try_from(range.start).ok()?.to_le_bytes(),
        u32::try_from(range.end).ok()?.to_le_bytes(),
        [kind, u8::from(finding.is_base64()), label_len, 0],
    ];
    for (place, word) in front.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *place = word;
    }
    Some(())
}
