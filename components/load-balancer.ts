import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { PrivateBucket } from "./private-bucket";

export interface LoadBalancerArgs {
  readonly vpcId: pulumi.Input<string>;
  /** Private subnets, in at least two zones. */
  readonly subnetIds: pulumi.Input<string[]>;
  /** Port that the targets listen on. */
  readonly targetPort: number;
  /** Path on that port that answers 200 when the target can serve. */
  readonly healthCheckPath: string;
  /** Seconds that a target which leaves may take to finish its requests. */
  readonly deregistrationDelay: number;
  readonly region: string;
  readonly accountId: pulumi.Input<string>;
  /** Days that access logs are kept. */
  readonly logRetentionDays: number;
  /** Refuse to delete the load balancer, in AWS. */
  readonly protect: boolean;
  /** Let `pulumi destroy` delete the access logs. */
  readonly forceDestroy: boolean;
}

const LISTENER_PORT = 80;

/** An internal application load balancer with one listener, one group of targets, and access logs. */
export class LoadBalancer extends pulumi.ComponentResource {
  public readonly arn: pulumi.Output<string>;
  public readonly listenerArn: pulumi.Output<string>;
  public readonly listenerPort = LISTENER_PORT;
  public readonly targetGroupArn: pulumi.Output<string>;
  public readonly securityGroupId: pulumi.Output<string>;
  /** `app/NAME/ID/targetgroup/NAME/ID`, by which autoscaling knows the requests of the targets. */
  public readonly resourceLabel: pulumi.Output<string>;

  constructor(name: string, args: LoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:LoadBalancer", name, {}, opts);

    const accessLogs = new PrivateBucket(
      `${name}-logs`,
      {
        // No KMS key: load balancers can write to buckets with SSE-S3 only.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        statements: (bucketArn) => [
          {
            Sid: "LoadBalancerLogs",
            Effect: "Allow",
            Principal: { Service: "logdelivery.elasticloadbalancing.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: pulumi.interpolate`${bucketArn}/AWSLogs/${args.accountId}/*`,
            Condition: {
              ArnLike: {
                "aws:SourceArn": pulumi.interpolate`arn:aws:elasticloadbalancing:${args.region}:${args.accountId}:loadbalancer/*`,
              },
            },
          },
        ],
        expireAfterDays: args.logRetentionDays,
        keepNoncurrentDays: 1,
        protect: false,
        forceDestroy: args.forceDestroy,
      },
      { parent: this },
    );
    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: args.vpcId, description: "Internal load balancer" },
      { parent: this },
    );
    const loadBalancer = new aws.lb.LoadBalancer(
      name,
      {
        internal: true,
        loadBalancerType: "application",
        subnets: args.subnetIds,
        securityGroups: [securityGroup.id],
        accessLogs: { bucket: accessLogs.bucketName, enabled: true },
        dropInvalidHeaderFields: true,
        // Behind a listener on a port other than 80, the Host would gain that port, and the proxy would
        // take the origin of our own pages for another site's.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
        preserveHostHeader: true,
        desyncMitigationMode: "defensive",
        enableDeletionProtection: args.protect,
      },
      { parent: this },
    );
    const targetGroup = new aws.lb.TargetGroup(
      `${name}-tg`,
      {
        vpcId: args.vpcId,
        targetType: "ip",
        protocol: "HTTP",
        port: args.targetPort,
        deregistrationDelay: args.deregistrationDelay,
        healthCheck: {
          path: args.healthCheckPath,
          port: "traffic-port",
          matcher: "200",
          interval: 10,
          timeout: 5,
          healthyThreshold: 2,
          unhealthyThreshold: 3,
        },
      },
      { parent: this },
    );
    const listener = new aws.lb.Listener(
      `${name}-http`,
      {
        loadBalancerArn: loadBalancer.arn,
        port: LISTENER_PORT,
        protocol: "HTTP",
        defaultActions: [{ type: "forward", targetGroupArn: targetGroup.arn }],
      },
      { parent: this },
    );

    this.arn = loadBalancer.arn;
    this.listenerArn = listener.arn;
    // ECS accepts a target group only when a listener forwards to it.
    this.targetGroupArn = pulumi.all([targetGroup.arn, listener.arn]).apply(([arn]) => arn);
    this.securityGroupId = securityGroup.id;
    this.resourceLabel = pulumi.interpolate`${loadBalancer.arnSuffix}/${targetGroup.arnSuffix}`;
    this.registerOutputs({
      arn: this.arn,
      listenerArn: this.listenerArn,
      targetGroupArn: this.targetGroupArn,
      securityGroupId: this.securityGroupId,
      resourceLabel: this.resourceLabel,
    });
  }
}
