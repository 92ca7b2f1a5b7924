import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(__dirname, "..");
const MOST = 2;

const USAGE = `Compares the offline preview of dev with a process that only loads the same SDK packages.
Both run in turn; the ratio of each pair counts, so that a busy machine slows both.

  npm run bench:preview -- [--runs N]

Exit status: 1 when the median ratio is above ${MOST}.`;

/** The packages that a preview loads, all of them and nothing else. */
const LOAD = ["@pulumi/pulumi", "@pulumi/aws", "@pulumi/awsx", "@pulumi/docker", "@pulumi/policy"]
  .map((name) => `require(${JSON.stringify(name)});`)
  .join("");

function seconds(args: readonly string[]): number {
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  const elapsed = Number(process.hrtime.bigint() - start) / 1e9;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}:\n${stderr}`);
  return elapsed;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)]!;
}

const { values } = parseArgs({
  options: { runs: { type: "string", default: "9" }, help: { type: "boolean", short: "h" } },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const runs = Number(values.runs);
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`error: --runs is "${values.runs}": use a whole number from 1 up.\n\n${USAGE}`);
  process.exit(2);
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  scripts: { preview: string };
};
const preview = [...scripts.preview.split(" ").slice(1), "dev"];
const load = ["--eval", LOAD];

seconds(preview);
seconds(load);
const pairs = Array.from({ length: runs }, () => [seconds(preview), seconds(load)] as const);
const ratio = median(pairs.map(([one, other]) => one / other));
console.log(`preview of dev     ${median(pairs.map(([one]) => one)).toFixed(2)} s`);
console.log(`loading the SDK    ${median(pairs.map(([, other]) => other)).toFixed(2)} s`);
console.log(`ratio of each pair ${ratio.toFixed(2)} (median of ${runs}, at most ${MOST})`);
process.exit(ratio <= MOST ? 0 : 1);
