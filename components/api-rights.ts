import * as pulumi from "@pulumi/pulumi";
import { PolicyStatement } from "./policy-document";

/**
 * Calls that read, though they are POSTs: MLflow takes long filters in a body. From the service
 * definitions in the MLflow 3.17.2 package (`mlflow/protos`).
 */
export const READING_POSTS: readonly string[] = [
  "2.0/mlflow/experiments/search",
  "2.0/mlflow/experiments/search-datasets",
  "2.0/mlflow/runs/search",
  "2.0/mlflow/logged-models/search",
  "2.0/mlflow/registered-models/get-latest-versions",
  "2.0/mlflow/artifacts/presigned-download-url",
  "3.0/mlflow/datasets/search",
  "3.0/mlflow/issues/search",
  "3.0/mlflow/prompt-optimization/jobs/search",
  "3.0/mlflow/traces/search",
  "3.0/mlflow/traces/batchGetInfos",
  "3.0/mlflow/traces/calculate-filter-correlation",
  "3.0/mlflow/traces/metrics",
];

/** Statements for those who read: every GET, and the POSTs that change nothing. */
export function readerStatements(executionArn: pulumi.Input<string>): PolicyStatement[] {
  // Clients call /api/…, pages of the UI /ajax-api/….
  const paths = READING_POSTS.flatMap((path) => [`api/${path}`, `ajax-api/${path}`]);
  const calls = ["GET/*", "POST/graphql", ...paths.map((path) => `POST/${path}`)];
  return [invoke("ReadMlflow", executionArn, calls)];
}

/** Statements for those who write: every call. */
export function writerStatements(executionArn: pulumi.Input<string>): PolicyStatement[] {
  return [invoke("WriteMlflow", executionArn, ["*"])];
}

/** Statements for those who ask models: predictions, and the list of models. */
export function callerStatements(executionArn: pulumi.Input<string>): PolicyStatement[] {
  return [invoke("CallModels", executionArn, ["POST/predict/*", "GET/models"])];
}

function invoke(sid: string, executionArn: pulumi.Input<string>, calls: readonly string[]) {
  return {
    Sid: sid,
    Effect: "Allow",
    Action: "execute-api:Invoke",
    Resource: calls.map((call) => pulumi.interpolate`${executionArn}/$default/${call}`),
  };
}
