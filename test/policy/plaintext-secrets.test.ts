import assert from "node:assert/strict";

import { plaintextSecrets } from "../../policy/rules/plaintext-secrets";
import { judge, later, resource, stack } from "./stacks";
import { type Row, table } from "./table";

const task = (environment: unknown) =>
  resource("aws:ecs/taskDefinition:TaskDefinition")("task", {
    containerDefinitions: JSON.stringify([{ name: "web" }, { name: "app", environment }]),
  });
const setting = (name: string, value: unknown) => task([{ name, value }]);

const SECRET_NAMES = [
  "PASSWORD",
  "DB_PASSWORD",
  "MYSQL_ROOT_PASSWORD",
  "dbPassword",
  "password2",
  "MLFLOW_TRACKING_TOKEN",
  "GITHUB-TOKEN",
  "client_secret",
  "ClientSecret",
  "AWS_SECRET_ACCESS_KEY",
  "API_KEY",
  "apiKey",
  "apikey",
  "PRIVATE_KEY",
  "AWS_CREDENTIALS",
  "FLASK_PASSPHRASE",
];
const OTHER_NAMES = [
  "DB_PASSWORD_ARN",
  "SECRET_NAME",
  "TOKEN_TTL",
  "TOKEN_URL",
  "PASSWORD_FILE",
  "MONKEY",
  "KEY",
  "PRIMARY_KEY",
  "AWS_REGION",
  "MLFLOW_S3_ENDPOINT_URL",
];
const SECRET_VALUES = [
  "mysql+pymysql://mlflow:hunter2@db/mlflow",
  "AKIAIOSFODNN7EXAMPLE",
  "-----BEGIN RSA PRIVATE KEY-----",
];
const OTHER_VALUES = [
  "mysql+pymysql://db/mlflow?read_default_file=/run/my.cnf",
  "https://example.com:8443/path@2",
  "arn:aws:secretsmanager:us-east-1:123456789012:secret:x",
];

const rows: Row[] = [
  ...SECRET_NAMES.map((name) => ({ name, stack: [setting(name, "hunter2")], fail: ["task"] })),
  ...OTHER_NAMES.map((name) => ({ name, stack: [setting(name, "hunter2")] })),
  ...SECRET_VALUES.map((value, i) => ({
    name: `value ${i}`,
    stack: [setting("SETTING", value)],
    fail: ["task"],
  })),
  ...OTHER_VALUES.map((value) => ({ name: value, stack: [setting("SETTING", value)] })),
  ...[
    "",
    "true",
    "/run/secrets/password",
    "arn:aws:ssm:us-east-1:1:parameter/x",
    "{{resolve:x}}",
  ].map((value) => ({ name: `password that is ${value}`, stack: [setting("PASSWORD", value)] })),
  {
    name: "definitions not known yet",
    stack: [
      resource("aws:ecs/taskDefinition:TaskDefinition")("task", {
        containerDefinitions: later("[]", "image"),
      }),
    ],
  },
  {
    name: "by reference",
    stack: [
      resource("aws:ecs/taskDefinition:TaskDefinition")("task", {
        containerDefinitions: JSON.stringify([
          { name: "app", secrets: [{ name: "PASSWORD", valueFrom: "arn:x" }] },
        ]),
      }),
    ],
  },
  { name: "no environment", stack: [task(null)] },
  {
    name: "garbage",
    stack: [
      resource("aws:ecs/taskDefinition:TaskDefinition")("task", { containerDefinitions: "{" }),
    ],
  },
  {
    name: "Lambda",
    stack: [
      resource("aws:lambda/function:Function")("function", {
        environment: { variables: { TOKEN: "hunter2" } },
      }),
      resource("aws:lambda/function:Function")("without"),
    ],
    fail: ["function"],
  },
  {
    name: "SageMaker",
    stack: [
      resource("aws:sagemaker/model:Model")("one", {
        primaryContainer: { environment: { TOKEN: "hunter2" } },
      }),
      resource("aws:sagemaker/model:Model")("two", {
        containers: [{ environment: { TOKEN: "hunter2" } }],
      }),
      resource("aws:sagemaker/model:Model")("three", { primaryContainer: { image: "x" } }),
    ],
    fail: ["one", "two"],
  },
  {
    name: "CodeBuild",
    stack: [
      resource("aws:codebuild/project:Project")("plain", {
        environment: { environmentVariables: [{ name: "TOKEN", value: "hunter2" }] },
      }),
      resource("aws:codebuild/project:Project")("by-reference", {
        environment: {
          environmentVariables: [{ name: "TOKEN", value: "x", type: "SECRETS_MANAGER" }],
        },
      }),
    ],
    fail: ["plain"],
  },
  {
    name: "App Runner",
    stack: [
      resource("aws:apprunner/service:Service")("service", {
        sourceConfiguration: {
          imageRepository: {
            imageConfiguration: { runtimeEnvironmentVariables: { TOKEN: "hunter2" } },
          },
        },
      }),
    ],
    fail: ["service"],
  },
  {
    name: "parameters",
    stack: [
      resource("aws:ssm/parameter:Parameter")("plain", {
        name: "/app/db/password",
        type: "String",
        value: "hunter2",
      }),
      resource("aws:ssm/parameter:Parameter")("insecure", {
        name: "/app/token",
        type: "String",
        insecureValue: "hunter2",
      }),
      resource("aws:ssm/parameter:Parameter")("secure", {
        name: "/app/db/password",
        type: "SecureString",
        value: "hunter2",
      }),
      resource("aws:ssm/parameter:Parameter")("nameless", { type: "String", value: "hunter2" }),
    ],
    fail: ["plain", "insecure"],
  },
];

describe("plaintext-secrets", () => {
  table([plaintextSecrets], rows);

  it("never prints a value", async () => {
    for (const row of rows) {
      for (const { message } of await judge([plaintextSecrets], stack(row.stack, "live"))) {
        assert.doesNotMatch(message, /hunter2|AKIA|BEGIN/);
      }
    }
  });
});
