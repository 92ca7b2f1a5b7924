import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { at, isUnset, type Values } from "../lib/values";

interface EncryptionSwitch {
  /** Dotted path of the property that must be true. */
  readonly path: string;
  /** What leaving it out means, after the provider's documentation. */
  readonly unset: "plain" | "encrypted";
  /** Properties that copy the setting from another resource, so that it may be left out. */
  readonly copiedFrom?: readonly string[];
}

const SWITCHES: Readonly<Record<string, EncryptionSwitch>> = {
  "aws:rds/instance:Instance": {
    path: "storageEncrypted",
    unset: "plain",
    copiedFrom: ["replicateSourceDb"],
  },
  "aws:rds/cluster:Cluster": {
    path: "storageEncrypted",
    unset: "plain",
    copiedFrom: ["replicationSourceIdentifier"],
  },
  "aws:docdb/cluster:Cluster": { path: "storageEncrypted", unset: "plain" },
  "aws:neptune/cluster:Cluster": { path: "storageEncrypted", unset: "plain" },
  "aws:redshift/cluster:Cluster": { path: "encrypted", unset: "encrypted" },
  "aws:elasticache/replicationGroup:ReplicationGroup": {
    path: "atRestEncryptionEnabled",
    unset: "plain",
  },
  "aws:dax/cluster:Cluster": { path: "serverSideEncryption.enabled", unset: "plain" },
  "aws:opensearch/domain:Domain": { path: "encryptAtRest.enabled", unset: "plain" },
  "aws:efs/fileSystem:FileSystem": { path: "encrypted", unset: "plain" },
  "aws:ebs/volume:Volume": { path: "encrypted", unset: "plain" },
};

export const storageEncryption: ResourceValidationPolicy = {
  name: "storage-encryption",
  description: "Data at rest must be encrypted.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["encryption"],
  remediationSteps:
    "Switch encryption on before the first deployment: an existing database or volume must be restored " +
    "from an encrypted copy of its snapshot.",
  url: "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.html",

  validateResource: resourcesOf(Object.keys(SWITCHES), (properties, report, args) => {
    const { path } = SWITCHES[args.type]!;
    if (isOn(SWITCHES[args.type]!, properties)) return;
    report(`"${args.name}" does not encrypt what it stores. Set ${path} to true.`);
  }),
};

function isOn({ path, unset, copiedFrom = [] }: EncryptionSwitch, properties: Values): boolean {
  const value = at(properties, path);
  if (!isUnset(value)) return value === true || value === "true";
  return unset === "encrypted" || copiedFrom.some((name) => !isUnset(properties[name]));
}
