// Where a process lives on when a request has been answered.

export const waitUntil = undefined;
export const endsWithRequest = false;
