// What the scopes are called: a key holds numbers only. These are of `cargo xtask dev`; yours, with their numbers, stand in your policy.
export const catalog = { "reports:read": 0, "reports:write": 1, "payouts:create": 2, "status:read": 3 };
