import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Placement } from "./network";
import { allowTcp } from "./traffic";

export interface PrivateLinkArgs {
  /**
   * Name of the server in the clients' VPC, such as `mlflow.dev.internal`. It has to be among those
   * that the server answers to.
   */
  readonly hostname: string;
  /** Account that owns both networks, and the only one that may connect to the service. */
  readonly accountId: pulumi.Input<string>;
  /** Where the server stands. */
  readonly serverNetwork: Placement;
  /** The application load balancer in front of the server. */
  readonly loadBalancer: {
    readonly arn: pulumi.Input<string>;
    readonly targetGroupArn: pulumi.Input<string>;
    readonly securityGroupId: pulumi.Input<string>;
  };
  /** Path that answers 200 when the server can serve. */
  readonly healthCheckPath: string;
  /** Where the clients are, in the same zones as the server: a service is offered in its own only. */
  readonly clientNetwork: Placement;
  /** IPv4 block of the clients' network, all of which may connect. */
  readonly clientCidrBlock: string;
  /** Zones of the clients' network that hold the endpoint. Clients in the others reach it too. */
  readonly endpointZoneCount: number;
  /** Refuse to delete the network load balancer, in AWS. */
  readonly protect: boolean;
}

/** Port that clients connect to: the one that a URL means when it names none. */
const PORT = 80;

/** Port of this way in on the application load balancer, which no other client of it may reach. */
const LOAD_BALANCER_PORT = 8080;

/** Labels of letters, digits and hyphens, at least two of them, the last one of letters. */
const HOSTNAME = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/;

/**
 * A way to the server from another VPC, though no route leads from one to the other (AWS PrivateLink):
 * endpoint → network load balancer → application load balancer, and a private name for the endpoint.
 *
 * It asks nobody who they are: whoever reaches the endpoint may make every call. So it lets no request
 * through that names a caller.
 *
 * @throws Error naming the argument when `hostname` is no DNS name in lower case, or
 * `endpointZoneCount` is below one
 */
export class PrivateLink extends pulumi.ComponentResource {
  /** `http://HOSTNAME`, known once the name resolves. */
  public readonly url: pulumi.Output<string>;
  public readonly port = PORT;
  /** Security group of the endpoint, which admits the clients' network. */
  public readonly securityGroupId: pulumi.Output<string>;

  constructor(name: string, args: PrivateLinkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:PrivateLink", name, {}, opts);
    validate(args);

    const listener = this.addListener(name, args);
    const networkLoadBalancer = this.addNetworkLoadBalancer(name, args, listener);
    const service = new aws.ec2.VpcEndpointService(
      `${name}-service`,
      {
        networkLoadBalancerArns: [networkLoadBalancer.arn],
        // The principal below is this account: there is nobody to accept or to turn away.
        acceptanceRequired: false,
        allowedPrincipals: [pulumi.interpolate`arn:aws:iam::${args.accountId}:root`],
      },
      { parent: this },
    );

    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-endpoint-sg`,
      { vpcId: args.clientNetwork.vpcId, description: "Endpoint of the tracking server" },
      { parent: this },
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-endpoint-from-vpc`,
      {
        securityGroupId: securityGroup.id,
        cidrIpv4: args.clientCidrBlock,
        ipProtocol: "tcp",
        fromPort: PORT,
        toPort: PORT,
        description: "HTTP from this VPC",
      },
      { parent: this },
    );
    const endpoint = new aws.ec2.VpcEndpoint(
      `${name}-endpoint`,
      {
        vpcId: args.clientNetwork.vpcId,
        serviceName: service.serviceName,
        vpcEndpointType: "Interface",
        subnetIds: args.clientNetwork.privateSubnetIds.apply((ids) =>
          ids.slice(0, args.endpointZoneCount),
        ),
        securityGroupIds: [securityGroup.id],
        privateDnsEnabled: false,
      },
      { parent: this },
    );

