//! `list<finding>`, as the host reads it.

use wardkey::{Finding, FindingKind};

use crate::scanning::label::{Label, MAX_LABEL_LEN};
use crate::scanning::text::Text;

/// Bytes of a record.
pub(crate) const RECORD_LEN: usize = 24;
/// Where its label's address stands in it.
const LABEL: usize = 16;

/// Records, and the labels that they name.
pub(crate) struct Findings {
    records: Text,
    labels: Text,
}

impl Findings {
    pub(crate) const fn new() -> Self {
        Self { records: Text::new(), labels: Text::new() }
    }

    pub(crate) fn push(&mut self, finding: &Finding) {
        let kind = match finding.kind() {
            FindingKind::Key(_) => 0,
            FindingKind::BootstrapToken => 2,
            _ => 1_u32,
        };
        let label = Label::of(finding);
        let range = finding.range();
        // The address of its label comes when all are known: they move.
        let words = [
            kind,
            range.start as u32,
            range.end as u32,
            u32::from(finding.is_base64()),
            0,
            label.len() as u32,
        ];
        self.records.push(words.map(u32::to_le_bytes).as_flattened());
        self.labels.push(label.room());
    }

    /// The records, which name their labels now.
    pub(crate) fn settled(&mut self) -> &[u8] {
        let labels = self.labels.as_bytes().chunks(MAX_LABEL_LEN);
        let records = self.records.as_bytes_mut().chunks_mut(RECORD_LEN);
        for (record, label) in records.zip(labels) {
            if let Some(slot) = record.get_mut(LABEL..LABEL + 4) {
                slot.copy_from_slice(&(label.as_ptr().addr() as u32).to_le_bytes());
            }
        }
        self.records.as_bytes()
    }
}
