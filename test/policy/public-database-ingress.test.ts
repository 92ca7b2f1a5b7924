import assert from "node:assert/strict";

import { DATABASE_KINDS } from "../../policy/lib/databases";
import { ALLOWANCES_SCHEMA } from "../../policy/lib/sources";
import { plain } from "../../policy/lib/values";
import { databaseExposureHints } from "../../policy/rules/database-exposure-hints";
import { hiddenDatabaseGroups } from "../../policy/rules/hidden-database-groups";
import { publicDatabaseIngress } from "../../policy/rules/public-database-ingress";
import { external, judge, later, ref, resource, type Spec, stack } from "./stacks";
import { type Row, table } from "./table";

const WORLD = "0.0.0.0/0";

// --- Building blocks ----------------------------------------------------------------------------

type Inputs = Record<string, unknown>;

const group = resource("aws:ec2/securityGroup:SecurityGroup");
const inlineGroup = (name: string, ...ingress: unknown[]) => group(name, { ingress });
const inlineRule = (inputs: Inputs) => ({
  protocol: "tcp",
  fromPort: 5432,
  toPort: 5432,
  ...inputs,
});

const ingressRule = (name: string, inputs: Inputs = {}, filledIn: Inputs = {}) =>
  resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")(
    name,
    {
      securityGroupId: ref("db-group"),
      ipProtocol: "tcp",
      fromPort: 5432,
      toPort: 5432,
      ...inputs,
    },
    { filledIn },
  );
const oldRule = (name: string, inputs: Inputs = {}) =>
  resource("aws:ec2/securityGroupRule:SecurityGroupRule")(name, {
    type: "ingress",
    securityGroupId: ref("db-group"),
    protocol: "tcp",
    fromPort: 5432,
    toPort: 5432,
    ...inputs,
  });

const instance = (name: string, inputs: Inputs = {}) =>
  resource("aws:rds/instance:Instance")(name, {
    engine: "postgres",
    instanceClass: "db.t4g.micro",
    vpcSecurityGroupIds: [ref("db-group")],
    ...inputs,
  });

/** A database that carries a group of its own, and whatever else the row adds. */
const carried = (...others: Spec[]): Spec[] => [group("db-group"), instance("db"), ...others];
/** The same with the rules in the group itself. */
const inline = (...ingress: unknown[]): Spec[] => [
  inlineGroup("db-group", ...ingress),
  instance("db"),
];
const prefixList = (name: string, inputs: Inputs = {}) =>
  resource("aws:ec2/managedPrefixList:ManagedPrefixList")(name, { maxEntries: 5, ...inputs });
const prefixListEntry = resource("aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry");
const defaultGroup = resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup");

// --- Carriers of ingress ------------------------------------------------------------------------

const carriers: Row[] = [
  {
    name: "1 inline rule, IPv4 world",
    stack: inline(inlineRule({ cidrBlocks: [WORLD] })),
    fail: ["db-group"],
  },
  {
    name: "2 inline rule, IPv6 world only",
    stack: inline(inlineRule({ ipv6CidrBlocks: ["::/0"] })),
    fail: ["db-group"],
  },
  {
    name: "2b IPv6 world behind a private IPv4 block of the same rule",
    stack: inline(inlineRule({ cidrBlocks: ["10.0.0.0/16"], ipv6CidrBlocks: ["::/0"] })),
    fail: ["db-group"],
  },
  {
    name: "2c the world behind self and a private block",
    stack: inline(inlineRule({ self: true }), inlineRule({ cidrBlocks: ["10.0.0.0/16", WORLD] })),
    fail: ["db-group"],
  },
  {
    name: "3 SecurityGroupRule of type ingress",
    stack: carried(oldRule("rule", { cidrBlocks: [WORLD] })),
    fail: ["rule"],
  },
  {
    name: "3b SecurityGroupRule, IPv6",
    stack: carried(oldRule("rule", { ipv6CidrBlocks: ["::/0"] })),
    fail: ["rule"],
  },
  {
    name: "3c SecurityGroupRule whose type is not known yet",
    stack: carried(oldRule("rule", { type: later("ingress", "db"), cidrBlocks: [WORLD] })),
    fail: ["rule"],
  },
  {
    name: "4 SecurityGroupIngressRule",
    stack: carried(ingressRule("rule", { cidrIpv4: WORLD })),
    fail: ["rule"],
  },
  {
    name: "4b SecurityGroupIngressRule, IPv6",
    stack: carried(ingressRule("rule", { cidrIpv6: "::/0" })),
    fail: ["rule"],
  },
  {
    name: "32 default security group, open on any port, though nothing names it",
    stack: [
      defaultGroup("default", {
        ingress: [inlineRule({ fromPort: 443, toPort: 443, cidrBlocks: [WORLD] })],
      }),
    ],
    fail: ["default"],
  },
  {
    name: "32b default security group without ingress",
    stack: [defaultGroup("default", { vpcId: "vpc-1" })],
  },
  {
    name: "32c default security group that admits itself and a private block",
    stack: [
      defaultGroup("default", {
        ingress: [
          { protocol: "-1", fromPort: 0, toPort: 0, self: true, cidrBlocks: ["10.0.0.0/8"] },
        ],
      }),
    ],
  },
  {
    name: "32d default security group with addresses not known yet",
    stack: [
      defaultGroup("default", { ingress: [inlineRule({ cidrBlocks: [later(WORLD, "other")] })] }),
    ],
    fail: ["default"],
  },
  {
    name: "53 aws-native group, inline",
    stack: [
      resource("aws-native:ec2:SecurityGroup")("db-group", {
        securityGroupIngress: [{ ipProtocol: "tcp", fromPort: 5432, toPort: 5432, cidrIp: WORLD }],
      }),
      instance("db"),
    ],
    fail: ["db-group"],
  },
  {
    name: "53b aws-native standalone rule",
    stack: [
      resource("aws-native:ec2:SecurityGroup")("db-group"),
      instance("db"),
      resource("aws-native:ec2:SecurityGroupIngress")("rule", {
        groupId: ref("db-group"),
        ipProtocol: "-1",
        cidrIp: WORLD,
      }),
    ],
    fail: ["rule"],
  },
  {
    name: "53c aws-native standalone rule, IPv6, odd port",
    stack: [
      resource("aws-native:ec2:SecurityGroup")("db-group"),
      instance("db"),
      resource("aws-native:ec2:SecurityGroupIngress")("rule", {
        groupId: ref("db-group"),
        ipProtocol: "tcp",
        fromPort: 8080,
        toPort: 8080,
        cidrIpv6: "::/0",
      }),
    ],
    fail: ["rule"],
  },
  {
    name: "53d aws-native rule from a private block",
    stack: [
      resource("aws-native:ec2:SecurityGroup")("db-group"),
      instance("db"),
      resource("aws-native:ec2:SecurityGroupIngress")("rule", {
        groupId: ref("db-group"),
        ipProtocol: "tcp",
        fromPort: 5432,
        toPort: 5432,
        cidrIp: "10.0.0.0/16",
      }),
    ],
  },
  {
    name: "54 aws-native database linked to a classic group",
    stack: [
      inlineGroup("db-group", inlineRule({ fromPort: 8080, toPort: 8080, cidrBlocks: [WORLD] })),
      resource("aws-native:rds:DbInstance")("db", {
        vpcSecurityGroups: [ref("db-group")],
        publiclyAccessible: false,
      }),
    ],
    fail: ["db-group"],
  },
  {
    name: "56 a security group and the world as sources of one rule, which AWS refuses",
    stack: carried(
      ingressRule("rule", { referencedSecurityGroupId: ref("db-group"), cidrIpv4: WORLD }),
    ),
    fail: ["rule"],
  },
  {
    name: "57 dual stack: private IPv4, public IPv6",
    stack: [
      group("db-group"),
      instance("db", { networkType: "DUAL" }),
      ingressRule("v4", { cidrIpv4: "10.0.0.0/16" }),
      ingressRule("v6", { cidrIpv6: "::/0" }),
    ],
    fail: ["v6"],
  },
];

