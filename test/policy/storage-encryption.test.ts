import { storageEncryption } from "../../policy/rules/storage-encryption";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const switches: [type: string, on: object, off: object][] = [
  ["aws:rds/instance:Instance", { storageEncrypted: true }, { storageEncrypted: false }],
  ["aws:rds/instance:Instance", { replicateSourceDb: "other" }, {}],
  ["aws:rds/cluster:Cluster", { storageEncrypted: true }, {}],
  ["aws:rds/cluster:Cluster", { replicationSourceIdentifier: "other" }, { storageEncrypted: "no" }],
  ["aws:docdb/cluster:Cluster", { storageEncrypted: true }, {}],
  ["aws:neptune/cluster:Cluster", { storageEncrypted: true }, {}],
  ["aws:redshift/cluster:Cluster", {}, { encrypted: "false" }],
  ["aws:redshift/cluster:Cluster", { encrypted: "true" }, { encrypted: false }],
  ["aws:elasticache/replicationGroup:ReplicationGroup", { atRestEncryptionEnabled: true }, {}],
  ["aws:dax/cluster:Cluster", { serverSideEncryption: { enabled: true } }, {}],
  ["aws:opensearch/domain:Domain", { encryptAtRest: { enabled: true } }, { encryptAtRest: {} }],
  ["aws:efs/fileSystem:FileSystem", { encrypted: true }, {}],
  ["aws:ebs/volume:Volume", { encrypted: true }, {}],
  ["aws:ebs/volume:Volume", { encrypted: true }, { encrypted: later(true, "other") }],
];

const rows = switches.flatMap(([type, on, off]): Row[] => [
  { name: `${type} ${JSON.stringify(on)}`, stack: [resource(type)("store", { ...on })] },
  {
    name: `${type} ${JSON.stringify(off)}`,
    stack: [resource(type)("store", { ...off })],
    fail: ["store"],
    // Encryption that is not known yet is unproven until it is.
    ...(JSON.stringify(off).includes("known") && { modes: ["preview"] }),
  },
]);

describe("storage-encryption", () => table([storageEncryption], rows));
