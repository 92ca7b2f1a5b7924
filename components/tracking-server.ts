import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { allowAws } from "./aws-egress";
import { LoadBalancer } from "./load-balancer";
import { Placement } from "./network";
import { PROXY, TrackingTask, TrackingTaskArgs } from "./tracking-task";
import { allowTcp } from "./traffic";

export interface TrackingServerArgs extends Omit<TrackingTaskArgs, "allowedHosts"> {
  readonly network: Placement;
  /**
   * What stands between the API and the tasks: an internal load balancer, or Cloud Map, by which the
   * API finds the tasks itself and no load balancer is paid for.
   */
  readonly ingress: "alb" | "cloud-map";
  /** Another name that nginx answers to, beside those of the API and the load balancer. */
  readonly privateHostname?: string;
  /** Tasks that always run. The service starts with as many, and autoscaling keeps them. */
  readonly minTasks: number;
  readonly maxTasks: number;
  /** Share of the tasks on Fargate Spot, 0 to 100. */
  readonly spotPercent: number;
  /** CPU use that autoscaling aims at. */
  readonly cpuTargetPercent: number;
  /** Requests per task and minute that autoscaling aims at; counted by the load balancer only. */
  readonly requestsPerTaskTarget: number;
  readonly containerInsights: boolean;
  /** Refuse to delete the load balancer, in AWS. */
  readonly protect: boolean;
  /** Let `pulumi destroy` delete the load balancer's access logs. */
  readonly forceDestroy: boolean;
}

/** Where a connection to the tracking server goes: what the API needs to integrate with it. */
export interface PrivateEndpoint {
  /** ARN of the load balancer's listener, or of the Cloud Map service. */
  readonly integrationUri: pulumi.Output<string>;
  readonly securityGroupId: pulumi.Output<string>;
  readonly port: number;
}

/** A little more than the 30 s after which the API gives a request up. */
const DEREGISTRATION_DELAY = 35;

/**
 * MLflow behind nginx on Fargate, on private subnets, spread over the zones and scaled by load.
 *
 * @throws Error naming the argument when minTasks is above maxTasks, or spotPercent is no percentage
 */
export class TrackingServer extends pulumi.ComponentResource {
  public readonly endpoint: PrivateEndpoint;
  /** None behind Cloud Map. */
  public readonly loadBalancer?: LoadBalancer;
  /** Path that answers 200 when the server can serve. */
  public readonly healthCheckPath = PROXY.healthPath;

