import { s3Encryption } from "../../policy/rules/s3-encryption";
import { later, ref, resource } from "./stacks";
import { type Row, table } from "./table";

const bucket = resource("aws:s3/bucket:Bucket");
const encryption = (name: string, inputs: Record<string, unknown>) =>
  resource(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
  )(name, { bucket: ref("bucket"), ...inputs });
const rule = (byDefault: object) => [{ applyServerSideEncryptionByDefault: byDefault }];
const withKey = rule({ sseAlgorithm: "aws:kms", kmsMasterKeyId: ref("key") });

const rows: Row[] = [
  {
    name: "under a key of its owner",
    stack: [bucket("bucket"), encryption("encryption", { rules: withKey })],
  },
  {
    name: "of a given name, under a key of its owner",
    stack: [bucket("bucket", { bucket: "data" }), encryption("encryption", { rules: withKey })],
  },
  {
    name: "rules not known yet",
    stack: [bucket("bucket"), encryption("encryption", { rules: later(withKey, "key") })],
    modes: ["preview"],
  },
  { name: "nothing said", stack: [bucket("bucket")], warn: ["bucket"] },
  {
    name: "under S3's keys",
    stack: [
      bucket("bucket"),
      encryption("encryption", { rules: rule({ sseAlgorithm: "AES256" }) }),
    ],
    warn: ["bucket"],
  },
  {
    name: "under AWS's own KMS key",
    stack: [
      bucket("bucket"),
      encryption("encryption", { rules: rule({ sseAlgorithm: "aws:kms" }) }),
    ],
    warn: ["bucket"],
  },
  {
    name: "another bucket is",
    stack: [bucket("other"), bucket("bucket"), encryption("encryption", { rules: withKey })],
    warn: ["other"],
  },
  {
    name: "a load balancer logs to it",
    stack: [
      bucket("bucket"),
      resource("aws:lb/loadBalancer:LoadBalancer")("alb", {
        accessLogs: { bucket: ref("bucket"), enabled: true },
      }),
    ],
  },
  {
    name: "S3 logs to it",
    stack: [
      bucket("bucket"),
      resource("aws:s3/bucketLogging:BucketLogging")("logging", {
        bucket: "elsewhere",
        targetBucket: ref("bucket"),
      }),
    ],
  },
];

describe("s3-encryption", () => table([s3Encryption], rows));
