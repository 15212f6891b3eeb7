//! `cargo xtask constant-time`: no secret decides a branch, an address or a step, but for the answer
//! itself.
//!
//! Natively by taint: valgrind is told that the secrets are undefined, and reports what depends on them.
//! It emulates a processor without SHA instructions, so that it sees the portable SHA-256, which is the
//! one in wasm. In wasm by steps: all wrong tags take the same path.

use std::fs;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::{
    apt::{self, Wanted},
    setup::Kit,
    step::{Progress, run_logged},
    trials::programs::{self, told},
    workspace::Workspace,
};

/// Steps that [`run`] counts.
pub(crate) const STEPS: usize = 3 * programs::STEPS + 3;

/// A place that may depend on secrets, because what it decides is what the caller is told. Nothing is
/// allowed by the name of a function alone: the line itself must hold this text.
struct Answer {
    file: &'static str,
    line: &'static str,
    why: &'static str,
}

const ANSWERS: [Answer; 2] = [
    Answer {
        file: "crates/core/src/verify/stages.rs",
        line: "if last.matches(key.secret_tag()) {",
        why: "whether the key's tag is right is the answer",
    },
    Answer {
        file: "crates/core/src/list/head.rs",
        line: "if !key_set.list_key().tag(self.body).matches(&tag.0) {",
        why: "whether the head's tag is right is the answer",
    },
];

/// Functions of `trials-taint` that leak, and what memcheck must say of them.
const CONTROLS: [(&str, &str); 2] =
    [("control_early_exit", "UninitCondition"), ("control_table", "UninitValue")];

/// Both methods, each with a leaky control that it must catch.
pub(crate) fn run(workspace: &Workspace, progress: &Progress, kit: &Kit) -> Result<Value> {
    apt::bring(
        workspace,
        progress,
        &Wanted {
            what: "valgrind",
            probe: Some(&["valgrind", "--version"]),
            packages: &["valgrind"],
            why: "It watches where secrets go when a program runs",
            otherwise: "install valgrind in this system's way, so that `valgrind` starts",
            usually: "20 s",
            advice: "see that Debian's package server can be reached",
        },
    )?;
    let natives = programs::natives(workspace, progress)?;
    let wasm = programs::wasm(workspace, progress, kit)?;
    let inspect = programs::inspect(workspace, progress)?;
    let report = programs::folder(workspace).join("taint.xml");
    let taint = progress.step("secrets under valgrind", "2 s", || {
        let mut valgrind = workspace.command("valgrind");
        valgrind.args(["--error-limit=no", "--leak-check=no", "--num-callers=50", "--xml=yes"]);
        valgrind.arg(format!("--xml-file={}", report.display())).arg(&natives.taint);
        let advice =
            "if valgrind does not know this processor's instructions, take another machine";
        run_logged(workspace, "taint", &mut valgrind, advice)?;
        judge(workspace, &fs::read_to_string(&report)?)
    });
    let steps = progress.step("steps in wasm", "2 s", || {
        let counted = wasm.with_extension("counted.wasm");
        told(workspace.command(&inspect).arg("counted").args([&wasm, &counted]))?;
        told(kit.node.command(workspace).arg("crates/trials/steps.mjs").arg(counted))
    });
    // Both are told: where one sees a leak, it helps to know what the other sees.
    let (taint, steps) = match (taint, steps) {
        (Ok(taint), Ok(steps)) => (taint, steps),
        (Err(taint), Err(steps)) => bail!("{taint:#}\n{steps:#}"),
        (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
    };
    let found = json!({ "taint": taint, "wasm": steps });
    programs::keep(workspace, "constant-time", &found)?;
    Ok(found)
}

/// Sorts what memcheck reports into answers, controls and leaks.
fn judge(workspace: &Workspace, xml: &str) -> Result<Value> {
    let mut answers = [0; ANSWERS.len()];
    let mut controls = [0; CONTROLS.len()];
    let mut leaks = Vec::new();
    for error in elements(xml, "error") {
        let kind = element(error, "kind").unwrap_or("?");
        let frames: Vec<&str> = elements(error, "frame").collect();
        let names = || frames.iter().filter_map(|frame| element(frame, "fn"));
        let control = CONTROLS.iter().zip(&mut controls).find(|((name, expected), _)| {
            kind == *expected && names().any(|function| function.contains(name))
        });
        if let Some((_, count)) = control {
            *count += 1;
            continue;
        }
        let place = frames.first().copied().unwrap_or_default();
        let mut answer = ANSWERS.iter().zip(&mut answers);
        match answer.find(|(answer, _)| kind == "UninitCondition" && answer.is_at(workspace, place))
        {
            Some((_, count)) => *count += 1,
            None => leaks.push(told_of(kind, &frames)),
        }
    }
    for ((name, kind), count) in CONTROLS.iter().zip(controls) {
        println!("      leaky {name}: {kind} reported {count} times");
        if count == 0 {
            bail!("{name} leaks and was not caught: the method sees nothing here");
        }
    }
    for (answer, count) in ANSWERS.iter().zip(answers) {
        println!(
            "      {}: {count} reports at its answer, which is allowed: {}",
            answer.file, answer.why
        );
        // They are the proof that the taint went all the way through the MAC.
        if count == 0 {
            leaks.push(format!(
                "nothing was reported in {} at `{}`: has the line changed, or was its secret not followed?",
                answer.file, answer.line
            ));
        }
    }
    println!("      anything else that depends on a secret: {}", leaks.len());
    if !leaks.is_empty() {
        let first = leaks.iter().take(LEAKS_TOLD).map(String::as_str).collect::<Vec<_>>();
        bail!(
            "secrets decide more than the answer, in {} places; the first are\n{}\n  all of them: target/trials/taint.xml",
            leaks.len(),
            first.join("\n")
        );
    }
    let answers =
        ANSWERS.iter().zip(answers).map(|(answer, count)| (answer.file.to_owned(), count.into()));
    let controls =
        CONTROLS.iter().zip(controls).map(|((name, _), count)| ((*name).to_owned(), count.into()));
    Ok(json!({
        "leaks": 0,
        "allowed_at_answers": Value::Object(answers.collect()),
        "controls_caught": Value::Object(controls.collect()),
    }))
}

impl Answer {
    /// Whether a frame of memcheck's is this line.
    fn is_at(&self, workspace: &Workspace, frame: &str) -> bool {
        let (folder, name) = self.file.rsplit_once('/').unwrap_or(("", self.file));
        let folder_fits = element(frame, "dir").is_some_and(|dir| dir.ends_with(folder));
        if !folder_fits || element(frame, "file") != Some(name) {
            return false;
        }
        let number = element(frame, "line").and_then(|line| line.parse::<usize>().ok());
        let source = fs::read_to_string(workspace.path(self.file)).unwrap_or_default();
        let line = number.and_then(|number| source.lines().nth(number.checked_sub(1)?));
        line.is_some_and(|line| line.trim() == self.line)
    }
}

/// A report, for a person.
fn told_of(kind: &str, frames: &[&str]) -> String {
    let mut text = match kind {
        "UninitCondition" => "  a branch depends on a secret".to_owned(),
        "UninitValue" => "  an address depends on a secret".to_owned(),
        other => format!("  {other}"),
    };
    for frame in frames.iter().take(FRAMES_TOLD) {
        let of = |name| element(frame, name).unwrap_or("?");
        text.push_str(&format!("\n    {} ({}:{})", of("fn"), of("file"), of("line")));
    }
    text
}

/// The contents of the elements of a name; memcheck nests none of those asked for in itself.
fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, behind) = after.split_once(&close)?;
        rest = behind;
        Some(inside)
    })
}

fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    elements(xml, name).next()
}

const FRAMES_TOLD: usize = 8;
const LEAKS_TOLD: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: &str, function: &str, file: &str, line: usize) -> String {
        let (dir, file) = file.rsplit_once('/').unwrap();
        format!(
            "<error><kind>{kind}</kind><stack><frame><fn>{function}</fn><dir>/x/{dir}</dir>\
             <file>{file}</file><line>{line}</line></frame></stack></error>"
        )
    }

    /// What memcheck says of the sound core.
    fn sound(workspace: &Workspace) -> Vec<String> {
        let controls = CONTROLS.map(|(name, kind)| error(kind, name, "a/main.rs", 1));
        let answers = ANSWERS.map(|answer| {
            let source = fs::read_to_string(workspace.path(answer.file)).unwrap();
            let line = source.lines().position(|line| line.trim() == answer.line).unwrap() + 1;
            error("UninitCondition", "authenticate", answer.file, line)
        });
        controls.into_iter().chain(answers).collect()
    }

    #[test]
    fn the_controls_and_the_answers_must_be_reported_and_nothing_else() {
        let workspace = Workspace::find().unwrap();
        let reports = sound(&workspace);
        assert!(judge(&workspace, &reports.concat()).is_ok());
        for missing in 0..reports.len() {
            let mut reports = reports.clone();
            reports.remove(missing);
            assert!(judge(&workspace, &reports.concat()).is_err(), "without {missing}");
        }
        for (kind, file, line) in [
            ("UninitCondition", ANSWERS[0].file, 1),
            ("UninitCondition", "crates/core/src/signing.rs", 30),
            ("UninitValue", "crates/core/src/signing.rs", 30),
        ] {
            let leak = error(kind, "authenticate", file, line);
            assert!(judge(&workspace, &(reports.concat() + &leak)).is_err(), "{file}:{line}");
        }
    }

    #[test]
    fn an_address_on_the_answers_line_is_no_answer() {
        let workspace = Workspace::find().unwrap();
        let reports = sound(&workspace).concat();
        let addresses = reports.replace(
            "UninitCondition</kind><stack><frame><fn>authenticate",
            "UninitValue</kind><stack><frame><fn>authenticate",
        );
        assert_ne!(addresses, reports);
        assert!(judge(&workspace, &addresses).is_err());
    }
}
