//! A WIT package as a page for readers.

use std::fmt::Write;

use anyhow::{Context, Result};
use wit_parser::{
    Docs, Function, FunctionKind, Handle, Interface, PackageId, Resolve, Stability, Type, TypeDef,
    TypeDefKind, TypeId, World,
};

use super::packages::is_used;

pub(super) const FRONT: &str = "# WIT reference\n\n\
    Made by `cargo xtask wit` from the doc comments in `wit/`; CI fails where it is another. How components are built and \
    used stands in the README, what a trap means in `crates/component/README.md`.\n";

/// All of a package: worlds, then interfaces.
pub(super) fn package(resolve: &Resolve, id: PackageId) -> Result<String> {
    let package = resolve.packages.get(id).context("no such package")?;
    let mut page = String::new();
    write!(page, "\n## Package `{}`\n\n{}", package.name, said(&package.docs))?;
    for (name, id) in &package.worlds {
        world(&mut page, resolve, name, resolve.worlds.get(*id).context("no such world")?)?;
    }
    for (name, id) in &package.interfaces {
        let defined = resolve.interfaces.get(*id).context("no such interface")?;
        interface(&mut page, resolve, name, defined)?;
    }
    Ok(page)
}

fn world(page: &mut String, resolve: &Resolve, name: &str, world: &World) -> Result<()> {
    write!(page, "\n### World `{name}`{}\n\n{}", since(&world.stability), said(&world.docs))?;
    for (verb, items) in [("imports", &world.imports), ("exports", &world.exports)] {
        for key in items.keys() {
            writeln!(page, "- {verb} `{}`", resolve.name_world_key(key))?;
        }
    }
    Ok(())
}

fn interface(page: &mut String, resolve: &Resolve, name: &str, of: &Interface) -> Result<()> {
    write!(page, "\n### Interface `{name}`{}\n\n{}", since(&of.stability), said(&of.docs))?;
    for (item, id) in &of.types {
        let def = resolve.types.get(*id).context("no such type")?;
        if is_used(resolve, def) {
            continue;
        }
        let kind = def.kind.as_str();
        write!(page, "\n#### {kind} `{item}`{}\n\n{}", since(&def.stability), said(&def.docs))?;
        parts(page, resolve, def)?;
        for function in of.functions.values().filter(|each| resource_of(each) == Some(*id)) {
            self::function(page, resolve, function, item)?;
        }
    }
    for (item, function) in of.functions.iter().filter(|(_, each)| resource_of(each).is_none()) {
        write!(page, "\n#### func `{item}`{}\n", since(&function.stability))?;
        writeln!(page, "\n```wit\n{}\n```\n", signature(resolve, item, function)?)?;
        page.push_str(&said(&function.docs));
    }
    Ok(())
}

/// A resource's own function.
fn function(page: &mut String, resolve: &Resolve, function: &Function, of: &str) -> Result<()> {
    let name = function.item_name();
    write!(page, "\n##### `{of}.{name}`{}\n", since(&function.stability))?;
    writeln!(page, "\n```wit\n{}\n```\n", signature(resolve, name, function)?)?;
    page.push_str(&said(&function.docs));
    Ok(())
}

fn signature(resolve: &Resolve, name: &str, function: &Function) -> Result<String> {
    let is_method = matches!(function.kind, FunctionKind::Method(_));
    let how = if matches!(function.kind, FunctionKind::Static(_)) { "static " } else { "" };
    let params = function.params.iter().skip(usize::from(is_method));
    let params = params
        .map(|param| Ok(format!("{}: {}", param.name, type_name(resolve, &param.ty)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut text = format!("{name}: {how}func({})", params.join(", "));
    if let Some(result) = &function.result {
        write!(text, " -> {}", type_name(resolve, result)?)?;
    }
    Ok(text)
}

/// A table of fields or cases.
fn parts(page: &mut String, resolve: &Resolve, def: &TypeDef) -> Result<()> {
    let (what, rows): (_, Vec<(&str, Option<&Type>, &Docs)>) = match &def.kind {
        TypeDefKind::Record(record) => {
            let fields = record.fields.iter();
            ("field", fields.map(|field| (&*field.name, Some(&field.ty), &field.docs)).collect())
        }
        TypeDefKind::Variant(variant) => {
            let cases = variant.cases.iter();
            ("case", cases.map(|case| (&*case.name, case.ty.as_ref(), &case.docs)).collect())
        }
        TypeDefKind::Enum(cases) => {
            let cases = cases.cases.iter();
            ("case", cases.map(|case| (&*case.name, None, &case.docs)).collect())
        }
        TypeDefKind::Flags(flags) => {
            let flags = flags.flags.iter();
            ("flag", flags.map(|flag| (&*flag.name, None, &flag.docs)).collect())
        }
        _ => return Ok(()),
    };
    let has_types = rows.iter().any(|(_, with, _)| with.is_some());
    let (head, line) = if has_types { (" type |", "---|") } else { ("", "") };
    writeln!(page, "\n| {what} |{head} |\n|---|{line}---|")?;
    for (name, with, docs) in rows {
        write!(page, "| `{name}` |")?;
        match with {
            Some(with) => write!(page, " `{}` |", type_name(resolve, with)?)?,
            None if has_types => page.push_str(" |"),
            None => {}
        }
        writeln!(page, " {} |", said(docs).trim().replace('\n', " ").replace('|', "\\|"))?;
    }
    Ok(())
}

fn type_name(resolve: &Resolve, of: &Type) -> Result<String> {
    Ok(match of {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::String => "string".to_owned(),
        Type::Id(id) => named(resolve, *id)?,
        other => anyhow::bail!("{other:?} is in no WIT of ours yet"),
    })
}

fn named(resolve: &Resolve, id: TypeId) -> Result<String> {
    let def = resolve.types.get(id).context("no such type")?;
    if let Some(name) = &def.name {
        return Ok(name.clone());
    }
    let optional = |of: &Option<Type>| {
        of.as_ref().map_or_else(|| Ok("_".to_owned()), |of| type_name(resolve, of))
    };
    Ok(match &def.kind {
        TypeDefKind::Handle(Handle::Own(id)) => named(resolve, *id)?,
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", named(resolve, *id)?),
        TypeDefKind::Option(of) => format!("option<{}>", type_name(resolve, of)?),
        TypeDefKind::List(of) => format!("list<{}>", type_name(resolve, of)?),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (ok, Some(_)) => format!("result<{}, {}>", optional(ok)?, optional(&result.err)?),
            (Some(ok), None) => format!("result<{}>", type_name(resolve, ok)?),
            (None, None) => "result".to_owned(),
        },
        TypeDefKind::Tuple(tuple) => {
            let types = tuple.types.iter().map(|of| type_name(resolve, of));
            format!("tuple<{}>", types.collect::<Result<Vec<_>>>()?.join(", "))
        }
        other => anyhow::bail!("{} is in no WIT of ours yet", other.as_str()),
    })
}

/// The resource that a function belongs to.
fn resource_of(function: &Function) -> Option<TypeId> {
    match function.kind {
        FunctionKind::Method(id) | FunctionKind::Static(id) | FunctionKind::Constructor(id) => {
            Some(id)
        }
        _ => None,
    }
}

fn since(stability: &Stability) -> String {
    match stability {
        Stability::Stable { since, .. } => format!(", since {since}"),
        _ => String::new(),
    }
}

fn said(docs: &Docs) -> String {
    docs.contents.as_deref().map(|docs| format!("{}\n", docs.trim())).unwrap_or_default()
}
