//! The verdict: no probe comes to a panic, an allocation, a recursion or a trap, and every control is caught.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Fault;
use crate::calls::Module;
use crate::names::{is_allocator, is_panic};
use crate::traps::Traps;

/// Looks for panics, allocation, recursion and trapping instructions behind every `probe_` export, where there must be none, and behind
/// every `control_` export, where there must be what its name says.
pub(crate) fn no_panic(wasm: &[u8]) -> Result<Value, Fault> {
    let module = Module::parse(wasm)?;
    let mut faults = Vec::new();
    let (mut probes, mut controls) = (BTreeMap::new(), BTreeMap::new());
    for (name, function) in &module.exports {
        let reach = module.reach(*function);
        let panics = module.way_to(&reach, is_panic);
        let allocates = module.way_to(&reach, is_allocator);
        if name.starts_with("probe_") {
            if let Some(way) = &panics {
                faults.push(format!(
                    "a panic can be reached from {name}:\n    {}",
                    way.join("\n    → ")
                ));
            }
            if let Some(way) = &allocates {
                faults.push(format!("{name} can allocate:\n    {}", way.join("\n    → ")));
            }
            let bodies = reach.functions().filter_map(|function| module.bodies.get(&function));
            let (functions, traps) = bodies.fold((0, Traps::default()), |(count, traps), body| {
                (count + 1, traps.and(body.traps))
            });
            let Traps { unreachable, divisions, truncations } = traps;
            if traps.any() {
                faults.push(format!(
                    "{name} can reach {unreachable} `unreachable`, {divisions} divisions by what may be 0, \
                     {truncations} truncations of what may be too large"
                ));
            }
            let recursive = module.recursive(&reach);
            if let Some(function) = recursive.first() {
                faults.push(format!("{name}: {function} can come to be called by itself"));
            }
            let named = |is_sought: fn(&str) -> bool| {
                reach.functions().filter(|function| is_sought(module.name(*function))).count()
            };
            let (panics, allocations) = (named(is_panic), named(is_allocator));
            let recursive = recursive.len();
            println!(
                "{name}: {functions} functions reachable; of them {panics} panic, {allocations} allocate, \
                 {recursive} recurse; {unreachable} `unreachable`, {divisions} unchecked divisions, \
                 {truncations} unchecked truncations"
            );
            probes.insert(
                name,
                json!({
                    "functions": functions,
                    "panics": panics,
                    "allocations": allocations,
                    "recursive": recursive,
                    "unreachable": unreachable,
                    "divisions": divisions,
                    "truncations": truncations,
                }),
            );
        } else if let Some((_, expected)) = CONTROLS.iter().find(|(control, _)| control == name) {
            let found = match expected {
                Found::Panic => panics,
                Found::Allocation => allocates,
                Found::Recursion => {
                    Some(module.recursive(&reach)).filter(|found| !found.is_empty())
                }
                Found::Unreachable => module.trapping(&reach, |traps| traps.unreachable),
                Found::Division => module.trapping(&reach, |traps| traps.divisions),
            };
            let Some(way) = found else {
                faults.push(format!(
                    "{name} was not caught: the search finds nothing and proves nothing"
                ));
                continue;
            };
            println!("{name}: caught\n    {}", way.join("\n    → "));
            controls.insert(name, way);
        }
    }
    if probes.is_empty() || controls.len() != CONTROLS.len() {
        faults.push(format!(
            "the module exports {} probes and {} of {} controls that were caught",
            probes.len(),
            controls.len(),
            CONTROLS.len()
        ));
    }
    if faults.is_empty() {
        Ok(json!({ "probes": probes, "controls_caught": controls }))
    } else {
        Err(faults.join("\n").into())
    }
}

enum Found {
    Panic,
    Allocation,
    Recursion,
    Unreachable,
    Division,
}

const CONTROLS: [(&str, Found); 6] = [
    ("control_index", Found::Panic),
    ("control_indirect", Found::Panic),
    ("control_allocate", Found::Allocation),
    ("control_recurse", Found::Recursion),
    ("control_trap", Found::Unreachable),
    ("control_divide", Found::Division),
];
