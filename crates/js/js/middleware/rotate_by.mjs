// `Wardkey-Rotate-By` of an answer: by when the holder of the key that was let through needs the next one.

/** The header's value, an HTTP date; nothing where nothing is known. */
export function rotateByDate({ rotateBy }) {
  return rotateBy === undefined ? undefined : new Date(rotateBy * 1_000).toUTCString();
}

/** A handler's response with the header: a copy where its own headers cannot be changed, as where it comes from another server. */
export function withRotateBy(response, decision) {
  const date = rotateByDate(decision);
  if (date === undefined || !(response instanceof Response)) return response;
  try {
    response.headers.set(ROTATE_BY, date);
    return response;
  } catch {
    return copied(response, date);
  }
}

function copied(response, date) {
  try {
    const copy = new Response(response.body, response);
    copy.headers.set(ROTATE_BY, date);
    return copy;
  } catch {
    // What has no copy, as an error's response, is not kept back for a header.
    return response;
  }
}

export const ROTATE_BY = "Wardkey-Rotate-By";
