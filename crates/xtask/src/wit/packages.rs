//! WIT packages, and what of them is not documented.

use std::path::Path;

use anyhow::{Context, Result};
use wit_parser::{
    Docs, Interface, PackageId, Resolve, Stability, Type, TypeDef, TypeDefKind, WorldItem,
};

/// Reads the package in a folder.
pub(super) fn read(folder: &Path) -> Result<(Resolve, PackageId)> {
    let mut resolve = Resolve::default();
    let (package, _) =
        resolve.push_dir(folder).with_context(|| format!("{} is no WIT", folder.display()))?;
    Ok((resolve, package))
}

/// A name that an interface uses and another one defines.
pub(super) fn is_used(resolve: &Resolve, def: &TypeDef) -> bool {
    let TypeDefKind::Type(Type::Id(id)) = def.kind else { return false };
    resolve.types.get(id).is_some_and(|defined| defined.owner != def.owner)
}

/// Every item without a doc comment or `@since`, by its place.
pub(super) fn bare(resolve: &Resolve, package: PackageId) -> Vec<String> {
    let mut bare = Bare(Vec::new());
    let Some(package) = resolve.packages.get(package) else { return bare.0 };
    bare.judge_docs(&package.name.to_string(), &package.docs);
    for (name, id) in &package.worlds {
        let Some(world) = resolve.worlds.get(*id) else { continue };
        bare.judge(name, &world.docs, &world.stability);
        for (key, item) in world.imports.iter().chain(&world.exports) {
            if let WorldItem::Interface { docs, stability, .. } = item {
                let key = resolve.name_world_key(key);
                bare.judge(&format!("{name}, {key}"), docs, stability);
            }
        }
    }
    for (name, id) in &package.interfaces {
        if let Some(interface) = resolve.interfaces.get(*id) {
            bare.interface(resolve, name, interface);
        }
    }
    bare.0
}

struct Bare(Vec<String>);

impl Bare {
    fn interface(&mut self, resolve: &Resolve, name: &str, interface: &Interface) {
        self.judge(name, &interface.docs, &interface.stability);
        for (item, id) in &interface.types {
            let Some(def) = resolve.types.get(*id) else { continue };
            let place = format!("{name}.{item}");
            self.judge_since(&place, &def.stability);
            if is_used(resolve, def) {
                continue;
            }
            self.judge_docs(&place, &def.docs);
            for (part, docs) in parts(&def.kind) {
                self.judge_docs(&format!("{place}.{part}"), docs);
            }
        }
        for (item, function) in &interface.functions {
            self.judge(&format!("{name}.{item}"), &function.docs, &function.stability);
        }
    }

    fn judge(&mut self, place: &str, docs: &Docs, stability: &Stability) {
        self.judge_docs(place, docs);
        self.judge_since(place, stability);
    }

    fn judge_docs(&mut self, place: &str, docs: &Docs) {
        if docs.contents.as_deref().is_none_or(|docs| docs.trim().is_empty()) {
            self.0.push(format!("{place} has no doc comment"));
        }
    }

    fn judge_since(&mut self, place: &str, stability: &Stability) {
        if !matches!(stability, Stability::Stable { .. }) {
            self.0.push(format!("{place} has no @since"));
        }
    }
}

/// Fields and cases, with what is said of each.
fn parts(kind: &TypeDefKind) -> Vec<(&str, &Docs)> {
    match kind {
        TypeDefKind::Record(record) => {
            record.fields.iter().map(|field| (field.name.as_str(), &field.docs)).collect()
        }
        TypeDefKind::Variant(variant) => {
            variant.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect()
        }
        TypeDefKind::Enum(cases) => {
            cases.cases.iter().map(|case| (case.name.as_str(), &case.docs)).collect()
        }
        TypeDefKind::Flags(flags) => {
            flags.flags.iter().map(|flag| (flag.name.as_str(), &flag.docs)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_docs_or_no_since_is_named() -> Result<()> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str(
            "bare.wit",
            "/// Said.
            package a:b@0.1.0;
            /// Said.
            @since(version = 0.1.0)
            interface whole {
                /// Said.
                record half { field: u8 }
                /// Said.
                @since(version = 0.1.0)
                enum cases { one }
                resource thing {
                    @since(version = 0.1.0)
                    method: func();
                }
                silent: func();
            }
            world empty { export whole; }",
        )?;
        let said = [
            "empty has no doc comment",
            "empty has no @since",
            "empty, a:b/whole@0.1.0 has no doc comment",
            "empty, a:b/whole@0.1.0 has no @since",
            "whole.half has no @since",
            "whole.half.field has no doc comment",
            "whole.cases.one has no doc comment",
            "whole.thing has no @since",
            "whole.thing has no doc comment",
            "whole.[method]thing.method has no doc comment",
            "whole.silent has no doc comment",
            "whole.silent has no @since",
        ];
        assert_eq!(bare(&resolve, package), said);
        Ok(())
    }
}
