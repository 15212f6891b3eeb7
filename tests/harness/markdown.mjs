// What stands in a document of ours: its code, its tables, its links.

/** The code blocks of these languages, in order, without the indentation that all their lines share with the fence. */
export function blocks(text, ...languages) {
  const found = text.matchAll(/^( *)```(\w+)\n(.*?)^ *```$/gms);
  return [...found].filter(([, , language]) => languages.includes(language)).map(([, indent, , code]) => code.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

/** The rows of the table whose first heading this is, each as its cells. */
export function table(text, heading) {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (at === -1) throw new Error(`no table begins with ${heading}`);
  const rows = lines.slice(at + 2);
  const end = rows.findIndex((line) => !line.startsWith("|"));
  return rows.slice(0, end).map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

/** Where its links lead. */
export const links = (text) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);

/** The anchors of its headings, as GitHub and npm make them. */
export const anchors = (text) => [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => `#${title.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")}`);
