// A page that narrows a key in the browser.

import { inspect, narrow, ready, WardkeyError } from "wardkey/holder";

import { catalog } from "./catalog.mjs";

const at = (id) => document.getElementById(id);
const names = new Map(Object.entries(catalog).map(([name, number]) => [number, name]));
const scopeName = (number) => names.get(number) ?? `scope ${number}`;
const time = (seconds) => new Date(seconds * 1000).toLocaleString();
const isShown = (section, shown) => (at(section).hidden = !shown);

/** The numbers of the scopes that the key has now. */
let scopes = [];

try {
  await ready;
} catch (error) {
  problem(`This page is not complete: ${error.message}`);
  throw error;
}
look();
at("key").addEventListener("input", look);
at("less").addEventListener("input", forget);
for (const [form, act] of [["form", make], ["result", copy]]) {
  at(form).addEventListener("submit", (event) => {
    event.preventDefault();
    act();
  });
}
at("reveal").addEventListener("click", () => reveal(at("narrowed").type === "password"));
// What a browser keeps of a page for the way back has no key in it.
addEventListener("pagehide", () => {
  at("key").value = "";
  look();
});

/** Shows what the key says of itself. */
function look() {
  forget();
  const key = at("key").value.trim();
  const told = key === "" ? undefined : attempt(() => inspect(key).unproven);
  isShown("said", told !== undefined);
  isShown("less", told !== undefined);
  scopes = told?.scopes ?? [];
  at("claims").replaceChildren(...(told === undefined ? [] : claims(told)));
  at("scopes").replaceChildren(...scopes.map(box));
}

function claims({ subject, keyId, expiresAt, notBefore, networks, narrowings, scopes }) {
  const lines = {
    Subject: subject,
    "Key id": keyId,
    Scopes: scopes.map(scopeName).join(", "),
    "Dead from": time(expiresAt),
    ...(notBefore !== undefined && { "Valid from": time(notBefore) }),
    ...(networks.length > 0 && { "Only from": networks.map((set) => set.join(" or ")).join(", and ") }),
    Narrowed: narrowings.length === 0 ? "never" : `${narrowings.length} of 4 times`,
  };
  return Object.entries(lines).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
}

function box(number) {
  const input = Object.assign(document.createElement("input"), { type: "checkbox", checked: true, value: number });
  const label = element("label", "");
  label.append(input, ` ${scopeName(number)}`);
  return label;
}

/** Makes the narrowed key. */
function make() {
  forget();
  const chosen = [...at("scopes").querySelectorAll("input:checked")].map(({ value }) => Number(value));
  const minutes = at("minutes").value.trim();
  const networks = at("networks").value.split(/[\s,]+/).filter((each) => each !== "");
  if (chosen.length === scopes.length && minutes === "" && networks.length === 0) return problem("Change something first: leave out a scope, or name minutes or networks.");
  if (minutes !== "" && !/^[1-9]\d{0,6}$/.test(minutes)) return problem("Minutes: a whole number, at least 1.");
  const narrowed = attempt(() => narrow(at("key").value.trim(), {
    // What stays as it is takes no room in the key.
    ...(chosen.length < scopes.length && { scopes: chosen }),
    ...(minutes !== "" && { expiresIn: 60 * Number(minutes) }),
    ...(networks.length > 0 && { cidr: networks }),
  }));
  if (narrowed === undefined) return;
  const left = inspect(narrowed).unproven;
  at("narrowed").value = narrowed;
  at("left").textContent = `It may do ${left.scopes.map(scopeName).join(", ")}, and is dead from ${time(left.expiresAt)}.`;
  isShown("result", true);
}

async function copy() {
  try {
    await navigator.clipboard.writeText(at("narrowed").value);
    at("copied").textContent = "Copied. Whoever reads the clipboard has it.";
  } catch {
    problem("The browser does not let this page write to the clipboard: show the key, and copy it by hand.");
  }
}

function reveal(shown) {
  at("narrowed").type = shown ? "text" : "password";
  at("reveal").setAttribute("aria-pressed", String(shown));
  at("reveal").textContent = shown ? "Hide" : "Show";
}

/** What was made before is not what the fields say now. */
function forget() {
  at("narrowed").value = "";
  for (const text of ["left", "copied", "problem"]) at(text).textContent = "";
  isShown("result", false);
  reveal(false);
}

/** What an act gives; what it refuses is told, by messages that hold nothing of a key. */
function attempt(act) {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof WardkeyError)) throw error;
    // The package names its options, the page its fields.
    const said = error.message.replace(/^cidr:/, "networks:");
    problem(`${said[0].toUpperCase()}${said.slice(1)}.`);
    return undefined;
  }
}

function problem(text) {
  at("problem").textContent = text;
}

function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}