    this.url = this.addName(name, args, endpoint).apply(() => `http://${args.hostname}`);
    this.securityGroupId = securityGroup.id;
    this.registerOutputs({ url: this.url, securityGroupId: this.securityGroupId });
  }

  /**
   * A listener of its own on the application load balancer: the API sets a header with its caller's
   * name, which the server logs, and a request that comes by here must not bring one.
   */
  private addListener(name: string, args: PrivateLinkArgs): aws.lb.Listener {
    const listener = new aws.lb.Listener(
      `${name}-http`,
      {
        loadBalancerArn: args.loadBalancer.arn,
        port: LOAD_BALANCER_PORT,
        protocol: "HTTP",
        defaultActions: [{ type: "forward", targetGroupArn: args.loadBalancer.targetGroupArn }],
      },
      { parent: this },
    );
    new aws.lb.ListenerRule(
      `${name}-no-caller`,
      {
        listenerArn: listener.arn,
        priority: 1,
        conditions: [{ httpHeader: { httpHeaderName: "x-caller-arn", values: ["*"] } }],
        actions: [
          {
            type: "fixed-response",
            fixedResponse: {
              statusCode: "403",
              contentType: "application/json",
              // MLflow's own form of an error, so that its clients show the message.
              messageBody: JSON.stringify({
                error_code: "PERMISSION_DENIED",
                message: "Only the API names a caller: leave the header x-caller-arn out.",
              }),
            },
          },
        ],
      },
      { parent: this },
    );
    return listener;
  }

  private addNetworkLoadBalancer(
    name: string,
    args: PrivateLinkArgs,
    listener: aws.lb.Listener,
  ): aws.lb.LoadBalancer {
    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-nlb-sg`,
      { vpcId: args.serverNetwork.vpcId, description: "Network load balancer of the endpoint" },
      { parent: this },
    );
    allowTcp(
      `${name}-server`,
      {
        from: securityGroup.id,
        to: args.loadBalancer.securityGroupId,
        port: LOAD_BALANCER_PORT,
        description: "Endpoint to the load balancer",
      },
      { parent: this },
    );
    const loadBalancer = new aws.lb.LoadBalancer(
      `${name}-nlb`,
      {
        internal: true,
        loadBalancerType: "network",
        subnets: args.serverNetwork.privateSubnetIds,
        securityGroups: [securityGroup.id],
        // The group admits nobody, and the rules of the endpoint's own group have been asked already:
        // in by the endpoint is the only way.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-security-groups.html
        enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: "off",
        // As the application load balancer does.
        enableCrossZoneLoadBalancing: true,
        enableDeletionProtection: args.protect,
      },
      { parent: this },
    );
    const targetGroup = new aws.lb.TargetGroup(
      `${name}-tg`,
      {
        vpcId: args.serverNetwork.vpcId,
        targetType: "alb",
        // The one protocol for this type of target, and the port of a listener that it has.
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/application-load-balancer-target.html
        protocol: "TCP",
        port: LOAD_BALANCER_PORT,
        healthCheck: {
          protocol: "HTTP",
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
    new aws.lb.TargetGroupAttachment(
      `${name}-target`,
      {
        targetGroupArn: targetGroup.arn,
        targetId: args.loadBalancer.arn,
        port: LOAD_BALANCER_PORT,
      },
      // A load balancer becomes a target only when it listens on the port.
      { parent: this, dependsOn: listener },
    );
    new aws.lb.Listener(
      `${name}-tcp`,
      {
        loadBalancerArn: loadBalancer.arn,
        port: PORT,
        protocol: "TCP",
        defaultActions: [{ type: "forward", targetGroupArn: targetGroup.arn }],
      },
      { parent: this },
    );
    return loadBalancer;
  }

  /**
   * The name in a zone of the clients' VPC. A private name of the endpoint service itself would have to
   * be proved by a record in public DNS.
   * https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
   *
   * @returns the name, once the record is there
   */
  private addName(
    name: string,
    args: PrivateLinkArgs,
    endpoint: aws.ec2.VpcEndpoint,
  ): pulumi.Output<string> {
    const zone = new aws.route53.Zone(
      `${name}-zone`,
      {
        // The zone of this one name: others under `.internal` resolve as before.
        name: args.hostname,
        vpcs: [{ vpcId: args.clientNetwork.vpcId }],
        comment: "Tracking server, by its endpoint",
      },
      { parent: this },
    );
    // The first entry is the name for all zones, those behind it are for one zone each.
    const regional = endpoint.dnsEntries[0]!;
    const record = new aws.route53.Record(
      `${name}-record`,
      {
        zoneId: zone.zoneId,
        name: args.hostname,
        type: "A",
        aliases: [
          {
            name: regional.dnsName,
            zoneId: regional.hostedZoneId,
            evaluateTargetHealth: false,
          },
        ],
      },
      { parent: this },
    );
    return record.fqdn;
  }
}

function validate(args: PrivateLinkArgs): void {
  if (!HOSTNAME.test(args.hostname)) {
    throw new Error(
      `hostname: "${args.hostname}" given, use a DNS name in lower case, such as mlflow.dev.internal`,
    );
  }
  if (!Number.isInteger(args.endpointZoneCount) || args.endpointZoneCount < 1) {
    throw new Error(`endpointZoneCount: ${args.endpointZoneCount} given, use 1 or more`);
  }
}