// --- Prefix lists -------------------------------------------------------------------------------

const prefixLists: Row[] = [
  {
    name: "21 prefix list that is not in sight",
    stack: inline(inlineRule({ prefixListIds: ["pl-123"] })),
    fail: ["db-group"],
  },
  {
    name: "21b the same on a standalone rule, looked up elsewhere",
    stack: carried(ingressRule("rule", { prefixListId: external("pl-123") })),
    fail: ["rule"],
  },
  {
    name: "21c the same, not known yet",
    stack: carried(oldRule("rule", { prefixListIds: [later("pl-123", "somewhere-else")] })),
    fail: ["rule"],
  },
  {
    name: "21d allowed with a reason",
    stack: inline(inlineRule({ prefixListIds: ["pl-123"] })),
    config: {
      "public-database-ingress": {
        allowedPrefixLists: [{ id: "pl-123", reason: "The office, kept by the network team." }],
      },
    },
  },
  {
    name: "21e allowed without a reason",
    stack: inline(inlineRule({ prefixListIds: ["pl-123"] })),
    config: {
      "public-database-ingress": { allowedPrefixLists: [{ id: "pl-123", reason: " " }] },
    },
    fail: ["db-group"],
  },
  {
    name: "21f another list is allowed",
    stack: inline(inlineRule({ prefixListIds: ["pl-123"] })),
    config: {
      "public-database-ingress": { allowedPrefixLists: [{ id: "pl-456", reason: "The office." }] },
    },
    fail: ["db-group"],
  },
  {
    name: "22 prefix list in sight with the world in it",
    stack: carried(
      prefixList("everyone", { entries: [{ cidr: "10.0.0.0/8" }, { cidr: WORLD }] }),
      ingressRule("rule", { prefixListId: ref("everyone") }),
    ),
    fail: ["rule"],
  },
  {
    name: "22b prefix list in sight, private",
    stack: carried(
      prefixList("office", { entries: [{ cidr: "10.0.0.0/8" }] }),
      ingressRule("rule", { prefixListId: ref("office") }),
    ),
  },
  {
    name: "22c prefix list with a public entry of its own resource",
    stack: carried(
      prefixList("office"),
      prefixListEntry("entry", { prefixListId: ref("office"), cidr: "128.0.0.0/1" }),
      oldRule("rule", { prefixListIds: [ref("office")] }),
    ),
    fail: ["rule"],
  },
  {
    name: "22d prefix list whose entries are not known yet",
    stack: carried(
      prefixList("office", { entries: later([{ cidr: WORLD }], "other") }),
      oldRule("rule", { prefixListIds: [ref("office")] }),
    ),
    fail: ["rule"],
  },
  {
    name: "22j prefix list with one entry not known yet",
    stack: carried(
      prefixList("office", { entries: [{ cidr: "10.0.0.0/8" }, later({ cidr: WORLD }, "other")] }),
      oldRule("rule", { prefixListIds: [ref("office")] }),
    ),
    fail: ["rule"],
  },
  {
    name: "22k aws-native prefix list, by the id that it gets",
    stack: [
      ...carried(oldRule("rule", { prefixListIds: [later("pl-live", "office")] })),
      resource("aws-native:ec2:PrefixList")(
        "office",
        { entries: [{ cidr: "10.0.0.0/8" }] },
        { filledIn: { prefixListId: "pl-live" } },
      ),
    ],
  },
  {
    name: "22e public prefix list, database port, on a group that nothing carries",
    stack: [
      group("spare"),
      prefixList("everyone", { entries: [{ cidr: WORLD }] }),
      ingressRule("rule", { securityGroupId: ref("spare"), prefixListId: ref("everyone") }),
    ],
    fail: ["rule"],
  },
  {
    name: "22f prefix list out of sight, on a group that nothing carries",
    stack: [
      group("spare"),
      ingressRule("rule", { securityGroupId: ref("spare"), prefixListId: "pl-123" }),
    ],
  },
  {
    name: "22g two lists on one inline rule, the second public",
    stack: [
      prefixList("office", { entries: [{ cidr: "10.0.0.0/8" }] }),
      prefixList("everyone", { entries: [{ cidr: WORLD }] }),
      inlineGroup("db-group", inlineRule({ prefixListIds: [ref("office"), ref("everyone")] })),
      instance("db"),
    ],
    fail: ["db-group"],
  },
  {
    name: "22h aws-native prefix list",
    stack: [
      resource("aws-native:ec2:PrefixList")("everyone", { entries: [{ cidr: WORLD }] }),
      resource("aws-native:ec2:SecurityGroup")("db-group", {
        securityGroupIngress: [
          { ipProtocol: "tcp", fromPort: 1, toPort: 1, sourcePrefixListId: ref("everyone") },
        ],
      }),
      instance("db"),
    ],
    fail: ["db-group"],
  },
  {
    name: "22i a list on the default group, out of sight",
    stack: [defaultGroup("default", { ingress: [inlineRule({ prefixListIds: ["pl-123"] })] })],
    fail: ["default"],
  },
];

// --- Ports and protocols ------------------------------------------------------------------------

const on = (inputs: Inputs) => carried(oldRule("rule", { cidrBlocks: [WORLD], ...inputs }));
const spare = (inputs: Inputs) => [
  group("spare"),
  oldRule("rule", { securityGroupId: ref("spare"), cidrBlocks: [WORLD], ...inputs }),
];

