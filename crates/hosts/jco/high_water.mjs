// The newest key set and list that were in force, for all instances of a guard: none that comes later steps back behind them.

import { WardkeyError } from "./component.mjs";

/** An instance that takes another's place knows nothing of it: a list that is older by then has keys alive that were revoked. */
export class HighWater {
  #keySet;
  #list = { sequence: -1n, issuedAtMs: -1n };

  /** Throws for a key set of another audience, or one that is older than what was in force. */
  mayBegin({ tenant, audience, version }) {
    const known = this.#keySet;
    if (known !== undefined && !(tenant === known.tenant && audience === known.audience && version >= known.version)) {
      throw new WardkeyError("other_key_set", "the key set is refused: another audience's, or older than one that was in force");
    }
  }

  /** What is in force now. */
  keySetTaken(keySet) {
    if (this.#keySet === undefined || keySet.version > this.#keySet.version) this.#keySet = keySet;
  }

  /** Throws for a head that is older than what was in force: to be asked where an instance has no list yet. */
  mayBeFirst(head) {
    if (head.length < ISSUED_AT + 8) return;
    const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
    const order = { sequence: view.getBigUint64(SEQUENCE), issuedAtMs: view.getBigUint64(ISSUED_AT) };
    if (isBefore(order, this.#list)) throw new WardkeyError("list_older", "the list is refused: older than one that was in force");
  }

  /** What is in force now, as the component has found it right. */
  listTaken({ sequence, issuedAtMs }) {
    const order = { sequence, issuedAtMs: BigInt(issuedAtMs) };
    if (isBefore(this.#list, order)) this.#list = order;
  }
}

function isBefore(one, other) {
  return one.sequence < other.sequence || (one.sequence === other.sequence && one.issuedAtMs < other.issuedAtMs);
}

/** Where a head holds them (FORMAT.md, section 4.2). */
const SEQUENCE = 3;
const ISSUED_AT = 43;
