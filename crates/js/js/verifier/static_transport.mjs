// Key set and list that something else keeps renewing: files, a KV namespace, a bundle. There is no registry to ask.

import { TransportError } from "../errors.mjs";

/** Three functions that give bytes, each asked anew whenever a verifier would ask a registry. */
export class StaticTransport {
  where = "`files`";
  #sources;

  /** `keySet`, `head` and `state`; `state` is told the name of the state that the head wants. */
  constructor({ keySet, head, state }) {
    this.#sources = { keySet, head, state };
  }

  /** What `keySet` gives; an older one than before is refused by the verifier. */
  async keySet() {
    return { bytes: await bytes(this.#sources.keySet()) };
  }

  async head() {
    return bytes(this.#sources.head());
  }

  async state(_tenant, name) {
    return bytes(this.#sources.state(name));
  }

  /** Strict scopes ask the registry, and there is none here. */
  async confirm() {
    throw new TransportError("no_registry", "static files cannot answer for strict scopes");
  }
}

async function bytes(source) {
  const given = await source;
  if (!(given instanceof ArrayBuffer || ArrayBuffer.isView(given))) throw new TransportError("not_bytes", "a file is a Uint8Array or an ArrayBuffer");
  // A copy: the verifier wipes what it has read, and this is its owner's, perhaps a part of a pool that others read.
  const view = given instanceof ArrayBuffer ? new Uint8Array(given) : new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
  return view.slice();
}
