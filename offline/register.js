// Lets Node load this project's TypeScript: types are stripped without being checked, and the result
// is kept beside the installed packages, so that a second preview compiles nothing.
"use strict";
const { createHash } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { addHook } = require("pirates");
const { version } = require("sucrase/package.json");

const CACHE = join(__dirname, "..", "node_modules", ".cache", "mlops-preview");
mkdirSync(CACHE, { recursive: true });

addHook(
  (code) => {
    const key = createHash("sha256").update(version).update(code).digest("hex");
    const file = join(CACHE, `${key}.js`);
    try {
      return readFileSync(file, "utf8");
    } catch {
      const { transform } = require("sucrase");
      const compiled = transform(code, { transforms: ["typescript", "imports"] }).code;
      // Renamed into place: another preview may read it at this moment.
      writeFileSync(`${file}.${process.pid}`, compiled);
      renameSync(`${file}.${process.pid}`, file);
      return compiled;
    }
  },
  { exts: [".ts"] },
);
