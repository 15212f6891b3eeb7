//! Which functions of a wasm module an export can come to, by any path.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Value, json};
use wasmparser::{
    CompositeInnerType, ElementItems, ExternalKind, KnownCustom, Name, Operator, Parser, Payload,
    TypeRef,
};

use crate::Fault;

/// The calls of a module.
#[derive(Default)]
struct Module {
    /// By function: the number of its type.
    types: Vec<u32>,
    /// By number of type: the least number of a type that is the same.
    same_type: Vec<u32>,
    names: BTreeMap<u32, String>,
    exports: Vec<(String, u32)>,
    /// What stands in a table, or may be put there.
    in_tables: BTreeSet<u32>,
    bodies: BTreeMap<u32, Body>,
}

#[derive(Default)]
struct Body {
    calls: BTreeSet<u32>,
    /// Types of what is called through a table.
    indirect: BTreeSet<u32>,
    traps: Traps,
}

/// Instructions that trap by what they are given. Not counted: accesses outside memory and calls of the wrong type,
/// which code without `unsafe` does not make.
#[derive(Clone, Copy, Default)]
struct Traps {
    unreachable: usize,
    /// By a divisor that is not a constant, so that it may be 0.
    divisions: usize,
    /// Of floating-point numbers that an integer may be too small for.
    truncations: usize,
}

/// What a search found from one export.
struct Reach {
    /// By function: from which it was come to first; the shortest way. What panics is the end of a way:
    /// what comes after it is about the panic.
    from: BTreeMap<u32, u32>,
    export: u32,
}

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

