import type {
  APIGatewayProxyEventV2WithIAMAuthorizer,
  APIGatewayProxyStructuredResultV2,
  Context,
} from "aws-lambda";
import {
  ANSWER_MARGIN_MS,
  ERRORS,
  ErrorBody,
  ErrorKind,
  ModelList,
  predictPath,
  ROUTES,
} from "./contract";
import { nameOf, newClient, predict } from "./endpoint";
import { readModels } from "./models";
import { Problem } from "./problem";
import { readRequest } from "./request";

type Event = APIGatewayProxyEventV2WithIAMAuthorizer;
type Time = Pick<Context, "getRemainingTimeInMillis">;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const models = readModels(process.env.MODELS);
const client = newClient();

/** Answers a request of the HTTP API (payload format 2.0, IAM) and logs one line about it. */
export async function handler(
  event: Event,
  context: Time,
): Promise<APIGatewayProxyStructuredResultV2> {
  const start = Date.now();
  const { requestId, authorizer } = event.requestContext;
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");

  let answer: Answer;
  let failure: object = {};
  try {
    answer = await respond(event, body, context);
  } catch (error) {
    answer = refusal(error, requestId);
    failure = describe(error);
  }
  log({
    requestId,
    caller: authorizer.iam.userArn,
    route: event.routeKey,
    model: event.pathParameters?.model,
    status: answer.status,
    latencyMs: Date.now() - start,
    bytesIn: body.length,
    bytesOut: answer.body.length,
    ...failure,
  });
  return {
    statusCode: answer.status,
    headers: { ...answer.headers, "x-request-id": requestId },
    // A model may answer in any type, so all answers go in the one form that holds every byte.
    body: Buffer.from(answer.body).toString("base64"),
    isBase64Encoded: true,
  };
}

async function respond(event: Event, body: Buffer, context: Time): Promise<Answer> {
  switch (event.routeKey) {
    case ROUTES.models:
      return jsonAnswer(200, modelList());
    case ROUTES.predict: {
      const model = findModel(event.pathParameters?.model ?? "");
      const request = readRequest(event.headers, body);
      const left = context.getRemainingTimeInMillis() - ANSWER_MARGIN_MS;
      const giveUp = AbortSignal.timeout(Math.max(0, left));
      const prediction = await predict(client, model, request, giveUp);
      const headers = { "content-type": prediction.contentType };
      return { status: 200, headers, body: prediction.body };
    }
    default:
      throw new Problem(
        "UNKNOWN_ROUTE",
        `${event.requestContext.http.method} ${event.rawPath} is no route: ` +
          `use ${ROUTES.models} or ${ROUTES.predict}`,
      );
  }
}

function modelList(): ModelList {
  return {
    models: [...models.values()].map(({ name, serving, version }) => ({
      name,
      serving,
      ...(version !== undefined && { version }),
      path: predictPath(name),
    })),
  };
}

function findModel(name: string) {
  const model = models.get(name);
  if (model) return model;
  const names = [...models.keys()];
  const message = `there is no model "${name}": use one of ${names.join(", ") || "none"}`;
  throw new Problem("UNKNOWN_MODEL", message, { models: names });
}

/** The answer to a request that failed; it tells nothing of errors that are not the contract's. */
function refusal(error: unknown, requestId: string): Answer {
  const problem =
    error instanceof Problem
      ? error
      : new Problem("INTERNAL", "the function failed: tell the platform's owners the requestId");
  const { code, message, details } = problem;
  const kind: ErrorKind = ERRORS[code];
  const body: ErrorBody = {
    error: { code, message, ...(details.models && { models: details.models }) },
    requestId,
  };
  const answer = jsonAnswer(details.status ?? Number(kind.status), body);
  return kind.retryAfterSeconds === undefined
    ? answer
    : { ...answer, headers: { ...answer.headers, "retry-after": `${kind.retryAfterSeconds}` } };
}

function jsonAnswer(status: number, value: ModelList | ErrorBody): Answer {
  const headers = { "content-type": "application/json" };
  return { status, headers, body: Buffer.from(JSON.stringify(value)) };
}

/** What the log says of an error: no message of a model, which may repeat what it was sent. */
function describe(error: unknown): object {
  if (!(error instanceof Problem)) {
    return { error: "INTERNAL", endpointError: nameOf(error), stack: (error as Error).stack };
  }
  return {
    error: error.code,
    ...(error.cause !== undefined && { endpointError: nameOf(error.cause) }),
  };
}

/** Not by `console`, which writes more than the line, so that metric filters could not read it. */
function log(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
