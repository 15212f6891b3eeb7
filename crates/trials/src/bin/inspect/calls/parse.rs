//! The calls of a module, read from its bytes.

use wasmparser::{
    CompositeInnerType, ElementItems, ExternalKind, KnownCustom, Name, Operator, Parser, Payload,
    TypeRef,
};

use super::{Body, Module};
use crate::Fault;
use crate::traps::Traps;

impl Module {
    pub(crate) fn parse(wasm: &[u8]) -> Result<Self, Fault> {
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
}
