import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { isObject, isUnset, list, UNKNOWN, type Value, type Values } from "../lib/values";

/** Per type, what is missing for its data to be under a key of one's own; nothing when it is. */
const CHECKS: Readonly<Record<string, (properties: Values) => string | undefined>> = {
  "aws:rds/instance:Instance": (properties) =>
    isUnset(properties["replicateSourceDb"]) ? needs("kmsKeyId")(properties) : undefined,
  "aws:rds/cluster:Cluster": needs("kmsKeyId"),
  "aws:docdb/cluster:Cluster": needs("kmsKeyId"),
  "aws:neptune/cluster:Cluster": needs("kmsKeyArn"),
  "aws:redshift/cluster:Cluster": needs("kmsKeyId"),
  "aws:efs/fileSystem:FileSystem": needs("kmsKeyId"),
  "aws:ebs/volume:Volume": needs("kmsKeyId"),
  "aws:cloudwatch/logGroup:LogGroup": needs("kmsKeyId"),
  "aws:secretsmanager/secret:Secret": needs("kmsKeyId"),
  "aws:sagemaker/notebookInstance:NotebookInstance": needs("kmsKeyId"),
  "aws:sagemaker/domain:Domain": needs("kmsKeyId"),
  "aws:sagemaker/endpointConfiguration:EndpointConfiguration": (properties) =>
    hasEncryptableVolume(properties) ? needs("kmsKeyArn")(properties) : undefined,
  "aws:ecr/repository:Repository": (properties) => {
    const configurations = list(properties["encryptionConfigurations"]);
    return configurations.some(isUnderKms) ? undefined : "encryptionConfigurations of type KMS";
  },
  "aws:kms/key:Key": (properties) => {
    // Only symmetric keys can be rotated by KMS.
    const spec = properties["customerMasterKeySpec"] ?? "SYMMETRIC_DEFAULT";
    const rotates = [true, UNKNOWN].includes(properties["enableKeyRotation"] as boolean);
    return spec !== "SYMMETRIC_DEFAULT" || rotates ? undefined : "enableKeyRotation";
  },
};

export const customerManagedKeys: ResourceValidationPolicy = {
  name: "customer-managed-keys",
  description: "Data at rest should be under a rotated KMS key of its owner.",
  enforcementLevel: "advisory",
  severity: "medium",
  tags: ["encryption", "kms"],
  remediationSteps:
    "Name a KMS key of this account: its policy decides who may read the data, and its use is logged.",
  url: "https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#customer-cmk",

  validateResource: resourcesOf(Object.keys(CHECKS), (properties, report, args) => {
    const missing = CHECKS[args.type]!(properties);
    if (missing) report(`"${args.name}" leaves its key to AWS. Set ${missing}.`);
  }),
};

function needs(property: string) {
  return (properties: Values) => (isUnset(properties[property]) ? property : undefined);
}

function isUnderKms(configuration: Value): boolean {
  if (!isObject(configuration)) return configuration === UNKNOWN;
  const type = configuration["encryptionType"];
  return type === UNKNOWN || (typeof type === "string" && type.startsWith("KMS"));
}

/**
 * Instance families with local NVMe disks: SageMaker encrypts those itself and refuses a key
 * (CreateEndpointConfig, `KmsKeyId`). Serverless variants have no volume.
 */
const LOCAL_STORAGE = /^ml\.(\w+d|\w+dn|g[4-9]\w*|p[45]\w*|i\d\w*|trn\d\w*|inf2)\./;

function hasEncryptableVolume(properties: Values): boolean {
  const variants = list(properties["productionVariants"]);
  return variants.some((variant) => {
    const type = isObject(variant) ? variant["instanceType"] : undefined;
    return typeof type === "string" && !LOCAL_STORAGE.test(type);
  });
}
