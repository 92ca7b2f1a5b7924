import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import {
  ModelEndpoint,
  ModelEndpointArgs,
  RealtimeServing,
  ServerlessServing,
} from "../../components/model-endpoint";
import { assertWellFormed, build } from "../support/build";

const serverless: ServerlessServing = { kind: "serverless", memory: 2048, maxConcurrency: 5 };
const realtime: RealtimeServing = {
  kind: "realtime",
  instanceType: "ml.m5.large",
  minInstances: 2,
  maxInstances: 4,
  requestsPerInstanceTarget: 600,
  networkIsolation: true,
  capturePercent: 10,
  rollout: "canary",
  rolloutPercent: 50,
  rolloutWaitSeconds: 300,
};
const args = (changes: Partial<ModelEndpointArgs> = {}): ModelEndpointArgs => ({
  region: "us-east-1",
  accountId: "123456789012",
  image: {
    reference: "repository@sha256:1",
    repositoryArn: "arn:aws:ecr:us-east-1:123456789012:repository/iris",
  },
  serving: realtime,
  alarms: { errorPercent: 5, latencyMs: 2000 },
  network: {
    vpcId: pulumi.output("vpc-1"),
    privateSubnetIds: pulumi.output(["subnet-1", "subnet-2"]),
    s3PrefixListId: pulumi.output("pl-s3"),
  },
  artifacts: { bucketName: "artifacts", bucketArn: "arn:aws:s3:::artifacts" },
  kmsKeyArn: "arn:key",
  logRetentionDays: 90,
  ...changes,
});
const ARTIFACTS = "1/models/m-1/artifacts";

interface Statement {
  Sid: string;
  Action: string | string[];
  Resource: string | string[];
  Condition?: unknown;
}

