import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { Placement } from "./network";

/**
 * Lets a security group out to S3 and to the other AWS services that its network has a way to, by
 * HTTPS: the gateway and the interface endpoints, or the NAT gateway.
 */
export function allowAws(
  name: string,
  from: pulumi.Output<string>,
  network: Placement,
  opts: pulumi.CustomResourceOptions,
): void {
  const https = { securityGroupId: from, ipProtocol: "tcp", fromPort: 443, toPort: 443 };
  if (!network.endpointSecurityGroupId) {
    new aws.vpc.SecurityGroupEgressRule(
      `${name}-internet-egress`,
      {
        ...https,
        cidrIpv4: "0.0.0.0/0",
        description: "HTTPS to AWS services by the NAT gateway",
      },
      opts,
    );
    return;
  }
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-s3-egress`,
    {
      ...https,
      prefixListId: network.s3PrefixListId,
      description: "HTTPS to S3 by the gateway endpoint",
    },
    opts,
  );
  // The endpoints already admit the whole VPC.
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-endpoints-egress`,
    {
      ...https,
      referencedSecurityGroupId: network.endpointSecurityGroupId,
      description: "HTTPS to AWS services by the interface endpoints",
    },
    opts,
  );
}
