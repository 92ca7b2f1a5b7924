import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { stackOutput, UserError } from "./connect-outputs";
import { PromoteRequest, readArguments, USAGE, UsageError } from "./promote/arguments";
import { unifiedDiff } from "./promote/diff";
import { Registry } from "./promote/registry";
import { checkServable, readServerImage } from "./promote/serving";
import { withModel } from "./promote/stack-file";
import { Api, API_TIMEOUT_MS, Problem } from "./signed-api";
import { apiUrl, regionOf } from "./ui";

const SERVER_IMAGE = join(__dirname, "..", "containers", "model-server");

async function main(args: string[]): Promise<void> {
  const request = readArguments(args);
  if (!request) return console.log(USAGE);
  const { model, alias, stack, name } = request;
  const project = readProjectName();
  // A stack may be named with its organization: acme/mlops/dev.
  const shortStack = stack.split("/").at(-1)!;
  const file = `Pulumi.${shortStack}.yaml`;
  const before = readStackFile(file);

  const target = request.trackingUri ?? apiUrl(String(await stackOutput(stack, "trackingUri")));
  const registry = new Registry(apiAt(target, request), target.origin);
  const { version, runId, artifactLocation } = await registry.modelVersion(model, alias);
  const warnings = await checkServable(
    registry,
    `version ${version} of "${model}"`,
    artifactLocation,
    readServerImage(SERVER_IMAGE),
  );
  for (const warning of warnings) console.error(`promote: warning: ${warning}`);

  const origin = `${model}@${alias}, version ${version}${runId ? `, run ${runId}` : ""}`;
  const after = withModel(before, file, project, { name, version, artifactLocation, origin });
  if (after === before) return console.log(`Nothing to do: ${file} has ${origin}.`);
  console.log(unifiedDiff(file, before, after));
  if (request.dryRun) return console.log(`\nDry run: ${file} is as it was.`);
  writeFileSync(file, after);
  console.log(`
${file} is written. Next:
  npm run preview -- ${shortStack}
  git commit -m "Serve version ${version} of ${name} in ${shortStack}" ${file}
Then open a pull request: merged, the pipeline deploys it. By hand: pulumi up --stack ${stack}`);
}

function readProjectName(): string {
  let text: string;
  try {
    text = readFileSync("Pulumi.yaml", "utf8");
  } catch {
    throw new UserError("there is no Pulumi.yaml here: run it in the folder of the Pulumi project");
  }
  return (parse(text) as { name: string }).name;
}

function readStackFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new UserError(`there is no ${file} here: correct --stack, or write the file first`);
  }
}

/** A server on this machine gets no signature; `apiUrl` lets no other one go without TLS. */
function apiAt(target: URL, { stack, region }: PromoteRequest): Api {
  const signing = target.protocol === "https:" && {
    region: region ?? regionOf(target),
    credentials: () => defaultProvider(),
  };
  return new Api({ target, timeoutMs: API_TIMEOUT_MS, stack, ...(signing && { signing }) });
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof UserError || error instanceof Problem)) throw error;
    console.error(`promote: ${error.message}`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  });
}
