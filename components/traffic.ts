import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

export interface TcpTraffic {
  /** Security group of the side that opens the connection. */
  readonly from: pulumi.Input<string>;
  /** Security group of the side that listens. */
  readonly to: pulumi.Input<string>;
  readonly port: number;
  /** What the connection is for; AWS shows it beside both rules. */
  readonly description: string;
}

/**
 * Opens one TCP port between two security groups, at both ends: an egress rule where the connection
 * starts and an ingress rule where it arrives. Every connection inside the VPC is opened by this
 * function and by nothing else, so egress is as narrow as ingress and no rule names an address.
 */
export function allowTcp(
  name: string,
  traffic: TcpTraffic,
  opts: pulumi.CustomResourceOptions,
): void {
  const rule = {
    ipProtocol: "tcp",
    fromPort: traffic.port,
    toPort: traffic.port,
    description: traffic.description,
  };
  new aws.vpc.SecurityGroupEgressRule(
    `${name}-egress`,
    { ...rule, securityGroupId: traffic.from, referencedSecurityGroupId: traffic.to },
    opts,
  );
  new aws.vpc.SecurityGroupIngressRule(
    `${name}-ingress`,
    { ...rule, securityGroupId: traffic.to, referencedSecurityGroupId: traffic.from },
    opts,
  );
}
