import { customerManagedKeys } from "../../policy/rules/customer-managed-keys";
import { ref, resource } from "./stacks";
import { type Row, table } from "./table";

const key = resource("aws:kms/key:Key");
const owned: [type: string, inputs: object][] = [
  ["aws:rds/instance:Instance", { kmsKeyId: ref("key") }],
  ["aws:rds/cluster:Cluster", { kmsKeyId: ref("key") }],
  ["aws:docdb/cluster:Cluster", { kmsKeyId: ref("key") }],
  ["aws:neptune/cluster:Cluster", { kmsKeyArn: ref("key") }],
  ["aws:redshift/cluster:Cluster", { kmsKeyId: ref("key") }],
  ["aws:efs/fileSystem:FileSystem", { kmsKeyId: ref("key") }],
  ["aws:ebs/volume:Volume", { kmsKeyId: ref("key") }],
  ["aws:cloudwatch/logGroup:LogGroup", { kmsKeyId: ref("key") }],
  ["aws:secretsmanager/secret:Secret", { kmsKeyId: ref("key") }],
  ["aws:sagemaker/notebookInstance:NotebookInstance", { kmsKeyId: ref("key") }],
  ["aws:sagemaker/domain:Domain", { kmsKeyId: ref("key") }],
  [
    "aws:ecr/repository:Repository",
    { encryptionConfigurations: [{ encryptionType: "KMS", kmsKey: ref("key") }] },
  ],
];
const endpoint = (variant: object, more: object = {}) =>
  resource("aws:sagemaker/endpointConfiguration:EndpointConfiguration")("store", {
    productionVariants: [variant],
    ...more,
  });

const rows: Row[] = [
  ...owned.flatMap(([type, inputs]): Row[] => [
    {
      name: `${type} under a key of its owner`,
      stack: [key("key", { enableKeyRotation: true }), resource(type)("store", { ...inputs })],
    },
    { name: `${type} without a key`, stack: [resource(type)("store")], warn: ["store"] },
  ]),
  {
    name: "a repository under SSE-S3",
    stack: [
      resource("aws:ecr/repository:Repository")("store", {
        encryptionConfigurations: [{ encryptionType: "AES256" }],
      }),
    ],
    warn: ["store"],
  },
  {
    name: "a replica, which has its source's key",
    stack: [resource("aws:rds/instance:Instance")("store", { replicateSourceDb: "other" })],
  },
  {
    name: "an endpoint's volume",
    stack: [endpoint({ instanceType: "ml.m5.large" })],
    warn: ["store"],
  },
  {
    name: "an endpoint's volume under a key",
    stack: [endpoint({ instanceType: "ml.m5.large" }, { kmsKeyArn: ref("key") })],
  },
  ...["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.m5d.large", "ml.p4d.24xlarge", "ml.inf2.xlarge"].map(
    (instanceType) => ({
      name: `an endpoint on ${instanceType}, which takes no key`,
      stack: [endpoint({ instanceType })],
    }),
  ),
  {
    name: "a serverless endpoint",
    stack: [endpoint({ serverlessConfig: { memorySizeInMb: 2048 } })],
  },
  { name: "a key that is not rotated", stack: [key("store")], warn: ["store"] },
  {
    name: "an asymmetric key, which cannot be",
    stack: [key("store", { customerMasterKeySpec: "RSA_2048" })],
  },
];

describe("customer-managed-keys", () => table([customerManagedKeys], rows));
