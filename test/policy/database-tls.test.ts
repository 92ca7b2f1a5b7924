import { databaseTls } from "../../policy/rules/database-tls";
import { later, ref, resource } from "./stacks";
import { type Row, table } from "./table";

const cluster = (inputs: object) =>
  resource("aws:rds/cluster:Cluster")("db", {
    engine: "aurora-mysql",
    dbClusterParameterGroupName: ref("parameters"),
    ...inputs,
  });
const instance = (inputs: object) => resource("aws:rds/instance:Instance")("db", { ...inputs });
const clusterGroup = (...parameters: unknown[]) =>
  resource("aws:rds/clusterParameterGroup:ClusterParameterGroup")("parameters", { parameters });
const group = (...parameters: unknown[]) =>
  resource("aws:rds/parameterGroup:ParameterGroup")("parameters", { parameters });
const mysql = (value: unknown) => ({ name: "require_secure_transport", value });
const postgres = (value: unknown) => ({ name: "rds.force_ssl", value });

const rows: Row[] = [
  { name: "Aurora MySQL with it on", stack: [cluster({}), clusterGroup(mysql("ON"))] },
  { name: "Aurora MySQL with it on, as 1", stack: [cluster({}), clusterGroup(mysql("1"))] },
  {
    name: "among others",
    stack: [cluster({}), clusterGroup({ name: "time_zone", value: "UTC" }, mysql("on"))],
  },
  { name: "off", stack: [cluster({}), clusterGroup(mysql("OFF"))], fail: ["db"] },
  {
    name: "not known yet",
    stack: [cluster({}), clusterGroup(mysql(later("ON", "other")))],
    fail: ["db"],
    modes: ["preview"],
  },
  { name: "not said", stack: [cluster({}), clusterGroup()], fail: ["db"] },
  {
    name: "no group",
    stack: [cluster({ dbClusterParameterGroupName: undefined })],
    fail: ["db"],
  },
  {
    name: "a group that is not in sight",
    stack: [cluster({ dbClusterParameterGroupName: "elsewhere" }), clusterGroup(mysql("ON"))],
    fail: ["db"],
  },
  {
    name: "PostgreSQL with it on",
    stack: [
      instance({ engine: "postgres", parameterGroupName: ref("parameters") }),
      group(postgres("1")),
    ],
  },
  {
    name: "PostgreSQL with MySQL's",
    stack: [
      instance({ engine: "postgres", parameterGroupName: ref("parameters") }),
      group(mysql("ON")),
    ],
    fail: ["db"],
  },
  {
    name: "PostgreSQL 15, on by default",
    stack: [instance({ engine: "postgres", engineVersion: "15.4" })],
  },
  {
    name: "PostgreSQL 15 in AWS's default group, as a live database tells",
    stack: [
      instance({
        engine: "postgres",
        engineVersion: "15.4",
        parameterGroupName: "default.postgres15",
      }),
    ],
  },
  {
    name: "PostgreSQL 14, off by default",
    stack: [instance({ engine: "postgres", engineVersion: "14.9" })],
    fail: ["db"],
  },
  {
    name: "PostgreSQL 16, switched off",
    stack: [
      instance({
        engine: "postgres",
        engineVersion: "16.1",
        parameterGroupName: ref("parameters"),
      }),
      group(postgres("0")),
    ],
    fail: ["db"],
  },
  {
    name: "Aurora PostgreSQL 16, off by default",
    stack: [
      cluster({
        engine: "aurora-postgresql",
        engineVersion: "16.1",
        dbClusterParameterGroupName: undefined,
      }),
    ],
    fail: ["db"],
  },
  {
    name: "MariaDB with it on",
    stack: [
      instance({ engine: "mariadb", parameterGroupName: ref("parameters") }),
      group(mysql("1")),
    ],
  },
  { name: "another engine", stack: [instance({ engine: "oracle-ee" })] },
  { name: "a replica, which tells no engine", stack: [instance({ replicateSourceDb: "other" })] },
  ...(
    [
      ["aws:rds/proxy:Proxy", { requireTls: true }, {}],
      [
        "aws:elasticache/replicationGroup:ReplicationGroup",
        { transitEncryptionEnabled: true },
        { transitEncryptionEnabled: false },
      ],
      ["aws:memorydb/cluster:Cluster", {}, { tlsEnabled: false }],
      ["aws:opensearch/domain:Domain", { domainEndpointOptions: { enforceHttps: true } }, {}],
    ] as [string, object, object][]
  ).flatMap(([type, on, off]): Row[] => [
    { name: `${type} on`, stack: [resource(type)("db", { ...on })] },
    { name: `${type} off`, stack: [resource(type)("db", { ...off })], fail: ["db"] },
  ]),
];

describe("database-tls", () => table([databaseTls], rows));
