// What your scopes are called: a key holds numbers only. Names and numbers stand in your policy; without them numbers are shown.
export const catalog = {};
