import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SettingsError } from "../components/settings";
import { policies } from "../policy/policies";
import { runPolicies } from "./policies";
import { evaluateProgram } from "./program";
import { ProjectError, readPackConfig, readStackConfig } from "./project";
import { Preview, report } from "./report";

const USAGE = `Shows what a stack would be, without an AWS account and without the Pulumi CLI.

  npm run preview -- STACK [--json FILE]

  STACK        a stack with a Pulumi.STACK.yaml beside Pulumi.yaml
  --json FILE  also write the resources, outputs, policies and violations to FILE as JSON
  --help       show this

The policy pack takes its settings from policy/config/STACK.json, where there is one.

Exit status: 0 when no mandatory policy is violated, 1 when one is, 2 when the settings or the
command line are wrong, 3 when the program fails.`;

const ROOT = join(__dirname, "..");

class UsageError extends Error {}

/** Runs the command and returns its exit status. */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [stack, ...rest] = positionals;
  if (stack === undefined || rest.length > 0) {
    throw new UsageError(`name one stack: ${stacks().join(" or ")}.\n\n${USAGE}`);
  }
  const preview = await previewStack(stack);
  if (values.json !== undefined) {
    writeFileSync(values.json, JSON.stringify(preview, null, 2) + "\n");
  }
  console.log(report(preview));
  return preview.violations.some((violation) => violation.level === "mandatory") ? 1 : 0;
}

async function previewStack(stack: string): Promise<Preview> {
  const config = readStackConfig(ROOT, stack);
  const { resources, outputs } = await evaluateProgram(ROOT, config);
  const { verdicts, outcomes } = await runPolicies(
    policies,
    resources,
    readPackConfig(ROOT, stack),
  );
  return {
    project: config.project,
    stack,
    resources,
    outputs,
    policies: outcomes,
    violations: verdicts,
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function stacks(): string[] {
  return readdirSync(ROOT).flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

main(process.argv.slice(2)).then(
  (status) => process.exit(status),
  (error: unknown) => {
    const expected = [UsageError, ProjectError, SettingsError].some(
      (kind) => error instanceof kind,
    );
    console.error(expected ? `error: ${(error as Error).message}` : error);
    process.exit(expected ? 2 : 3);
  },
);
