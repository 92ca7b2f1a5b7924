import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument } from "./policy-document";

export interface NetworkArgs {
  /** IPv4 block, /16 to /22. */
  readonly cidrBlock: string;
  /** Names of the zones to use, at least two. */
  readonly zones: readonly string[];
  readonly region: string;
  /** Account whose principals the interface endpoints serve. */
  readonly accountId: pulumi.Input<string>;
  /**
   * How the private subnets reach AWS services: interface endpoints and no route to the internet, or
   * NAT gateways in public subnets.
   */
  readonly egress: "endpoints" | "nat";
  /** Zones that hold the endpoints or the NAT gateways: with `nat`, one or all. */
  readonly egressZoneCount: number;
  /** Services that get an interface endpoint with `endpoints`, as in `com.amazonaws.REGION.NAME`. */
  readonly interfaceEndpoints: readonly string[];
  /** Buckets that the S3 gateway endpoint lets through, beside the one with the layers of ECR images. */
  readonly bucketArns: readonly pulumi.Input<string>[];
  /** Add a second tier of subnets, for databases: no route but the VPC's own and S3's. */
  readonly databaseSubnets: boolean;
}

/** What a component needs to know to put something into a network and to let it out to AWS. */
export interface Placement {
  readonly vpcId: pulumi.Output<string>;
  readonly privateSubnetIds: pulumi.Output<string[]>;
  /** Security group of the interface endpoints; none where a NAT gateway leads out. */
  readonly endpointSecurityGroupId?: pulumi.Output<string>;
  /** The addresses of S3 in the region, which the gateway endpoint leads to. */
  readonly s3PrefixListId: pulumi.Output<string>;
}

/**
 * A VPC with private subnets, a closed default security group and an S3 gateway endpoint, and a way
 * out to AWS: interface endpoints (no route to the internet at all) or NAT gateways.
 *
 * @throws Error naming the argument when fewer than two zones are given, or `egressZoneCount` does
 * not fit them
 */
export class Network extends pulumi.ComponentResource implements Placement {
  public readonly vpcId: pulumi.Output<string>;
  public readonly privateSubnetIds: pulumi.Output<string[]>;
  /** Empty without `databaseSubnets`. */
  public readonly databaseSubnetIds: pulumi.Output<string[]>;
  public readonly endpointSecurityGroupId?: pulumi.Output<string>;
  public readonly s3PrefixListId: pulumi.Output<string>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("mlops:index:Network", name, {}, opts);
    validate(args);

    const vpc = new awsx.ec2.Vpc(
      `${name}-vpc`,
      {
        cidrBlock: args.cidrBlock,
        availabilityZoneNames: [...args.zones],
        enableDnsHostnames: true,
        enableDnsSupport: true,
        natGateways: { strategy: natStrategy(args) },
        subnetStrategy: "Auto",
        ...subnetLayout(args),
      },
      { parent: this },
    );
    this.vpcId = vpc.vpcId;
    this.privateSubnetIds = vpc.privateSubnetIds;
    this.databaseSubnetIds = vpc.isolatedSubnetIds;

    // The VPC's own default group lets its members reach one another and the world: close it.
    new aws.ec2.DefaultSecurityGroup(
      `${name}-default-sg`,
      { vpcId: vpc.vpcId, ingress: [], egress: [] },
      { parent: this },
    );

    const s3 = new aws.ec2.VpcEndpoint(
      `${name}-s3`,
      {
        vpcId: vpc.vpcId,
        serviceName: `com.amazonaws.${args.region}.s3`,
        vpcEndpointType: "Gateway",
        routeTableIds: vpc.routeTables.apply((tables) => tables.map((table) => table.id)),
        policy: s3EndpointPolicy(args),
      },
      { parent: this },
    );
    this.s3PrefixListId = s3.prefixListId;

    if (args.egress === "endpoints" && args.interfaceEndpoints.length > 0) {
      this.endpointSecurityGroupId = this.addInterfaceEndpoints(name, args);
    }

