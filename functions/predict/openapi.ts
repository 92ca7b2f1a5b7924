import {
  CONTENT_TYPES,
  ERROR_SCHEMA,
  ErrorCode,
  ErrorKind,
  ERRORS,
  MAX_BODY_BYTES,
  MODEL_LIST_SCHEMA,
  ModelSummary,
  predictPath,
} from "./contract";
import { MLFLOW_COMPONENTS, MLFLOW_RELEASE, mlflowPaths } from "./openapi-mlflow";

export interface OpenApiOptions {
  /** Where the API is. @default a template of its URL */
  readonly url?: string;
  /** Models that can be asked; with none, the description leaves their names open. */
  readonly models: readonly Omit<ModelSummary, "path">[];
}

type Fields = Readonly<Record<string, unknown>>;

/** An OpenAPI document, typed as far as code here looks into it. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: Fields;
  readonly servers: readonly Fields[];
  readonly security: readonly Fields[];
  readonly tags: readonly Fields[];
  /** Operations by path and method, the method in lower case. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Fields>>>>;
  readonly components: Readonly<Record<string, Fields>>;
}

/**
 * Description of the whole API: the models, and MLflow's REST API beside them.
 * https://spec.openapis.org/oas/v3.1.0
 */
export function openApi({ url, models }: OpenApiOptions): OpenApiDocument {
  return {
    openapi: "3.1.0",
    info: {
      title: "MLflow and its models",
      version: "1.0.0",
      description:
        "Tracking server, model registry and the models that are served. Every request is signed " +
        "with AWS credentials: Signature Version 4, service execute-api.",
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    servers: [url === undefined ? ANY_SERVER : { url }],
    security: [{ sigv4: [] }],
    tags: [
      { name: "models", description: "Models that are served" },
      {
        name: "mlflow",
        description: `MLflow ${MLFLOW_RELEASE}. Its pages call what is below /api as /ajax-api.`,
        externalDocs: { url: "https://mlflow.org/docs/latest/rest-api.html" },
      },
    ],
    paths: {
      "/models": { get: listModels(models) },
      [predictPath("{model}")]: { post: predict(models.map(({ name }) => name)) },
      ...mlflowPaths(),
    },
    components: {
      securitySchemes: { sigv4: SIGV4 },
      headers: HEADERS,
      schemas: { ...SCHEMAS, ...MLFLOW_COMPONENTS.schemas },
      responses: { ...API_RESPONSES, ...MLFLOW_COMPONENTS.responses },
      requestBodies: MLFLOW_COMPONENTS.requestBodies,
    },
  };
}

const ANY_SERVER = {
  url: "https://{apiId}.execute-api.{region}.amazonaws.com",
  description: "Output trackingUri of the stack",
  variables: { apiId: { default: "ID" }, region: { default: "us-east-1" } },
};

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-authtype.html */
const SIGV4 = {
  type: "apiKey",
  name: "Authorization",
  in: "header",
  "x-amazon-apigateway-authtype": "awsSigv4",
};

const REQUEST_ID_HEADER = { "x-request-id": { $ref: "#/components/headers/RequestId" } };
const RETRY_AFTER_HEADER = { "retry-after": { $ref: "#/components/headers/RetryAfter" } };
const HEADERS = {
  RequestId: {
    description: "The request's name in the API's access log and in the function's log",
    schema: { type: "string" },
  },
  RetryAfter: {
    description: "Seconds after which the request may be repeated",
    schema: { type: "integer" },
  },
};

const SCHEMAS = {
  ModelList: MODEL_LIST_SCHEMA,
  Error: ERROR_SCHEMA,
  ApiMessage: {
    type: "object",
    required: ["message"],
    properties: { message: { type: "string" } },
    description: "Error of the API itself: the request went no further",
  },
};
const ERROR = { $ref: "#/components/schemas/Error" };
const API_MESSAGE = { $ref: "#/components/schemas/ApiMessage" };

/** With which API Gateway answers by itself, on every path. */
const API_RESPONSES = {
  Forbidden: {
    description: "The signature is missing or wrong, or the caller may not make this call",
    content: { "application/json": { schema: API_MESSAGE } },
  },
  Throttled: {
    description: "All callers together make more requests than the API lets through",
    content: { "application/json": { schema: API_MESSAGE } },
  },
};

function listModels(models: OpenApiOptions["models"]): Fields {
  const list = models.map((model) => ({ ...model, path: predictPath(model.name) }));
  return {
    operationId: "listModels",
    tags: ["models"],
    summary: "Models that can be asked",
    responses: {
      200: {
        description: "The models, by name",
        headers: REQUEST_ID_HEADER,
        content: {
          "application/json": {
            schema: { $ref: "#/components/schemas/ModelList" },
            example: { models: list },
          },
        },
      },
      ...errorResponses(["INTERNAL"]),
    },
  };
}

/** The forms of a body that MLflow's models take, with the same row in each. */
const JSON_BODIES = {
  dataframe_split: {
    value: { dataframe_split: { columns: ["length", "width"], data: [[5.1, 3.5]] } },
  },
  dataframe_records: { value: { dataframe_records: [{ length: 5.1, width: 3.5 }] } },
  inputs: { value: { inputs: { length: [5.1], width: [3.5] } } },
};
const CSV_BODY = "length,width\n5.1,3.5\n";

function predict(names: readonly string[]): Fields {
  const [jsonType, csvType] = CONTENT_TYPES;
  // Only a route that is not described here leads to UNKNOWN_ROUTE.
  const errors = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => code !== "UNKNOWN_ROUTE");
  return {
    operationId: "predict",
    tags: ["models"],
    summary: "Ask a model for predictions",
    description:
      "Body, Content-Type and Accept go to the model as they are, and its answer comes back so. " +
      `Neither body is larger than ${MAX_BODY_BYTES} bytes.`,
    parameters: [
      {
        name: "model",
        in: "path",
        required: true,
        schema: { type: "string", ...(names.length > 0 && { enum: names }) },
      },
    ],
    requestBody: {
      required: true,
      description: "What the model takes. The examples are the forms of MLflow's models.",
      content: {
        [jsonType]: { schema: {}, examples: JSON_BODIES },
        [csvType]: { schema: { type: "string" }, example: CSV_BODY },
      },
    },
    responses: {
      200: {
        description: "What the model answers, in the type that it names",
        headers: REQUEST_ID_HEADER,
        content: { [jsonType]: { schema: {}, example: { predictions: ["setosa"] } }, "*/*": {} },
      },
      ...errorResponses(errors),
    },
  };
}

/** Statuses of the function that API Gateway gives by itself, too: throttled, or no function there. */
const SHARED_STATUSES = ["429", "500", "503"];

/** The errors by their status. One status may stand for more than one code. */
function errorResponses(codes: readonly ErrorCode[]): Fields {
  const responses: Record<string, Fields> = {
    403: { $ref: "#/components/responses/Forbidden" },
    429: { $ref: "#/components/responses/Throttled" },
  };
  for (const status of new Set(codes.map((code) => String(ERRORS[code].status)))) {
    const kinds = codes
      .map((code): [string, ErrorKind] => [code, ERRORS[code]])
      .filter(([, kind]) => String(kind.status) === status);
    const repeatable = kinds.some(([, kind]) => kind.retryAfterSeconds !== undefined);
    const shared = SHARED_STATUSES.includes(status);
    responses[status] = {
      description: kinds.map(([code, { meaning }]) => `${code}: ${meaning}`).join("\n\n"),
      headers: { ...REQUEST_ID_HEADER, ...(repeatable && RETRY_AFTER_HEADER) },
      content: {
        "application/json": {
          schema: shared ? { anyOf: [ERROR, API_MESSAGE] } : ERROR,
        },
      },
    };
  }
  return responses;
}
