// Prints how many bytes files have together: as they are, with gzip -9 and with brotli -11.

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const files = process.argv.slice(2).map((path) => readFileSync(path));
const total = (packed) => files.reduce((sum, file) => sum + packed(file).length, 0);
const brotli = (file) =>
  brotliCompressSync(file, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: file.length },
  });
const sizes = { raw: total((file) => file), gzip: total((file) => gzipSync(file, { level: 9 })), brotli: total(brotli) };
process.stdout.write(JSON.stringify(sizes));
