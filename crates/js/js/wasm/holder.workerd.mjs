// The holder's module in Workers, which compile it when they are deployed.

import module from "./wardkey.holder.wasm";

export { module };
export const ready = Promise.resolve();
