import { ACCOUNT } from "./invokes";

/** Outputs that are no strings, or whose form the program relies on. */
const SPECIAL: Readonly<Record<string, (name: string) => unknown>> = {
  "aws:rds/cluster:Cluster.masterUserSecrets": (name) => [
    {
      secretArn: `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:rds!cluster-${name}`,
      secretStatus: "active",
    },
  ],
  "aws:ec2/vpcEndpoint:VpcEndpoint.dnsEntries": (name) => [
    { dnsName: `${name}.vpce.amazonaws.com`, hostedZoneId: "Z1" },
  ],
  "awsx:ec2:Vpc.privateSubnetIds": (name) => [`${name}-private-1`, `${name}-private-2`],
  "awsx:ec2:Vpc.isolatedSubnetIds": (name) => [`${name}-database-1`, `${name}-database-2`],
  "awsx:ec2:Vpc.publicSubnetIds": () => [],
  "awsx:ec2:Vpc.routeTables": () => [],
};

/** Made-up values of a resource's outputs, told from one another by the resource's name. */
export function knownOutputs(
  type: string,
  name: string,
  keys: readonly string[],
): Record<string, unknown> {
  const service = type.split(/[:/]/)[1];
  return Object.fromEntries(
    keys.map((key) => {
      const special = SPECIAL[`${type}.${key}`];
      if (special) return [key, special(name)];
      if (/arn$/i.test(key)) return [key, `arn:aws:${service}:us-east-1:${ACCOUNT}:${name}`];
      return [key, `${name}-${key}`];
    }),
  );
}