const ports: Row[] = [
  {
    name: "5 every protocol, no ports",
    stack: carried(
      ingressRule("rule", {
        cidrIpv4: WORLD,
        ipProtocol: "-1",
        fromPort: undefined,
        toPort: undefined,
      }),
    ),
    fail: ["rule"],
  },
  ...["all", "ALL", "6", "TCP", "-1", 6, -1].map((protocol) => ({
    name: `6 protocol ${JSON.stringify(protocol)}, ports 0 to 65535`,
    stack: on({ protocol, fromPort: 0, toPort: 65535 }),
    fail: ["rule"],
  })),
  {
    name: "7 range that covers the port",
    stack: on({ fromPort: 5000, toPort: 6000 }),
    fail: ["rule"],
  },
  {
    name: "8 odd port of the database",
    stack: [
      group("db-group"),
      instance("db", { port: 15432 }),
      oldRule("rule", { cidrBlocks: [WORLD], fromPort: 15432, toPort: 15432 }),
    ],
    fail: ["rule"],
  },
  {
    name: "9 a port that is not the database's",
    stack: on({ fromPort: 8080, toPort: 8080 }),
    fail: ["rule"],
  },
  { name: "9b UDP on a carried group", stack: on({ protocol: "udp" }), fail: ["rule"] },
  {
    name: "9c ICMP on a carried group",
    stack: on({ protocol: "icmp", fromPort: 8, toPort: 0 }),
    fail: ["rule"],
  },
  { name: "28 database port on a group that nothing carries", stack: spare({}), fail: ["rule"] },
  ...[1433, 1521, 3306, 5439, 6379, 9200, 11211, 27017].map((port) => ({
    name: `28b port ${port} on a group that nothing carries`,
    stack: spare({ fromPort: port, toPort: port }),
    fail: ["rule"],
  })),
  {
    name: "28c a port as text",
    stack: spare({ fromPort: "5432", toPort: "5432" }),
    fail: ["rule"],
  },
  {
    name: "28d range that ends at the port",
    stack: spare({ fromPort: 5000, toPort: 5432 }),
    fail: ["rule"],
  },
  {
    name: "28e range that starts at the port",
    stack: spare({ fromPort: 5432, toPort: 5438 }),
    fail: ["rule"],
  },
  { name: "28f range between the ports", stack: spare({ fromPort: 5433, toPort: 5438 }) },
  {
    name: "28g inline, on a group that nothing carries",
    stack: [inlineGroup("spare", inlineRule({ cidrBlocks: [WORLD] }))],
    fail: ["spare"],
  },
  { name: "28h protocol by number", stack: spare({ protocol: "6" }), fail: ["rule"] },
  { name: "28i UDP on the port's number", stack: spare({ protocol: "udp" }) },
  { name: "28j private source", stack: spare({ cidrBlocks: ["10.0.0.0/8"] }) },
  {
    name: "28k the group belongs to another stack",
    stack: [oldRule("rule", { securityGroupId: "sg-elsewhere", cidrBlocks: [WORLD] })],
    fail: ["rule"],
  },
  { name: "28l every port of TCP", stack: spare({ fromPort: 0, toPort: 65535 }), fail: ["rule"] },
  {
    name: "28m ports that are none",
    stack: spare({ fromPort: "mysql", toPort: "mysql" }),
    warn: ["rule"],
  },
  { name: "28n ports of another kind", stack: spare({ fromPort: true }), warn: ["rule"] },
  { name: "28o half a port", stack: spare({ fromPort: 443.5, toPort: 444 }), warn: ["rule"] },
  {
    name: "28p no protocol",
    stack: spare({ protocol: undefined, fromPort: 443, toPort: 443 }),
    warn: ["rule"],
  },
  {
    name: "40c the other port not known yet, on a group that nothing carries",
    stack: spare({ fromPort: later(443, "other"), toPort: 443 }),
    warn: ["rule"],
    modes: ["preview"],
  },
  {
    name: "29 every port, on a group that nothing carries",
    stack: [
      group("spare"),
      oldRule("v4", {
        securityGroupId: ref("spare"),
        protocol: "-1",
        fromPort: 0,
        toPort: 0,
        cidrBlocks: [WORLD],
      }),
      oldRule("v6", {
        securityGroupId: ref("spare"),
        protocol: "-1",
        fromPort: 0,
        toPort: 0,
        ipv6CidrBlocks: ["::/0"],
      }),
    ],
    warn: ["v4", "v6"],
  },
  {
    name: "29b the same, from a private block",
    stack: spare({ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: ["10.0.0.0/8"] }),
  },
  { name: "29c TCP from -1 to -1", stack: spare({ fromPort: -1, toPort: -1 }), warn: ["rule"] },
  {
    name: "29d ICMP, which has types instead of ports",
    stack: spare({ protocol: "icmp", fromPort: -1, toPort: -1 }),
  },
  {
    name: "40 protocol and ports not known yet",
    stack: on({
      protocol: later("tcp", "other"),
      fromPort: later(5432, "other"),
      toPort: later(5432, "other"),
    }),
    fail: ["rule"],
  },
  {
    name: "40b one port not known yet, on a group that nothing carries",
    stack: spare({ fromPort: 443, toPort: later(443, "other") }),
    warn: ["rule"],
    modes: ["preview"],
  },
];

// --- Blocks of addresses ------------------------------------------------------------------------

