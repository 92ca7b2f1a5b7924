import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { CAPTURE_FOLDER } from "./artifact-store";
import { EndpointAlarms, EndpointAlarmsArgs } from "./endpoint-alarms";
import { modelRole } from "./model-role";
import { Placement } from "./network";

/** Runs while there are requests, and costs nothing while there are none. */
export interface ServerlessServing {
  readonly kind: "serverless";
  /** MB of the container: 1024 to 6144 in steps of 1024; CPU comes in proportion. */
  readonly memory: number;
  /** Requests at once; SageMaker refuses more (429). 1 to 200. */
  readonly maxConcurrency: number;
}

/** Instances that always run, in the SageMaker VPC, as many as the requests need. */
export interface RealtimeServing {
  readonly kind: "realtime";
  /** Such as `ml.m5.large`. */
  readonly instanceType: string;
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Requests per instance and minute that autoscaling aims at. */
  readonly requestsPerInstanceTarget: number;
  /** Cut the container off from every network; model and requests still reach it. */
  readonly networkIsolation: boolean;
  /** Share of requests and answers written to the artifact bucket, 0 (none) to 100. */
  readonly capturePercent: number;
  /** How an update shifts the requests to the new instances: all of them, some first, or step by step. */
  readonly rollout: "all-at-once" | "canary" | "linear";
  /** Share of the instances in the first step (canary) or in each one (linear), 10 to 50. */
  readonly rolloutPercent: number;
  /** Seconds that the alarms are watched after each step, and before the old instances go. 0 to 3600. */
  readonly rolloutWaitSeconds: number;
}

export interface ModelEndpointArgs {
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** Image that answers `/ping` and `/invocations` on port 8080, and the repository it is pulled from. */
  readonly image: {
    readonly reference: pulumi.Input<string>;
    readonly repositoryArn: pulumi.Input<string>;
  };
  /** Folder in the artifact bucket with the model's files. @default the image carries its model */
  readonly artifactPath?: string;
  readonly serving: ServerlessServing | RealtimeServing;
  /** Thresholds of the alarms. */
  readonly alarms: Pick<EndpointAlarmsArgs, "errorPercent" | "latencyMs">;
  /** Where instances stand; a serverless endpoint stands in no VPC. */
  readonly network: Placement;
  readonly artifacts: {
    readonly bucketName: pulumi.Input<string>;
    readonly bucketArn: pulumi.Input<string>;
  };
  /** KMS key of model, volumes, captured requests and logs. */
  readonly kmsKeyArn: pulumi.Input<string>;
  readonly logRetentionDays: number;
}

/** The one variant. An update may not rename it: guardrails and autoscaling go by it. */
const VARIANT = "AllTraffic";

/**
 * A model behind a SageMaker endpoint, serverless or on instances, with alarms on its errors and
 * latency.
 *
 * What is served is never changed, only replaced: a new version is a new model and a new endpoint
 * configuration, which the endpoint is then updated to, and only then do the old ones go, with the
 * right to read the old version. On instances the update is blue/green, and an alarm takes it back.
 *
 * @throws Error naming the argument when the bounds of the instances, or the rollout, do not hold
 */
export class ModelEndpoint extends pulumi.ComponentResource {
  public readonly endpointName: pulumi.Output<string>;
  public readonly endpointArn: pulumi.Output<string>;

