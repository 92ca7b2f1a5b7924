import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";

import { isEveryPort } from "../lib/ingress";
import { setProperties } from "../lib/links";
import { openings } from "../lib/security-groups";
import { objectionToCidr } from "../lib/sources";
import { Subnets } from "../lib/subnets";
import { UNKNOWN } from "../lib/values";

/** Where each kind of database, or its subnet group, names its subnets. */
const SUBNET_PATHS: Readonly<Record<string, string>> = {
  "aws:rds/subnetGroup:SubnetGroup": "subnetIds",
  "aws:rds/proxy:Proxy": "vpcSubnetIds",
  "aws:rds/proxyEndpoint:ProxyEndpoint": "vpcSubnetIds",
  "aws:redshift/subnetGroup:SubnetGroup": "subnetIds",
  "aws:redshiftserverless/workgroup:Workgroup": "subnetIds",
  "aws:docdb/subnetGroup:SubnetGroup": "subnetIds",
  "aws:docdb/elasticCluster:ElasticCluster": "subnetIds",
  "aws:neptune/subnetGroup:SubnetGroup": "subnetIds",
  "aws:elasticache/subnetGroup:SubnetGroup": "subnetIds",
  "aws:elasticache/serverlessCache:ServerlessCache": "subnetIds",
  "aws:memorydb/subnetGroup:SubnetGroup": "subnetIds",
  "aws:dax/subnetGroup:SubnetGroup": "subnetIds",
  "aws:dms/replicationSubnetGroup:ReplicationSubnetGroup": "subnetIds",
  "aws:opensearch/domain:Domain": "vpcOptions.subnetIds",
  "aws:timestreaminfluxdb/dbInstance:DbInstance": "vpcSubnetIds",
  "aws:timestreaminfluxdb/dbCluster:DbCluster": "vpcSubnetIds",
  "aws:mq/broker:Broker": "subnetIds",
};

/** Resources that can make anything, and the properties that tell what. */
const OPAQUE_CARRIERS: Readonly<Record<string, readonly string[]>> = {
  "aws:cloudformation/stack:Stack": ["templateBody", "templateUrl"],
  "aws:cloudformation/stackSet:StackSet": ["templateBody", "templateUrl"],
  "aws-native:cloudformation:Stack": ["templateBody", "templateUrl"],
  "aws:cloudcontrol/resource:Resource": ["typeName", "desiredState"],
  "aws-native:index:ExtensionResource": ["type", "properties"],
  "command:local:Command": ["create", "update"],
  "command:remote:Command": ["create", "update"],
};

/** Text that makes or opens a database or a security group, or that stands elsewhere (a URL). */
const SUSPICIOUS =
  /security-?group|AWS::(RDS|Redshift|RedshiftServerless|Neptune|DocDB|ElastiCache|MemoryDB|DAX|OpenSearchService|DMS)\b|(create|modify|restore)-(db|cache|cluster|domain|workgroup)|PubliclyAccessible|publicly-accessible|^https?:/i;

/** What falls short of proof, and is worth a look: none of it refuses a deployment. */
export const databaseExposureHints: StackValidationPolicy = {
  name: "database-exposure-hints",
  description: "Nothing should make it easy to expose a database later, or to do so unseen.",
  enforcementLevel: "advisory",
  severity: "medium",
  tags: ["network", "database"],
  remediationSteps:
    "Narrow groups that admit everyone to every port, place databases in private subnets, and declare " +
    "networks as resources of the program instead of in templates and commands.",
  url: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-best-practices.html",

  validateStack: (args, report) => {
    for (const { carrier, permission, database } of openings(args.resources)) {
      if (database || permission.source !== "cidr" || !isEveryPort(permission)) continue;
      const objection = objectionToCidr(permission.value, {});
      if (!objection?.proven) continue;
      report(
        `"${carrier.name}" opens every port to ${objection.text}, and a database would inherit that. ` +
          "Open only the ports that are served.",
        carrier.urn,
      );
    }

    const subnets = new Subnets(args.resources);
    for (const resource of args.resources) {
      const path = SUBNET_PATHS[resource.type];
      const open = path ? subnets.publicAt(resource, path) : [];
      if (open.length > 0) {
        const names = open.map((subnet) => `"${subnet.name}"`).join(", ");
        report(
          `"${resource.name}" places a database in public subnets (${names}). Use subnets without a route ` +
            "to an internet gateway.",
          resource.urn,
        );
      }
      if (isOpaque(resource)) {
        report(
          `"${resource.name}" makes resources that no policy can judge, a database or its security group ` +
            "perhaps among them. Declare them as resources of the program.",
          resource.urn,
        );
      }
    }
  },
};

function isOpaque(resource: PolicyResource): boolean {
  const properties = OPAQUE_CARRIERS[resource.type];
  if (!properties) return false;
  const set = setProperties(resource);
  return properties.some((name) => {
    const value = set[name];
    return value === UNKNOWN || SUSPICIOUS.test(asText(value));
  });
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
