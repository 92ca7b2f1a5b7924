import { load } from "js-yaml";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PackConfig } from "./policies";

/** A project and one of its stacks, as the Pulumi CLI would read them. */
export interface StackConfig {
  readonly project: string;
  readonly stack: string;
  /** Full keys (`mlops:zoneCount`) and values as the CLI hands them to a program. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

/** What the CLI itself would say before it starts the program. */
export class ProjectError extends Error {}

interface Declaration {
  readonly type?: string;
  readonly items?: { readonly type: string };
  readonly default?: unknown;
  readonly value?: unknown;
}

/** What stands for a value that only the stack's secrets provider can decrypt. */
export const ENCRYPTED = "[encrypted]";

/**
 * Reads `Pulumi.yaml` and `Pulumi.STACK.yaml`, checks values against the declared types and fills in
 * defaults, as `pulumi preview` does before it runs the program.
 *
 * @throws ProjectError when the stack has no file, or a value is not of its declared type
 */
export function readStackConfig(root: string, stack: string): StackConfig {
  const project = readYaml(join(root, "Pulumi.yaml"), `no Pulumi project in ${root}`) as {
    name: string;
    config?: Record<string, Declaration>;
  };
  const file = `Pulumi.${stack}.yaml`;
  const stackFile = readYaml(
    join(root, file),
    `stack "${stack}" has no settings: there is no ${file}`,
  ) as {
    config?: Record<string, unknown>;
  } | null;

  const full = (key: string) => (key.includes(":") ? key : `${project.name}:${key}`);
  const values: Record<string, unknown> = {};
  const types: Record<string, Declaration> = {};
  for (const [key, declaration] of Object.entries(project.config ?? {})) {
    types[full(key)] = declaration;
    values[full(key)] = declaration.default ?? declaration.value;
  }
  for (const [key, value] of Object.entries(stackFile?.config ?? {})) values[full(key)] = value;

  const config: Record<string, string> = {};
  const secretKeys: string[] = [];
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined || value === null) continue;
    if (isEncrypted(value)) {
      secretKeys.push(key);
      config[key] = ENCRYPTED;
      continue;
    }
    const type = types[key]?.type;
    if (type && !hasType(value, type)) {
      throw new ProjectError(
        `${key} in ${file} is ${JSON.stringify(value)}: use a value of type ${type}.`,
      );
    }
    config[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return { project: project.name, stack, config, secretKeys };
}

/**
 * Reads the settings of the policy pack for a stack, `policy/config/STACK.json`: the file that
 * `--policy-pack-config` takes. Without one, the pack's own defaults hold.
 *
 * @throws ProjectError when the file is no JSON
 */
export function readPackConfig(root: string, stack: string): PackConfig {
  const path = join(root, "policy", "config", `${stack}.json`);
  if (!existsSync(path)) return {};
  try {
    return JSON.parse(readFileSync(path, "utf8")) as PackConfig;
  } catch (error) {
    throw new ProjectError(`${path} is no JSON: ${(error as Error).message}`);
  }
}

function readYaml(path: string, missing: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new ProjectError(`${missing}.`);
  }
  try {
    return load(text);
  } catch (error) {
    throw new ProjectError(`${path} is no YAML: ${(error as Error).message}`);
  }
}

function isEncrypted(value: unknown): boolean {
  return typeof value === "object" && value !== null && "secure" in value;
}

/** The CLI's own rules: a string that reads as an integer or a boolean passes for one. */
function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isInteger(typeof value === "string" && value !== "" ? Number(value) : value);
    case "boolean":
      return typeof value === "boolean" || value === "true" || value === "false";
    case "array":
      return Array.isArray(value);
    default:
      return typeof value === "object" && !Array.isArray(value);
  }
}
