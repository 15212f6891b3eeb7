// The policies that most suites start with.

/** Two audiences, and a scope of every risk level. */
export const POLICY = {
  audiences: [
    {
      number: 1,
      name: "api",
      scopes: [
        { number: 0, name: "reports:read", risk: "low" },
        { number: 1, name: "reports:write", risk: "standard" },
        { number: 9, name: "reports:export", risk: "high" },
        { number: 12, name: "reports:purge", risk: "strict" },
      ],
    },
    { number: 2, name: "jobs", scopes: [{ number: 0, name: "jobs:run" }] },
  ],
};

/** The same, with a rule that lets everybody grant what they hold themselves, key sets included. */
export const RULED = {
  ...POLICY,
  rules: [{ name: "all", actors: ["*"], audiences: ["wardkey", "api", "jobs"], scopes: ["*", "verifier:key-set"], subjects: ["*"] }],
};
