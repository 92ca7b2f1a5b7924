import { DATABASE_PORTS } from "./databases";
import { isObject, isUnset, list, UNKNOWN, type Value, type Values } from "./values";

/** How one type of resource carries permissions to connect to a security group. */
export interface IngressCarrier {
  /** Property that names the group a rule belongs to; absent when the resource is the group. */
  readonly group?: string;
  /** Property that holds a list of rules; absent when the resource is itself one rule. */
  readonly rules?: string;
  /** Property that tells ingress from egress, on a resource that can be either. */
  readonly direction?: string;
  /** Properties of which AWS takes exactly one; absent when sources can stand side by side. */
  readonly sources?: readonly string[];
  readonly protocol: string;
  /** Properties with CIDR blocks, each one or a list. */
  readonly cidrs: readonly string[];
  /** Properties with prefix list ids, each one or a list. */
  readonly prefixLists: readonly string[];
}

const INLINE = {
  rules: "ingress",
  protocol: "protocol",
  cidrs: ["cidrBlocks", "ipv6CidrBlocks"],
  prefixLists: ["prefixListIds"],
} as const;

const NATIVE = {
  protocol: "ipProtocol",
  cidrs: ["cidrIp", "cidrIpv6"],
  prefixLists: ["sourcePrefixListId"],
} as const;

/** Every type of resource that can open a security group, by type token. */
export const INGRESS_CARRIERS: Readonly<Record<string, IngressCarrier>> = {
  "aws:ec2/securityGroup:SecurityGroup": INLINE,
  "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": INLINE,
  "aws:ec2/securityGroupRule:SecurityGroupRule": {
    group: "securityGroupId",
    direction: "type",
    protocol: "protocol",
    cidrs: ["cidrBlocks", "ipv6CidrBlocks"],
    prefixLists: ["prefixListIds"],
  },
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": {
    group: "securityGroupId",
    sources: ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"],
    protocol: "ipProtocol",
    cidrs: ["cidrIpv4", "cidrIpv6"],
    prefixLists: ["prefixListId"],
  },
  "aws-native:ec2:SecurityGroup": { ...NATIVE, rules: "securityGroupIngress" },
  "aws-native:ec2:SecurityGroupIngress": { ...NATIVE, group: "groupId" },
};

/** Types that are security groups, and the properties that others refer to them by. */
export const SECURITY_GROUP_TYPES = Object.keys(INGRESS_CARRIERS).filter(
  (type) => !INGRESS_CARRIERS[type]!.group,
);
export const SECURITY_GROUP_IDS = ["id", "groupId"];

/** Leave for one source of addresses to connect. */
export interface Permission {
  readonly source: "cidr" | "prefix list";
  /** The block, or the id of the prefix list. */
  readonly value: Value;
  /** Top-level property of the carrier that the value stands in. */
  readonly property: string;
  readonly protocol: Value;
  readonly fromPort: Value;
  readonly toPort: Value;
}

/** The permissions that a carrier gives to addresses; those given to security groups are no risk. */
export function permissionsOf(carrier: IngressCarrier, properties: Values): Permission[] {
  if (carrier.direction && properties[carrier.direction] === "egress") return [];
  const rules = carrier.rules ? list(properties[carrier.rules]) : [properties];
  return rules.flatMap((rule) =>
    isObject(rule) ? permissionsOfRule(carrier, rule) : anyone(carrier),
  );
}

function permissionsOfRule(carrier: IngressCarrier, rule: Values): Permission[] {
  const from = (source: Permission["source"], names: readonly string[]) =>
    names.flatMap((name) =>
      list(rule[name]).map((value) => ({
        source,
        value,
        property: carrier.rules ?? name,
        protocol: rule[carrier.protocol],
        fromPort: rule["fromPort"],
        toPort: rule["toPort"],
      })),
    );
  return [...from("cidr", carrier.cidrs), ...from("prefix list", carrier.prefixLists)];
}

/** A rule of which nothing is known may let anyone connect to anything. */
function anyone(carrier: IngressCarrier): Permission[] {
  return [
    {
      source: "cidr",
      value: UNKNOWN,
      property: carrier.rules!,
      protocol: UNKNOWN,
      fromPort: UNKNOWN,
      toPort: UNKNOWN,
    },
  ];
}

/** True when the permission covers every port, or nothing says that it does not. */
export function isEveryPort({ protocol, fromPort, toPort }: Permission): boolean {
  if (isEveryProtocol(protocol)) return true;
  return isTcp(protocol) && (portOf(fromPort) === undefined || portOf(toPort) === undefined);
}

/** True when the permission names ports, and one of them is a database's default. */
export function namesDatabasePort(permission: Permission): boolean {
  if (isEveryPort(permission) || !isTcp(permission.protocol)) return false;
  const from = portOf(permission.fromPort)!;
  const to = portOf(permission.toPort)!;
  return DATABASE_PORTS.some((port) => from <= port && port <= to);
}

/** The ports in words, for a message. */
export function portsInWords(permission: Permission): string {
  if (isEveryPort(permission)) return "every port";
  const from = portOf(permission.fromPort);
  const to = portOf(permission.toPort);
  const ports = from === to ? `port ${from}` : `ports ${from} to ${to}`;
  return isTcp(permission.protocol) ? ports : `protocol ${normalize(permission.protocol)}`;
}

// EC2 takes protocol names in any case, and IANA numbers.
const TCP = ["tcp", "6"];
const EVERY_PROTOCOL = ["-1", "all"];

function isTcp(protocol: Value): boolean {
  return TCP.includes(normalize(protocol));
}

function isEveryProtocol(protocol: Value): boolean {
  return protocol === UNKNOWN || isUnset(protocol) || EVERY_PROTOCOL.includes(normalize(protocol));
}

function normalize(protocol: Value): string {
  return typeof protocol === "string" || typeof protocol === "number"
    ? `${protocol}`.toLowerCase()
    : "";
}

/** A port is a number, or text that holds one; -1 stands for all. */
function portOf(value: Value): number | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const port = Number(value);
  return Number.isInteger(port) && port >= 0 ? port : undefined;
}
