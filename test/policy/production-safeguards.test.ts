import { productionSafeguards } from "../../policy/rules/production-safeguards";
import { resource } from "./stacks";
import { type Row, table } from "./table";

const PRODUCTION = { "production-safeguards": { enabled: true } };
const GOOD = { deletionProtection: true, backupRetentionPeriod: 14, skipFinalSnapshot: false };
const cluster = (inputs: object, protect = true) =>
  resource("aws:rds/cluster:Cluster")("it", { ...GOOD, ...inputs }, { protect });

const bad = (name: string, ...stack: Row["stack"]): Row => ({
  name,
  stack,
  fail: ["it"],
  config: PRODUCTION,
});
const good = (name: string, ...stack: Row["stack"]): Row => ({ name, stack, config: PRODUCTION });

const rows: Row[] = [
  good("safe database", cluster({})),
  good(
    "safe database that leaves the snapshot switch out",
    cluster({ skipFinalSnapshot: undefined }),
  ),
  bad("no deletion protection", cluster({ deletionProtection: false })),
  bad("deletion protection left out", cluster({ deletionProtection: undefined })),
  bad("few backups", cluster({ backupRetentionPeriod: 13 })),
  bad("backups left out", cluster({ backupRetentionPeriod: undefined })),
  bad("no final snapshot", cluster({ skipFinalSnapshot: true })),
  bad("Pulumi may delete it", cluster({}, false)),
  { name: "not production", stack: [cluster({ deletionProtection: false }, false)] },
  {
    name: "production says how many backups",
    stack: [cluster({ backupRetentionPeriod: 14 })],
    config: { "production-safeguards": { enabled: true, minimumBackupDays: 30 } },
    fail: ["it"],
  },
  good("a replica", resource("aws:rds/instance:Instance")("it", { replicateSourceDb: "other" })),
  bad("an instance", resource("aws:rds/instance:Instance")("it")),
  bad("a cache without snapshots", resource("aws:memorydb/cluster:Cluster")("it")),
  good(
    "a cache with snapshots",
    resource("aws:elasticache/replicationGroup:ReplicationGroup")("it", {
      snapshotRetentionLimit: 14,
    }),
  ),
  bad("a table", resource("aws:dynamodb/table:Table")("it")),
  bad(
    "a bucket emptied on the way",
    resource("aws:s3/bucket:Bucket")("it", { forceDestroy: true }),
  ),
  good("a bucket", resource("aws:s3/bucket:Bucket")("it")),
  bad("images", resource("aws:ecr/repository:Repository")("it", { forceDelete: true })),
  bad("a load balancer", resource("aws:lb/loadBalancer:LoadBalancer")("it")),
  bad(
    "files",
    resource("aws:efs/backupPolicy:BackupPolicy")("it", { backupPolicy: { status: "DISABLED" } }),
  ),
  good(
    "files with backups",
    resource("aws:efs/backupPolicy:BackupPolicy")("it", { backupPolicy: { status: "ENABLED" } }),
  ),
];

describe("production-safeguards", () => table([productionSafeguards], rows));