describe("ModelEndpoint", () => {
  const endpoint = (changes: Partial<ModelEndpointArgs> = {}) =>
    build(() => new ModelEndpoint("iris", args(changes)));
  const rights = async (changes: Partial<ModelEndpointArgs> = {}) => {
    const { Statement } = (await endpoint(changes)).json("iris-execution-policy", "policy") as {
      Statement: Statement[];
    };
    return new Map(Statement.map((statement) => [statement.Sid, statement]));
  };

  it("is well formed", () =>
    assertWellFormed("mlops:index:ModelEndpoint", (name) => new ModelEndpoint(name, args())));

  it("leaves the names of model and configuration to Pulumi, and none of the endpoint", async () => {
    const built = await endpoint();
    assert.equal(built.inputs("iris-model", "Model").name, undefined);
    assert.equal(built.inputs("iris-config").name, undefined);
    assert.equal(built.inputs("iris-endpoint").name, "iris");
    assert.equal(built.inputs("iris-config").productionVariants[0].modelName, "iris-model-name");
    assert.equal(built.inputs("iris-endpoint").endpointConfigName, "iris-config-name");
  });

  it("replaces model, configuration and rights on a change, the new ones first", async () => {
    const built = await endpoint();
    assert.deepEqual(built.get("iris-model", "Model").replaceOnChanges, [
      "primaryContainer",
      "vpcConfig",
      "enableNetworkIsolation",
    ]);
    assert.deepEqual(built.get("iris-config").replaceOnChanges, [
      "productionVariants",
      "dataCaptureConfig",
      "kmsKeyArn",
    ]);
    // The old instances may have to fetch the old version until they are gone.
    const rights = built.get("iris-execution-policy");
    assert.deepEqual(rights.replaceOnChanges, ["policy"]);
    assert.equal(rights.inputs.name, undefined);
    assert.deepEqual(built.get("iris-endpoint").replaceOnChanges, []);
  });

  it("puts instances into the VPC, with no way in and none out but to S3", async () => {
    const built = await endpoint();
    const { vpcConfig, enableNetworkIsolation } = built.inputs("iris-model", "Model");
    assert.deepEqual(vpcConfig, {
      subnets: ["subnet-1", "subnet-2"],
      securityGroupIds: ["iris-sg-id"],
    });
    assert.equal(enableNetworkIsolation, true);
    assert.equal(built.ofType("SecurityGroupIngressRule").length, 0);
    assert.deepEqual(
      built
        .ofType("SecurityGroupEgressRule")
        .map(({ inputs }) => [inputs.prefixListId, inputs.fromPort]),
      [["pl-s3", 443]],
    );
  });

  it("mounts an MLflow model into instances", async () => {
    const built = await endpoint({ artifactPath: ARTIFACTS });
    assert.deepEqual(built.inputs("iris-model", "Model").primaryContainer, {
      image: "repository@sha256:1",
      modelDataSource: {
        s3DataSources: [
          {
            s3Uri: `s3://artifacts/${ARTIFACTS}/`,
            s3DataType: "S3Prefix",
            compressionType: "None",
          },
        ],
      },
    });
  });

  it("tells a serverless container where its MLflow model is, since nothing can be mounted", async () => {
    const built = await endpoint({ serving: serverless, artifactPath: ARTIFACTS });
    const model = built.inputs("iris-model", "Model");
    assert.deepEqual(model.primaryContainer, {
      image: "repository@sha256:1",
      environment: { MODEL_S3_URI: `s3://artifacts/${ARTIFACTS}/` },
    });
    assert.equal(model.vpcConfig, undefined);
    assert.deepEqual(built.inputs("iris-config").productionVariants, [
      {
        variantName: "AllTraffic",
        modelName: "iris-model-name",
        serverlessConfig: { memorySizeInMb: 2048, maxConcurrency: 5 },
      },
    ]);
    assert.equal(built.inputs("iris-endpoint").deploymentConfig, undefined);
    // Another name than that of instances: SageMaker can not turn one kind into the other.
    assert.equal(built.inputs("iris-endpoint").name, "iris-serverless");
    assert.equal(built.inputs("iris-log").name, "/aws/sagemaker/Endpoints/iris-serverless");
    assert.equal(built.ofType("Target").length, 0);
  });

  it("updates by a canary that the component's own alarms take back", async () => {
    const built = await endpoint();
    const alarms = ["iris-alarms-errors-name", "iris-alarms-latency-name"];
    assert.deepEqual(built.inputs("iris-endpoint").deploymentConfig, {
      blueGreenUpdatePolicy: {
        trafficRoutingConfiguration: {
          type: "CANARY",
          waitIntervalInSeconds: 300,
          canarySize: { type: "CAPACITY_PERCENT", value: 50 },
        },
        terminationWaitInSeconds: 300,
      },
      autoRollbackConfiguration: { alarms: alarms.map((alarmName) => ({ alarmName })) },
    });
  });

  for (const [rollout, expected] of [
    ["linear", { type: "LINEAR", linearStepSize: { type: "CAPACITY_PERCENT", value: 50 } }],
    ["all-at-once", { type: "ALL_AT_ONCE" }],
  ] as const) {
    it(`updates ${rollout} when asked to`, async () => {
      const built = await endpoint({ serving: { ...realtime, rollout } });
      const { blueGreenUpdatePolicy } = built.inputs("iris-endpoint").deploymentConfig;
      assert.deepEqual(blueGreenUpdatePolicy.trafficRoutingConfiguration, {
        waitIntervalInSeconds: 300,
        ...expected,
      });
    });
  }

  it("alarms on errors and latency of its one variant, in CloudWatch's units", async () => {
    const built = await endpoint();
    const errors = built.inputs("iris-alarms-errors");
    const latency = built.inputs("iris-alarms-latency");
    for (const alarm of [errors, latency]) {
      assert.equal(alarm.namespace, "AWS/SageMaker");
      assert.deepEqual(alarm.dimensions, { EndpointName: "iris", VariantName: "AllTraffic" });
      assert.deepEqual(
        [alarm.period, alarm.datapointsToAlarm, alarm.evaluationPeriods, alarm.treatMissingData],
        [60, 2, 3, "notBreaching"],
      );
      assert.equal(alarm.comparisonOperator, "GreaterThanThreshold");
    }
    assert.deepEqual(
      [errors.metricName, errors.statistic, errors.threshold],
      ["Invocation5XXErrors", "Average", 0.05],
    );
    assert.deepEqual(
      [latency.metricName, latency.extendedStatistic, latency.threshold],
      ["ModelLatency", "p95", 2_000_000],
    );
  });

  it("scales by requests per instance", async () => {
    const built = await endpoint();
    assert.deepEqual(built.inputs("iris-scaling"), {
      serviceNamespace: "sagemaker",
      scalableDimension: "sagemaker:variant:DesiredInstanceCount",
      resourceId: "endpoint/iris/variant/AllTraffic",
      minCapacity: 2,
      maxCapacity: 4,
    });
    const { targetTrackingScalingPolicyConfiguration: tracking } =
      built.inputs("iris-scale-on-requests");
    assert.equal(tracking.targetValue, 600);
    assert.equal(
      tracking.predefinedMetricSpecification.predefinedMetricType,
      "SageMakerVariantInvocationsPerInstance",
    );
    assert.ok(tracking.scaleOutCooldown < tracking.scaleInCooldown);
  });

  it("does not scale a fixed number of instances", async () => {
    const built = await endpoint({ serving: { ...realtime, maxInstances: 2 } });
    assert.equal(
      built.ofType("Target").length + built.ofType("appautoscaling/policy:Policy").length,
      0,
    );
  });

  it("captures a share of requests and answers under the key", async () => {
    const { dataCaptureConfig } = (await endpoint()).inputs("iris-config");
    assert.equal(dataCaptureConfig.enableCapture, true);
    assert.equal(dataCaptureConfig.initialSamplingPercentage, 10);
    assert.equal(dataCaptureConfig.destinationS3Uri, "s3://artifacts/data-capture/iris");
    assert.equal(dataCaptureConfig.kmsKeyId, "arn:key");
    const none = await endpoint({ serving: { ...realtime, capturePercent: 0 } });
    assert.equal(none.inputs("iris-config").dataCaptureConfig, undefined);
  });

  for (const [instanceType, key] of [
    ["ml.m5.large", "arn:key"],
    ["ml.c7i.xlarge", "arn:key"],
    ["ml.m5d.large", undefined],
    ["ml.g5.xlarge", undefined],
  ] as const) {
    it(`encrypts the volume of ${instanceType} with ${key ?? "the instance's own key"}`, async () => {
      const built = await endpoint({ serving: { ...realtime, instanceType } });
      assert.equal(built.inputs("iris-config").kmsKeyArn, key);
    });
  }

  it("logs to a group of its own, which SageMaker finds by the endpoint's name", async () => {
    assert.deepEqual((await endpoint()).inputs("iris-log"), {
      name: "/aws/sagemaker/Endpoints/iris",
      retentionInDays: 90,
      kmsKeyId: "arn:key",
    });
  });

  it("may pull this image, read this model, write these logs and captures, and no more", async () => {
    const statements = await rights({ artifactPath: ARTIFACTS });
    assert.deepEqual(statements.get("PullTheseImages")!.Resource, [
      "arn:aws:ecr:us-east-1:123456789012:repository/iris",
    ]);
    assert.equal(
      statements.get("ReadThisModel")!.Resource,
      `arn:aws:s3:::artifacts/${ARTIFACTS}/*`,
    );
    assert.deepEqual(statements.get("ListThisModel")!.Condition, {
      StringLike: { "s3:prefix": `${ARTIFACTS}/*` },
    });
    assert.equal(
      statements.get("CaptureRequests")!.Resource,
      "arn:aws:s3:::artifacts/data-capture/iris/*",
    );
    assert.match(String(statements.get("WriteTheseLogs")!.Resource), /iris-log.*:\*$/);
    assert.deepEqual(statements.get("ArtifactKey")!.Condition, {
      StringEquals: { "kms:ViaService": "s3.us-east-1.amazonaws.com" },
    });
    assert.deepEqual(statements.get("VolumeKey")!.Condition, {
      Bool: { "kms:GrantIsForAWSResource": "true" },
    });
    assert.equal((statements.get("WatchTheseAlarms")!.Resource as string[]).length, 2);
    assert.deepEqual(
      [...statements.values()].filter(({ Resource }) => Resource === "*").map(({ Sid }) => Sid),
      ["RegistryLogin", "WriteMetrics", "FindNetwork"],
    );
  });

  it("has no right that a serverless endpoint with its model in the image does not need", async () => {
    const statements = await rights({ serving: serverless });
    for (const sid of ["ReadThisModel", "ListThisModel", "CaptureRequests", "NetworkInterfaces"]) {
      assert.ok(!statements.has(sid), sid);
    }
  });

  const refusals: [string, Partial<RealtimeServing>, RegExp][] = [
    ["no instances", { minInstances: 0 }, /^minInstances: 0 given, use at least 1/],
    ["bounds upside down", { minInstances: 5 }, /^minInstances: 5 given.*maxInstances \(4\)/],
    ["a canary of one instance", { minInstances: 1 }, /^rollout: "canary" needs two instances/],
    ["a first step above half", { rolloutPercent: 60 }, /^rolloutPercent: 60 given, use 10 to 50/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () =>
      assert.rejects(endpoint({ serving: { ...realtime, ...changes } }), (error: Error) =>
        message.test(error.message),
      ));
  }
});
