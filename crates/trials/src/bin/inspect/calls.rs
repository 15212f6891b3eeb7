//! Which functions of a wasm module an export can come to, by any path.

mod parse;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::names::is_panic;
use crate::traps::Traps;

/// The calls of a module.
#[derive(Default)]
pub(crate) struct Module {
    /// By function: the number of its type.
    types: Vec<u32>,
    /// By number of type: the least number of a type that is the same.
    same_type: Vec<u32>,
    names: BTreeMap<u32, String>,
    pub(crate) exports: Vec<(String, u32)>,
    /// What stands in a table, or may be put there.
    in_tables: BTreeSet<u32>,
    pub(crate) bodies: BTreeMap<u32, Body>,
}

#[derive(Default)]
pub(crate) struct Body {
    calls: BTreeSet<u32>,
    /// Types of what is called through a table.
    indirect: BTreeSet<u32>,
    pub(crate) traps: Traps,
}

/// What a search found from one export.
pub(crate) struct Reach {
    /// By function: from which it was come to first; the shortest way. What panics is the end of a way:
    /// what comes after it is about the panic.
    from: BTreeMap<u32, u32>,
    export: u32,
}

impl Module {
    pub(crate) fn reach(&self, export: u32) -> Reach {
        let mut reach = Reach { from: BTreeMap::from([(export, export)]), export };
        let mut next = VecDeque::from([export]);
        while let Some(function) = next.pop_front() {
            for callee in self.callees(function) {
                if let Entry::Vacant(entry) = reach.from.entry(callee) {
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
    pub(crate) fn recursive(&self, reach: &Reach) -> Vec<&str> {
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
    pub(crate) fn trapping(&self, reach: &Reach, kind: fn(&Traps) -> usize) -> Option<Vec<&str>> {
        let traps =
            |function: &u32| self.bodies.get(function).is_some_and(|body| kind(&body.traps) > 0);
        reach.functions().find(traps).map(|function| vec![self.name(function)])
    }

    pub(crate) fn name(&self, function: u32) -> &str {
        self.names.get(&function).map_or("?", String::as_str)
    }

    /// The names on the shortest way to a function that is sought.
    pub(crate) fn way_to(&self, reach: &Reach, is_sought: fn(&str) -> bool) -> Option<Vec<&str>> {
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

impl Reach {
    pub(crate) fn functions(&self) -> impl Iterator<Item = u32> + '_ {
        self.from.keys().copied()
    }
}
