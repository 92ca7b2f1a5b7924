import * as pulumi from "@pulumi/pulumi";

export type Environment = Record<string, pulumi.Input<string>>;

/** Environment variables of an MLflow client that calls the API with IAM credentials. */
export function connection(url: pulumi.Input<string>): Environment {
  return {
    ...privateConnection(url),
    // The signer in clients/python. MLflow's own fails on uploads: mlflow#15051.
    MLFLOW_TRACKING_AUTH: "mlops-sigv4",
  };
}

/**
 * Environment variables of an MLflow client that reaches the server by its network, unsigned.
 *
 * Artifacts of every size go between client and S3 by presigned URLs, in parts: the API carries no
 * more than 10 MB a request, and by default MLflow would send through it what is below 500 MB. A
 * minimum of 0 would break empty files.
 */
export function privateConnection(url: pulumi.Input<string>): Environment {
  return {
    MLFLOW_TRACKING_URI: url,
    MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: "true",
    MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: "true",
    MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: "1",
  };
}
