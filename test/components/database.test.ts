import assert from "node:assert/strict";
import { Database, DatabaseArgs } from "../../components/database";
import { assertWellFormed, build } from "../support/build";

const args: DatabaseArgs = {
  vpcId: "vpc-1",
  subnetIds: ["subnet-1", "subnet-2"],
  zones: ["us-east-1a", "us-east-1b"],
  engineVersion: "8.0.mysql_aurora.3.10.4",
  minCapacity: 0.5,
  maxCapacity: 4,
  autoPauseSeconds: 0,
  readers: 0,
  backupRetentionDays: 14,
  logRetentionDays: 90,
  kmsKeyArn: "arn:aws:kms:us-east-1:123456789012:key/1",
  protect: true,
  forceDestroy: false,
};
const database = (changes: Partial<DatabaseArgs> = {}) =>
  build(() => new Database("db", { ...args, ...changes }));
const pausing = { minCapacity: 0, autoPauseSeconds: 300 };

describe("Database", () => {
  it("is well formed", () =>
    assertWellFormed("mlops:index:Database", (name) => new Database(name, args)));

  it("opens no port by itself: whoever connects does, from a security group", async () => {
    const built = await database();
    assert.deepEqual(built.ofType("SecurityGroupIngressRule"), []);
    const group = built.inputs("db-sg");
    assert.deepEqual([group.ingress, group.egress, group.vpcId], [undefined, undefined, "vpc-1"]);
    assert.deepEqual(built.inputs("db-cluster").vpcSecurityGroupIds, ["db-sg-id"]);
  });

  it("is encrypted with the given key, password and insights included", async () => {
    const built = await database();
    const cluster = built.inputs("db-cluster");
    assert.equal(cluster.storageEncrypted, true);
    assert.equal(cluster.kmsKeyId, args.kmsKeyArn);
    assert.equal(cluster.masterUserSecretKmsKeyId, args.kmsKeyArn);
    assert.equal(built.inputs("db-instance-1").performanceInsightsKmsKeyId, args.kmsKeyArn);
  });

  it("leaves the password to Secrets Manager", async () => {
    const built = await database();
    const cluster = built.inputs("db-cluster");
    assert.equal(cluster.manageMasterUserPassword, true);
    assert.equal(cluster.masterPassword, undefined);
    assert.deepEqual(built.get("db-cluster").secrets, []);
  });

  it("accepts TLS connections only", async () => {
    const { parameters } = (await database()).inputs("db-parameters");
    const value = (name: string) =>
      parameters.find((parameter: { name: string }) => parameter.name === name)?.value;
    assert.equal(value("require_secure_transport"), "ON");
    assert.equal(value("tls_version"), "TLSv1.2,TLSv1.3");
    assert.equal(
      (await database()).inputs("db-cluster").dbClusterParameterGroupName,
      "db-parameters-name",
    );
  });

  it("exports its logs to groups that are there before it, with their retention", async () => {
    const built = await database();
    const cluster = built.get("db-cluster");
    assert.deepEqual(cluster.inputs.enabledCloudwatchLogsExports, ["audit", "error", "slowquery"]);
    for (const log of ["audit", "error", "slowquery"]) {
      const group = built.get(`db-${log}-log`);
      assert.equal(
        group.inputs.name,
        `/aws/rds/cluster/${String(cluster.inputs.clusterIdentifier)}/${log}`,
      );
      assert.equal(group.inputs.retentionInDays, 90);
      assert.equal(group.inputs.kmsKeyId, args.kmsKeyArn);
      assert.ok(cluster.dependencies.includes(group.urn));
    }
  });

  it("stands on the database subnets, its instances not public and in a zone each", async () => {
    const built = await database({ readers: 1 });
    assert.deepEqual(built.inputs("db", "SubnetGroup").subnetIds, args.subnetIds);
    const instances = built.ofType("ClusterInstance");
    assert.deepEqual(
      instances.map(({ inputs }) => [
        inputs.availabilityZone,
        inputs.publiclyAccessible,
        inputs.promotionTier,
        inputs.instanceClass,
      ]),
      [
        ["us-east-1a", false, 0, "db.serverless"],
        ["us-east-1b", false, 1, "db.serverless"],
      ],
    );
  });

  it("scales between the given capacities, and pauses when it may go to nothing", async () => {
    const steady = (await database()).inputs("db-cluster");
    assert.deepEqual(steady.serverlessv2ScalingConfiguration, { minCapacity: 0.5, maxCapacity: 4 });
    const built = await database(pausing);
    assert.deepEqual(built.inputs("db-cluster").serverlessv2ScalingConfiguration, {
      minCapacity: 0,
      maxCapacity: 4,
      secondsUntilAutoPause: 300,
    });
    assert.ok(built.inputs("db-cluster").enabledCloudwatchLogsExports.includes("instance"));
  });

  it("has the insights that are free, but not on a database that pauses", async () => {
    const steady = (await database()).inputs("db-instance-1");
    assert.equal(steady.performanceInsightsEnabled, true);
    assert.equal(steady.performanceInsightsRetentionPeriod, 7);
    const paused = (await database(pausing)).inputs("db-instance-1");
    assert.equal(paused.performanceInsightsEnabled, undefined);
  });

  it("can be deleted only after its protection is lifted, and leaves a snapshot", async () => {
    const built = await database({ readers: 1 });
    const cluster = built.get("db-cluster");
    assert.equal(cluster.protect, true);
    assert.equal(cluster.inputs.deletionProtection, true);
    assert.equal(cluster.inputs.skipFinalSnapshot, false);
    assert.equal(cluster.inputs.finalSnapshotIdentifier, "db-name-final");
    assert.equal(cluster.inputs.backupRetentionPeriod, 14);
    assert.ok(built.ofType("ClusterInstance").every((instance) => instance.protect));
  });

  it("goes without a snapshot where everything may go", async () => {
    const cluster = (await database({ protect: false, forceDestroy: true })).get("db-cluster");
    assert.equal(cluster.protect, false);
    assert.equal(cluster.inputs.deletionProtection, false);
    assert.equal(cluster.inputs.skipFinalSnapshot, true);
    assert.equal(cluster.inputs.finalSnapshotIdentifier, undefined);
    assert.equal(cluster.inputs.deleteAutomatedBackups, true);
  });

  const refusals: [string, Partial<DatabaseArgs>, RegExp][] = [
    ["a minimum above the maximum", { minCapacity: 8 }, /minCapacity: 8 given, above maxCapacity/],
    ["a pause above no capacity", { autoPauseSeconds: 300 }, /autoPauseSeconds: 300 given/],
    ["no capacity without a pause", { minCapacity: 0 }, /autoPauseSeconds: 0 given/],
    ["a reader without a zone", { readers: 2 }, /readers: 2 given/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => assert.rejects(database(changes), message));
  }
});