  constructor(name: string, args: ModelEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:ModelEndpoint", name, {}, opts);
    const { serving } = args;
    if (serving.kind === "realtime") validate(serving);

    // The endpoint has a name of its own, unlike all else: SageMaker logs to a group of this name,
    // and the alarms that guard an update exist before the endpoint does.
    // It tells the kind, so that another kind is another endpoint: SageMaker can not turn one into
    // the other. https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    const endpointName = serving.kind === "serverless" ? `${name}-serverless` : name;
    const log = new aws.cloudwatch.LogGroup(
      `${name}-log`,
      {
        name: `/aws/sagemaker/Endpoints/${endpointName}`,
        retentionInDays: args.logRetentionDays,
        kmsKeyId: args.kmsKeyArn,
      },
      { parent: this },
    );
    const alarms = new EndpointAlarms(
      `${name}-alarms`,
      { ...args.alarms, endpointName, variantName: VARIANT },
      { parent: this },
    );
    const capturePath = `${CAPTURE_FOLDER}/${endpointName}`;
    const captures = serving.kind === "realtime" && serving.capturePercent > 0;
    const role = modelRole(
      `${name}-execution`,
      {
        region: args.region,
        accountId: args.accountId,
        repositoryArn: args.image.repositoryArn,
        bucketArn: args.artifacts.bucketArn,
        artifactPath: args.artifactPath,
        capturePath: captures ? capturePath : undefined,
        kmsKeyArn: args.kmsKeyArn,
        logGroupArn: log.arn,
        alarmArns: alarms.arns,
        inVpc: serving.kind === "realtime",
      },
      { parent: this },
    );

    const artifactUri =
      args.artifactPath &&
      pulumi.interpolate`s3://${args.artifacts.bucketName}/${args.artifactPath}/`;
    const model = new aws.sagemaker.Model(
      `${name}-model`,
      {
        executionRoleArn: role.arn,
        ...(serving.kind === "realtime"
          ? {
              primaryContainer: {
                image: args.image.reference,
                ...(artifactUri && { modelDataSource: mountedModel(artifactUri) }),
              },
              enableNetworkIsolation: serving.networkIsolation,
              vpcConfig: {
                subnets: args.network.privateSubnetIds,
                securityGroupIds: [this.securityGroup(name, args.network)],
              },
            }
          : {
              primaryContainer: {
                image: args.image.reference,
                // SageMaker mounts no folder into a serverless container: it fetches its model itself.
                // https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html, ModelDataSource
                ...(artifactUri && { environment: { MODEL_S3_URI: artifactUri } }),
              },
            }),
      },
      {
        parent: this,
        replaceOnChanges: ["primaryContainer", "vpcConfig", "enableNetworkIsolation"],
      },
    );
    const configuration = new aws.sagemaker.EndpointConfiguration(
      `${name}-config`,
      {
        productionVariants: [
          {
            variantName: VARIANT,
            modelName: model.name,
            ...(serving.kind === "realtime"
              ? {
                  instanceType: serving.instanceType,
                  initialInstanceCount: serving.minInstances,
                  initialVariantWeight: 1,
                }
              : {
                  serverlessConfig: {
                    memorySizeInMb: serving.memory,
                    maxConcurrency: serving.maxConcurrency,
                  },
                }),
          },
        ],
        ...(takesVolumeKey(serving) && { kmsKeyArn: args.kmsKeyArn }),
        ...(captures && {
          dataCaptureConfig: {
            enableCapture: true,
            initialSamplingPercentage: serving.capturePercent,
            destinationS3Uri: pulumi.interpolate`s3://${args.artifacts.bucketName}/${capturePath}`,
            kmsKeyId: args.kmsKeyArn,
            captureOptions: [{ captureMode: "Input" }, { captureMode: "Output" }],
            captureContentTypeHeader: {
              csvContentTypes: ["text/csv"],
              jsonContentTypes: ["application/json"],
            },
          },
        }),
      },
      { parent: this, replaceOnChanges: ["productionVariants", "dataCaptureConfig", "kmsKeyArn"] },
    );
    const endpoint = new aws.sagemaker.Endpoint(
      `${name}-endpoint`,
      {
        name: endpointName,
        endpointConfigName: configuration.name,
        // Guardrails are for instances only; a serverless endpoint is switched over at once.
        // https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
        ...(serving.kind === "realtime" && {
          deploymentConfig: guardedUpdate(serving, alarms.names),
        }),
      },
      { parent: this },
    );
    if (serving.kind === "realtime" && serving.maxInstances > serving.minInstances) {
      this.addAutoscaling(name, serving, endpoint);
    }

    this.endpointName = endpoint.name;
    this.endpointArn = endpoint.arn;
    this.registerOutputs({ endpointName: this.endpointName, endpointArn: this.endpointArn });
  }