  constructor(name: string, args: TrackingServerArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:TrackingServer", name, {}, opts);
    validate(args);

    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-sg`,
      { vpcId: args.network.vpcId, description: "Tracking server tasks" },
      { parent: this },
    );
    allowTcp(
      `${name}-database`,
      {
        from: securityGroup.id,
        to: args.database.securityGroupId,
        port: args.database.port,
        description: "Tracking server to its database",
      },
      { parent: this },
    );
    allowAws(name, securityGroup.id, args.network, { parent: this });

    const ingress =
      args.ingress === "alb"
        ? this.behindLoadBalancer(name, securityGroup.id, args)
        : this.behindCloudMap(name, securityGroup.id, args);
    this.endpoint = ingress.endpoint;
    this.loadBalancer = ingress.loadBalancer;

    const task = new TrackingTask(
      `${name}-task`,
      {
        ...args,
        allowedHosts: [
          `*.execute-api.${args.region}.amazonaws.com`,
          `*.${args.region}.elb.amazonaws.com`,
          ...(args.privateHostname ? [args.privateHostname] : []),
        ],
      },
      { parent: this },
    );

    const cluster = new aws.ecs.Cluster(
      `${name}-cluster`,
      {
        settings: [
          { name: "containerInsights", value: args.containerInsights ? "enabled" : "disabled" },
        ],
      },
      { parent: this },
    );
    const capacityProviders = new aws.ecs.ClusterCapacityProviders(
      `${name}-capacity`,
      { clusterName: cluster.name, capacityProviders: ["FARGATE", "FARGATE_SPOT"] },
      { parent: this },
    );
    const service = new aws.ecs.Service(
      `${name}-service`,
      {
        cluster: cluster.arn,
        taskDefinition: task.taskDefinitionArn,
        desiredCount: args.minTasks,
        capacityProviderStrategies: capacityStrategy(args.spotPercent),
        networkConfiguration: {
          subnets: args.network.privateSubnetIds,
          securityGroups: [securityGroup.id],
          assignPublicIp: false,
        },
        ...ingress.registration,
        deploymentMinimumHealthyPercent: 100,
        deploymentMaximumPercent: 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        availabilityZoneRebalancing: "ENABLED",
        enableExecuteCommand: false,
        enableEcsManagedTags: true,
        propagateTags: "SERVICE",
        // "pulumi up" then fails when the tasks do, in place of reporting a success.
        waitForSteadyState: true,
      },
      {
        parent: this,
        dependsOn: [capacityProviders],
        // Autoscaling owns the count from the first minute on.
        ignoreChanges: ["desiredCount"],
      },
    );
    this.addAutoscaling(name, args, cluster, service);

    this.registerOutputs({ endpoint: this.endpoint });
  }

  private behindLoadBalancer(
    name: string,
    taskSecurityGroupId: pulumi.Output<string>,
    args: TrackingServerArgs,
  ): Ingress {
    const loadBalancer = new LoadBalancer(
      `${name}-alb`,
      {
        vpcId: args.network.vpcId,
        subnetIds: args.network.privateSubnetIds,
        targetPort: PROXY.port,
        healthCheckPath: PROXY.healthPath,
        deregistrationDelay: DEREGISTRATION_DELAY,
        region: args.region,
        accountId: args.accountId,
        logRetentionDays: args.logRetentionDays,
        protect: args.protect,
        forceDestroy: args.forceDestroy,
      },
      { parent: this },
    );
    allowTcp(
      `${name}-proxy`,
      {
        from: loadBalancer.securityGroupId,
        to: taskSecurityGroupId,
        port: PROXY.port,
        description: "Load balancer to the proxy",
      },
      { parent: this },
    );
    return {
      endpoint: {
        integrationUri: loadBalancer.listenerArn,
        securityGroupId: loadBalancer.securityGroupId,
        port: loadBalancer.listenerPort,
      },
      registration: {
        loadBalancers: [
          {
            targetGroupArn: loadBalancer.targetGroupArn,
            containerName: PROXY.containerName,
            containerPort: PROXY.port,
          },
        ],
        // A first start migrates the schema before anything answers.
        healthCheckGracePeriodSeconds: 300,
      },
      loadBalancer,
    };
  }

  private behindCloudMap(
    name: string,
    taskSecurityGroupId: pulumi.Output<string>,
    args: TrackingServerArgs,
  ): Ingress {
    const namespace = new aws.servicediscovery.PrivateDnsNamespace(
      `${name}-namespace`,
      {
        name: `${name}.internal`,
        vpc: args.network.vpcId,
        description: "Where the API finds the tracking server's tasks",
      },
      { parent: this },
    );
    const discovery = new aws.servicediscovery.Service(
      `${name}-discovery`,
      {
        name: "mlflow",
        // API Gateway takes a task's port from its SRV record.
        // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-private.html
        dnsConfig: { namespaceId: namespace.id, dnsRecords: [{ type: "SRV", ttl: 10 }] },
        healthCheckCustomConfig: {},
        forceDestroy: true,
      },
      { parent: this },
    );
    return {
      endpoint: {
        integrationUri: discovery.arn,
        securityGroupId: taskSecurityGroupId,
        port: PROXY.port,
      },
      registration: {
        serviceRegistries: {
          registryArn: discovery.arn,
          containerName: PROXY.containerName,
          containerPort: PROXY.port,
        },
      },
    };
  }

  private addAutoscaling(
    name: string,
    args: TrackingServerArgs,
    cluster: aws.ecs.Cluster,
    service: aws.ecs.Service,
  ): void {
    const target = new aws.appautoscaling.Target(
      `${name}-scaling`,
      {
        serviceNamespace: "ecs",
        scalableDimension: "ecs:service:DesiredCount",
        resourceId: pulumi.interpolate`service/${cluster.name}/${service.name}`,
        minCapacity: args.minTasks,
        maxCapacity: args.maxTasks,
      },
      { parent: this },
    );
    const track = (
      metric: string,
      targetValue: number,
      specification: aws.types.input.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecification,
    ) =>
      new aws.appautoscaling.Policy(
        `${name}-scale-on-${metric}`,
        {
          policyType: "TargetTrackingScaling",
          serviceNamespace: target.serviceNamespace,
          scalableDimension: target.scalableDimension,
          resourceId: target.resourceId,
          targetTrackingScalingPolicyConfiguration: {
            targetValue,
            predefinedMetricSpecification: specification,
            // Out fast, in slowly: a task takes a minute or two to start.
            scaleOutCooldown: 60,
            scaleInCooldown: 300,
          },
        },
        { parent: this },
      );
    track("cpu", args.cpuTargetPercent, {
      predefinedMetricType: "ECSServiceAverageCPUUtilization",
    });
    if (this.loadBalancer) {
      track("requests", args.requestsPerTaskTarget, {
        predefinedMetricType: "ALBRequestCountPerTarget",
        resourceLabel: this.loadBalancer.resourceLabel,
      });
    }
  }
}

interface Ingress {
  readonly endpoint: PrivateEndpoint;
  /** The part of the service's arguments that makes it known to its callers. */
  readonly registration: Pick<
    aws.ecs.ServiceArgs,
    "loadBalancers" | "healthCheckGracePeriodSeconds" | "serviceRegistries"
  >;
  readonly loadBalancer?: LoadBalancer;
}

function validate(args: TrackingServerArgs): void {
  if (args.minTasks < 1 || args.minTasks > args.maxTasks) {
    throw new Error(
      `minTasks: ${args.minTasks} given, use at least 1 and at most maxTasks (${args.maxTasks})`,
    );
  }
  if (args.spotPercent < 0 || args.spotPercent > 100) {
    throw new Error(`spotPercent: ${args.spotPercent} given, use 0 to 100`);
  }
}

function capacityStrategy(spotPercent: number) {
  return [
    { capacityProvider: "FARGATE", weight: 100 - spotPercent },
    { capacityProvider: "FARGATE_SPOT", weight: spotPercent },
  ].filter((strategy) => strategy.weight > 0);
}
