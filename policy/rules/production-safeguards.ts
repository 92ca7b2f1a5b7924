import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { isUnset, type Value, type Values } from "../lib/values";

interface Settings {
  readonly enabled?: boolean;
  readonly minimumBackupDays?: number;
}

/** A requirement on one property, and what to do when it is not met. */
interface Safeguard {
  readonly property: string;
  readonly isMet: (value: Value, settings: Required<Settings>) => boolean;
  readonly fix: string;
}

const deletionProtection = (property: string): Safeguard => ({
  property,
  isMet: (value) => value === true,
  fix: `Set ${property} to true.`,
});
const backups = (property: string): Safeguard => ({
  property,
  isMet: (value, { minimumBackupDays }) => typeof value === "number" && value >= minimumBackupDays,
  fix: `Raise ${property}.`,
});
const off = (property: string): Safeguard => ({
  property,
  isMet: (value) => isUnset(value) || value === false,
  fix: `Leave ${property} out.`,
});

const DATABASE = [
  deletionProtection("deletionProtection"),
  backups("backupRetentionPeriod"),
  off("skipFinalSnapshot"),
];

const SAFEGUARDS: Readonly<Record<string, readonly Safeguard[]>> = {
  "aws:rds/cluster:Cluster": DATABASE,
  "aws:rds/instance:Instance": DATABASE,
  "aws:docdb/cluster:Cluster": DATABASE,
  "aws:neptune/cluster:Cluster": DATABASE,
  "aws:elasticache/replicationGroup:ReplicationGroup": [backups("snapshotRetentionLimit")],
  "aws:memorydb/cluster:Cluster": [backups("snapshotRetentionLimit")],
  "aws:dynamodb/table:Table": [deletionProtection("deletionProtectionEnabled")],
  "aws:s3/bucket:Bucket": [off("forceDestroy")],
  "aws:s3/bucketV2:BucketV2": [off("forceDestroy")],
  "aws:ecr/repository:Repository": [off("forceDelete")],
  "aws:lb/loadBalancer:LoadBalancer": [deletionProtection("enableDeletionProtection")],
  "aws:efs/backupPolicy:BackupPolicy": [
    {
      property: "backupPolicy",
      isMet: (value) => JSON.stringify(value)?.includes("ENABLED") ?? false,
      fix: "Set backupPolicy.status to ENABLED.",
    },
  ],
};

/**
 * Types whose loss is the loss of data: Pulumi itself must refuse to delete them. Buckets are not among
 * them, because S3 refuses to delete one with objects in it unless forceDestroy is set.
 */
const PROTECTED = [
  "aws:rds/cluster:Cluster",
  "aws:docdb/cluster:Cluster",
  "aws:neptune/cluster:Cluster",
  "aws:dynamodb/table:Table",
];

/**
 * What a stack that people depend on must have. Which stack that is, the pack's configuration says:
 * a name such as "prod" proves nothing.
 */
export const productionSafeguards: ResourceValidationPolicy = {
  name: "production-safeguards",
  description: "What production loses must be recoverable.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["backup", "database", "s3"],
  remediationSteps:
    "Switch on deletion protection, backups and a final snapshot, and mark stores of data with the protect option.",
  url: "https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Managing.Backups.html",
  configSchema: {
    properties: {
      enabled: {
        type: "boolean",
        description: "Judge this stack as production.",
        default: false,
      },
      minimumBackupDays: {
        type: "integer",
        description: "Days that backups of a database must be kept.",
        minimum: 1,
        default: 14,
      },
    },
  },

  validateResource: (args, report) => {
    const { enabled = false, minimumBackupDays = 14 } = args.getConfig<Settings>();
    if (!enabled)
      args.notApplicable("The pack's configuration does not call this stack production.");
    return judge({ enabled, minimumBackupDays })(args, report);
  },
};

const judge = (settings: Required<Settings>) =>
  resourcesOf(Object.keys(SAFEGUARDS), (properties, report, args) => {
    for (const { property, isMet, fix } of SAFEGUARDS[args.type]!) {
      if (!isMet(properties[property], settings) && !isReplica(properties)) {
        report(`"${args.name}" could be lost by ${property}. ${fix}`);
      }
    }
    if (PROTECTED.includes(args.type) && !args.opts.protect) {
      report(`"${args.name}" could be deleted by Pulumi. Set its protect option.`);
    }
  });

/** A replica's data is kept by its source. */
function isReplica(properties: Values): boolean {
  return !isUnset(properties["replicateSourceDb"]);
}
