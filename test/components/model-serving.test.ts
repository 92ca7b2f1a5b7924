import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ModelServing, ModelSource, ServedModel } from "../../components/model-serving";
import { PredictRoute } from "../../components/predict-route";
import { assertWellFormed, build } from "../support/build";

const IMAGE = `210987654321.dkr.ecr.us-east-1.amazonaws.com/team/scorer@sha256:${"0".repeat(64)}`;
const SOURCES: Record<string, ModelSource> = {
  diabetes: { kind: "mlflow", artifactPath: "1/models/m-1/artifacts" },
  iris: { kind: "folder", path: "containers/r-model" },
  scorer: { kind: "image", reference: IMAGE },
};
const model = (name: string, changes: Partial<ServedModel> = {}): ServedModel => ({
  name,
  source: SOURCES[name]!,
  serving: { kind: "serverless", memory: 2048, maxConcurrency: 5 },
  alarms: { errorPercent: 5, latencyMs: 2000 },
  ...changes,
});
const serve = (models: readonly ServedModel[], name = "model") =>
  new ModelServing(name, {
    models,
    mlflowVersion: "3.17.2",
    region: "us-east-1",
    accountId: "123456789012",
    network: {
      vpcId: pulumi.output("vpc-1"),
      privateSubnetIds: pulumi.output(["subnet-1", "subnet-2"]),
      s3PrefixListId: pulumi.output("pl-s3"),
    },
    artifacts: { bucketName: "artifacts", bucketArn: "arn:aws:s3:::artifacts" },
    kmsKeyArn: "arn:key",
    logRetentionDays: 90,
    forceDestroy: false,
  });

describe("ModelServing", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:ModelServing", (name) => void serve([model("iris")], name)));

  it("gives every model an endpoint, from its source", async () => {
    const built = await build(() => serve(Object.keys(SOURCES).map((name) => model(name))));
    assert.deepEqual(
      built.ofType("sagemaker/endpoint:Endpoint").map(({ inputs }) => inputs.name),
      ["model-diabetes-serverless", "model-iris-serverless", "model-scorer-serverless"],
    );
    const container = (name: string) =>
      built.inputs(`model-${name}-model`, "Model").primaryContainer;
    assert.deepEqual(container("diabetes"), {
      image: "model-server-image-build-repoDigest",
      environment: { MODEL_S3_URI: "s3://artifacts/1/models/m-1/artifacts/" },
    });
    assert.deepEqual(container("iris"), {
      image: "model-iris-image-build-repoDigest",
    });
    assert.deepEqual(container("scorer"), { image: IMAGE });
  });

  it("lets each endpoint pull its own image only", async () => {
    const built = await build(() => serve(Object.keys(SOURCES).map((name) => model(name))));
    const pulls = (name: string) =>
      built
        .json(`model-${name}-execution-policy`, "policy")
        .Statement.find(({ Sid }: { Sid: string }) => Sid === "PullTheseImages").Resource[0];
    assert.equal(pulls("iris"), "arn:aws:ecr:us-east-1:123456789012:model-iris-image-repository");
    assert.equal(
      pulls("diabetes"),
      "arn:aws:ecr:us-east-1:123456789012:model-server-image-repository",
    );
    assert.equal(pulls("scorer"), "arn:aws:ecr:us-east-1:210987654321:repository/team/scorer");
  });

  it("builds for the processor that serverless endpoints have", async () => {
    const built = await build(() => serve([model("iris"), model("diabetes")]));
    for (const { inputs } of built.ofType("docker:index/image:Image")) {
      assert.equal((inputs.build as { platform: string }).platform, "linux/amd64");
    }
  });

  it("builds the model server only where a model needs it", async () => {
    const built = await build(() => serve([model("iris"), model("scorer")]));
    assert.deepEqual(
      built.ofType("ecr/repository:Repository").map(({ name }) => name),
      ["model-iris-image-repository"],
    );
  });

  it("touches no other model when one comes or goes", async () => {
    const of = async (names: string[]) =>
      (await build(() => serve(names.map((name) => model(name))))).resources
        .filter(({ name }) => name.startsWith("model-iris"))
        .map(({ name, inputs }) => [name, inputs]);
    const alone = await of(["iris"]);
    assert.ok(alone.length > 5);
    assert.deepEqual(await of(["diabetes", "iris", "scorer"]), alone);
  });

  it("refuses an image that is none of ECR by its digest", () =>
    assert.rejects(
      build(() =>
        serve([model("scorer", { source: { kind: "image", reference: "scorer:latest" } })]),
      ),
      /^Error: models: "scorer:latest" is no image in ECR by its digest/,
    ));
});

