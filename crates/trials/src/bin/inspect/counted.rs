//! Makes a module count what it does: before each instruction, one is added to a counter, and the
//! instruction's number is mixed into a trace.
//!
//! `steps.mjs` runs it. Not by an interpreter's fuel: wasmi charges for a block when it is entered, so that a comparison that
//! is unrolled and leaves in its middle costs as much as one that does not. The control showed it.

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction,
    Module, ValType,
};
use wasmparser::{
    ExportSectionReader, FunctionBody, GlobalSectionReader, Parser, Payload, TypeRef,
};

use crate::Fault;

/// The export that holds the number of instructions done.
const STEPS: &str = "counted_steps";
/// The export that two runs agree on if and, but for chance, only if they did the same instructions in
/// the same order.
const TRACE: &str = "counted_trace";

/// The module that counts.
pub(crate) fn counted(wasm: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut counting = Counting { steps: globals(wasm)?, instruction: 0 };
    let mut module = Module::new();
    counting.parse_core_module(&mut module, Parser::new(0), wasm)?;
    Ok(module.finish())
}

struct Counting {
    /// The number of the counter; the trace is the global after it.
    steps: u32,
    instruction: i64,
}

impl Counting {
    const fn trace(&self) -> u32 {
        self.steps + 1
    }
}

impl Reencode for Counting {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        for _ in [self.steps, self.trace()] {
            let kind = GlobalType { val_type: ValType::I64, mutable: true, shared: false };
            globals.global(kind, &ConstExpr::i64_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        exports.export(STEPS, ExportKind::Global, self.steps);
        exports.export(TRACE, ExportKind::Global, self.trace());
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let mut function = self.new_function_with_parsed_locals(&body)?;
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let instruction = self.parse_instruction(&mut reader)?;
            self.instruction += 1;
            for counting in [
                Instruction::GlobalGet(self.steps),
                Instruction::I64Const(1),
                Instruction::I64Add,
                Instruction::GlobalSet(self.steps),
                Instruction::GlobalGet(self.trace()),
                Instruction::I64Const(MIX),
                Instruction::I64Mul,
                Instruction::I64Const(self.instruction),
                Instruction::I64Add,
                Instruction::GlobalSet(self.trace()),
                instruction,
            ] {
                function.instruction(&counting);
            }
        }
        code.function(&function);
        Ok(())
    }
}

/// How many globals a module has; it must have some, and a code section after them.
fn globals(wasm: &[u8]) -> Result<u32, Fault> {
    let mut count = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    count += u32::from(matches!(import?.ty, TypeRef::Global(_)));
                }
            }
            Payload::GlobalSection(section) => return Ok(count + section.count()),
            _ => {}
        }
    }
    Err("the module has no section of globals to put a counter into".into())
}

/// An odd number with its bits well mixed.
const MIX: i64 = 0x5851_f42d_4c95_7f2d;