    this.registerOutputs({
      vpcId: this.vpcId,
      privateSubnetIds: this.privateSubnetIds,
      databaseSubnetIds: this.databaseSubnetIds,
      endpointSecurityGroupId: this.endpointSecurityGroupId,
      s3PrefixListId: this.s3PrefixListId,
    });
  }

  private addInterfaceEndpoints(name: string, args: NetworkArgs): pulumi.Output<string> {
    const securityGroup = new aws.ec2.SecurityGroup(
      `${name}-endpoints-sg`,
      { vpcId: this.vpcId, description: "Interface endpoints of AWS services" },
      { parent: this },
    );
    new aws.vpc.SecurityGroupIngressRule(
      `${name}-endpoints-from-vpc`,
      {
        securityGroupId: securityGroup.id,
        cidrIpv4: args.cidrBlock,
        ipProtocol: "tcp",
        fromPort: 443,
        toPort: 443,
        description: "HTTPS from this VPC",
      },
      { parent: this },
    );
    for (const service of args.interfaceEndpoints) {
      new aws.ec2.VpcEndpoint(
        `${name}-${service.replace(".", "-")}`,
        {
          vpcId: this.vpcId,
          serviceName: `com.amazonaws.${args.region}.${service}`,
          vpcEndpointType: "Interface",
          subnetIds: this.privateSubnetIds.apply((ids) => ids.slice(0, args.egressZoneCount)),
          securityGroupIds: [securityGroup.id],
          privateDnsEnabled: true,
          policy: interfaceEndpointPolicy(service, args.accountId),
        },
        { parent: this },
      );
    }
    return securityGroup.id;
  }
}

function validate(args: NetworkArgs): void {
  const zones = args.zones.length;
  if (zones < 2) throw new Error(`zones: at least two are needed, ${zones} given`);
  const allowed = args.egress === "nat" ? [1, zones] : args.zones.map((_, i) => i + 1);
  if (!allowed.includes(args.egressZoneCount)) {
    throw new Error(
      `egressZoneCount: ${args.egressZoneCount} given, with egress "${args.egress}" use one of ${allowed.join(", ")}`,
    );
  }
}

function natStrategy(args: NetworkArgs): "None" | "Single" | "OnePerAz" {
  if (args.egress === "endpoints") return "None";
  return args.egressZoneCount === 1 ? "Single" : "OnePerAz";
}

/**
 * A quarter of the block for each zone and a quarter of that for each tier. The room that is left
 * keeps every subnet at its addresses when a zone is added, or when `egress` brings public subnets.
 */
function subnetLayout(args: NetworkArgs): {
  availabilityZoneCidrMask: number;
  subnetSpecs: awsx.types.input.ec2.SubnetSpecArgs[];
} {
  const zoneMask = Number(args.cidrBlock.split("/")[1]) + 2;
  const cidrMask = zoneMask + 2;
  const tiers: awsx.types.input.ec2.SubnetSpecArgs[] = [{ type: "Private", cidrMask }];
  if (args.databaseSubnets) tiers.push({ type: "Isolated", name: "database", cidrMask });
  if (args.egress === "nat") tiers.push({ type: "Public", cidrMask });
  return { availabilityZoneCidrMask: zoneMask, subnetSpecs: tiers };
}

/**
 * Reads and writes of the given buckets, and the layers of ECR images.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html, minimum S3 bucket permissions
 */
function s3EndpointPolicy(args: NetworkArgs): pulumi.Output<string> {
  const buckets = [...args.bucketArns];
  return policyDocument([
    {
      Sid: "OwnBuckets",
      Effect: "Allow",
      Principal: "*",
      Action: [
        "s3:ListBucket",
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
      ],
      Resource: [...buckets, ...buckets.map((arn) => pulumi.interpolate`${arn}/*`)],
    },
    {
      Sid: "ImageLayers",
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: `arn:aws:s3:::prod-${args.region}-starport-layer-bucket/*`,
    },
  ]);
}

/** Lets this account's principals use this service, so that the endpoint is no way out to another account. */
function interfaceEndpointPolicy(
  service: string,
  accountId: pulumi.Input<string>,
): pulumi.Output<string> {
  const actionPrefix = service.split(".")[0];
  return policyDocument([
    {
      Effect: "Allow",
      Principal: "*",
      Action: `${actionPrefix}:*`,
      Resource: "*",
      Condition: { StringEquals: { "aws:PrincipalAccount": accountId } },
    },
  ]);
}
