import {
  InvokeEndpointCommand,
  ModelError,
  SageMakerRuntimeClient,
} from "@aws-sdk/client-sagemaker-runtime";
import { MAX_BODY_BYTES } from "./contract";
import { modelMessage } from "./model-message";
import { Model } from "./models";
import { Problem } from "./problem";
import { PredictionRequest } from "./request";

/** What a model answers. */
export interface Prediction {
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** One attempt each: the SDK's own would hide from the caller that the model is busy, and take time. */
export function newClient(): SageMakerRuntimeClient {
  return new SageMakerRuntimeClient({ maxAttempts: 1 });
}

/**
 * Asks a model.
 *
 * @param giveUp ends the wait; the problem is then a TIMEOUT
 * @throws Problem for whatever the endpoint is known to answer; other errors as they are
 */
export async function predict(
  client: SageMakerRuntimeClient,
  model: Model,
  request: PredictionRequest,
  giveUp: AbortSignal,
): Promise<Prediction> {
  const command = new InvokeEndpointCommand({
    EndpointName: model.endpoint,
    ContentType: request.contentType,
    Accept: request.accept,
    Body: request.body,
  });
  const answer = await send(client, command, giveUp).catch((error: unknown) => {
    throw giveUp.aborted ? timeout(error, model.name) : explained(error, model.name);
  });
  const body = answer.Body ?? new Uint8Array();
  if (body.length > MAX_BODY_BYTES) throw tooLarge(body.length, model.name);
  return { contentType: answer.ContentType ?? "application/octet-stream", body };
}

/** A connection that broke while the function was frozen is seen only now. Asking twice does no harm. */
async function send(
  client: SageMakerRuntimeClient,
  command: InvokeEndpointCommand,
  abortSignal: AbortSignal,
) {
  try {
    return await client.send(command, { abortSignal });
  } catch (error) {
    if (abortSignal.aborted || !BROKEN_CONNECTION.includes(nameOf(error))) throw error;
    return client.send(command, { abortSignal });
  }
}

const BROKEN_CONNECTION = ["ECONNRESET", "EPIPE"];
/**
 * SageMaker's own faults, which pass, and those of the way to it.
 * https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html#API_runtime_InvokeEndpoint_Errors
 */
const UNAVAILABLE = [
  "ServiceUnavailable",
  "InternalDependencyException",
  "InternalFailure",
  ...BROKEN_CONNECTION,
  "ECONNREFUSED",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
];

/** The problem that an error of the endpoint is to the caller; the error itself where it is none. */
function explained(error: unknown, model: string): unknown {
  if (error instanceof ModelError) return modelProblem(error, model);
  const name = nameOf(error);
  const details = { cause: error };
  if (name === "ThrottlingException") {
    const message = `the model ${model} has as many requests as it takes: repeat this one later`;
    return new Problem("THROTTLED", message, details);
  }
  if (name === "ModelNotReadyException") {
    const message = `the model ${model} is starting: repeat the request later`;
    return new Problem("MODEL_NOT_READY", message, details);
  }
  if (UNAVAILABLE.includes(name) || isMissingEndpoint(error)) {
    const message = `the endpoint of the model ${model} is not available: repeat the request later`;
    return new Problem("MODEL_UNAVAILABLE", message, details);
  }
  return error;
}

/** SageMaker has no error of its own for this: "Endpoint x of account 123456789012 not found." */
function isMissingEndpoint(error: unknown): boolean {
  const { message } = error as Error;
  return nameOf(error).startsWith("Validation") && /\bnot (found|in service)\b/i.test(message);
}

function timeout(error: unknown, model: string): Problem {
  const message = `the model ${model} did not answer in time: repeat the request, or split the batch`;
  return new Problem("TIMEOUT", message, { cause: error });
}

function tooLarge(size: number, model: string): Problem {
  return new Problem(
    "ANSWER_TOO_LARGE",
    `the model ${model} answers ${size} bytes, the limit is ${MAX_BODY_BYTES}: split the batch`,
  );
}

function modelProblem(error: ModelError, model: string): Problem {
  const status = error.OriginalStatusCode ?? 0;
  const said = modelMessage(error.OriginalMessage ?? "") ?? "it gives no message";
  return status >= 400 && status <= 499
    ? new Problem("MODEL_REFUSED", `the model ${model} refuses the request: ${said}`, {
        status,
        cause: error,
      })
    : new Problem("MODEL_FAILED", `the model ${model} failed: ${said}`, { cause: error });
}

/** The code of an error of the network, where the SDK gives all of them one name; else the name. */
export function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown };
  return String(code ?? name);
}
