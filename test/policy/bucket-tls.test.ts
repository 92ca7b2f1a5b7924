import { bucketTls } from "../../policy/rules/bucket-tls";
import { later, ref, resource } from "./stacks";
import { type Row, table } from "./table";

const bucket = resource("aws:s3/bucket:Bucket");
const DENIAL = {
  Effect: "Deny",
  Principal: "*",
  Action: "s3:*",
  Resource: "*",
  Condition: { Bool: { "aws:SecureTransport": "false" } },
};
const document = (statement: object) =>
  JSON.stringify({ Statement: [{ ...DENIAL, ...statement }] });
const policy = (policy: unknown) =>
  resource("aws:s3/bucketPolicy:BucketPolicy")("policy", { bucket: ref("bucket"), policy });
const under = (statement: object) => [bucket("bucket"), policy(document(statement))];

const rows: Row[] = [
  { name: "plain requests denied", stack: under({}) },
  { name: "denied to AWS principals", stack: under({ Principal: { AWS: "*" } }) },
  { name: "denied among other actions", stack: under({ Action: ["s3:GetObject", "s3:*"] }) },
  {
    name: "denied by a boolean",
    stack: under({ Condition: { Bool: { "aws:SecureTransport": false } } }),
  },
  {
    name: "denied in other cases of the key",
    stack: under({ Condition: { bool: { "AWS:securetransport": "false" } } }),
  },
  { name: "given as an object", stack: [bucket("bucket"), policy({ Statement: [DENIAL] })] },
  {
    name: "not known yet, and right when known",
    stack: [bucket("bucket"), policy(later(document({}), "bucket"))],
  },
  {
    name: "not known yet, and wrong when known",
    stack: [bucket("bucket"), policy(later("{}", "bucket"))],
    fail: ["policy"],
    modes: ["live", "idless"],
  },
  { name: "no policy", stack: [bucket("bucket")], fail: ["bucket"] },
  { name: "another bucket's", stack: [...under({}), bucket("other")], fail: ["other"] },
  { name: "allowed instead", stack: under({ Effect: "Allow" }), fail: ["policy"] },
  { name: "denied to one role", stack: under({ Principal: { AWS: "arn" } }), fail: ["policy"] },
  { name: "denied for one action", stack: under({ Action: "s3:GetObject" }), fail: ["policy"] },
  {
    name: "denied where there is TLS",
    stack: under({ Condition: { Bool: { "aws:SecureTransport": "true" } } }),
    fail: ["policy"],
  },
  { name: "denied by something else", stack: under({ Condition: { Bool: {} } }), fail: ["policy"] },
  { name: "no condition", stack: under({ Condition: undefined }), fail: ["policy"] },
  { name: "garbage", stack: [bucket("bucket"), policy("{")], fail: ["policy"] },
];

describe("bucket-tls", () => table([bucketTls], rows));
