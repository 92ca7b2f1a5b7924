import { Serving, SERVING } from "./contract";

/** A model that this function can ask. */
export interface Model {
  readonly name: string;
  /** Name of the SageMaker endpoint. */
  readonly endpoint: string;
  readonly serving: Serving;
  /** Version in MLflow's registry. */
  readonly version?: string;
}

const EXAMPLE = '{"iris": {"endpoint": "dev-model-iris", "serving": "serverless", "version": "3"}}';

/**
 * The models by name, in the order of their names, from the environment variable MODELS.
 *
 * @throws Error naming the model and the field when the variable is not set or not of its form
 */
export function readModels(variable: string | undefined): ReadonlyMap<string, Model> {
  if (!variable) throw new Error(`MODELS is not set: set it to JSON such as ${EXAMPLE}`);
  const models = Object.entries(parseObject(variable)).map(([name, value]) =>
    readModel(name, value),
  );
  // By code unit, not by locale: the same order everywhere.
  models.sort((one, other) => (one.name < other.name ? -1 : 1));
  return new Map(models.map((model) => [model.name, model]));
}

function parseObject(variable: string): object {
  let value: unknown;
  try {
    value = JSON.parse(variable);
  } catch (error) {
    throw new Error(`MODELS is not JSON (${(error as Error).message}): it looks like ${EXAMPLE}`);
  }
  if (!isObject(value)) throw new Error(`MODELS is not an object: it looks like ${EXAMPLE}`);
  return value;
}

function readModel(name: string, value: unknown): Model {
  if (!isObject(value)) throw new Error(`MODELS: ${name} is not an object: see ${EXAMPLE}`);
  const { endpoint, serving, version } = value as Partial<Record<keyof Model, unknown>>;
  if (typeof endpoint !== "string" || endpoint === "") {
    throw new Error(`MODELS: ${name}.endpoint is ${show(endpoint)}: name its SageMaker endpoint`);
  }
  const known = SERVING.find((one) => one === serving);
  if (!known) {
    throw new Error(`MODELS: ${name}.serving is ${show(serving)}: use "${SERVING.join('" or "')}"`);
  }
  if (version !== undefined && typeof version !== "string") {
    throw new Error(`MODELS: ${name}.version is ${show(version)}: write it as a string`);
  }
  return { name, endpoint, serving: known, ...(version !== undefined && { version }) };
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
