// Every error of the package: a class for what went wrong, and a stable code. No message holds a byte of a key.

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

/**
 * An option or an argument that is missing, unknown, of the wrong kind, or outside its bounds: `invalid_option`, `unknown_option`,
 * `unknown_scope`, `catalog_needed`; of a verifier `one_transport`, `https_required`, `credential_missing`, `scope_malformed`, `scope_unknown`, `no_verifier_in_browsers`.
 */
export class OptionError extends WardkeyError {}

/** A text that is no key: `malformed`, or `bad_checksum` where it is one that was mistyped or cut short. */
export class KeyTextError extends WardkeyError {}

/** A key that cannot be narrowed like this: `narrowing_empty`, `narrowing_too_long`, `narrowed_too_often`, `key_too_long`. */
export class NarrowingError extends WardkeyError {}

/** The package's wasm module: `module_not_ready` before it is there, `module_failed`. */
export class ModuleError extends WardkeyError {}

/** A request that would have taken the key where it must not go: `redirect_refused`, `two_credentials`. */
export class RequestError extends WardkeyError {}

/** A key set that is none, or is refused: `key_set_malformed`, `key_set_refused`. */
export class KeySetError extends WardkeyError {}

/** What a registry or a file did not give: `registry_unreachable`, `registry_refused`, `credential_refused`, `answer_too_long` … */
export class TransportError extends WardkeyError {
  /** Of `report_refused`: the field that the registry names, if it names one. */
  field;
}
