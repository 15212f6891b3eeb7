//! How much a scan does: counted in tests, and nothing otherwise.

#[cfg(test)]
extern crate std;

#[cfg(test)]
std::thread_local! {
    static SPENT: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// Counts so many steps.
#[cfg(not(test))]
pub(super) const fn spend(_steps: usize) {}

/// Counts so many steps.
#[cfg(test)]
pub(super) fn spend(steps: usize) {
    SPENT.with(|spent| spent.set(spent.get() + steps));
}

/// The steps that were counted while something ran.
#[cfg(test)]
pub(super) fn spent(run: impl FnOnce()) -> usize {
    let before = SPENT.with(core::cell::Cell::get);
    run();
    SPENT.with(core::cell::Cell::get) - before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scanner;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    /// Were the work for one place more than bounded, four times the text would cost sixteen times the work.
    #[test]
    fn a_text_full_of_markers_is_read_in_linear_time() {
        let wrapped = STANDARD.encode("wk_live_AQ".repeat(300));
        let indented = std::format!("\n{}A", " ".repeat(63));
        let broken = std::format!("wk_live_AQ\n{}", " ".repeat(63));
        let hostile = [
            &broken,
            "_live_",
            "wk_live_",
            "wk_live_AQ",
            "wk_live_AQ\n",
            "wk\\_live\\_AQ",
            "wk%5Flive%5FAQ",
            "5Fli",
            "wk_li",
            "ve_AQ",
            "wkve_AQ",
            "wkboot_",
            "wkboot",
            "wkboot_1_1_",
            "abcdefghijkl_test_AQ",
            "wk_live_.",
            "wk_live_A\r\n",
            "wk_live_AQ\u{1b}[m\u{1b}[K",
            "_\u{1b}[",
            "\u{1b}[m",
            "X2xpdmVf",
            "X2xpdm\nVf",
            "X2xpdm\\nVf",
            "X2xpdm\" +\n\"Vf",
            "\n",
            "a\n",
            "9saXZlX\n",
            " \n  ",
            "\n> > ",
            &indented,
            "\\",
            "\\\\n",
            "\"+",
            "\" ",
            &wrapped,
            "wk_live_AQ\u{e9}",
            "A",
            "_",
        ];
        let scanner = Scanner::default().deep();
        let work = |part: &str, len: usize| {
            let text = part.repeat(len.div_ceil(part.len()));
            spent(|| {
                let findings = scanner.scan(text.as_bytes());
                let cut: usize = findings.map(|finding| finding.range().len()).sum();
                assert!(cut <= text.len(), "{part:?}");
            })
        };
        for part in hostile {
            let (once, fourfold) = (work(part, LEN), work(part, 4 * LEN));
            assert!(once >= LEN, "{part:?}: {once} steps do not even look at each byte");
            // Not exactly four: near a text's end less can be read ahead.
            assert!(fourfold <= 6 * once, "{part:?}: {once} steps became {fourfold}");
            assert!(once <= MOST_PER_BYTE * LEN, "{part:?}: {once} steps");
        }
    }

    const LEN: usize = 6_000;
    /// Places are some bytes apart, and a long key's characters are read a few times for each.
    const MOST_PER_BYTE: usize = 1_000;
}