describe("PredictRoute", () => {
  const API = {
    apiId: "api-1",
    executionArn: "arn:aws:execute-api:us-east-1:123456789012:api-1",
  };
  const route = (models: readonly ServedModel[], name = "predict") =>
    new PredictRoute(name, {
      api: API,
      endpoints: serve(models, `${name}-model`).endpoints,
      code: "exports.handler = () => {}",
      logRetentionDays: 90,
      kmsKeyArn: "arn:key",
    });
  const built = () => build(() => void route([model("scorer", { version: "3" }), model("iris")]));

  it("is well formed", () =>
    assertWellFormed("mlops:index:PredictRoute", (name) => void route([model("iris")], name)));

  it("adds two routes for signed requests, before the one to MLflow by being more specific", async () => {
    const routes = (await built()).ofType("apigatewayv2/route:Route");
    assert.deepEqual(
      routes.map(({ inputs }) => [inputs.apiId, inputs.routeKey, inputs.authorizationType]),
      [
        ["api-1", "GET /models", "AWS_IAM"],
        ["api-1", "POST /predict/{model}", "AWS_IAM"],
      ],
    );
    for (const { inputs } of routes) {
      assert.equal(inputs.target, "integrations/predict-integration-id");
    }
  });

  it("lets this API call the function by these routes, and nobody else", async () => {
    assert.deepEqual(
      (await built())
        .ofType("lambda/permission:Permission")
        .map(({ inputs }) => [inputs.principal, inputs.sourceArn]),
      [
        ["apigateway.amazonaws.com", `${API.executionArn}/*/GET/models`],
        ["apigateway.amazonaws.com", `${API.executionArn}/*/POST/predict/{model}`],
      ],
    );
  });

  it("may ask these endpoints and write its log, and no more", async () => {
    const resources = await built();
    const { Statement } = resources.json("predict-function-policy", "policy");
    assert.deepEqual(
      Statement.map(({ Action, Resource }: { Action: unknown; Resource: unknown }) => [
        Action,
        Resource,
      ]),
      [
        [
          "sagemaker:InvokeEndpoint",
          ["scorer", "iris"].map(
            (name) => `arn:aws:sagemaker:us-east-1:123456789012:predict-model-${name}-endpoint`,
          ),
        ],
        [
          ["logs:CreateLogStream", "logs:PutLogEvents"],
          "arn:aws:cloudwatch:us-east-1:123456789012:predict-log:*",
        ],
      ],
    );
  });

  it("trusts Lambda without a condition on the account, which Lambda does not tell", async () => {
    const [statement] = (await built()).json("predict-function-role", "assumeRolePolicy").Statement;
    assert.deepEqual(statement, {
      Effect: "Allow",
      Principal: { Service: "lambda.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
  });

  it("tells the function which models there are", async () => {
    const { environment } = (await built()).inputs("predict-function", "Function");
    assert.deepEqual(JSON.parse(environment.variables.MODELS), {
      scorer: { endpoint: "predict-model-scorer-serverless", serving: "serverless", version: "3" },
      iris: { endpoint: "predict-model-iris-serverless", serving: "serverless" },
    });
  });

  it("answers before the API gives up", async () => {
    const resources = await built();
    const { timeout, architectures, runtime } = resources.inputs("predict-function", "Function");
    assert.ok(timeout < 30);
    assert.equal(resources.inputs("predict-integration").timeoutMilliseconds, timeout * 1000);
    assert.deepEqual([architectures, runtime], [["arm64"], "nodejs22.x"]);
  });

  it("refuses to stand before no endpoint", () =>
    assert.rejects(
      build(() => route([])),
      /^Error: endpoints: none given/,
    ));
});