impl Module {
    fn parse(wasm: &[u8]) -> Result<Self, Fault> {
        let mut module = Self::default();
        let mut kinds = Vec::new();
        let mut next_body = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::TypeSection(section) => {
                    for group in section {
                        for sub in group?.into_types() {
                            let kind = match sub.composite_type.inner {
                                CompositeInnerType::Func(kind) => Some(kind),
                                _ => None,
                            };
                            let same = kinds.iter().position(|known| *known == kind);
                            let same = same.unwrap_or(kinds.len());
                            module.same_type.push(u32::try_from(same)?);
                            kinds.push(kind);
                        }
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        let import = import?;
                        if let TypeRef::Func(kind) = import.ty {
                            let number = u32::try_from(module.types.len())?;
                            module.names.insert(number, format!("import {}", import.name));
                            module.types.push(kind);
                            next_body += 1;
                        }
                    }
                }
                Payload::FunctionSection(section) => {
                    for kind in section {
                        module.types.push(kind?);
                    }
                }
                Payload::ElementSection(section) => {
                    for element in section {
                        match element?.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    module.in_tables.insert(function?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    for operator in expression?.get_operators_reader() {
                                        if let Operator::RefFunc { function_index } = operator? {
                                            module.in_tables.insert(function_index);
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ExternalKind::Func {
                            module.exports.push((export.name.to_owned(), export.index));
                        }
                    }
                }
                Payload::CodeSectionEntry(code) => {
                    let mut body = Body::default();
                    // Whether what comes before is a constant that any number can be divided by.
                    let mut safe_divisor = false;
                    for operator in code.get_operators_reader()? {
                        let operator = operator?;
                        body.traps = body.traps.and(Traps::of(&operator, safe_divisor));
                        safe_divisor = match operator {
                            Operator::I32Const { value } => !matches!(value, 0 | -1),
                            Operator::I64Const { value } => !matches!(value, 0 | -1),
                            _ => false,
                        };
                        match operator {
                            Operator::Call { function_index }
                            | Operator::ReturnCall { function_index } => {
                                body.calls.insert(function_index);
                            }
                            Operator::CallIndirect { type_index, .. }
                            | Operator::ReturnCallIndirect { type_index, .. }
                            | Operator::CallRef { type_index }
                            | Operator::ReturnCallRef { type_index } => {
                                body.indirect.insert(type_index);
                            }
                            // Wherever it is put, it may be called from there.
                            Operator::RefFunc { function_index } => {
                                module.in_tables.insert(function_index);
                            }
                            _ => {}
                        }
                    }
                    module.bodies.insert(next_body, body);
                    next_body += 1;
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        for part in names {
                            if let Name::Function(functions) = part? {
                                for naming in functions {
                                    let naming = naming?;
                                    let name =
                                        format!("{:#}", rustc_demangle::demangle(naming.name));
                                    module.names.insert(naming.index, name);
                                }
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        let named = module.bodies.keys().filter(|number| module.names.contains_key(number)).count();
        if named != module.bodies.len() {
            return Err(format!(
                "{} of {} functions have no name: build the module with its names kept",
                module.bodies.len() - named,
                module.bodies.len()
            )
            .into());
        }
        Ok(module)
    }

    fn reach(&self, export: u32) -> Reach {
        let mut reach = Reach { from: BTreeMap::from([(export, export)]), export };
        let mut next = VecDeque::from([export]);
        while let Some(function) = next.pop_front() {
            for callee in self.callees(function) {
                if let std::collections::btree_map::Entry::Vacant(entry) = reach.from.entry(callee)
                {
                    entry.insert(function);
                    next.push_back(callee);
                }
            }
        }
        reach
    }

    /// What a function may call: whatever it names, and whatever is in a table and of the right type.
    fn callees(&self, function: u32) -> BTreeSet<u32> {
        let Some(body) = self.bodies.get(&function) else { return BTreeSet::new() };
        if self.names.get(&function).is_some_and(|name| is_panic(name)) {
            return BTreeSet::new();
        }
        let wanted: BTreeSet<_> = body.indirect.iter().map(|kind| self.same(*kind)).collect();
        let fits = |callee: &&u32| {
            let kind = self.types.get(**callee as usize);
            kind.is_some_and(|kind| wanted.contains(&self.same(*kind)))
        };
        let by_table = self.in_tables.iter().filter(fits);
        body.calls.iter().chain(by_table).copied().collect()
    }

    fn same(&self, kind: u32) -> Option<u32> {
        self.same_type.get(kind as usize).copied()
    }

    /// The functions that are left when those that call none of the others are taken away, again and
    /// again: each of them calls itself, or one that does.
    fn recursive(&self, reach: &Reach) -> Vec<&str> {
        let mut left: BTreeMap<u32, BTreeSet<u32>> =
            reach.functions().map(|function| (function, self.callees(function))).collect();
        loop {
            let before = left.len();
            let known: BTreeSet<u32> = left.keys().copied().collect();
            left.retain(|_, callees| !callees.is_disjoint(&known));
            if left.len() == before {
                return left.keys().map(|function| self.name(*function)).collect();
            }
        }
    }

    /// A function that holds an instruction of a kind that traps.
    fn trapping(&self, reach: &Reach, kind: fn(&Traps) -> usize) -> Option<Vec<&str>> {
        let traps =
            |function: &u32| self.bodies.get(function).is_some_and(|body| kind(&body.traps) > 0);
        reach.functions().find(traps).map(|function| vec![self.name(function)])
    }

    fn name(&self, function: u32) -> &str {
        self.names.get(&function).map_or("?", String::as_str)
    }

    /// The names on the shortest way to a function that is sought.
    fn way_to(&self, reach: &Reach, is_sought: fn(&str) -> bool) -> Option<Vec<&str>> {
        let ways = reach.functions().filter(|function| is_sought(self.name(*function)));
        let ways = ways.map(|mut function| {
            let mut way = vec![self.name(function)];
            while function != reach.export {
                function = reach.from.get(&function).copied().unwrap_or(reach.export);
                way.push(self.name(function));
            }
            way.reverse();
            way
        });
        ways.min_by_key(Vec::len)
    }
}

impl Traps {
    const fn of(operator: &Operator<'_>, safe_divisor: bool) -> Self {
        let mut traps = Self { unreachable: 0, divisions: 0, truncations: 0 };
        match operator {
            Operator::Unreachable => traps.unreachable = 1,
            Operator::I32DivS
            | Operator::I32DivU
            | Operator::I32RemS
            | Operator::I32RemU
            | Operator::I64DivS
            | Operator::I64DivU
            | Operator::I64RemS
            | Operator::I64RemU
                if !safe_divisor =>
            {
                traps.divisions = 1;
            }
            Operator::I32TruncF32S
            | Operator::I32TruncF32U
            | Operator::I32TruncF64S
            | Operator::I32TruncF64U
            | Operator::I64TruncF32S
            | Operator::I64TruncF32U
            | Operator::I64TruncF64S
            | Operator::I64TruncF64U => traps.truncations = 1,
            _ => {}
        }
        traps
    }

    const fn and(self, other: Self) -> Self {
        Self {
            unreachable: self.unreachable + other.unreachable,
            divisions: self.divisions + other.divisions,
            truncations: self.truncations + other.truncations,
        }
    }

    const fn any(self) -> bool {
        self.unreachable + self.divisions + self.truncations > 0
    }
}

impl Reach {
    fn functions(&self) -> impl Iterator<Item = u32> + '_ {
        self.from.keys().copied()
    }
}

fn is_panic(name: &str) -> bool {
    PANICS.iter().any(|part| name.contains(part))
}

fn is_allocator(name: &str) -> bool {
    ALLOCATORS.iter().any(|part| name.contains(part))
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

/// Parts of the names of everything that core, alloc and std panic through; all of it ends in
/// `core::panicking::panic_fmt` or in the hook.
const PANICS: [&str; 14] = [
    "panic",
    "unwrap_failed",
    "expect_failed",
    "slice_index_fail",
    "slice_error_fail",
    "index_len_fail",
    "end_index_overflow",
    "len_mismatch_fail",
    "assert_failed",
    "handle_alloc_error",
    "capacity_overflow",
    "rust_begin_unwind",
    "rust_oom",
    "process::abort",
];

const ALLOCATORS: [&str; 5] =
    ["__rust_alloc", "__rust_realloc", "__rdl_alloc", "dlmalloc", "finish_grow"];
