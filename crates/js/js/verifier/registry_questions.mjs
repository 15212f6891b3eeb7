// The registry's own word on a key, for strict scopes: asked once a call, and taken only if it is about that key.

import { REGISTRY_ANSWERED, REGISTRY_FAILED } from "../instance.mjs";
import { Decision } from "./decision.mjs";
import { within } from "./list_refresh.mjs";
import { Outage } from "./outage.mjs";
import { QuestionsUnderWay } from "./questions_under_way.mjs";

/** The questions of one verifier. */
export class RegistryQuestions {
  /** Questions that the registry does not answer. */
  outage;
  #instance;
  #transport;
  #underWay;
  #now;
  #waitMs;
  #names;

  /** `waitMs`: how long one waits for its answer, in milliseconds; `names`: gives those of scopes, by number. */
  constructor({ instance, transport, now, waitMs, names }) {
    this.outage = new Outage("strict scopes are answered 503", now);
    this.#instance = instance;
    this.#transport = transport;
    this.#underWay = new QuestionsUnderWay(waitMs);
    this.#now = now;
    this.#waitMs = waitMs;
    this.#names = names;
  }

  /**
   * Asks about the key that was judged last, and notes in `done` how the module is to judge it again: `registry`, `question`, and what
   * an allow is told `more`. A denial for a reason that the module has no word for is the decision.
   */
  async ask(question, done, asked) {
    done.asked += 1;
    done.registry = REGISTRY_FAILED;
    // A second question of the same call: the first one's place went to another, or a newer key set came. It has its answer already.
    if (done.asked === 2 && done.answer !== undefined) this.#answer(question, done);
    if (done.asked > 1) return undefined;
    const claims = this.#instance.claims();
    const answer = await this.#answerTo(asked);
    if (answer === undefined) return undefined;
    const isAllow = answer.decision === "allow";
    // An answer about another key, whoever mixed them up, is none; nor is what refuses anything but the caller.
    if (!(isAllow ? isAbout(answer, claims) : isRefusal(answer))) {
      this.outage.failed("answer_refused");
      return undefined;
    }
    this.outage.ended();
    const verdict = isAllow ? 0 : VERDICTS.get(answer.reason);
    if (verdict === undefined) {
      const { reason, requestId, retry_after_s: retryAfterS } = answer;
      const { scopes, any } = asked;
      return new Decision("deny", reason, claims, this.#names(), { requestId, retryAfterS: isNumber(retryAfterS) ? retryAfterS : undefined, scopes, any });
    }
    done.more = isNumber(answer.rotate_by) ? { rotateBy: answer.rotate_by } : undefined;
    done.answer = { base: claims.base, verdict, sequence: answer.list?.sequence ?? 0 };
    this.#answer(question, done);
    return undefined;
  }

  /** Hands what the registry has answered on to the module, as the answer to this question. */
  #answer(question, done) {
    const { base, verdict, sequence } = done.answer;
    const isTaken = this.#instance.answer(question, base, verdict, sequence);
    Object.assign(done, isTaken ? { registry: REGISTRY_ANSWERED, question } : { registry: 0, question: 0 });
  }

  /** What the registry says; nothing where it says nothing in time. */
  async #answerTo(asked) {
    const place = this.#underWay.take(this.#now());
    if (place === undefined) {
      this.outage.failed("too_many_at_once");
      return undefined;
    }
    const end = AbortSignal.timeout(this.#waitMs);
    try {
      return (await within(this.#transport.confirm(asked, end), end)) ?? {};
    } catch (error) {
      this.outage.failed(error);
      return undefined;
    } finally {
      this.#underWay.give(place);
    }
  }
}

/** Whether the registry speaks of the key that it was asked about. */
function isAbout(answer, { keyId, statusIndex, tenant, audience, subject, expiresAt, narrowed }) {
  return (
    answer.key_id === keyId && answer.status_index === statusIndex && answer.tenant === tenant && answer.audience === audience &&
    answer.subject === subject && answer.expires_at === expiresAt && answer.narrowed === narrowed
  );
}

function isRefusal({ decision, reason, status }) {
  return decision === "deny" && REASON.test(reason) && reason !== "allow" && status >= 400 && status < 500;
}

/** Whether it has said a number of seconds. */
const isNumber = (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32;

/** The registry's denials as the module takes them; "invalid_token" is a key that it never issued. */
const VERDICTS = new Map([["revoked", 1], ["suspended", 2], ["retired", 3], ["expired", 4], ["invalid_token", 5]]);
const REASON = /^[a-z][a-z_]{0,63}$/;
