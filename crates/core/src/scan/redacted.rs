//! A text without its credentials.

use core::fmt;
use core::ops::Range;

use super::{Finding, Findings, Scanner};

/// A part of a text: as it is, or a credential.
#[derive(Debug)]
pub enum Piece<'t> {
    /// What holds no credential.
    Text(&'t [u8]),
    /// What does; its `Display` is what to write instead.
    Credential(Finding),
}

/// What [`Scanner::pieces`] answers: a text cut where credentials begin and end, in order.
#[derive(Debug)]
pub struct Pieces<'t, 'b> {
    text: &'t [u8],
    cuts: Cuts<'t, 'b>,
}

impl<'t, 'b> Pieces<'t, 'b> {
    pub(super) const fn new(text: &'t [u8], findings: Findings<'t, 'b>) -> Self {
        Self { text, cuts: Cuts { len: text.len(), findings, at: 0, finding: None } }
    }
}

impl<'t> Iterator for Pieces<'t, '_> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        Some(match self.cuts.next()? {
            Cut::Text(range) => Piece::Text(self.text.get(range).unwrap_or_default()),
            Cut::Credential(finding) => Piece::Credential(finding),
        })
    }
}

/// What [`Scanner::redact`] answers: a text that is scanned while it is displayed.
#[derive(Clone, Copy)]
pub struct Redacted<'t, 'b> {
    text: &'t str,
    scanner: Scanner<'b>,
}

impl<'t, 'b> Redacted<'t, 'b> {
    pub(super) const fn new(text: &'t str, scanner: Scanner<'b>) -> Self {
        Self { text, scanner }
    }
}

impl fmt::Display for Redacted<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let findings = self.scanner.scan(self.text.as_bytes());
        for cut in (Cuts { len: self.text.len(), findings, at: 0, finding: None }) {
            match cut {
                // INVARIANT: findings begin and end at ASCII characters, so that no other is ever cut.
                Cut::Text(range) => f.write_str(self.text.get(range).unwrap_or_default())?,
                Cut::Credential(finding) => fmt::Display::fmt(&finding, f)?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Redacted<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redacted").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Cuts<'t, 'b> {
    len: usize,
    findings: Findings<'t, 'b>,
    at: usize,
    finding: Option<Finding>,
}

enum Cut {
    Text(Range<usize>),
    Credential(Finding),
}

impl Iterator for Cuts<'_, '_> {
    type Item = Cut;

    fn next(&mut self) -> Option<Cut> {
        if let Some(finding) = self.finding.take() {
            return Some(Cut::Credential(finding));
        }
        self.finding = self.findings.next();
        let (upto, next) = match &self.finding {
            Some(finding) => (finding.range.start, finding.range.end),
            None => (self.len, self.len),
        };
        let text = self.at..upto;
        self.at = next;
        if !text.is_empty() {
            return Some(Cut::Text(text));
        }
        self.finding.take().map(Cut::Credential)
    }
}
