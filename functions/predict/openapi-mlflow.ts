import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Made by mlflow_paths.py. */
const { mlflow, calls } = JSON.parse(
  readFileSync(join(__dirname, "mlflow-paths.json"), "utf8"),
) as {
  mlflow: string;
  /** Summaries by method and path. */
  calls: Record<string, string>;
};

/** Release of MLflow whose calls are described. */
export const MLFLOW_RELEASE = mlflow;

type Operation = Readonly<Record<string, unknown>>;

/** MLflow's calls, by path and method in lower case. */
export function mlflowPaths(): Record<string, Record<string, Operation>> {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const [call, summary] of Object.entries(calls)) {
    const [method, path] = call.split(" ") as [string, string];
    (paths[path] ??= {})[method.toLowerCase()] = operation(method, path, summary);
  }
  return paths;
}

function operation(method: string, path: string, summary: string): Operation {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return {
    tags: ["mlflow"],
    summary,
    ...(names.length > 0 && { parameters: names.map(parameter) }),
    ...(method !== "GET" && { requestBody: { $ref: "#/components/requestBodies/Mlflow" } }),
    responses: {
      200: { $ref: "#/components/responses/Mlflow" },
      403: { $ref: "#/components/responses/Forbidden" },
      429: { $ref: "#/components/responses/Throttled" },
      default: { $ref: "#/components/responses/MlflowError" },
    },
  };
}

function parameter(name: string): object {
  const description = "Path within the artifact store, with its slashes";
  return {
    name,
    in: "path",
    required: true,
    ...(name === "artifact_path" && { description }),
    schema: { type: "string" },
  };
}

/** What the operations refer to. MLflow's own documentation describes the fields. */
export const MLFLOW_COMPONENTS = {
  schemas: {
    MlflowError: {
      type: "object",
      required: ["error_code", "message"],
      properties: { error_code: { type: "string" }, message: { type: "string" } },
    },
  },
  requestBodies: {
    Mlflow: {
      content: { "application/json": { schema: { type: "object" } }, "*/*": {} },
    },
  },
  responses: {
    Mlflow: {
      description: "What MLflow answers: JSON, but for artifacts and pages",
      content: { "application/json": { schema: { type: "object" } }, "*/*": {} },
    },
    MlflowError: {
      description: "MLflow's error",
      content: { "application/json": { schema: { $ref: "#/components/schemas/MlflowError" } } },
    },
  },
};
