/** Routes of the HTTP API that lead to this function, as API Gateway writes them. */
export const ROUTES = { models: "GET /models", predict: "POST /predict/{model}" } as const;

/**
 * Largest body of a request and of an answer, in bytes: as much as a serverless endpoint takes, and
 * base64 of it still fits into Lambda's 6 MB.
 * https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** Timeout of the function in seconds: below the 30 at which API Gateway gives up. */
export const FUNCTION_TIMEOUT_SECONDS = 29;

/** How long before Lambda ends the function it gives up by itself, so that it can still answer. */
export const ANSWER_MARGIN_MS = 1_000;

/** Longest message of a model that is passed on, in characters. */
export const MAX_MODEL_MESSAGE = 1_000;

/** Media types of a request; parameters such as `charset` may follow. */
export const CONTENT_TYPES = ["application/json", "text/csv"] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

const MAX_BODY = `${MAX_BODY_BYTES / 1024 ** 2} MiB`;
const WAIT = `${FUNCTION_TIMEOUT_SECONDS - ANSWER_MARGIN_MS / 1_000} s`;

/** How an endpoint runs: without a machine of its own, or on one. */
export const SERVING = ["serverless", "realtime"] as const;
export type Serving = (typeof SERVING)[number];

/** What the model is asked to answer with where the request has no Accept. */
export const DEFAULT_ACCEPT: ContentType = "application/json";

export interface ErrorKind {
  /** HTTP status; `4XX` stands for the model's own. */
  readonly status: number | "4XX";
  /** What happened and what the caller can do, for people who read the description. */
  readonly meaning: string;
  /** Value of the header Retry-After, where repeating the request makes sense. */
  readonly retryAfterSeconds?: number;
}

/** Every error of the function, by its code. */
export const ERRORS = {
  EMPTY_BODY: { status: 400, meaning: "The body is empty. Send the rows to predict." },
  MALFORMED_JSON: {
    status: 400,
    meaning: "The body is not valid JSON. NaN and Infinity are none: send null.",
  },
  UNKNOWN_MODEL: {
    status: 404,
    meaning: "No model has this name. Take one of the list `models` in the answer.",
  },
  UNKNOWN_ROUTE: {
    status: 404,
    meaning: "Only `GET /models` and `POST /predict/{model}` lead to models.",
  },
  BODY_TOO_LARGE: {
    status: 413,
    meaning: `The body is larger than ${MAX_BODY}. Split the batch.`,
  },
  UNSUPPORTED_CONTENT_TYPE: {
    status: 415,
    meaning: "Content-Type is missing or another one. Send application/json or text/csv.",
  },
  MODEL_REFUSED: {
    status: "4XX",
    meaning: "The model refuses the request, with this status and message. Change the request.",
  },
  THROTTLED: {
    status: 429,
    meaning: "The model has as many requests as it takes at once. Repeat the request later.",
    retryAfterSeconds: 1,
  },
  INTERNAL: {
    status: 500,
    meaning: "The function failed. Tell the platform's owners the requestId.",
  },
  MODEL_FAILED: {
    status: 502,
    meaning: "The model failed, with this message. Its log says more.",
  },
  ANSWER_TOO_LARGE: {
    status: 502,
    meaning: `The model's answer is larger than ${MAX_BODY}. Split the batch.`,
  },
  MODEL_NOT_READY: {
    status: 503,
    meaning: "The model is starting. Repeat the request later.",
    retryAfterSeconds: 10,
  },
  MODEL_UNAVAILABLE: {
    status: 503,
    meaning:
      "The model's endpoint is not in service or can not be reached. Repeat the request later.",
    retryAfterSeconds: 30,
  },
  TIMEOUT: {
    status: 504,
    meaning: `The model did not answer in ${WAIT}. It may have been starting: repeat the request, else split the batch.`,
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** A model as callers see it. */
export interface ModelSummary {
  readonly name: string;
  readonly serving: Serving;
  /** Version in MLflow's registry, where the model comes from there. */
  readonly version?: string;
  /** Where to POST to. */
  readonly path: string;
}

/** Answer of `GET /models`. */
export interface ModelList {
  /** In the order of their names. */
  readonly models: readonly ModelSummary[];
}

/** JSON Schema of `ModelList`. */
export const MODEL_LIST_SCHEMA = {
  type: "object",
  required: ["models"],
  properties: {
    models: {
      type: "array",
      items: {
        type: "object",
        required: ["name", "serving", "path"],
        properties: {
          name: { type: "string" },
          serving: { type: "string", enum: SERVING },
          version: { type: "string", description: "Version in MLflow's registry" },
          path: { type: "string", description: "Where to POST to" },
        },
      },
    },
  },
} as const;

/** Body of every error. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    /** What happened, with the value at fault, and what to do. */
    readonly message: string;
    /** Names of the models there are, with `UNKNOWN_MODEL` only. */
    readonly models?: readonly string[];
  };
  /** The request's name in the API's access log and in the function's log. */
  readonly requestId: string;
}

/** JSON Schema of `ErrorBody`. */
export const ERROR_SCHEMA = {
  type: "object",
  required: ["error", "requestId"],
  properties: {
    error: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { type: "string", enum: Object.keys(ERRORS) },
        message: { type: "string", description: "What happened, and what to do" },
        models: {
          type: "array",
          items: { type: "string" },
          description: "Names of the models there are, with UNKNOWN_MODEL",
        },
      },
    },
    requestId: { type: "string" },
  },
} as const;

/** Path of a model's predictions. */
export function predictPath(name: string): string {
  return ROUTES.predict.replace("POST ", "").replace("{model}", name);
}
