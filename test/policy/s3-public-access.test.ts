import { s3PublicAccess } from "../../policy/rules/s3-public-access";
import { later, ref, resource } from "./stacks";
import { type Row, table } from "./table";

const ON = {
  blockPublicAcls: true,
  blockPublicPolicy: true,
  ignorePublicAcls: true,
  restrictPublicBuckets: true,
};
const bucket = resource("aws:s3/bucket:Bucket");
const block = (inputs: object = ON) =>
  resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")("block", {
    bucket: ref("bucket"),
    ...inputs,
  });
const policy = (statement: object) =>
  resource("aws:s3/bucketPolicy:BucketPolicy")("policy", {
    bucket: ref("bucket"),
    policy: JSON.stringify({
      Statement: [{ Effect: "Allow", Action: "s3:GetObject", ...statement }],
    }),
  });
const safe = [bucket("bucket"), block()];

const rows: Row[] = [
  { name: "blocked", stack: safe },
  { name: "no block", stack: [bucket("bucket")], fail: ["bucket"] },
  { name: "the block is another bucket's", stack: [...safe, bucket("other")], fail: ["other"] },
  ...Object.keys(ON).flatMap((name): Row[] => [
    {
      name: `${name} off`,
      stack: [bucket("bucket"), block({ ...ON, [name]: false })],
      fail: ["block"],
    },
    {
      name: `${name} left out`,
      stack: [bucket("bucket"), block({ ...ON, [name]: undefined })],
      fail: ["block"],
    },
  ]),
  {
    name: "a switch not known yet",
    stack: [bucket("bucket"), block({ ...ON, blockPublicAcls: later(true, "other") })],
    fail: ["block"],
    modes: ["preview"],
  },
  {
    name: "blocked for the whole account",
    stack: [
      bucket("bucket"),
      resource("aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock")("account", ON),
    ],
  },
  ...["public-read", "public-read-write", "authenticated-read"].map((acl) => ({
    name: `ACL ${acl}`,
    stack: [...safe, resource("aws:s3/bucketAcl:BucketAcl")("acl", { bucket: ref("bucket"), acl })],
    fail: ["acl"],
  })),
  {
    name: "ACL private",
    stack: [
      ...safe,
      resource("aws:s3/bucketAcl:BucketAcl")("acl", { bucket: ref("bucket"), acl: "private" }),
    ],
  },
  { name: "policy for everyone", stack: [...safe, policy({ Principal: "*" })], fail: ["policy"] },
  {
    name: "policy for everyone, as AWS principal",
    stack: [...safe, policy({ Principal: { AWS: ["*"] } })],
    fail: ["policy"],
  },
  {
    name: "policy for everyone from one address, which anyone may have",
    stack: [
      ...safe,
      policy({ Principal: "*", Condition: { IpAddress: { "aws:SourceIp": "0.0.0.0/0" } } }),
    ],
    fail: ["policy"],
  },
  {
    name: "policy for everyone in the account",
    stack: [
      ...safe,
      policy({ Principal: "*", Condition: { StringEquals: { "AWS:PrincipalAccount": "1" } } }),
    ],
  },
  { name: "denial for everyone", stack: [...safe, policy({ Effect: "Deny", Principal: "*" })] },
  {
    name: "policy for a role",
    stack: [...safe, policy({ Principal: { AWS: "arn:aws:iam::1:role/x" } })],
  },
  {
    name: "policy not known yet",
    stack: [
      ...safe,
      resource("aws:s3/bucketPolicy:BucketPolicy")("policy", {
        bucket: ref("bucket"),
        policy: later("{}", "bucket"),
      }),
    ],
  },
];

describe("s3-public-access", () => table([s3PublicAccess], rows));