const from = (...cidrBlocks: unknown[]) => carried(oldRule("rule", { cidrBlocks }));
const blocks: Row[] = [
  {
    name: "10 both halves of the world",
    stack: carried(
      ingressRule("low", { cidrIpv4: "0.0.0.0/1" }),
      ingressRule("high", { cidrIpv4: "128.0.0.0/1" }),
    ),
    fail: ["low", "high"],
  },
  {
    name: "11 both halves of IPv6",
    stack: carried(
      ingressRule("low", { cidrIpv6: "::/1" }),
      ingressRule("high", { cidrIpv6: "8000::/1" }),
    ),
    fail: ["low", "high"],
  },
  ...[
    "1.2.3.4/0", // 12
    "203.0.113.7/32", // 16
    "10.0.0.0/7",
    "172.16.0.0/11",
    "172.32.0.0/12",
    "192.168.0.0/15",
    "192.169.0.0/16",
    "100.64.0.0/9",
    "100.128.0.0/10",
    "11.0.0.0/8",
    "9.255.255.255/32",
    "8.8.8.8/32",
    "2001:db8::/32",
    "2600::/12",
    "fc00::/6",
    "fe80::/9",
    "::/1",
    "::1/127",
    "::ffff:10.0.0.0/104",
  ].map((cidr) => ({ name: `16 public block ${cidr}`, stack: from(cidr), fail: ["rule"] })),
  ...[
    "10.0.0.0/8",
    "10.1.2.3/16",
    "10.255.255.255/32",
    "172.16.0.0/12",
    "172.31.255.0/24",
    "192.168.0.0/16",
    "192.168.1.1/32",
    "100.64.0.0/10",
    "127.0.0.1/32",
    "169.254.0.0/16",
    "fd12::/16",
    "fc00::/7",
    "fe80::/10",
    "FD00::1/128",
    "::1/128",
  ].map((cidr) => ({ name: `17 private block ${cidr}`, stack: from(cidr) })),
  ...[
    "0/0",
    "*",
    "",
    "10.0.0.0",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8.5",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "010.0.0.0/8",
    "0x0a.0.0.0/8",
    "167772160/8",
    "10.0.0.256/32",
    " 10.0.0.0/8",
    "10.0.0.0/8 ",
    " 0.0.0.0/0 ",
    "10.0.0.0 /8",
    "000.000.000.000/0",
    "10.0.0.0/8,0.0.0.0/0",
    "10.0.0.0/8\n0.0.0.0/0",
    "fd00::/129",
    "fd00::%eth0/16",
    "fd00:::/16",
    "any",
    "localhost/8",
    10,
    true,
    {},
  ].map((cidr) => ({
    name: `18 no block ${JSON.stringify(cidr)}`,
    stack: from(cidr),
    fail: ["rule"],
  })),
  {
    name: "16b a public block that the configuration allows, with its reason",
    stack: from("203.0.113.7/32", "203.0.113.64/26"),
    config: {
      "public-database-ingress": {
        allowedCidrs: [{ cidr: "203.0.113.0/24", reason: "The office's own line." }],
      },
    },
  },
  {
    name: "16c a wider block than the one allowed",
    stack: from("203.0.112.0/23"),
    config: {
      "public-database-ingress": {
        allowedCidrs: [{ cidr: "203.0.113.0/24", reason: "The office's own line." }],
      },
    },
    fail: ["rule"],
  },
  ...[
    { cidr: "203.0.113.0/24" },
    { cidr: "203.0.113.0/24", reason: "" },
    { cidr: "203.0.113.0/24", reason: "   " },
    { cidr: "office", reason: "The office's own line." },
    { reason: "The office's own line." },
    { cidr: "2001:db8::/48", reason: "The office's own line." },
    { cidr: "0.0.0.0/0", reason: "Because it must work today." },
    { cidr: "203.0.0.0/15", reason: "Because it must work today." },
  ].map((allowance) => ({
    name: `16d an allowance that is none: ${JSON.stringify(allowance)}`,
    stack: from("203.0.113.7/32"),
    config: { "public-database-ingress": { allowedCidrs: [allowance] } },
    fail: ["rule"],
  })),
  {
    name: "16e the widest allowances that count",
    stack: from("203.0.113.7/32", "2001:db8::/48"),
    config: {
      "public-database-ingress": {
        allowedCidrs: [
          { cidr: "203.0.0.0/16", reason: "Our provider-independent space." },
          { cidr: "2001:db8::/32", reason: "Our provider-independent space." },
        ],
      },
    },
  },
  {
    name: "16f an IPv6 allowance that is too wide",
    stack: from("2001:db8::/48"),
    config: {
      "public-database-ingress": {
        allowedCidrs: [{ cidr: "2001:d00::/31", reason: "Because it must work today." }],
      },
    },
    fail: ["rule"],
  },
];

// --- No false alarms ----------------------------------------------------------------------------

const harmless: Row[] = [
  {
    name: "19 open egress",
    stack: [
      group("db-group", {
        egress: [{ protocol: "-1", fromPort: 0, toPort: 0, cidrBlocks: [WORLD] }],
      }),
      instance("db"),
      oldRule("out", { type: "egress", cidrBlocks: [WORLD] }),
      resource("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")("out-too", {
        securityGroupId: ref("db-group"),
        ipProtocol: "-1",
        cidrIpv4: WORLD,
      }),
    ],
  },
  {
    name: "24 the source is a security group, on each carrier",
    stack: [
      group("app"),
      group("db-group", { ingress: [inlineRule({ securityGroups: [ref("app")] })] }),
      instance("db"),
      ingressRule("one", { referencedSecurityGroupId: ref("app") }),
      oldRule("two", { sourceSecurityGroupId: ref("app") }),
      oldRule("three", { self: true }),
      resource("aws-native:ec2:SecurityGroupIngress")("four", {
        groupId: ref("db-group"),
        ipProtocol: "-1",
        sourceSecurityGroupId: ref("app"),
      }),
    ],
  },
  {
    name: "26 sources that a provider fills in beside the one that was set",
    stack: carried(
      ingressRule(
        "from-group",
        { referencedSecurityGroupId: ref("db-group") },
        { cidrIpv4: "made-up", cidrIpv6: "made-up", prefixListId: "made-up" },
      ),
      ingressRule(
        "from-block",
        { cidrIpv4: "10.0.0.0/16" },
        { cidrIpv6: "made-up", prefixListId: "made-up", referencedSecurityGroupId: "made-up" },
      ),
    ),
  },
  {
    name: "25 the source group is itself open on 443",
    stack: [
      inlineGroup("web", inlineRule({ fromPort: 443, toPort: 443, cidrBlocks: [WORLD] })),
      ...carried(ingressRule("rule", { referencedSecurityGroupId: ref("web") })),
    ],
  },
  {
    name: "27 a web tier beside a private database",
    stack: [
      inlineGroup(
        "web",
        inlineRule({ fromPort: 80, toPort: 80, cidrBlocks: [WORLD], ipv6CidrBlocks: ["::/0"] }),
        inlineRule({ fromPort: 443, toPort: 443, cidrBlocks: [WORLD], ipv6CidrBlocks: ["::/0"] }),
      ),
      ...carried(ingressRule("rule", { cidrIpv4: "10.0.0.0/16" })),
    ],
  },
  {
    name: "27b a web group that nothing carries",
    stack: [
      group("web"),
      ingressRule("https", {
        securityGroupId: ref("web"),
        fromPort: 443,
        toPort: 443,
        cidrIpv4: WORLD,
      }),
    ],
  },
  {
    name: "58 an open network ACL over a private group",
    stack: [
      ...carried(),
      resource("aws:ec2/networkAcl:NetworkAcl")("acl", {
        ingress: [
          { protocol: "-1", cidrBlock: WORLD, action: "allow", ruleNo: 1, fromPort: 0, toPort: 0 },
        ],
      }),
    ],
  },
  { name: "61 an empty stack", stack: [] },
  { name: "61b a stack without databases", stack: [resource("aws:s3/bucket:Bucket")("bucket")] },
  {
    name: "62 null and missing lists",
    stack: [
      group("db-group", { ingress: null }),
      instance("db"),
      oldRule("rule", { cidrBlocks: null, ipv6CidrBlocks: undefined, prefixListIds: [] }),
      inlineGroup(
        "other",
        { protocol: "tcp", fromPort: 5432, toPort: 5432, cidrBlocks: null },
        null,
      ),
    ],
  },
];

// --- Links between databases and groups ---------------------------------------------------------

const open8080 = (name: string, of: unknown = ref("db-group")) =>
  ingressRule(name, { securityGroupId: of, fromPort: 8080, toPort: 8080, cidrIpv4: WORLD });

