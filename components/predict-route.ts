import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { FUNCTION_TIMEOUT_SECONDS, ROUTES } from "../functions/predict/contract";
import { ServingEndpoint } from "./model-serving";
import { serviceRole } from "./service-role";

export interface PredictRouteArgs {
  /** The HTTP API that gets the routes. */
  readonly api: {
    readonly apiId: pulumi.Input<string>;
    readonly executionArn: pulumi.Input<string>;
  };
  /** Endpoints that may be asked, at least one. */
  readonly endpoints: readonly ServingEndpoint[];
  /** The function's code, one file that exports `handler`. */
  readonly code: string;
  readonly logRetentionDays: number;
  /** KMS key of the log. */
  readonly kmsKeyArn: pulumi.Input<string>;
}

/**
 * `POST /predict/{model}` and `GET /models` of an HTTP API: a Lambda function that asks the model's
 * endpoint, for callers with signed requests (IAM).
 *
 * @throws Error naming the argument when there is no endpoint
 */
export class PredictRoute extends pulumi.ComponentResource {
  constructor(name: string, args: PredictRouteArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:PredictRoute", name, {}, opts);
    if (args.endpoints.length === 0) throw new Error("endpoints: none given");

    const log = new aws.cloudwatch.LogGroup(
      `${name}-log`,
      { retentionInDays: args.logRetentionDays, kmsKeyId: args.kmsKeyArn },
      { parent: this },
    );
    const role = serviceRole(
      `${name}-function`,
      {
        service: "lambda.amazonaws.com",
        statements: [
          {
            Sid: "AskTheseEndpoints",
            Effect: "Allow",
            Action: "sagemaker:InvokeEndpoint",
            Resource: args.endpoints.map(({ endpointArn }) => endpointArn),
          },
          {
            Sid: "WriteThisLog",
            Effect: "Allow",
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: pulumi.interpolate`${log.arn}:*`,
          },
        ],
      },
      { parent: this },
    );
    const lambda = new aws.lambda.Function(
      `${name}-function`,
      {
        description: "Predictions of the registered models",
        runtime: "nodejs22.x",
        architectures: ["arm64"],
        handler: "index.handler",
        code: new pulumi.asset.AssetArchive({
          "index.js": new pulumi.asset.StringAsset(args.code),
        }),
        role: role.arn,
        timeout: FUNCTION_TIMEOUT_SECONDS,
        // CPU comes with memory; with less, parsing a request of some MB is felt.
        memorySize: 512,
        loggingConfig: { logFormat: "JSON", logGroup: log.name },
        environment: { variables: { MODELS: pulumi.jsonStringify(modelsOf(args.endpoints)) } },
      },
      { parent: this },
    );

    const integration = new aws.apigatewayv2.Integration(
      `${name}-integration`,
      {
        apiId: args.api.apiId,
        integrationType: "AWS_PROXY",
        integrationUri: lambda.invokeArn,
        payloadFormatVersion: "2.0",
        timeoutMilliseconds: FUNCTION_TIMEOUT_SECONDS * 1000,
      },
      { parent: this },
    );
    for (const [route, routeKey] of Object.entries(ROUTES)) {
      new aws.lambda.Permission(
        `${name}-${route}-permission`,
        {
          function: lambda.name,
          action: "lambda:InvokeFunction",
          principal: "apigateway.amazonaws.com",
          sourceArn: pulumi.interpolate`${args.api.executionArn}/*/${routeKey.replace(" ", "")}`,
        },
        { parent: this },
      );
      new aws.apigatewayv2.Route(
        `${name}-${route}`,
        {
          apiId: args.api.apiId,
          routeKey,
          authorizationType: "AWS_IAM",
          target: pulumi.interpolate`integrations/${integration.id}`,
        },
        { parent: this },
      );
    }
    this.registerOutputs({ functionName: lambda.name });
  }
}

/** What the function knows of each model, by the name in its path. */
function modelsOf(endpoints: readonly ServingEndpoint[]) {
  return Object.fromEntries(
    endpoints.map(({ model, endpointName }) => [
      model.name,
      {
        endpoint: endpointName,
        serving: model.serving.kind,
        ...(model.version && { version: model.version }),
      },
    ]),
  );
}
