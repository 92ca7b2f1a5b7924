import type { StackValidationPolicy } from "@pulumi/policy";

import { BUCKET, BUCKET_ENCRYPTION, BUCKET_IDS, BUCKET_LOGGING } from "../lib/buckets";
import { Links, setProperties } from "../lib/links";
import { ofTypes } from "../lib/policy";
import { at, isObject, list, UNKNOWN, type Value } from "../lib/values";

/** Who delivers logs to a bucket, and where it names the bucket. Neither can write under SSE-KMS. */
const LOG_SENDERS: Readonly<Record<string, readonly string[]>> = {
  "aws:lb/loadBalancer:LoadBalancer": ["accessLogs.bucket", "connectionLogs.bucket"],
  "aws:alb/loadBalancer:LoadBalancer": ["accessLogs.bucket", "connectionLogs.bucket"],
  ...Object.fromEntries(BUCKET_LOGGING.map((type) => [type, ["targetBucket"]])),
};

/**
 * S3 encrypts everything with keys of its own since 2023, so this is about whose key it is. Buckets
 * that a load balancer or S3 itself logs to are left out:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
 */
export const s3Encryption: StackValidationPolicy = {
  name: "s3-encryption",
  description: "Buckets should be encrypted with a KMS key of their owner.",
  enforcementLevel: "advisory",
  severity: "medium",
  tags: ["encryption", "kms", "s3"],
  remediationSteps:
    "Add a BucketServerSideEncryptionConfiguration with sseAlgorithm aws:kms and a kmsMasterKeyId.",
  url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html",

  validateStack: (args, report) => {
    const buckets = ofTypes(args.resources, BUCKET);
    const links = new Links(buckets, BUCKET_IDS);
    const done = new Set(
      ofTypes(args.resources, BUCKET_ENCRYPTION)
        .filter((encryption) => list(setProperties(encryption)["rules"]).some(usesOwnKey))
        .flatMap((encryption) => links.resolve(encryption, "bucket").targets),
    );
    const forLogs = new Set(
      args.resources.flatMap((sender) =>
        (LOG_SENDERS[sender.type] ?? []).flatMap((path) => links.resolve(sender, path).targets),
      ),
    );
    for (const bucket of buckets) {
      if (done.has(bucket) || forLogs.has(bucket)) continue;
      report(
        `Bucket "${bucket.name}" is not encrypted with a KMS key of this account. Set one as its default encryption.`,
        bucket.urn,
      );
    }
  },
};

function usesOwnKey(rule: Value): boolean {
  if (!isObject(rule)) return rule === UNKNOWN;
  const algorithm = at(rule, "applyServerSideEncryptionByDefault.sseAlgorithm");
  const key = at(rule, "applyServerSideEncryptionByDefault.kmsMasterKeyId");
  const isKms = typeof algorithm === "string" && algorithm.startsWith("aws:kms");
  return algorithm === UNKNOWN || (isKms && key !== undefined && key !== null);
}