const links: Row[] = [
  {
    name: "31 no security groups: the VPC's default one",
    stack: [resource("aws:rds/instance:Instance")("db", { engine: "postgres" })],
    fail: ["db"],
  },
  {
    name: "31b an empty list of groups",
    stack: [instance("db", { vpcSecurityGroupIds: [] })],
    fail: ["db"],
  },
  {
    name: "31c a member of a replication group carries that group's",
    stack: [
      group("db-group"),
      resource("aws:elasticache/replicationGroup:ReplicationGroup")("redis", {
        securityGroupIds: [ref("db-group")],
      }),
      resource("aws:elasticache/cluster:Cluster")("member", { replicationGroupId: ref("redis") }),
    ],
  },
  {
    name: "34 a literal group id",
    stack: [instance("db", { vpcSecurityGroupIds: ["sg-123"] })],
    fail: ["db"],
  },
  {
    name: "34b a group from a stack reference, known",
    stack: [instance("db", { vpcSecurityGroupIds: [external("sg-123")] })],
    fail: ["db"],
  },
  {
    name: "34c a group from a stack reference, not known yet",
    stack: [instance("db", { vpcSecurityGroupIds: later(["sg-123"], "somewhere-else") })],
    fail: ["db"],
  },
  {
    name: "34d one group in sight, one not",
    stack: [
      group("db-group"),
      instance("db", { vpcSecurityGroupIds: [ref("db-group"), external("sg-123")] }),
    ],
    fail: ["db"],
  },
  {
    name: "34e one group in sight, one that another stack will make",
    stack: [
      group("db-group"),
      instance("db", { vpcSecurityGroupIds: [ref("db-group"), later("sg-123", "somewhere-else")] }),
    ],
    fail: ["db"],
  },
  {
    name: "34f the VPC's own default group",
    stack: [
      resource("aws:ec2/vpc:Vpc")("vpc", { cidrBlock: "10.0.0.0/16" }),
      instance("db", { vpcSecurityGroupIds: [later("sg-default", "vpc")] }),
    ],
    fail: ["db"],
  },
  {
    name: "35 a literal id that is a managed group's",
    stack: [
      group("db-group"),
      instance("db", { vpcSecurityGroupIds: ["db-group-id"] }),
      open8080("rule"),
    ],
    fail: ["rule"],
    modes: ["live"],
  },
  {
    name: "35b a rule on the literal id that the database carries",
    stack: [instance("db", { vpcSecurityGroupIds: ["sg-123"] }), open8080("rule", "sg-123")],
    fail: ["db", "rule"],
  },
  {
    name: "36 the group goes through apply",
    stack: [
      group("db-group"),
      instance("db", { vpcSecurityGroupIds: later(["db-group-id"], "db-group") }),
      open8080("rule"),
    ],
    fail: ["rule"],
  },
  {
    name: "36b the group comes from a component's output",
    stack: [
      { type: "test:index:Network", name: "network", inputs: {} },
      group("db-group", {}, { parent: "network" }),
      instance("db", { vpcSecurityGroupIds: [later("db-group-id", "network")] }),
      open8080("rule"),
    ],
    fail: ["rule"],
  },
  {
    name: "36c the group comes from a component in a component, named beside it",
    stack: [
      { type: "test:index:Outer", name: "outer", inputs: {} },
      { type: "test:index:Inner", name: "inner", inputs: {}, parent: "outer" },
      group("db-group", {}, { parent: "inner" }),
      group("web", {}, { parent: "inner" }),
      instance("db", { vpcSecurityGroupIds: [later("db-group-id", "outer", "db-group")] }),
      open8080("web-rule", ref("web")),
      open8080("rule", later("db-group-id", "outer", "db-group")),
    ],
    fail: ["rule"],
  },
  {
    name: "36d two databases share a group, and one of them is a cluster",
    stack: [
      ...carried(open8080("rule")),
      resource("aws:rds/cluster:Cluster")("cluster", { vpcSecurityGroupIds: [ref("db-group")] }),
    ],
    fail: ["rule"],
  },
  {
    name: "36e a database with two groups, the second open",
    stack: [
      group("quiet"),
      group("db-group"),
      instance("db", { vpcSecurityGroupIds: [ref("quiet"), ref("db-group")] }),
      open8080("rule"),
    ],
    fail: ["rule"],
  },
  {
    name: "36f an existing group behind a value that is not known yet",
    stack: [
      group("db-group", { id: "db-group-id" }),
      instance("db", { vpcSecurityGroupIds: later(["db-group-id"], "db-group") }),
      open8080("rule"),
    ],
    fail: ["rule"],
  },
  {
    name: "36g an id that was computed from another group",
    stack: [
      group("web"),
      open8080("rule", ref("web")),
      instance("db", { vpcSecurityGroupIds: [later("sg-123", "web")] }),
    ],
    fail: ["db"],
    modes: ["live"],
  },
  {
    name: "36h one group by name, one by its component",
    stack: [
      { type: "test:index:Network", name: "network", inputs: {} },
      group("inner-group", {}, { parent: "network" }),
      group("db-group"),
      instance("db", {
        vpcSecurityGroupIds: [ref("db-group"), later("inner-group-id", "network")],
      }),
      open8080("rule", ref("inner-group")),
    ],
    fail: ["rule"],
  },
  {
    name: "36i a component with more groups than the one that is meant",
    stack: [
      { type: "test:index:Network", name: "network", inputs: {} },
      group("db-group", {}, { parent: "network" }),
      group("spare", {}, { parent: "network" }),
      instance("db", { vpcSecurityGroupIds: [later("db-group-id", "network")] }),
    ],
  },
  {
    name: "36j an aws-native group, by the id that it gets",
    stack: [
      resource("aws-native:ec2:SecurityGroup")(
        "db-group",
        {},
        { filledIn: { groupId: "sg-live" } },
      ),
      instance("db", { vpcSecurityGroupIds: [later("sg-live", "db-group")] }),
      open8080("rule", later("sg-live", "db-group")),
    ],
    fail: ["rule"],
  },
  {
    name: "37 addresses not known yet, on a group that a database carries",
    stack: carried(ingressRule("rule", { cidrIpv4: later(WORLD, "other") })),
    fail: ["rule"],
  },
  {
    name: "37b the same, and private when known",
    stack: carried(ingressRule("rule", { cidrIpv4: later("10.0.0.0/16", "other") })),
    fail: ["rule"],
    modes: ["preview"],
  },
  {
    name: "37c the same, live",
    stack: carried(ingressRule("rule", { cidrIpv4: later("10.0.0.0/16", "other") })),
    modes: ["live", "idless"],
  },
  {
    name: "38 addresses not known yet elsewhere, and an open rule here",
    stack: [
      group("web"),
      ingressRule("unrelated", {
        securityGroupId: ref("web"),
        fromPort: 443,
        toPort: 443,
        cidrIpv4: later(WORLD, "other"),
      }),
      ...carried(ingressRule("rule", { cidrIpv4: WORLD })),
    ],
    fail: ["rule"],
  },
  {
    name: "38b addresses not known yet on a database port that no database carries",
    stack: [
      group("web"),
      ingressRule("unrelated", { securityGroupId: ref("web"), cidrIpv4: later(WORLD, "other") }),
    ],
    modes: ["preview"],
  },
  {
    name: "41 the whole ingress not known yet, on a group that a database carries",
    stack: [
      group("db-group", { ingress: later([inlineRule({ cidrBlocks: [WORLD] })], "other") }),
      instance("db"),
    ],
    fail: ["db-group"],
  },
  {
    name: "41b one rule of the ingress not known yet",
    stack: [
      group("db-group", { ingress: [later(inlineRule({ cidrBlocks: [WORLD] }), "other")] }),
      instance("db"),
    ],
    fail: ["db-group"],
  },
  {
    name: "41c the whole ingress not known yet, on another group",
    stack: [
      ...carried(),
      group("web", {
        ingress: later([inlineRule({ fromPort: 443, toPort: 443, cidrBlocks: [WORLD] })], "other"),
      }),
    ],
  },
  {
    name: "42 unset ingress that the provider computes",
    stack: carried(ingressRule("rule", { referencedSecurityGroupId: ref("db-group") })),
  },
  {
    name: "63 three hundred resources",
    stack: [
      ...carried(ingressRule("rule", { cidrIpv4: WORLD })),
      ...Array.from({ length: 100 }, (_, i) => group(`group-${i}`)),
      ...Array.from({ length: 200 }, (_, i) =>
        ingressRule(`private-${i}`, {
          securityGroupId: ref(`group-${i % 100}`),
          cidrIpv4: "10.0.0.0/16",
        }),
      ),
    ],
    fail: ["rule"],
  },
];

