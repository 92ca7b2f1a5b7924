import { parseArgs } from "node:util";
import { stackOutput, UserError } from "./connect-outputs";

const USAGE = `Prints what an MLflow client of a deployed stack needs, as shell exports.

  eval "$(npm run --silent connect -- STACK)"

  STACK   the stack to connect to
  --json  print one JSON object instead
  --help  show this

The package that MLFLOW_TRACKING_AUTH names is installed by: pip install ./clients/python`;

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return console.log(USAGE);
  const [stack, ...rest] = positionals;
  if (stack === undefined || rest.length > 0) throw new UserError(`name one stack.\n\n${USAGE}`);
  const variables = environment(await stackOutput(stack, "connection"));
  console.log(values.json ? JSON.stringify(variables, null, 2) : shellExports(variables));
}

function parse(args: string[]) {
  try {
    const options = { json: { type: "boolean" }, help: { type: "boolean" } } as const;
    return parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

/** The output, where it is what it should be: names of variables with their values. */
export function environment(output: unknown): Record<string, string> {
  const entries = typeof output === "object" && output !== null ? Object.entries(output) : [];
  for (const [name, value] of entries) {
    // These lines are run by a shell.
    if (!/^[A-Z][A-Z0-9_]*$/.test(name) || typeof value !== "string") {
      throw new UserError(`the output "connection" has an entry that is no variable: ${name}`);
    }
  }
  if (entries.length === 0) throw new UserError('the output "connection" has no variables');
  return Object.fromEntries(entries);
}

/** Lines for a POSIX shell, with nothing in a value that the shell would act on. */
export function shellExports(variables: Record<string, string>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'`)
    .join("\n");
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    console.error(`connect: ${error.message}`);
    process.exitCode = 2;
  });
}
