// Every error of the package: a class for what went wrong, and a stable code: errors.d.mts has them all. No message holds a byte of a key.

/** What all of them are. */
export class WardkeyError extends Error {
  /** Stable, in snake case: what a program decides by. */
  code;

  constructor(code, message, options) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An option or an argument that is missing, unknown, of the wrong kind, or outside its bounds. */
export class OptionError extends WardkeyError {}

/** A text that is no key, or one that was mistyped or cut short. */
export class KeyTextError extends WardkeyError {}

/** A key that cannot be narrowed like this. */
export class NarrowingError extends WardkeyError {}

/** The package's wasm module is not there yet, or failed. */
export class ModuleError extends WardkeyError {}

/** A request that would have taken the key where it must not go, or that carries a credential already. */
export class RequestError extends WardkeyError {}

/** A key set that is none, or is refused. */
export class KeySetError extends WardkeyError {}

/** What a registry or a file did not give. */
export class TransportError extends WardkeyError {
  /** Of `report_refused`: the field that the registry names, if it names one. */
  field;
}