// --- Public flags -------------------------------------------------------------------------------

const flagged = (type: string, inputs: Inputs, fail = true): Row => ({
  name: `${type} ${JSON.stringify(inputs)}`,
  stack: [group("db-group"), resource(type)("db", inputs)],
  ...(fail && { fail: ["db"] }),
});
const groups = [ref("db-group")];

const flags: Row[] = [
  {
    name: "43 Aurora: quiet cluster, public instance",
    stack: [
      group("db-group"),
      resource("aws:rds/cluster:Cluster")("cluster", { vpcSecurityGroupIds: groups }),
      resource("aws:rds/clusterInstance:ClusterInstance")("instance", { publiclyAccessible: true }),
    ],
    fail: ["instance"],
  },
  {
    name: "44 public instance, private group",
    stack: [group("db-group"), instance("db", { publiclyAccessible: true })],
    fail: ["db"],
  },
  {
    name: "45 flag not known yet",
    stack: [group("db-group"), instance("db", { publiclyAccessible: later(true, "other") })],
    fail: ["db"],
  },
  {
    name: "45b flag as text",
    stack: [group("db-group"), instance("db", { publiclyAccessible: "true" })],
    fail: ["db"],
  },
  { name: "46 flag left out", stack: [group("db-group"), instance("db")] },
  {
    name: "46c flag null",
    stack: [group("db-group"), instance("db", { publiclyAccessible: null })],
  },
  {
    name: "46b flag false",
    stack: [group("db-group"), instance("db", { publiclyAccessible: false })],
  },
  ...["aws-native:rds:DbInstance"].map((type) => flagged(type, { vpcSecurityGroups: groups })),
  ...["aws:redshiftserverless/workgroup:Workgroup"].map((type) =>
    flagged(type, { securityGroupIds: groups }),
  ),
  flagged("aws:dms/replicationInstance:ReplicationInstance", { vpcSecurityGroupIds: groups }),
  flagged(
    "aws:dms/replicationInstance:ReplicationInstance",
    { vpcSecurityGroupIds: groups, publiclyAccessible: false },
    false,
  ),
  flagged("aws:neptunegraph/graph:Graph", { publicConnectivity: true }),
  flagged("aws:neptunegraph/graph:Graph", {}),
  flagged("aws:neptunegraph/graph:Graph", { publicConnectivity: false }, false),
  flagged("aws:lightsail/database:Database", { publiclyAccessible: true }),
  flagged("aws:lightsail/database:Database", {}, false),
  flagged("aws:mq/broker:Broker", { securityGroups: groups, publiclyAccessible: true }),
  flagged("aws:timestreaminfluxdb/dbInstance:DbInstance", {
    vpcSecurityGroupIds: groups,
    publiclyAccessible: true,
  }),
  flagged("aws:timestreaminfluxdb/dbCluster:DbCluster", {
    vpcSecurityGroupIds: groups,
    publiclyAccessible: true,
  }),
  flagged("aws:rds/shardGroup:ShardGroup", { publiclyAccessible: true }),
  flagged("aws:redshift/cluster:Cluster", {
    vpcSecurityGroupIds: groups,
    publiclyAccessible: true,
  }),
  flagged("aws:neptune/clusterInstance:ClusterInstance", { publiclyAccessible: true }),
  flagged("aws-native:rds:DbCluster", { vpcSecurityGroupIds: groups, publiclyAccessible: true }),
  flagged("aws:opensearch/domain:Domain", { vpcOptions: null }),
  flagged("aws:opensearch/domain:Domain", {}),
  flagged("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy", {
    type: "network",
    policy: JSON.stringify([{ Rules: [] }, { AllowFromPublic: true }]),
  }),
  flagged(
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy",
    { type: "network", policy: '[{"AllowFromPublic":false,"SourceVPCEs":["vpce-1"]}]' },
    false,
  ),
  flagged(
    "aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy",
    { type: "encryption", policy: '{"AWSOwnedKey":true}' },
    false,
  ),
  flagged("aws:opensearch/domain:Domain", { vpcOptions: { subnetIds: ["subnet-1"] } }),
  flagged("aws:opensearch/domain:Domain", { vpcOptions: { securityGroupIds: groups } }, false),
  flagged(
    "aws:opensearch/domain:Domain",
    { vpcOptions: later({ securityGroupIds: ["db-group-id"] }, "db-group") },
    false,
  ),
];

// --- Every kind of database ---------------------------------------------------------------------

