import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

import { BUCKET, BUCKET_IDS, BUCKET_POLICY } from "../lib/buckets";
import { Links, setProperties } from "../lib/links";
import { ofTypes, resourcesOf } from "../lib/policy";
import { mayInclude, type Statement, statementsOf } from "../lib/policy-documents";
import { isObject, isUnset, UNKNOWN, type Value } from "../lib/values";

export const bucketTls: ResourceValidationPolicy & StackValidationPolicy = {
  name: "bucket-tls",
  description: "A bucket must refuse requests without TLS.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["encryption", "s3", "tls"],
  remediationSteps:
    'Deny "s3:*" to everyone on the bucket and its objects where aws:SecureTransport is "false".',
  url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit",

  // Bucket policies hold the bucket's ARN, so that a preview rarely knows them; an update does.
  validateResource: resourcesOf(BUCKET_POLICY, ({ policy }, report, args) => {
    if (policy === UNKNOWN || statementsOf(policy).some(isTlsOnly)) return;
    report(`"${args.name}" lets requests in without TLS. Deny them by aws:SecureTransport.`);
  }),

  validateStack: (args, report) => {
    const buckets = ofTypes(args.resources, BUCKET);
    const links = new Links(buckets, BUCKET_IDS);
    const governed = new Set(
      ofTypes(args.resources, BUCKET_POLICY).flatMap(
        (policy) => links.resolve(policy, "bucket").targets,
      ),
    );
    for (const bucket of buckets) {
      if (governed.has(bucket) || !isUnset(setProperties(bucket)["policy"])) continue;
      report(
        `Bucket "${bucket.name}" has no policy, and so takes requests without TLS. Deny them in a BucketPolicy.`,
        bucket.urn,
      );
    }
  },
};

function isTlsOnly(statement: Statement): boolean {
  const forEveryone = Object.values(statement.principals).some((who) => mayInclude(who, "*"));
  const forEverything = mayInclude(statement.actions, "s3:*") || mayInclude(statement.actions, "*");
  return !statement.allows && forEveryone && forEverything && deniesPlainTransport(statement);
}

function deniesPlainTransport({ condition }: Statement): boolean {
  const tests = Object.entries(condition).find(([operator]) => operator.toLowerCase() === "bool");
  const test: Value = tests?.[1];
  if (!isObject(test)) return false;
  return Object.entries(test).some(
    ([key, value]) =>
      key.toLowerCase() === "aws:securetransport" && (value === "false" || value === false),
  );
}
