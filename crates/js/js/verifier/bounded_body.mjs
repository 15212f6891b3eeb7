// A body that is read no further than it may be long: whoever answers may be hostile, or somebody else.

import { TransportError } from "../errors.mjs";

/** The bytes of a response; throws `TransportError` for more than `most`. */
export async function boundedBody(response, most) {
  const tooLong = () => new TransportError("answer_too_long", `the answer is longer than ${most} bytes`);
  if (Number(response.headers.get("Content-Length")) > most && response.headers.get("Content-Encoding") === null) throw tooLong();
  const chunks = [];
  let length = 0;
  // Leaving the loop cancels the rest.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > most) throw tooLong();
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
