import type {
  PolicyResource,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";

import { Links, setProperties } from "../lib/links";
import { ofTypes, resourcesOf } from "../lib/policy";
import { at, isObject, isUnset, list, type Value, type Values } from "../lib/values";

/** Where a database names its parameter group, and what type that is. */
const PARAMETER_GROUPS: Readonly<Record<string, { property: string; type: string }>> = {
  "aws:rds/cluster:Cluster": {
    property: "dbClusterParameterGroupName",
    type: "aws:rds/clusterParameterGroup:ClusterParameterGroup",
  },
  "aws:rds/instance:Instance": {
    property: "parameterGroupName",
    type: "aws:rds/parameterGroup:ParameterGroup",
  },
};

interface TlsParameter {
  readonly engine: RegExp;
  readonly name: string;
  readonly on: readonly string[];
  /** Major version since which AWS's default parameter group has it on, per engine name. */
  readonly onByDefaultSince: Readonly<Record<string, number>>;
}

/** The parameter that makes each engine refuse plain connections. */
const PARAMETERS: readonly TlsParameter[] = [
  {
    engine: /mysql|mariadb/,
    name: "require_secure_transport",
    on: ["ON", "1"],
    onByDefaultSince: {},
  },
  {
    engine: /postgres/,
    name: "rds.force_ssl",
    on: ["1"],
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    onByDefaultSince: { postgres: 15, "aurora-postgresql": 17 },
  },
];

/** Other stores, with the property that must be true, and whether leaving it out does the same. */
const SWITCHES: Readonly<Record<string, { path: string; onByDefault: boolean }>> = {
  "aws:rds/proxy:Proxy": { path: "requireTls", onByDefault: false },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    path: "transitEncryptionEnabled",
    onByDefault: false,
  },
  "aws:memorydb/cluster:Cluster": { path: "tlsEnabled", onByDefault: true },
  "aws:opensearch/domain:Domain": {
    path: "domainEndpointOptions.enforceHttps",
    onByDefault: false,
  },
};

export const databaseTls: ResourceValidationPolicy & StackValidationPolicy = {
  name: "database-tls",
  description: "A database must refuse connections without TLS.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["database", "encryption", "tls"],
  remediationSteps:
    "MySQL: require_secure_transport = ON, PostgreSQL: rds.force_ssl = 1, in a parameter group of this stack. " +
    "Other stores have a switch of their own.",
  url: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html",

  validateResource: resourcesOf(Object.keys(SWITCHES), (properties, report, args) => {
    const { path, onByDefault } = SWITCHES[args.type]!;
    const value = at(properties, path);
    if (value === true || (isUnset(value) && onByDefault)) return;
    report(`"${args.name}" takes connections without TLS. Set ${path} to true.`);
  }),

  validateStack: (args, report) => {
    for (const [type, { property, type: groupType }] of Object.entries(PARAMETER_GROUPS)) {
      const links = new Links(ofTypes(args.resources, [groupType]), ["name", "id"]);
      for (const database of ofTypes(args.resources, [type])) {
        const parameter = parameterFor(setProperties(database));
        if (!parameter) continue;
        const groups = links.resolve(database, property).targets;
        if (groups.length > 0 && groups.every((group) => requiresTls(group, parameter))) continue;
        report(
          `"${database.name}" takes connections without TLS, as far as this stack tells. Set ${property} to a ` +
            `group of this stack with ${parameter.name} = ${parameter.on[0]}.`,
          database.urn,
        );
      }
    }
  },
};

/** The parameter that a database needs set; none for other engines and where the default does it. */
function parameterFor(properties: Values): TlsParameter | undefined {
  const { engine, engineVersion } = properties;
  if (typeof engine !== "string") return undefined;
  const parameter = PARAMETERS.find((candidate) => candidate.engine.test(engine));
  const group = properties["dbClusterParameterGroupName"] ?? properties["parameterGroupName"];
  const since = parameter?.onByDefaultSince[engine];
  const major = typeof engineVersion === "string" ? parseInt(engineVersion, 10) : 0;
  const isDefault = isUnset(group) || (typeof group === "string" && group.startsWith("default."));
  return isDefault && since !== undefined && major >= since ? undefined : parameter;
}

function requiresTls(group: PolicyResource, parameter: TlsParameter): boolean {
  return list(setProperties(group)["parameters"]).some((entry) => isOn(entry, parameter));
}

function isOn(entry: Value, { name, on }: TlsParameter): boolean {
  if (!isObject(entry) || entry["name"] !== name) return false;
  return typeof entry["value"] === "string" && on.includes(entry["value"].toUpperCase());
}
