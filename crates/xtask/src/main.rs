//! Set-up, build, tests and demo: the very commands that CI runs.
//!
//! Not its job: anything that ships. What it makes lies in places that git ignores: `.tools` (compilers and
//! tools), `node_modules`, `target`, `worker/build*`, `.wrangler` (the local state) and `.wardkey` (local secrets).
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command for a person at a terminal: printing and reading the clock are its job"
)]

mod api;
mod apt;
mod artefact;
mod bench;
mod browser;
mod bundle;
mod client;
mod component;
mod constant_time;
mod core_module;
mod deep;
mod demo;
mod deploy;
mod deployment_secrets;
mod dev;
mod fuzz;
mod guarded;
mod hosts;
mod inputs;
mod lint;
mod lock;
mod machine;
mod mutants;
mod no_panic;
mod node;
mod proxies;
mod python;
mod python_host;
mod raw_module;
mod scale;
mod scan_corpus;
mod secrets;
mod server;
mod setup;
mod sizes;
mod step;
mod test;
mod toolchain;
mod tools;
mod trials;
mod vectors;
mod venv;
mod wit;
mod worker_build;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{step::Progress, toolchain::Way, workspace::Workspace};

/// Builds, tests and runs Wardkey.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    /// Where the wasm compiler comes from.
    #[arg(long, global = true, env = "WARDKEY_TOOLCHAIN", default_value = "auto")]
    toolchain: Way,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring compilers, tools and npm packages (about 4 min the first time).
    Setup,
    /// Set up, then build the worker into worker/build.
    Build,
    /// Set up, then build the WIT components; fails if one needs anything from its host.
    Component(component::Options),
    /// Set up, then compose a service of wasi:http 0.3 with the guard in front of it, and bring a wasmtime to serve it.
    Guarded(guarded::Options),
    /// Write wit/REFERENCE.md from wit/, or check that it is what would be written.
    Wit(wit::Options),
    /// Set up, then build the npm package's wasm modules: the verifier's, with SIMD and without, and the holder's.
    Js,
    /// Set up, build and start the worker on this machine, with an admin key to try it.
    Dev(dev::Options),
    /// Build the worker and deploy it to the account that wrangler is logged in to.
    Deploy(deploy::Options),
    /// Make a root and a bootstrap token for a deployment, in files that only their owner reads.
    DeploymentSecrets(deployment_secrets::Options),
    /// Play the whole story against the worker that `dev` runs.
    Demo(demo::Options),
    /// Set up, build and run every test.
    Test(test::Options),
    /// The API as others see it: Spectral with OWASP's rules, httplint and schemathesis, without findings.
    Api(api::Options),
    /// Set up, then run the suites of crates/trials natively and in wasm, and compare.
    Trials(trials::Options),
    /// Show that no secret decides a branch, an address or a step of wasm, but for the answer itself.
    ConstantTime,
    /// Show that no panic, allocation or trap can be reached from the core's entries in the release wasm.
    NoPanic,
    /// Make the cases in tests/vectors anew, or check them: as they are made, and answered in Python.
    Vectors(vectors::Options),
    /// The long forms of what tests try briefly, written into crates/trials/RECORD.md (about an hour).
    Deep(deep::Options),
    /// Formatting, clippy and the locks.
    Lint,
    /// Fuzz every parser of the core; brings a C++ compiler where there is none.
    Fuzz(fuzz::Options),
    /// Break the core in hundreds of ways and see which ones its tests catch (about half an hour).
    Mutants(mutants::Options),
    /// Scan a gigabyte of other people's text for our keys: none may be found, and all that are planted.
    ///
    /// Text is a file without a NUL byte in its first 8 KiB; all others, such as programs and pictures, are left out.
    ScanCorpus(scan_corpus::Options),
    /// Measure verifications beside the peers doing the same job, as a table or JSON (about 3 min, --quick 1 min).
    Bench(bench::Options),
    /// Build what ships and compare its sizes with their budget in crates/xtask/sizes.json.
    Sizes,
    /// Show what operations cost in a tenant of a million keys, and how long its list is (about 3 min).
    Scale(scale::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by `main`'s own result: that would add a backtrace, which tells a user nothing.
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let Arguments { toolchain, command } = arguments;
    let workspace = Workspace::find()?;
    match command {
        Command::Setup => {
            let progress = Progress::of(setup::STEPS);
            setup::run(&workspace, &progress, toolchain)?;
        }
        Command::Build => {
            let progress = Progress::of(setup::STEPS + 1);
            let kit = setup::run(&workspace, &progress, toolchain)?;
            worker_build::run(&workspace, &progress, &kit, worker_build::Flavour::Release)?;
        }
        Command::Component(options) => {
            let progress = Progress::of(setup::STEPS + options.steps());
            let kit = setup::run(&workspace, &progress, toolchain)?;
            component::run_as_asked(&workspace, &progress, &kit, &options)?;
        }
        Command::Guarded(options) => guarded::run(&workspace, toolchain, &options)?,
        Command::Wit(options) => wit::run(&workspace, &options)?,
        Command::Js => {
            let progress = Progress::of(setup::STEPS + 2);
            let kit = setup::run(&workspace, &progress, toolchain)?;
            raw_module::VERIFIER.run(&workspace, &progress, &kit)?;
            raw_module::HOLDER.run(&workspace, &progress, &kit)?;
        }
        Command::Dev(options) => dev::run(&workspace, toolchain, &options)?,
        Command::Deploy(options) => deploy::run(&workspace, toolchain, &options)?,
        Command::DeploymentSecrets(options) => deployment_secrets::run(&workspace, &options)?,
        Command::Demo(options) => demo::run(&workspace, &options)?,
        Command::Test(options) => test::run(&workspace, toolchain, &options)?,
        Command::Api(options) => api::run(&workspace, toolchain, &options)?,
        Command::Trials(options) => {
            let progress = Progress::of(setup::STEPS + trials::STEPS + 1);
            let kit = setup::run(&workspace, &progress, toolchain)?;
            trials::run(&workspace, &progress, &kit, &options)?;
        }
        Command::ConstantTime => {
            let progress = Progress::of(setup::STEPS + constant_time::STEPS);
            let kit = setup::run(&workspace, &progress, toolchain)?;
            constant_time::run(&workspace, &progress, &kit)?;
        }
        Command::NoPanic => {
            let progress = Progress::of(setup::STEPS + no_panic::STEPS);
            let kit = setup::run(&workspace, &progress, toolchain)?;
            no_panic::run(&workspace, &progress, &kit)?;
        }
        Command::Vectors(options) => {
            vectors::run(&workspace, &Progress::of(vectors::steps(&options)), &options)?;
        }
        Command::Deep(options) => deep::run(&workspace, toolchain, &options)?,
        Command::Lint => lint::run(&workspace)?,
        Command::Fuzz(options) => fuzz::run(&workspace, &options)?,
        Command::Mutants(options) => mutants::run(&workspace, &options)?,
        Command::ScanCorpus(options) => scan_corpus::run(&workspace, &options)?,
        Command::Bench(options) => bench::run(&workspace, toolchain, &options)?,
        Command::Sizes => sizes::run(&workspace, toolchain)?,
        Command::Scale(options) => scale::run(&workspace, &options)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use clap::{Arg, CommandFactory};

    use super::*;

    /// The range that an option's help states, if the option takes a number.
    fn stated(option: &Arg) -> Option<Result<(i128, i128)>> {
        let numbers = [
            TypeId::of::<u8>(),
            TypeId::of::<u16>(),
            TypeId::of::<u32>(),
            TypeId::of::<u64>(),
            TypeId::of::<f64>(),
        ];
        let kind = option.get_value_parser().type_id();
        if !numbers.iter().any(|number| kind == *number) {
            return None;
        }
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        let range = help.split_once('(').and_then(|(_, rest)| {
            let (least, rest) = rest.split_once(" to ")?;
            let end = rest.find(|c: char| !c.is_ascii_digit())?;
            Some((least.parse().ok()?, rest.get(..end)?.parse().ok()?))
        });
        Some(range.ok_or_else(|| anyhow::anyhow!("{option}: {help:?} states no range")))
    }

    #[test]
    fn the_help_of_every_number_states_the_range_that_is_taken() -> Result<()> {
        let mut seen = 0;
        let mut arguments = Arguments::command();
        arguments.build();
        for command in arguments.get_subcommands() {
            for option in command.get_arguments() {
                let Some(range) = stated(option) else { continue };
                let (least, most) = range?;
                let name = option.get_long().unwrap_or_default();
                let takes = |number: i128| {
                    let words =
                        ["xtask", command.get_name(), &format!("--{name}"), &number.to_string()]
                            .map(str::to_owned);
                    Arguments::try_parse_from(words).is_ok()
                };
                assert!(takes(least) && takes(most), "{} {option}", command.get_name());
                assert!(!takes(least - 1) && !takes(most + 1), "{} {option}", command.get_name());
                seen += 1;
            }
        }
        assert!(seen >= 12, "{seen} options");
        Ok(())
    }
}
