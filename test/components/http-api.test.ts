import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { HttpApi, HttpApiArgs } from "../../components/http-api";
import { assertWellFormed, build } from "../support/build";

const args = (changes: Partial<HttpApiArgs> = {}): HttpApiArgs => ({
  network: {
    vpcId: pulumi.output("vpc-1"),
    privateSubnetIds: pulumi.output(["subnet-1", "subnet-2"]),
    s3PrefixListId: pulumi.output("pl-s3"),
  },
  target: {
    integrationUri: pulumi.output("arn:listener"),
    securityGroupId: pulumi.output("sg-alb"),
    port: 80,
  },
  rateLimit: 100,
  burstLimit: 200,
  logRetentionDays: 90,
  kmsKeyArn: "arn:key",
  managedPolicies: false,
  ...changes,
});
const EXECUTION_ARN = "arn:aws:apigatewayv2:us-east-1:123456789012:api-http";

describe("HttpApi", () => {
  const api = (changes: Partial<HttpApiArgs> = {}) =>
    build(() => new HttpApi("api", args(changes)));
  const tokens = { issuer: "https://login.example.com/", audiences: ["mlflow"] };

  it("is well formed", () =>
    assertWellFormed("mlops:index:HttpApi", (name) => new HttpApi(name, args())));

  it("takes signed requests only, on every path", async () => {
    const routes = (await api()).ofType("Route");
    assert.deepEqual(
      routes.map(({ inputs }) => [inputs.routeKey, inputs.authorizationType]).sort(),
      [
        ["ANY /", "AWS_IAM"],
        ["ANY /{proxy+}", "AWS_IAM"],
      ],
    );
  });

  it("reaches the target by a VPC link, in less time than the API has", async () => {
    const built = await api();
    const integration = built.inputs("api-integration");
    assert.equal(integration.connectionType, "VPC_LINK");
    assert.equal(integration.connectionId, "api-link-id");
    assert.equal(integration.integrationUri, "arn:listener");
    assert.ok(integration.timeoutMilliseconds < 30_000);
    for (const { inputs } of built.ofType("Route")) {
      assert.equal(inputs.target, "integrations/api-integration-id");
    }
  });

  it("tells the proxy who calls, in headers that a caller can not set", async () => {
    assert.deepEqual((await api()).inputs("api-integration").requestParameters, {
      "overwrite:header.x-caller-arn": "$context.identity.userArn",
      "overwrite:header.x-request-id": "$context.requestId",
    });
  });

  it("gives the VPC link a security group that leads to the target only", async () => {
    const built = await api();
    assert.deepEqual(built.inputs("api-link").securityGroupIds, ["api-link-sg-id"]);
    assert.deepEqual(built.inputs("api-link").subnetIds, ["subnet-1", "subnet-2"]);
    const rules = built.resources.filter(({ type }) => /SecurityGroup(In|E)gressRule$/.test(type));
    assert.deepEqual(
      rules.map(({ inputs }) => [
        inputs.securityGroupId,
        inputs.referencedSecurityGroupId,
        inputs.fromPort,
      ]),
      [
        ["api-link-sg-id", "sg-alb", 80],
        ["sg-alb", "api-link-sg-id", 80],
      ],
    );
  });

  it("logs caller, route, status, latency and the integration's error, and throttles", async () => {
    const built = await api();
    const stage = built.inputs("api-stage");
    assert.equal(stage.name, "$default");
    const fields = JSON.parse(stage.accessLogSettings.format) as Record<string, string>;
    assert.equal(fields.caller, "$context.identity.userArn");
    assert.equal(fields.routeKey, "$context.routeKey");
    assert.equal(fields.status, "$context.status");
    assert.equal(fields.latencyMs, "$context.responseLatency");
    assert.equal(fields.integrationError, "$context.integration.error");
    assert.deepEqual(stage.defaultRouteSettings, {
      throttlingRateLimit: 100,
      throttlingBurstLimit: 200,
    });
    const log = built.inputs("api-access-log");
    assert.deepEqual([log.retentionInDays, log.kmsKeyId], [90, "arn:key"]);
  });

  it("takes tokens of one issuer instead, and names the callers by them", async () => {
    const built = await api({ tokens });
    const authorizer = built.inputs("api-tokens");
    assert.equal(authorizer.authorizerType, "JWT");
    assert.deepEqual(authorizer.identitySources, ["$request.header.Authorization"]);
    assert.deepEqual(authorizer.jwtConfiguration, tokens);
    for (const { inputs } of built.ofType("Route")) {
      assert.deepEqual([inputs.authorizationType, inputs.authorizerId], ["JWT", "api-tokens-id"]);
    }
    const claim = "$context.authorizer.claims.sub";
    const { requestParameters } = built.inputs("api-integration");
    assert.equal(requestParameters["overwrite:header.x-caller-arn"], claim);
    const { format } = built.inputs("api-stage").accessLogSettings;
    assert.equal(JSON.parse(format).caller, claim);
  });

  it("refuses tokens for nobody", () =>
    assert.rejects(api({ tokens: { ...tokens, audiences: [] } }), /tokens: no audience given/));

  it("makes managed policies of its documents where told", async () => {
    assert.deepEqual((await api()).ofType("iam/policy:Policy"), []);
    const built = await api({ managedPolicies: true });
    assert.deepEqual(built.json("api-writer", "policy").Statement[0].Resource, [
      `${EXECUTION_ARN}/$default/*`,
    ]);
    assert.equal(built.json("api-reader", "policy").Statement[0].Sid, "ReadMlflow");
    assert.deepEqual(built.json("api-caller", "policy").Statement[0].Resource, [
      `${EXECUTION_ARN}/$default/POST/predict/*`,
      `${EXECUTION_ARN}/$default/GET/models`,
    ]);
  });

  describe("its policy documents", () => {
    const documents = async () => {
      let read!: (documents: { reader: string; writer: string }) => void;
      const both = new Promise<{ reader: string; writer: string }>((resolve) => (read = resolve));
      await build(() => {
        const { readerPolicy, writerPolicy } = new HttpApi("api", args());
        pulumi
          .all([readerPolicy, writerPolicy])
          .apply(([reader, writer]) => read({ reader, writer }));
      });
      return both;
    };
    const resources = (document: string) =>
      (JSON.parse(document) as { Statement: { Resource: string[] }[] }).Statement.flatMap(
        (statement) => statement.Resource,
      );

    it("let a writer make every call", async () => {
      assert.deepEqual(resources((await documents()).writer), [`${EXECUTION_ARN}/$default/*`]);
    });

    it("let a reader get and search, and change nothing", async () => {
      const reader = resources((await documents()).reader);
      const allows = (call: string) =>
        reader.some((resource) => {
          const pattern = resource.slice(`${EXECUTION_ARN}/$default/`.length);
          return pattern.endsWith("*") ? call.startsWith(pattern.slice(0, -1)) : call === pattern;
        });
      assert.ok(reader.every((resource) => resource.startsWith(`${EXECUTION_ARN}/$default/`)));
      assert.ok(allows("GET/api/2.0/mlflow/runs/get"));
      assert.ok(allows("POST/api/2.0/mlflow/runs/search"));
      assert.ok(allows("POST/ajax-api/2.0/mlflow/runs/search"));
      for (const change of [
        "POST/api/2.0/mlflow/runs/create",
        "POST/api/2.0/mlflow/runs/log-metric",
        "POST/api/2.0/mlflow/experiments/delete",
        "PUT/api/2.0/mlflow-artifacts/artifacts/x",
        "PATCH/api/2.0/mlflow/model-versions/update",
        "DELETE/api/2.0/mlflow/registered-models/delete",
      ]) {
        assert.ok(!allows(change), change);
      }
    });
  });
});
