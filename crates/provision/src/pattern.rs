//! Patterns of a policy's rules: whom and what they are about. A key never holds one.

use wardkey::Subject;

/// A text itself, all texts that begin with it, or any text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pattern<'p> {
    /// This text and no other.
    Exact(&'p str),
    /// What begins with this and goes on, such as `svc:*`.
    Beginning(&'p str),
    /// `*`.
    Any,
}

impl<'p> Pattern<'p> {
    /// Reads a pattern: a star stands at its end, behind one of `: . / - _` or alone, so that `svc:b*` cannot be
    /// mistaken for the one service that its writer had in mind.
    pub(crate) fn read(text: &'p str) -> Option<Self> {
        match text.strip_suffix('*') {
            Some("") => Some(Self::Any),
            Some(beginning) if beginning.contains('*') => None,
            Some(beginning) => {
                beginning.ends_with([':', '.', '/', '-', '_']).then_some(Self::Beginning(beginning))
            }
            None if text.is_empty() || text.contains('*') => None,
            None => Some(Self::Exact(text)),
        }
    }

    /// Whether it is about a text.
    pub(crate) fn covers(self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Beginning(beginning) => {
                text.strip_prefix(beginning).is_some_and(|rest| !rest.is_empty())
            }
            Self::Any => true,
        }
    }

    /// Whether it can be about a subject at all.
    pub(crate) fn is_of_subjects(self) -> bool {
        match self {
            Self::Exact(text) | Self::Beginning(text) => Subject::new(text).is_ok(),
            Self::Any => true,
        }
    }
}

/// Whether one of some patterns is about a text. What is no pattern is about nothing.
pub(crate) fn any_covers(patterns: &[String], text: &str) -> bool {
    patterns.iter().filter_map(|pattern| Pattern::read(pattern)).any(|one| one.covers(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_behind_a_separator_or_alone() {
        for bad in ["", "svc*", "*svc", "svc:*:a", "**", "svc:**", "svc:*a", "s*c"] {
            assert_eq!(Pattern::read(bad), None, "{bad}");
        }
        for good in ["*", "svc:*", "svc.*", "svc/*", "svc-*", "svc_*", "svc:billing"] {
            assert!(Pattern::read(good).is_some_and(Pattern::is_of_subjects), "{good}");
        }
        for of_no_subject in ["Svc:*", ":*", "svc billing"] {
            assert!(!Pattern::read(of_no_subject).is_some_and(Pattern::is_of_subjects));
        }
    }

    #[test]
    fn a_pattern_covers_what_goes_on_behind_its_beginning() {
        let covers = |pattern, text| Pattern::read(pattern).expect(pattern).covers(text);
        assert!(covers("svc:*", "svc:billing") && covers("svc:*", "svc:a:b"));
        assert!(!covers("svc:*", "svc:") && !covers("svc:*", "svc") && !covers("svc:*", "svcs:a"));
        assert!(covers("svc:a", "svc:a") && !covers("svc:a", "svc:ab") && !covers("svc:a", "svc:"));
        assert!(covers("*", "whatever"));
    }
}
