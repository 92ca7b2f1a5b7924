import { parseArgs } from "node:util";
import { MODEL_NAME, MODEL_NAME_RULE } from "../../components/model-settings";
import { UserError } from "../connect-outputs";
import { apiUrl } from "../ui";

export const USAGE = `Writes the model version that an alias names into the file of a stack, once it is checked.

  npm run promote -- MODEL@ALIAS --stack STACK [--dry-run] [--name NAME]

  MODEL@ALIAS         a registered model and its alias, such as diabetes@champion
  --stack STACK       the stack: its output trackingUri is the server, Pulumi.STACK.yaml the file
  --dry-run           show the change, and write nothing
  --name NAME         name of the entry, without it the model's in lower-case letters, digits and -
  --tracking-uri URL  the stack's server at this address; on this machine (http://localhost:…) unsigned
  --region REGION     its region, where the host name does not tell it (MLOPS_SIGV4_REGION)
  --help              show this

It ends with 0 where the file has the version, 1 where something is in the way, and 2 where the command
is not understood.`;

/** The command line is not understood. */
export class UsageError extends UserError {}

/** What the command line asks for. */
export interface PromoteRequest {
  readonly model: string;
  readonly alias: string;
  readonly stack: string;
  /** Key of the entry in the stack file. */
  readonly name: string;
  readonly dryRun: boolean;
  readonly trackingUri?: URL;
  readonly region?: string;
}

/**
 * @returns nothing where the usage is asked for
 * @throws UsageError where the arguments are not understood
 */
export function readArguments(args: string[]): PromoteRequest | undefined {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        stack: { type: "string" },
        name: { type: "string" },
        "dry-run": { type: "boolean", default: false },
        "tracking-uri": { type: "string" },
        region: { type: "string" },
        help: { type: "boolean" },
      },
    });
    if (values.help) return undefined;
    const [subject, ...rest] = positionals;
    if (!subject || rest.length > 0 || !values.stack) {
      throw new UserError("name one MODEL@ALIAS, and a --stack");
    }
    const { model, alias } = modelAndAlias(subject);
    const uri = values["tracking-uri"];
    return {
      model,
      alias,
      stack: values.stack,
      name: values.name === undefined ? entryName(model) : checkedName(values.name),
      dryRun: values["dry-run"],
      trackingUri: uri === undefined ? undefined : apiUrl(uri),
      region: values.region,
    };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

/** Names with an @ are possible, aliases with one are not: MLflow takes letters, digits, _ and -. */
function modelAndAlias(text: string): { model: string; alias: string } {
  const [, model, alias] = /^([^\p{Cc}/:]+)@([\p{L}\p{N}_-]+)$/u.exec(text) ?? [];
  if (model && alias) return { model, alias };
  throw new UserError(`"${text}" is no MODEL@ALIAS: write it like diabetes@champion`);
}

/** The model's name, made to fit where it does not. */
export function entryName(model: string): string {
  const name = model
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 30)
    .replace(/-$/, "");
  if (MODEL_NAME.test(name)) return name;
  const problem = name === "" ? "has no letter for a name" : `makes "${name}", which is taken`;
  throw new UserError(`"${model}" ${problem}: choose one with --name`);
}

function checkedName(name: string): string {
  if (MODEL_NAME.test(name)) return name;
  throw new UserError(`--name ${name} does not fit: use ${MODEL_NAME_RULE} for a name`);
}