const KINDS: Record<string, Inputs> = {
  "aws:rds/cluster:Cluster": { vpcSecurityGroupIds: groups },
  "aws:rds/proxy:Proxy": { vpcSecurityGroupIds: groups },
  "aws:rds/proxyEndpoint:ProxyEndpoint": { vpcSecurityGroupIds: groups },
  "aws:redshift/cluster:Cluster": { vpcSecurityGroupIds: groups },
  "aws:redshift/endpointAccess:EndpointAccess": { vpcSecurityGroupIds: groups },
  "aws:redshiftserverless/workgroup:Workgroup": {
    securityGroupIds: groups,
    publiclyAccessible: false,
  },
  "aws:redshiftserverless/endpointAccess:EndpointAccess": { vpcSecurityGroupIds: groups },
  "aws:docdb/cluster:Cluster": { vpcSecurityGroupIds: groups },
  "aws:docdb/elasticCluster:ElasticCluster": { vpcSecurityGroupIds: groups },
  "aws:neptune/cluster:Cluster": { vpcSecurityGroupIds: groups },
  "aws:elasticache/cluster:Cluster": { securityGroupIds: groups },
  "aws:elasticache/replicationGroup:ReplicationGroup": { securityGroupIds: groups },
  "aws:elasticache/serverlessCache:ServerlessCache": { securityGroupIds: groups },
  "aws:memorydb/cluster:Cluster": { securityGroupIds: groups },
  "aws:dax/cluster:Cluster": { securityGroupIds: groups },
  "aws:opensearch/domain:Domain": { vpcOptions: { securityGroupIds: groups } },
  "aws:opensearch/vpcEndpoint:VpcEndpoint": { vpcOptions: { securityGroupIds: groups } },
  "aws:opensearch/serverlessVpcEndpoint:ServerlessVpcEndpoint": { securityGroupIds: groups },
  "aws:elasticsearch/domain:Domain": { vpcOptions: { securityGroupIds: groups } },
  "aws:elasticsearch/vpcEndpoint:VpcEndpoint": { vpcOptions: { securityGroupIds: groups } },
  "aws:dms/replicationInstance:ReplicationInstance": {
    vpcSecurityGroupIds: groups,
    publiclyAccessible: false,
  },
  "aws:dms/replicationConfig:ReplicationConfig": { computeConfig: { vpcSecurityGroupIds: groups } },
  "aws:timestreaminfluxdb/dbInstance:DbInstance": { vpcSecurityGroupIds: groups },
  "aws:timestreaminfluxdb/dbCluster:DbCluster": { vpcSecurityGroupIds: groups },
  "aws:mq/broker:Broker": { securityGroups: groups },
  "aws:finspace/kxCluster:KxCluster": { vpcConfiguration: { securityGroupIds: groups } },
  "aws-native:rds:DbInstance": { vpcSecurityGroups: groups, publiclyAccessible: false },
  "aws-native:rds:DbCluster": { vpcSecurityGroupIds: groups },
  "aws-native:rds:DbProxy": { vpcSecurityGroupIds: groups },
  "aws-native:rds:DbProxyEndpoint": { vpcSecurityGroupIds: groups },
  "aws-native:redshift:Cluster": { vpcSecurityGroupIds: groups, publiclyAccessible: false },
  "aws-native:redshiftserverless:Workgroup": {
    securityGroupIds: groups,
    publiclyAccessible: false,
  },
  "aws-native:neptune:DbCluster": { vpcSecurityGroupIds: groups },
  "aws-native:docdbelastic:Cluster": { vpcSecurityGroupIds: groups },
  "aws-native:elasticache:ReplicationGroup": { securityGroupIds: groups },
  "aws-native:elasticache:ServerlessCache": { securityGroupIds: groups },
  "aws-native:memorydb:Cluster": { securityGroupIds: groups },
  "aws-native:opensearchservice:Domain": { vpcOptions: { securityGroupIds: groups } },
  "aws-native:timestream:InfluxDbInstance": {
    vpcSecurityGroupIds: groups,
    publiclyAccessible: false,
  },
  "aws-native:amazonmq:Broker": { securityGroups: groups, publiclyAccessible: false },
};
const kinds: Row[] = Object.entries(KINDS).flatMap(([type, inputs]) => [
  {
    name: `49 ${type} with an open group`,
    stack: [group("db-group"), resource(type)("db", inputs), open8080("rule")],
    fail: ["rule"],
  },
  {
    name: `49b ${type} with a private group`,
    stack: [
      group("db-group"),
      resource(type)("db", inputs),
      ingressRule("rule", { cidrIpv4: "10.0.0.0/16" }),
    ],
  },
]);

// --- Hints --------------------------------------------------------------------------------------

const subnet = resource("aws:ec2/subnet:Subnet");
const subnetGroup = resource("aws:rds/subnetGroup:SubnetGroup");
const route = resource("aws:ec2/route:Route");
const routeTable = resource("aws:ec2/routeTable:RouteTable");
const association = resource("aws:ec2/routeTableAssociation:RouteTableAssociation");
const gateway = resource("aws:ec2/internetGateway:InternetGateway");
const hints: Row[] = [
  {
    name: "48 subnets that hand out public addresses",
    stack: [
      subnet("a", { mapPublicIpOnLaunch: true }),
      subnet("b", { mapPublicIpOnLaunch: false }),
      subnetGroup("subnets", { subnetIds: [ref("a"), ref("b")] }),
      subnetGroup("private", { subnetIds: [ref("b")] }),
    ],
    warn: ["subnets"],
  },
  {
    name: "48b subnets with a route to an internet gateway",
    stack: [
      gateway("gateway"),
      routeTable("public"),
      routeTable("private"),
      route("out", {
        routeTableId: ref("public"),
        gatewayId: ref("gateway"),
        destinationCidrBlock: WORLD,
      }),
      route("nat", {
        routeTableId: ref("private"),
        natGatewayId: "nat-1",
        destinationCidrBlock: WORLD,
      }),
      subnet("a"),
      subnet("b"),
      association("a-public", { subnetId: ref("a"), routeTableId: ref("public") }),
      association("b-private", { subnetId: ref("b"), routeTableId: ref("private") }),
      subnetGroup("subnets", { subnetIds: [ref("a"), ref("b")] }),
      subnetGroup("good", { subnetIds: [ref("b")] }),
    ],
    warn: ["subnets"],
  },
  {
    name: "48c a route table with its routes inline",
    stack: [
      gateway("gateway"),
      routeTable("public", { routes: [{ cidrBlock: WORLD, gatewayId: ref("gateway") }] }),
      subnet("a"),
      association("a-public", { subnetId: ref("a"), routeTableId: ref("public") }),
      subnetGroup("subnets", { subnetIds: [ref("a")] }),
    ],
    warn: ["subnets"],
  },
  {
    name: "48d private subnets of a component that has public ones too",
    stack: [
      { type: "test:index:Vpc", name: "vpc", inputs: {} },
      subnet("public", { mapPublicIpOnLaunch: true }, { parent: "vpc" }),
      subnet("private", {}, { parent: "vpc" }),
      subnetGroup("subnets", { subnetIds: later(["private-id"], "vpc", "private") }),
    ],
  },
  {
    name: "59 opaque carriers",
    stack: [
      resource("aws:cloudformation/stack:Stack")("template", {
        templateBody: '{"Resources":{"G":{"Type":"AWS::EC2::SecurityGroup"}}}',
      }),
      resource("aws:cloudformation/stack:Stack")("by-url", {
        templateUrl: "https://example.com/t.json",
      }),
      resource("aws:cloudformation/stack:Stack")("topic", {
        templateBody: '{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}',
      }),
      resource("aws:cloudcontrol/resource:Resource")("cloud-control", {
        typeName: "AWS::RDS::DBInstance",
        desiredState: "{}",
      }),
      resource("command:local:Command")("open", {
        create: "aws ec2 authorize-security-group-ingress --cidr 0.0.0.0/0",
      }),
      resource("command:local:Command")("create", { create: "aws rds create-db-instance" }),
      resource("command:local:Command")("echo", { create: "echo done" }),
    ],
    warn: ["template", "by-url", "cloud-control", "open", "create"],
  },
  {
    name: "59b an opaque carrier whose text is not known yet",
    stack: [
      resource("aws:cloudformation/stack:Stack")("template", {
        templateBody: later("AWS::RDS::DBInstance", "other"),
      }),
    ],
    warn: ["template"],
  },
];

