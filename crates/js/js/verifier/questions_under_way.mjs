// How many questions the registry is asked at once: fewer than the module remembers, so that none loses its place.

/** Places of questions, each until it is given back, or has been taken for longer than a question waits. */
export class QuestionsUnderWay {
  #takenAt = new Map();
  #waitMs;
  #last = 0;

  /** `waitMs`: how long a question waits for its answer. */
  constructor(waitMs) {
    this.#waitMs = waitMs;
  }

  /** A place; nothing if there is none. */
  take(now) {
    // WHY by the clock, too: in Workers what one request began ends with it, and nobody is told.
    if (this.#takenAt.size >= MOST) for (const [place, at] of this.#takenAt) if (Math.abs(now - at) > this.#waitMs) this.#takenAt.delete(place);
    if (this.#takenAt.size >= MOST) return undefined;
    this.#last += 1;
    this.#takenAt.set(this.#last, now);
    return this.#last;
  }

  give(place) {
    this.#takenAt.delete(place);
  }
}

/** The module remembers 512. */
const MOST = 500;
