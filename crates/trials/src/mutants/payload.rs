//! What is done to base, blocks, tag and prefix, under a checksum that is mended afterwards.

use wardkey::{SigningKey, TAG_LEN};

use super::draft::Draft;
use super::pool::{GoodKey, Pool, SUBJECT};
use crate::chance::Chance;
use crate::issuer::tag_after;

/// What a mutant is made of: a key, another one, and all the rest.
#[derive(Clone, Copy)]
pub(super) struct From<'p> {
    pub(super) key: &'p GoodKey,
    pub(super) other: &'p GoodKey,
    pub(super) pool: &'p Pool,
}

pub(super) type Operator = fn(&mut Draft, From<'_>, &mut Chance);

/// Each takes the places of fields from the good key: after another operator they may lie elsewhere, which
/// makes one more kind of mutant.
pub(super) const OPERATORS: [Operator; 30] = [
    flip_bits,
    flip_bits_of_the_tag,
    set_byte,
    insert_bytes,
    remove_bytes,
    double_bytes,
    swap_field,
    swap_field,
    splice_at_edges,
    splice_at_edges,
    splice_anywhere,
    bend_length,
    bend_length,
    move_block,
    drop_block,
    double_block,
    add_block_of_another,
    add_block_under_the_old_tag,
    take_tag_of_another,
    take_shorter_tag,
    cut_tag,
    blank_tag,
    turn_tag,
    bend_version,
    bend_flags,
    bend_times,
    extend_expiry,
    add_scopes,
    take_signing_key_id,
    take_prefix,
];

/// A holder appends a block under the right tag: the one thing that is allowed to it.
pub(super) fn append(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some((block, _)) = chance.pick(&from.pool.blocks) else { return };
    let (at, tag) = (draft.tag_at(), tag_after(&draft.tag(), block));
    draft.replace(at, at, block);
    draft.set_tag(&tag);
}

/// A tag over all that was made, by whatever key its maker might hold: a stranger's, a list key, another
/// epoch's, the key's own tag. Never by the one that the base names: that would be a good key.
pub(super) fn tag_with_a_wrong_key(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let at = draft.tag_at();
    let signed = draft.payload.get(..at).unwrap_or_default();
    let (base, blocks) = signed.split_at_checked(from.key.base_len).unwrap_or((signed, &[]));
    let mut secret = [0; 32];
    secret.iter_mut().zip(draft.tag()).for_each(|(to, from)| *to = from);
    let its_own_tag;
    let key = match chance.below(4) {
        0 => {
            its_own_tag = SigningKey::new(&secret);
            Some(&its_own_tag)
        }
        1 => {
            let named = signed.get(1..5).unwrap_or_default();
            let other = chance.pick(&from.pool.signing_keys);
            other.filter(|(name, _)| name != named).map(|(_, key)| key)
        }
        _ => chance.pick(&from.pool.wrong_keys),
    };
    let Some(key) = key else { return };
    let tag = if chance.one_in(3) {
        *key.tag(signed).secret_bytes()
    } else {
        let mut tag = *key.tag(base).secret_bytes();
        let mut rest = blocks;
        while let [_, len, ..] = rest
            && let Some((block, behind)) = rest.split_at_checked(2 + usize::from(*len))
        {
            tag = tag_after(&tag, block);
            rest = behind;
        }
        tag
    };
    draft.set_tag(&tag);
}

fn flip_bits(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    for _ in 0..=chance.below(8) {
        let (place, bit) = (chance.place(draft.payload.len()), chance.below(8));
        draft.change(place, |byte| byte ^ 1 << bit);
    }
}

fn flip_bits_of_the_tag(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    for _ in 0..=chance.below(4) {
        let (place, bit) = (draft.tag_at() + chance.place(TAG_LEN), chance.below(8));
        draft.change(place, |byte| byte ^ 1 << bit);
    }
}

fn set_byte(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let value = *chance.pick(&[0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0xff]).unwrap_or(&0);
    let place = chance.place(draft.payload.len());
    draft.change(place, |_| value);
}

fn insert_bytes(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let bytes: [u8; 4] = if chance.one_in(2) { [0; 4] } else { chance.bytes() };
    let place = chance.place(draft.payload.len() + 1);
    draft.replace(place, place, bytes.get(..=chance.place(4)).unwrap_or(&bytes));
}

fn remove_bytes(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let place = chance.place(draft.payload.len());
    draft.replace(place, place + 1 + chance.place(4), &[]);
}

fn double_bytes(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let place = chance.place(draft.payload.len());
    let mut again = [0; 8];
    let len = 1 + chance.place(again.len());
    let found = draft.payload.get(place..place + len).unwrap_or_default();
    again.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
    draft.replace(place, place, again.get(..found.len()).unwrap_or_default());
}

/// The same field of another key, blocks and tag counted.
fn swap_field(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let fields = from.key.edges.len().min(from.other.edges.len()).saturating_sub(1);
    let field = chance.place(fields);
    let (Some([start, end]), Some([from_start, from_end])) =
        (from.key.edges.get(field..field + 2), from.other.edges.get(field..field + 2))
    else {
        return;
    };
    let theirs = from.other.payload.get(*from_start..*from_end).unwrap_or_default();
    draft.replace(*start, *end, theirs);
}

fn splice_at_edges(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let (Some(end), Some(start)) = (chance.pick(&from.key.edges), chance.pick(&from.other.edges))
    else {
        return;
    };
    draft.replace(*end, usize::MAX, from.other.payload.get(*start..).unwrap_or_default());
}

fn splice_anywhere(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let end = chance.place(draft.payload.len() + 1);
    let theirs = &from.other.payload;
    // At the same place more often than not.
    let start = if chance.one_in(3) { chance.place(theirs.len()) } else { end };
    draft.replace(end, usize::MAX, theirs.get(start..).unwrap_or_default());
}

fn bend_length(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some(place) = chance.pick(&from.key.lengths) else { return };
    let by = *chance.pick(&[1, 0xff, 2, 0xfe, 0x40, 0x80]).unwrap_or(&1);
    draft.change(*place, |byte| byte.wrapping_add(by));
}

fn move_block(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some((start, end)) = chance.pick(&from.key.blocks).copied() else { return };
    let block = from.key.payload.get(start..end).unwrap_or_default();
    draft.replace(start, end, &[]);
    let to = chance.pick(&from.key.edges).copied().unwrap_or(from.key.base_len);
    draft.replace(to, to, block);
}

fn drop_block(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    match chance.pick(&from.key.blocks).copied() {
        // All from there on, as a thief would like to.
        Some((start, _)) if chance.one_in(2) => {
            let at = draft.tag_at();
            draft.replace(start, at, &[]);
        }
        Some((start, end)) => draft.replace(start, end, &[]),
        None => {}
    }
}

fn double_block(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some((start, end)) = chance.pick(&from.key.blocks).copied() else { return };
    let block = from.key.payload.get(start..end).unwrap_or_default();
    draft.replace(end, end, block);
}

/// Another key's block in front of, between or behind its own.
fn add_block_of_another(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some((start, end)) = chance.pick(&from.other.blocks).copied() else { return };
    let block = from.other.payload.get(start..end).unwrap_or_default();
    let to = match chance.pick(&from.key.blocks) {
        Some((start, _)) if chance.one_in(2) => *start,
        _ => draft.tag_at(),
    };
    draft.replace(to, to, block);
}

fn add_block_under_the_old_tag(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some((block, _)) = chance.pick(&from.pool.blocks) else { return };
    let at = draft.tag_at();
    draft.replace(at, at, block);
}

fn take_tag_of_another(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let tag = if chance.one_in(2) { from.other.tag().copied() } else { Some(from.other.shorter) };
    draft.set_tag(&tag.unwrap_or_default());
}

/// The tag that the key had before it was narrowed, which its holder does not know.
fn take_shorter_tag(draft: &mut Draft, from: From<'_>, _: &mut Chance) {
    draft.set_tag(&from.key.shorter);
}

fn cut_tag(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let len = draft.payload.len();
    draft.payload.truncate(len.saturating_sub(1 + chance.place(TAG_LEN)));
}

fn blank_tag(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let with = if chance.one_in(2) { 0 } else { 0xff };
    let mut tag = draft.tag();
    let kept = chance.place(TAG_LEN);
    tag.iter_mut().skip(kept).for_each(|byte| *byte = with);
    draft.set_tag(&tag);
}

fn turn_tag(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let mut tag = draft.tag();
    if chance.one_in(2) {
        tag.reverse();
    } else {
        tag.rotate_left(1 + chance.place(TAG_LEN - 1));
    }
    draft.set_tag(&tag);
}

fn bend_version(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let version = *chance.pick(&[0, 2, 3, 0x81, 0xff]).unwrap_or(&2);
    draft.change(0, |_| version);
}

/// Constraints announced where there are none or the reverse, and the bit that means nothing.
fn bend_flags(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let flag = if chance.one_in(2) { 0x80 } else { 0x40 };
    draft.change(SUBJECT, |byte| byte ^ flag);
}

/// Issued-at, expires-at or the status index, by a little or to the end.
fn bend_times(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let place = *chance.pick(&[13, 17, 21]).unwrap_or(&21);
    let number = draft.payload.get(place..).and_then(|rest| rest.first_chunk()).copied();
    let number = u32::from_be_bytes(number.unwrap_or_default());
    let bent = match chance.below(4) {
        0 => 0,
        1 => u32::MAX,
        2 => number.wrapping_sub(chance.between(1, 100_000)),
        _ => number.wrapping_add(chance.between(1, 100_000)),
    };
    draft.replace(place, place + 4, &bent.to_be_bytes());
}

fn extend_expiry(draft: &mut Draft, _: From<'_>, chance: &mut Chance) {
    let later = chance.between(1, 250);
    // Of the 65,536 seconds' byte, so that nothing else changes.
    draft.change(22, |byte| byte.saturating_add(later as u8));
}

fn add_scopes(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let Some(length_at) = from.key.lengths.get(1).copied() else { return };
    let len = from.key.payload.get(length_at).copied().unwrap_or(0);
    if chance.one_in(3) {
        let end = length_at + 1 + usize::from(len);
        draft.replace(end, end, &[1 << chance.below(8)]);
        draft.change(length_at, |byte| byte.wrapping_add(1));
    } else {
        let (place, bit) = (length_at + 1 + chance.place(len.into()), chance.below(8));
        draft.change(place, |byte| byte | 1 << bit);
    }
}

/// Tenant, audience and epoch of another key or of one of the verifier's.
fn take_signing_key_id(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    let theirs = from.other.payload.get(1..5).unwrap_or_default();
    match chance.pick(&from.pool.signing_keys) {
        Some((name, _)) if chance.one_in(2) => draft.replace(1, 5, name),
        _ => draft.replace(1, 5, theirs),
    }
}

fn take_prefix(draft: &mut Draft, from: From<'_>, chance: &mut Chance) {
    match chance.below(4) {
        0 => draft.prefix.splice(.., *b"wk_live_").for_each(drop),
        1 => {
            // The other environment.
            let brand = draft.prefix.split(|byte| *byte == b'_').next().unwrap_or_default().len();
            let live = draft.prefix.get(brand..) == Some(b"_live_");
            let other = if live { *b"_test_" } else { *b"_live_" };
            draft.prefix.splice(brand.min(draft.prefix.len()).., other).for_each(drop);
        }
        2 => {
            let place = chance.place(draft.prefix.len());
            if let Some(letter) = draft.prefix.get_mut(place) {
                *letter = b'a' + chance.below(26) as u8;
            }
        }
        _ => draft.prefix.clone_from(&from.other.prefix),
    }
}