// --- Messages -----------------------------------------------------------------------------------

const FIX = "Name the client's security group as the source instead.";
const messages: [name: string, stack: Spec[], urnOf: string, expected: string[]][] = [
  [
    "of a rule by itself",
    spare({}),
    "rule",
    [
      `SecurityGroupRule "rule" opens port 5432 to "0.0.0.0/0", which is not a private network. ${FIX}`,
    ],
  ],
  [
    "of a range of ports",
    spare({ fromPort: 5000, toPort: 6000, cidrBlocks: ["0/0"] }),
    "rule",
    [`SecurityGroupRule "rule" opens ports 5000 to 6000 to "0/0", which is no CIDR block. ${FIX}`],
  ],
  [
    "of a rule on a group that a database carries",
    carried(ingressRule("rule", { cidrIpv6: "::/0", fromPort: 8080, toPort: 8080 })),
    "rule",
    [
      'SecurityGroupIngressRule "rule" opens port 8080 to "::/0", which is not a private network, on security ' +
        `group "db-group" that RDS instance "db" carries. ${FIX}`,
    ],
  ],
  [
    "of another protocol, on a group named by its id",
    [
      instance("db", { vpcSecurityGroupIds: ["sg-123"] }),
      oldRule("rule", { securityGroupId: "sg-123", protocol: "UDP", cidrBlocks: [WORLD] }),
    ],
    "rule",
    [
      'SecurityGroupRule "rule" opens protocol udp to "0.0.0.0/0", which is not a private network, on security ' +
        `group sg-123 that RDS instance "db" carries. ${FIX}`,
    ],
  ],
  [
    "of addresses and ports that are not known yet",
    carried(ingressRule("rule", { cidrIpv4: later(WORLD, "other"), toPort: later(1, "other") })),
    "rule",
    [
      'SecurityGroupIngressRule "rule" opens every port to addresses that are not known yet, on security ' +
        `group "db-group" that RDS instance "db" carries. ${FIX}`,
    ],
  ],
  [
    "of a prefix list out of sight",
    carried(ingressRule("rule", { prefixListId: "pl-123" })),
    "rule",
    [
      'SecurityGroupIngressRule "rule" opens port 5432 to a prefix list whose blocks are not in sight, on security ' +
        `group "db-group" that RDS instance "db" carries. ${FIX}`,
    ],
  ],
  [
    "of a prefix list on a group that nothing carries",
    [
      group("spare"),
      prefixList("everyone", { entries: [{ cidr: WORLD }] }),
      ingressRule("rule", { securityGroupId: ref("spare"), prefixListId: ref("everyone") }),
    ],
    "rule",
    [
      `SecurityGroupIngressRule "rule" opens port 5432 to "0.0.0.0/0", which is not a private network. ${FIX}`,
    ],
  ],
  [
    "of a flag",
    [group("db-group"), instance("db", { publiclyAccessible: true })],
    "db",
    ['RDS instance "db" asks for a public address. Set publiclyAccessible to false.'],
  ],
  [
    "of a flag that is not known yet",
    [group("db-group"), instance("db", { publiclyAccessible: later(true, "other") })],
    "db",
    [
      'RDS instance "db" computes publiclyAccessible, which is not known yet. Set it to false in the program.',
    ],
  ],
  [
    "of a flag left out",
    [resource("aws:neptunegraph/graph:Graph")("db")],
    "db",
    [
      'Neptune Analytics graph "db" does not set publicConnectivity, and AWS may choose a public address. Set it to false.',
    ],
  ],
  [
    "of a domain outside a VPC",
    [resource("aws:opensearch/domain:Domain")("db")],
    "db",
    [
      'OpenSearch domain "db" has a public endpoint, because it is in no VPC. Set vpcOptions with subnets and security groups.',
    ],
  ],
  [
    "of a network policy",
    [
      resource("aws:opensearch/serverlessSecurityPolicy:ServerlessSecurityPolicy")("db", {
        policy: '[{"AllowFromPublic":true}]',
      }),
    ],
    "db",
    [
      'OpenSearch Serverless policy "db" allows access from the internet. Name VPC endpoints as its SourceVPCEs.',
    ],
  ],
  [
    "of the default group",
    [instance("db", { vpcSecurityGroupIds: undefined })],
    "db",
    [
      `RDS instance "db" names no security group, so that it gets the VPC's default one. Set vpcSecurityGroupIds.`,
    ],
  ],
  [
    "of a group out of sight",
    [instance("db", { vpcSecurityGroupIds: ["sg-123"] })],
    "db",
    [
      'RDS instance "db" carries a security group that this stack does not manage, so its ingress is unproven. ' +
        "Set vpcSecurityGroupIds to security groups of this stack.",
    ],
  ],
];

describe("public-database-ingress", () => {
  const policies = [publicDatabaseIngress, hiddenDatabaseGroups, databaseExposureHints];
  const suites: Record<string, Row[]> = {
    carriers,
    "prefix lists": prefixLists,
    "ports and protocols": ports,
    "blocks of addresses": blocks,
    "no false alarms": harmless,
    links,
    "public flags": flags,
    "every kind of database": kinds,
    hints,
  };
  for (const [name, rows] of Object.entries(suites)) {
    describe(name, () => table(policies, rows));
  }

  describe("messages", () => {
    for (const [name, specs, culprit, expected] of messages) {
      it(name, async () => {
        const registrations = stack(specs, "preview");
        const findings = await judge(policies, registrations);
        const last = findings.filter((finding) => finding.name === culprit).slice(-1);
        assert.deepEqual(
          last.map(({ message }) => message),
          expected,
        );
        assert.equal(last[0]?.urn, registrations.find((r) => r.name === culprit)?.urn);
      });
    }
  });

  it("passes on an error that is no unknown value", () => {
    const broken = {
      get property(): string {
        throw new TypeError("a bug");
      },
    };
    assert.throws(() => plain(broken), /a bug/);
  });

  it("calls every kind of database by a name", () => {
    for (const { label } of Object.values(DATABASE_KINDS)) assert.match(label, /^[A-Z][A-Za-z ]+$/);
  });

  it("wants a reason for every exception", () => {
    for (const [setting, key] of [
      ["allowedCidrs", "cidr"],
      ["allowedPrefixLists", "id"],
    ] as const) {
      const { description, ...schema } = ALLOWANCES_SCHEMA.properties[setting];
      assert.match(description, /with a written reason\.$/);
      assert.deepEqual(schema, {
        type: "array",
        items: {
          type: "object",
          properties: {
            [key]: { type: "string", minLength: 1 },
            reason: { type: "string", minLength: 10 },
          },
          required: [key, "reason"],
          additionalProperties: false,
        },
        default: [],
      });
    }
  });
});
