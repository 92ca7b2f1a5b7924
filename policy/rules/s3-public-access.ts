import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";

import {
  ACCOUNT_PUBLIC_ACCESS_BLOCK,
  BUCKET,
  BUCKET_ACL,
  BUCKET_IDS,
  BUCKET_POLICY,
  PUBLIC_ACCESS_BLOCK,
} from "../lib/buckets";
import { Links } from "../lib/links";
import { ofTypes, resourcesOf } from "../lib/policy";
import { conditionKeys, type Statement, statementsOf } from "../lib/policy-documents";
import type { Values } from "../lib/values";

const SWITCHES = [
  "blockPublicAcls",
  "blockPublicPolicy",
  "ignorePublicAcls",
  "restrictPublicBuckets",
];

/**
 * Condition keys that tie "everyone" down to known callers, after what S3 itself counts as not
 * public: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 */
const NARROWING_KEYS = [
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "s3:dataaccesspointaccount",
  "s3:dataaccesspointarn",
];

export const s3PublicAccess: ResourceValidationPolicy & StackValidationPolicy = {
  name: "s3-public-access",
  description: "A bucket must not be public.",
  enforcementLevel: "mandatory",
  severity: "critical",
  tags: ["s3", "network"],
  remediationSteps:
    "Give each bucket a BucketPublicAccessBlock with all four switches on, and no public ACL or policy.",
  url: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html",

  validateResource: resourcesOf(
    [
      ...BUCKET,
      ...BUCKET_ACL,
      ...BUCKET_POLICY,
      ...PUBLIC_ACCESS_BLOCK,
      ...ACCOUNT_PUBLIC_ACCESS_BLOCK,
    ],
    (properties, report, args) => {
      if ([...PUBLIC_ACCESS_BLOCK, ...ACCOUNT_PUBLIC_ACCESS_BLOCK].includes(args.type)) {
        const off = SWITCHES.filter((name) => properties[name] !== true);
        if (off.length > 0)
          report(`"${args.name}" leaves ways open. Set ${off.join(", ")} to true.`);
      }
      if (hasPublicAcl(properties)) {
        report(`"${args.name}" grants a public ACL. Remove it, and serve objects another way.`);
      }
      for (const { sid } of statementsOf(properties["policy"]).filter(isForEveryone)) {
        report(
          `"${args.name}" lets everyone in with statement "${sid}". Name the principals, or the account.`,
        );
      }
    },
  ),

  validateStack: (args, report) => {
    if (ofTypes(args.resources, ACCOUNT_PUBLIC_ACCESS_BLOCK).length > 0) return;
    const buckets = ofTypes(args.resources, BUCKET);
    const links = new Links(buckets, BUCKET_IDS);
    const blocked = new Set(
      ofTypes(args.resources, PUBLIC_ACCESS_BLOCK).flatMap(
        (block) => links.resolve(block, "bucket").targets,
      ),
    );
    for (const bucket of buckets) {
      if (blocked.has(bucket)) continue;
      report(
        `Bucket "${bucket.name}" has no public access block. Add a BucketPublicAccessBlock for it.`,
        bucket.urn,
      );
    }
  },
};

function hasPublicAcl({ acl }: Values): boolean {
  return typeof acl === "string" && (acl.startsWith("public-") || acl === "authenticated-read");
}

function isForEveryone(statement: Statement): boolean {
  const everyone = Object.values(statement.principals).some((who) => who.includes("*"));
  const isNarrowed = conditionKeys(statement).some((key) => NARROWING_KEYS.includes(key));
  return statement.allows && everyone && !isNarrowed;
}
