import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const MODULES = join(ROOT, "node_modules");
const CACHE = join(MODULES, ".cache", "mlops-predict");

/**
 * The function as one CommonJS file with the AWS SDK inside, for Node.js 22. The same sources and
 * packages give the same bytes on every machine, so that a preview shows a change only where there is
 * one. The result is kept beside the installed packages: only the first call loads esbuild.
 *
 * @throws Error when a source does not compile
 */
export function bundle(): string {
  const file = join(CACHE, `${cacheKey()}.js`);
  try {
    return readFileSync(file, "utf8");
  } catch {
    const code = build();
    mkdirSync(CACHE, { recursive: true });
    // Renamed into place: another preview may read it at this moment.
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
    return code;
  }
}

/** Changes with the sources here and with every installed package, esbuild and the SDK among them. */
function cacheKey(): string {
  const sources = readdirSync(__dirname).filter((name) => name.endsWith(".ts"));
  const hash = createHash("sha256").update(readFileSync(join(MODULES, ".package-lock.json")));
  for (const name of sources.sort()) hash.update(name).update(readFileSync(join(__dirname, name)));
  return hash.digest("hex");
}

function build(): string {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- only where nothing is kept
  const { buildSync } = require("esbuild") as typeof import("esbuild");
  const { outputFiles } = buildSync({
    absWorkingDir: ROOT,
    entryPoints: ["functions/predict/index.ts"],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    // A tsconfig.json in a folder above has no say.
    tsconfigRaw: {},
    write: false,
  });
  return outputFiles[0]!.text;
}
