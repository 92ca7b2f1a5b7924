import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { callerStatements, readerStatements, writerStatements } from "./api-rights";
import { Placement } from "./network";
import { policyDocument } from "./policy-document";
import { PrivateEndpoint } from "./tracking-server";
import { allowTcp } from "./traffic";

/** An identity provider whose tokens an API takes. */
export interface TokenIssuer {
  /** Issuer, as the `iss` claim of its tokens names it: an https URL. */
  readonly issuer: string;
  /** Accepted `aud` claims, at least one. */
  readonly audiences: readonly string[];
}

export interface HttpApiArgs {
  readonly network: Placement;
  /** Where every request goes to. */
  readonly target: PrivateEndpoint;
  /** Take bearer tokens of this issuer. @default requests signed with IAM credentials */
  readonly tokens?: TokenIssuer;
  /** Make IAM policies of the policy documents, to attach to users and roles. */
  readonly managedPolicies: boolean;
  /** Requests per second, and at once, over all callers. */
  readonly rateLimit: number;
  readonly burstLimit: number;
  readonly logRetentionDays: number;
  /** KMS key of the access log. */
  readonly kmsKeyArn: pulumi.Input<string>;
}

/** Below the 30 s at which API Gateway gives up by itself, so that the answer is the proxy's own. */
const TIMEOUT_MS = 29_000;

/**
 * An HTTP API that leads to the tracking server by a VPC link. Every route takes signed requests
 * (IAM) only, or those with a token. It answers 401 or 403 to others, and redirects nobody to a login.
 *
 * @throws Error naming the argument when `tokens` has no audience
 */
export class HttpApi extends pulumi.ComponentResource {
  /** `https://ID.execute-api.REGION.amazonaws.com` */
  public readonly url: pulumi.Output<string>;
  /** IAM policy document for those who read runs, metrics, artifacts and models. */
  public readonly readerPolicy: pulumi.Output<string>;
  /** IAM policy document for those who log runs and register models as well. */
  public readonly writerPolicy: pulumi.Output<string>;
  /** IAM policy document for those who ask models for predictions. */
  public readonly callerPolicy: pulumi.Output<string>;
  /** What further routes of this API are made with. */
  public readonly apiId: pulumi.Output<string>;
  public readonly executionArn: pulumi.Output<string>;

  constructor(name: string, args: HttpApiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:HttpApi", name, {}, opts);
    if (args.tokens?.audiences.length === 0) throw new Error("tokens: no audience given");
    const caller = args.tokens ? "$context.authorizer.claims.sub" : "$context.identity.userArn";

    const api = new aws.apigatewayv2.Api(
      `${name}-http`,
      { protocolType: "HTTP", description: "MLflow tracking server and registry" },
      { parent: this },
    );

    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-link-sg`,
      { vpcId: args.network.vpcId, description: "VPC link of the HTTP API" },
      { parent: this },
    );
    allowTcp(
      `${name}-target`,
      {
        from: securityGroup.id,
        to: args.target.securityGroupId,
        port: args.target.port,
        description: "HTTP API to the tracking server",
      },
      { parent: this },
    );
    const link = new aws.apigatewayv2.VpcLink(
      `${name}-link`,
      { subnetIds: args.network.privateSubnetIds, securityGroupIds: [securityGroup.id] },
      { parent: this },
    );
    const integration = new aws.apigatewayv2.Integration(
      `${name}-integration`,
      {
        apiId: api.id,
        integrationType: "HTTP_PROXY",
        integrationMethod: "ANY",
        integrationUri: args.target.integrationUri,
        connectionType: "VPC_LINK",
        connectionId: link.id,
        payloadFormatVersion: "1.0",
        timeoutMilliseconds: TIMEOUT_MS,
        // Overwritten, not appended: a caller must not be able to claim another name.
        requestParameters: {
          "overwrite:header.x-caller-arn": caller,
          "overwrite:header.x-request-id": "$context.requestId",
        },
      },
      { parent: this },
    );
    const authorization = args.tokens
      ? { authorizationType: "JWT", authorizerId: this.jwtAuthorizer(name, api.id, args.tokens) }
      : { authorizationType: "AWS_IAM" };
    const routes = ["ANY /{proxy+}", "ANY /"].map(
      (routeKey, i) =>
        new aws.apigatewayv2.Route(
          `${name}-${["proxy", "root"][i]}`,
          {
            apiId: api.id,
            routeKey,
            ...authorization,
            target: pulumi.interpolate`integrations/${integration.id}`,
          },
          { parent: this },
        ),
    );

    const accessLog = new aws.cloudwatch.LogGroup(
      `${name}-access-log`,
      { retentionInDays: args.logRetentionDays, kmsKeyId: args.kmsKeyArn },
      { parent: this },
    );
    new aws.apigatewayv2.Stage(
      `${name}-stage`,
      {
        apiId: api.id,
        // The one stage whose name does not become a part of the path.
        name: "$default",
        autoDeploy: true,
        accessLogSettings: {
          destinationArn: accessLog.arn,
          format: JSON.stringify({ ...ACCESS_LOG_FIELDS, caller }),
        },
        defaultRouteSettings: {
          throttlingRateLimit: args.rateLimit,
          throttlingBurstLimit: args.burstLimit,
        },
      },
      { parent: this, dependsOn: routes },
    );

    this.url = api.apiEndpoint;
    this.readerPolicy = policyDocument(readerStatements(api.executionArn));
    this.writerPolicy = policyDocument(writerStatements(api.executionArn));
    this.callerPolicy = policyDocument(callerStatements(api.executionArn));
    this.apiId = api.id;
    this.executionArn = api.executionArn;
    if (args.managedPolicies) {
      for (const [right, title, policy] of [
        ["reader", "MLflow reader", this.readerPolicy],
        ["writer", "MLflow writer", this.writerPolicy],
        ["caller", "Model caller", this.callerPolicy],
      ] as const) {
        new aws.iam.Policy(
          `${name}-${right}`,
          { policy, description: `${title} by the API ${name}` },
          { parent: this },
        );
      }
    }
    this.registerOutputs({
      url: this.url,
      readerPolicy: this.readerPolicy,
      writerPolicy: this.writerPolicy,
      callerPolicy: this.callerPolicy,
    });
  }

  private jwtAuthorizer(
    name: string,
    apiId: pulumi.Input<string>,
    tokens: TokenIssuer,
  ): pulumi.Output<string> {
    const authorizer = new aws.apigatewayv2.Authorizer(
      `${name}-tokens`,
      {
        apiId,
        authorizerType: "JWT",
        identitySources: ["$request.header.Authorization"],
        jwtConfiguration: { issuer: tokens.issuer, audiences: [...tokens.audiences] },
      },
      { parent: this },
    );
    return authorizer.id;
  }
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html */
const ACCESS_LOG_FIELDS = {
  time: "$context.requestTime",
  requestId: "$context.requestId",
  sourceIp: "$context.identity.sourceIp",
  userAgent: "$context.identity.userAgent",
  method: "$context.httpMethod",
  path: "$context.path",
  routeKey: "$context.routeKey",
  status: "$context.status",
  responseLength: "$context.responseLength",
  latencyMs: "$context.responseLatency",
  integrationStatus: "$context.integration.status",
  integrationLatencyMs: "$context.integration.latency",
  integrationError: "$context.integration.error",
  error: "$context.error.message",
} as const;
