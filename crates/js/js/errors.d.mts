/** What all errors of the package are. No message holds a byte of a key. */
export class WardkeyError<Code extends string = string> extends Error {
  constructor(code: Code, message: string, options?: ErrorOptions);
  /** Stable, in snake case: what a program decides by. */
  readonly code: Code;
}

/** An option that is missing, unknown, of the wrong kind, or outside its bounds. */
export class OptionError extends WardkeyError<
  | "invalid_option" | "unknown_option" | "unknown_scope" | "catalog_needed" | "one_transport" | "https_required" | "credential_missing"
  | "credential_malformed" | "scope_malformed" | "too_many_requirements" | "no_verifier_in_browsers" | "no_registry"
> {}

/** A text that is no key, or one that was mistyped or cut short. */
export class KeyTextError extends WardkeyError<"malformed" | "bad_checksum"> {}

/** A key that cannot be narrowed like this. */
export class NarrowingError extends WardkeyError<"narrowing_empty" | "narrowing_too_long" | "narrowed_too_often" | "narrowed_dead" | "key_too_long"> {}

/** The package's wasm module is not there yet (in browsers: `await ready`), or failed. */
export class ModuleError extends WardkeyError<"module_not_ready" | "module_failed"> {}

/** A request that would have taken the key where it must not go, or that carries a credential already. */
export class RequestError extends WardkeyError<"redirect_refused" | "two_credentials"> {}

/** A key set that is none, or is refused. */
export class KeySetError extends WardkeyError<"key_set_malformed" | "key_set_refused"> {}

/** What a registry or a file did not give. */
export class TransportError extends WardkeyError<
  | "registry_unreachable" | "registry_refused" | "credential_refused" | "credential_failed" | "not_found" | "tenant_gone" | "too_many_requests"
  | "answer_too_long" | "no_registry" | "not_bytes" | "report_refused"
> {
  /** Of `report_refused`: the field that the registry names, if it names one. */
  readonly field?: string;
}
