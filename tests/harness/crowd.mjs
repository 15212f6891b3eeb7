// Callers that come all at once: what they ask stands before the object together, as no client outside could have it.

import { object } from "./shims.mjs";

/** The worker that they come from. It is sent messages to the object of tenant 1, and answers with what became of each. */
export function crowdWorker(compatibilityDate, home) {
  const contents = `
    export default {
      async fetch(request, env) {
        const messages = await request.json();
        let answered = 0;
        const answers = messages.map(async (message) => {
          const object = env.REGISTRY.get(env.REGISTRY.idFromName("tenant:1"));
          const answer = await object.fetch("https://registry/", { method: "POST", body: JSON.stringify(message) });
          const outcome = await answer.json();
          return { outcome, place: answered++, at: Date.now() };
        });
        return Response.json({ began: Date.now(), answers: await Promise.all(answers) });
      },
    };`;
  return {
    config: {
      name: "crowd",
      compatibilityDate,
      manifest: { mainModule: "crowd.mjs", modules: { "crowd.mjs": { type: "esm", contents } } },
      env: { REGISTRY: object(home, "TenantRegistry") },
    },
  };
}
