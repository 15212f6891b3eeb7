// Every workerd that this process has started, with what it said.

import childProcess from "node:child_process";
import { basename } from "node:path";

// Miniflare does not tell which workerd is its own: every one that this process starts is remembered.
export const workerds = [];
const { spawn } = childProcess;
childProcess.spawn = (command, ...rest) => {
  const child = spawn(command, ...rest);
  if (basename(String(command)).startsWith("workerd")) {
    // Word for word, before anybody makes lines of it.
    child.said = { stdout: [], stderr: [] };
    for (const stream of ["stdout", "stderr"]) child[stream]?.on("data", (chunk) => child.said[stream].push(Buffer.from(chunk)));
    workerds.push(child);
  }
  return child;
};
