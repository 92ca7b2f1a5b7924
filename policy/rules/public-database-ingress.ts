import type {
  PolicyResource,
  ResourceValidationPolicy,
  StackValidationPolicy,
} from "@pulumi/policy";

import { DATABASE_KINDS, type DatabaseKind } from "../lib/databases";
import {
  INGRESS_CARRIERS,
  namesDatabasePort,
  type Permission,
  permissionsOf,
  portsInWords,
} from "../lib/ingress";
import { resourcesOf } from "../lib/policy";
import { parseJson } from "../lib/policy-documents";
import { PrefixLists } from "../lib/prefix-lists";
import { type Group, openings } from "../lib/security-groups";
import {
  ALLOWANCES_SCHEMA,
  type Allowances,
  type Objection,
  objectionToCidr,
} from "../lib/sources";
import { at, isObject, isUnset, list, UNKNOWN, type Value, type Values } from "../lib/values";

/** The group that AWS gives to everything in a VPC that names none. */
const DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup";

/**
 * No database may be reachable from the public internet.
 *
 * One policy of both kinds, so that one name carries one level and one list of exceptions. As a
 * resource policy it judges what one resource tells alone, and stops its creation; as a stack policy
 * it sees which group each database carries, in a preview by dependencies, since ids are not known.
 */
export const publicDatabaseIngress: ResourceValidationPolicy & StackValidationPolicy = {
  name: "public-database-ingress",
  description: "A database must not be reachable from the public internet.",
  enforcementLevel: "mandatory",
  severity: "critical",
  tags: ["network", "database"],
  remediationSteps:
    "Admit clients by their security group, with a standalone rule; keep databases off public addresses. " +
    "A public block that must stay goes into allowedCidrs of this policy's configuration, with its reason.",
  url: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.RDSSecurityGroups.html",
  configSchema: ALLOWANCES_SCHEMA,

  validateResource: resourcesOf(
    [...Object.keys(DATABASE_KINDS), ...Object.keys(INGRESS_CARRIERS)],
    (properties, report, args) => {
      const database = DATABASE_KINDS[args.type];
      const problems = database
        ? databaseProblems(database, properties)
        : carrierProblems(args.type, properties, args.getConfig<Allowances>());
      for (const problem of problems) report(`${labelOf(args)} ${problem}`);
    },
  ),

  validateStack: (args, report) => {
    const allowances = args.getConfig<Allowances>();
    const prefixLists = new PrefixLists(args.resources);
    for (const { carrier, permission, group, database } of openings(args.resources)) {
      const objections = objectionsTo(carrier, permission, prefixLists, allowances);
      if (database) {
        for (const { text } of objections) {
          report(
            `${labelOf(carrier)} opens ${portsInWords(permission)} to ${text}, on ${groupInWords(group)} ` +
              `that ${DATABASE_KINDS[database.type]!.label} "${database.name}" carries. ${FIX_SOURCE}`,
            carrier.urn,
          );
        }
      } else if (permission.source === "prefix list") {
        // Of a rule by itself, the resource policy has seen all but what stands in prefix lists.
        for (const objection of objections) {
          if (!matters(carrier.type, permission, objection)) continue;
          report(
            `${labelOf(carrier)} opens ${portsInWords(permission)} to ${objection.text}. ${FIX_SOURCE}`,
            carrier.urn,
          );
        }
      }
    }
  },
};

const FIX_SOURCE = "Name the client's security group as the source instead.";

/** What a database's own inputs give away. */
function databaseProblems(kind: DatabaseKind, properties: Values): string[] {
  const problems: string[] = [];

  if (kind.publicFlag) {
    const flag = properties[kind.publicFlag];
    if (flag === UNKNOWN) {
      problems.push(
        `computes ${kind.publicFlag}, which is not known yet. Set it to false in the program.`,
      );
    } else if (isUnset(flag)) {
      if (kind.flagMustBeSet) {
        problems.push(
          `does not set ${kind.publicFlag}, and AWS may choose a public address. Set it to false.`,
        );
      }
    } else if (flag !== false) {
      problems.push(`asks for a public address. Set ${kind.publicFlag} to false.`);
    }
  }

  if (kind.placement && isUnset(properties[kind.placement])) {
    problems.push(
      `has a public endpoint, because it is in no VPC. Set ${kind.placement} with subnets and security groups.`,
    );
  } else if (kind.groups && !namesGroups(kind, properties)) {
    problems.push(
      `names no security group, so that it gets the VPC's default one. Set ${kind.groups}.`,
    );
  }

  if (kind.networkPolicy && allowsEveryone(properties[kind.networkPolicy])) {
    problems.push("allows access from the internet. Name VPC endpoints as its SourceVPCEs.");
  }
  return problems;
}

function allowsEveryone(networkPolicy: Value): boolean {
  const rules = typeof networkPolicy === "string" ? parseJson(networkPolicy) : networkPolicy;
  return list(rules).some((rule) => isObject(rule) && rule["AllowFromPublic"] === true);
}

function namesGroups(kind: DatabaseKind, properties: Values): boolean {
  const inherits = (kind.groupsComeFrom ?? []).some((name) => !isUnset(properties[name]));
  return inherits || list(at(properties, kind.groups!)).length > 0;
}

/** What a group or rule gives away by itself, whatever carries it. */
function carrierProblems(type: string, properties: Values, allowances: Allowances): string[] {
  return permissionsOf(INGRESS_CARRIERS[type]!, properties)
    .filter((permission) => permission.source === "cidr")
    .flatMap((permission) => {
      const objection = objectionToCidr(permission.value, allowances);
      if (!objection || !matters(type, permission, objection)) return [];
      return [`opens ${portsInWords(permission)} to ${objection.text}. ${FIX_SOURCE}`];
    });
}

/**
 * Whether an objection counts on a group that no database in sight carries: always on the group that
 * every database without one of its own gets, and else only when a database's port is surely open.
 */
function matters(type: string, permission: Permission, objection: Objection): boolean {
  return type === DEFAULT_GROUP || (objection.proven && namesDatabasePort(permission));
}

function objectionsTo(
  carrier: PolicyResource,
  { source, value, property }: Permission,
  prefixLists: PrefixLists,
  allowances: Allowances,
): Objection[] {
  if (source === "prefix list") {
    return prefixLists.objections(carrier, property, value, allowances);
  }
  const objection = objectionToCidr(value, allowances);
  return objection ? [objection] : [];
}

function labelOf({ type, name }: { type: string; name: string }): string {
  const label = DATABASE_KINDS[type]?.label ?? type.split(":").pop()!;
  return `${label} "${name}"`;
}

function groupInWords(group: Group): string {
  return typeof group === "string" ? `security group ${group}` : `security group "${group.name}"`;
}
