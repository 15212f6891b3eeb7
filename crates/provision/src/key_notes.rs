//! What people note down of a key: it stands in the book, not in the key, and may change at any time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::free_text::check_free_text;
use crate::grant::GrantRefused;

/// Name, owner, tags and notes, all of them texts that may be kept.
///
/// # Guarantees
/// Only [`KeyNotes::check`] makes them: none holds a credential or control characters, and none is longer than it
/// may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyNotes {
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Who answers for it.
    owner: String,
    /// What it is found by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    /// Whatever else its owner wrote.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    meta: BTreeMap<String, String>,
}

impl KeyNotes {
    /// Checks the texts; tags come out sorted, each once.
    ///
    /// # Errors
    /// [`GrantRefused::Field`] with the field that is not acceptable, without repeating it.
    pub fn check(
        name: Option<&str>,
        owner: &str,
        tags: &[String],
        meta: &BTreeMap<String, String>,
    ) -> Result<Self, GrantRefused> {
        let field = |field, problem: String| GrantRefused::Field { field, problem };
        let free_text = |at, text: &str, longest| {
            check_free_text(text, longest).map_err(|problem| field(at, problem))
        };
        if let Some(name) = name {
            free_text("name", name, MAX_TEXT_LEN)?;
        }
        free_text("owner", owner, MAX_TEXT_LEN)?;
        if tags.len() > MAX_COUNT {
            return Err(field("tags", format!("must be at most {MAX_COUNT}")));
        }
        for tag in tags {
            check_tag(tag).map_err(|problem| field("tags", problem))?;
        }
        if meta.len() > MAX_COUNT {
            return Err(field("meta", format!("must have at most {MAX_COUNT} members")));
        }
        for (name, value) in meta {
            free_text("meta", name, MAX_NAME_LEN)?;
            free_text("meta", value, MAX_VALUE_LEN)?;
            // A credential cut in two would be found in neither half.
            free_text("meta", &format!("{name}{value}"), MAX_NAME_LEN + MAX_VALUE_LEN)?;
        }
        let mut tags = tags.to_vec();
        tags.sort();
        tags.dedup();
        Ok(Self { name: name.map(Into::into), owner: owner.into(), tags, meta: meta.clone() })
    }

    /// A name for people.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Who answers for the key.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What it is found by, ascending.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Whatever else its owner wrote.
    pub const fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }
}

/// Whether a text may be a tag.
///
/// # Errors
/// What is wrong with it, without repeating it.
pub fn check_tag(text: &str) -> Result<(), String> {
    check_free_text(text, MAX_NAME_LEN)
}

/// Longest name and owner, in bytes.
const MAX_TEXT_LEN: usize = 128;
/// Longest tag, and longest name of a note, in bytes.
pub(crate) const MAX_NAME_LEN: usize = 64;
/// Longest note, in bytes.
const MAX_VALUE_LEN: usize = 256;
/// Most tags, and most notes.
const MAX_COUNT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_be_kept_is_named_by_its_field_and_not_repeated() {
        let (front, back) = ("wkboot_1_2_", "x".repeat(43));
        let token = format!("{front}{back}");
        let long = "x".repeat(65);
        let note = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let many: Vec<String> = (0..17).map(|n| format!("t{n}")).collect();
        let none = BTreeMap::new();
        let cases = [
            (KeyNotes::check(Some(""), "o", &[], &none), "name"),
            (KeyNotes::check(Some(&token), "o", &[], &none), "name"),
            (KeyNotes::check(None, "a\u{7}", &[], &none), "owner"),
            (KeyNotes::check(None, "o", std::slice::from_ref(&long), &none), "tags"),
            (KeyNotes::check(None, "o", &many, &none), "tags"),
            (KeyNotes::check(None, "o", &[], &note(&long, "v")), "meta"),
            (KeyNotes::check(None, "o", &[], &note("n", &token)), "meta"),
            (KeyNotes::check(None, "o", &[], &note(front, &back)), "meta"),
            (KeyNotes::check(None, "o", &[], &note("n", &"x".repeat(257))), "meta"),
        ];
        for (notes, expected) in cases {
            match notes {
                Err(GrantRefused::Field { field, problem }) => {
                    assert_eq!(field, expected);
                    assert!(!problem.contains(front), "{problem}");
                }
                other => panic!("{expected}: {other:?}"),
            }
        }
        let tags = ["b", "a", "b"].map(String::from);
        let good = KeyNotes::check(Some("n"), "o", &tags, &note("n", "v")).expect("good");
        assert_eq!(good.tags(), ["a", "b"]);
    }
}