  /** Admits nobody: requests come from SageMaker itself. Lets out to S3, where the model is. */
  private securityGroup(name: string, network: Placement): pulumi.Output<string> {
    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: network.vpcId, description: "Instances of a SageMaker endpoint" },
      { parent: this },
    );
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-s3-egress`,
      {
        securityGroupId: securityGroup.id,
        prefixListId: network.s3PrefixListId,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        description: "HTTPS to S3 by the gateway endpoint",
      },
      { parent: this },
    );
    return securityGroup.id;
  }

  private addAutoscaling(
    name: string,
    serving: RealtimeServing,
    endpoint: aws.sagemaker.Endpoint,
  ): void {
    const target = new aws.appautoscaling.Target(
      `${name}-scaling`,
      {
        serviceNamespace: "sagemaker",
        scalableDimension: "sagemaker:variant:DesiredInstanceCount",
        resourceId: pulumi.interpolate`endpoint/${endpoint.name}/variant/${VARIANT}`,
        minCapacity: serving.minInstances,
        maxCapacity: serving.maxInstances,
      },
      { parent: this },
    );
    new aws.appautoscaling.Policy(
      `${name}-scale-on-requests`,
      {
        policyType: "TargetTrackingScaling",
        serviceNamespace: target.serviceNamespace,
        scalableDimension: target.scalableDimension,
        resourceId: target.resourceId,
        targetTrackingScalingPolicyConfiguration: {
          targetValue: serving.requestsPerInstanceTarget,
          predefinedMetricSpecification: {
            predefinedMetricType: "SageMakerVariantInvocationsPerInstance",
          },
          // An instance takes minutes to start: wait for it before asking for the next.
          // https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-code-apply.html
          scaleOutCooldown: 300,
          scaleInCooldown: 600,
        },
      },
      { parent: this },
    );
  }
}

/** https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html */
function mountedModel(s3Uri: pulumi.Input<string>) {
  return { s3DataSources: [{ s3Uri, s3DataType: "S3Prefix", compressionType: "None" }] };
}

/** https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html */
function guardedUpdate(serving: RealtimeServing, alarmNames: pulumi.Output<string>[]) {
  const step = { type: "CAPACITY_PERCENT", value: serving.rolloutPercent };
  return {
    blueGreenUpdatePolicy: {
      trafficRoutingConfiguration: {
        type: serving.rollout.replaceAll("-", "_").toUpperCase(),
        waitIntervalInSeconds: serving.rolloutWaitSeconds,
        ...(serving.rollout === "canary" && { canarySize: step }),
        ...(serving.rollout === "linear" && { linearStepSize: step }),
      },
      // The old instances stay for the last watch, after all requests have moved.
      terminationWaitInSeconds: serving.rolloutWaitSeconds,
    },
    autoRollbackConfiguration: { alarms: alarmNames.map((alarmName) => ({ alarmName })) },
  };
}

/**
 * Instances with disks of their own encrypt those themselves, and SageMaker refuses a key for them.
 * https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html, KmsKeyId
 */
function takesVolumeKey(serving: ModelEndpointArgs["serving"]): boolean {
  const ownDisks = /^ml\.(\w+d|\w+dn|g[4-9]\w*|p[45]\w*|i\d\w*|trn\d\w*|inf2)\./;
  return serving.kind === "serverless" || !ownDisks.test(serving.instanceType);
}

function validate(serving: RealtimeServing): void {
  const { minInstances, maxInstances, rollout, rolloutPercent } = serving;
  if (minInstances < 1 || minInstances > maxInstances) {
    throw new Error(
      `minInstances: ${minInstances} given, use at least 1 and at most maxInstances (${maxInstances})`,
    );
  }
  if (rollout === "all-at-once") return;
  // The first step may take at most half of the instances, and is a whole one at least.
  if (minInstances < 2) {
    throw new Error(`rollout: "${rollout}" needs two instances at least, minInstances is 1`);
  }
  if (rolloutPercent < 10 || rolloutPercent > 50) {
    throw new Error(`rolloutPercent: ${rolloutPercent} given, use 10 to 50`);
  }
}
