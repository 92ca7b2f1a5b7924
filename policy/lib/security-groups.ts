import type { PolicyResource } from "@pulumi/policy";

import { parse } from "./cidr";
import { DATABASE_KINDS } from "./databases";
import {
  INGRESS_CARRIERS,
  type IngressCarrier,
  type Permission,
  permissionsOf,
  SECURITY_GROUP_IDS,
  SECURITY_GROUP_TYPES,
} from "./ingress";
import { Links, type Reference, setProperties } from "./links";
import type { Values } from "./values";

/** A security group of this stack, or the id of one that is not. */
export type Group = PolicyResource | string;

/** A permission, with everything in sight that it concerns. */
export interface Opening {
  readonly permission: Permission;
  /** The resource that carries the permission: a rule, or a group with inline rules. */
  readonly carrier: PolicyResource;
  readonly group: Group;
  /** A database that carries the group; absent when none in sight does. */
  readonly database?: PolicyResource;
}

/** What a database names as its security groups. */
export interface DatabaseGroups {
  readonly database: PolicyResource;
  readonly reference: Reference;
}

export function groupLinks(resources: readonly PolicyResource[]): Links {
  const groups = resources.filter((resource) => SECURITY_GROUP_TYPES.includes(resource.type));
  return new Links(groups, SECURITY_GROUP_IDS);
}

/** The security groups of every database of a stack. */
export function databaseGroups(
  resources: readonly PolicyResource[],
  links: Links,
): DatabaseGroups[] {
  return resources.flatMap((database) => {
    const path = DATABASE_KINDS[database.type]?.groups;
    return path ? [{ database, reference: links.resolve(database, path) }] : [];
  });
}

/** Every permission that a stack gives, linked to the group and the database that it opens. */
export function openings(resources: readonly PolicyResource[]): Opening[] {
  const links = groupLinks(resources);
  const databases = new Map<Group, PolicyResource>();
  for (const { database, reference } of databaseGroups(resources, links)) {
    for (const group of groupsOf(reference)) databases.set(group, database);
  }

  return resources.flatMap((carrier) => {
    const kind = INGRESS_CARRIERS[carrier.type];
    if (!kind) return [];
    const permissions = permissionsOf(kind, sourceProperties(kind, carrier));
    const groups = kind.group ? groupsOf(links.resolve(carrier, kind.group)) : [carrier];
    return groups.flatMap((group) =>
      permissions.map((permission) => ({
        permission,
        carrier,
        group,
        database: databases.get(group),
      })),
    );
  });
}

/**
 * A carrier's properties, without sources that the provider has filled in. Of sources that exclude
 * each other, real are those that the program computed and those that are blocks of addresses.
 */
function sourceProperties({ sources = [] }: IngressCarrier, carrier: PolicyResource): Values {
  const properties = setProperties(carrier);
  const isReal = (name: string) => {
    const value = properties[name];
    return name in carrier.propertyDependencies || (typeof value === "string" && !!parse(value));
  };
  if (!sources.some(isReal)) return properties;
  const filledIn = sources.filter((name) => !isReal(name));
  return { ...properties, ...Object.fromEntries(filledIn.map((name) => [name, undefined])) };
}

function groupsOf({ targets, literals }: Reference): Group[] {
  return [...targets, ...literals];
}
