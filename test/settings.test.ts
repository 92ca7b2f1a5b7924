import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import { readSettings, Settings, SettingsError } from "../components/settings";
import { readStackConfig } from "../offline/project";

const ROOT = join(__dirname, "..");
const TODAY = new Date("2026-11-21");

/** Reads the settings of a stack file with some keys changed, added, or (undefined) taken away. */
async function read(
  stack: string,
  changes: Record<string, string | undefined> = {},
  stackName = stack,
): Promise<Settings> {
  const config: Record<string, string | undefined> = { ...readStackConfig(ROOT, stack).config };
  for (const [key, value] of Object.entries(changes)) {
    config[key.includes(":") ? key : `mlops:${key}`] = value;
  }
  const present = Object.entries(config).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  await pulumi.runtime.setMocks(
    { newResource: () => assert.fail("a resource was made"), call: () => assert.fail() },
    "mlops",
    stackName,
  );
  pulumi.runtime.setAllConfig(Object.fromEntries(present));
  return readSettings(stackName, TODAY);
}

async function problems(
  changes: Record<string, string | undefined>,
  stack = "prod",
): Promise<readonly string[]> {
  try {
    await read(stack, changes);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.problems;
  }
  return [];
}

describe("settings", () => {
  it("reads prod", async () => {
    const settings = await read("prod");
    assert.deepEqual(settings.zones, { count: 2, ids: [] });
    assert.equal(settings.network.egress, "endpoints");
    assert.equal(settings.server.ingress, "alb");
    assert.deepEqual([settings.server.minTasks, settings.server.maxTasks], [2, 6]);
    assert.equal(settings.database.readers, 1);
    assert.equal(settings.database.minCapacity, 0.5);
    assert.ok(settings.database.backupRetentionDays >= 14);
    assert.deepEqual([settings.protect, settings.forceDestroy], [true, false]);
  });

  it("reads dev", async () => {
    const settings = await read("dev");
    assert.equal(settings.server.ingress, "cloud-map");
    assert.equal(settings.server.spotPercent, 100);
    assert.deepEqual([settings.database.minCapacity, settings.database.autoPauseSeconds], [0, 300]);
    assert.deepEqual([settings.protect, settings.forceDestroy], [false, true]);
  });

  it("tags everything with project, environment, owner and what the stack adds", async () => {
    const { tags } = await read("dev", { tags: '{"CostCenter":"42"}', owner: "vision" });
    assert.deepEqual(tags, {
      Project: "mlops",
      Environment: "dev",
      Owner: "vision",
      ManagedBy: "pulumi",
      CostCenter: "42",
    });
  });

  /** Changes to prod, and the one problem that each makes. */
  const refusals: [string, Record<string, string | undefined>, RegExp][] = [
    ["an unknown key", { minTask: "2" }, /^mlops:minTask is not a setting: use mlops:minTasks/],
    ["a missing key", { owner: undefined }, /^mlops:owner is missing: set it/],
    ["a region that is none", { "aws:region": "east" }, /^aws:region is "east": use a region/],
    [
      "a region of another partition",
      { "aws:region": "cn-north-1" },
      /outside the "aws" partition/,
    ],
    ["a tag that is no string", { tags: '{"a":1}' }, /^mlops:tags is "\{"a":1\}": use names/],
    [
      "too few zones",
      { zoneCount: "1" },
      /^mlops:zoneCount is "1": use a whole number from 2 to 4/,
    ],
    [
      "fewer zones named than asked for",
      { zoneIds: '["use1-az1"]' },
      /^mlops:zoneIds names 1 zone\(s\) \(use1-az1\), fewer than mlops:zoneCount \(2\)/,
    ],
    ["a zone named twice", { zoneIds: '["use1-az1","use1-az1"]' }, /names a zone twice/],
    ["a zone name for an id", { zoneIds: '["us-east-1a","us-east-1b"]' }, /use a list of ids/],
    ["a malformed CIDR", { mlopsVpcCidr: "10.2.0.0" }, /mlopsVpcCidr is "10.2.0.0": use a block/],
    ["a CIDR with host bits", { mlopsVpcCidr: "10.2.0.1/16" }, /use a block without host bits/],
    ["a CIDR that is too large", { mlopsVpcCidr: "10.0.0.0/8" }, /use a block of \/16/],
    ["a CIDR that is too small", { mlopsVpcCidr: "10.2.0.0/24" }, /use a block of \/16/],
    ["a public CIDR", { mlopsVpcCidr: "54.0.0.0/16" }, /use a block in 10.0.0.0\/8, 172/],
    [
      "the same CIDR twice",
      { mlopsVpcCidr: "10.3.0.0/16" },
      /mlopsVpcCidr \(10.3.0.0\/16\) and mlops:sagemakerVpcCidr \(10.3.0.0\/16\) overlap/,
    ],
    [
      "CIDRs that overlap",
      { mlopsVpcCidr: "10.3.16.0/20" },
      /mlopsVpcCidr \(10.3.16.0\/20\) and mlops:sagemakerVpcCidr \(10.3.0.0\/16\) overlap/,
    ],
    ["an unknown egress", { egress: "open" }, /^mlops:egress is "open": use "endpoints" or "nat"/],
    [
      "egress in more zones than there are",
      { egressZoneCount: "3" },
      /above mlops:zoneCount \(2\)/,
    ],
    [
      "NAT in some zones",
      { egress: "nat", zoneCount: "3", egressZoneCount: "2" },
      /one zone or in every zone: use 1 or 3/,
    ],
    ["an unknown ingress", { ingress: "nlb" }, /^mlops:ingress is "nlb"/],
    ["an unknown processor", { cpuArchitecture: "arm" }, /use "ARM64" or "X86_64"/],
    ["a CPU size that is none", { taskCpu: "1000" }, /taskCpu is "1000": use one of 512, 1024/],
    [
      "a pair that Fargate does not offer",
      { taskMemory: "9216" },
      /taskMemory is 9216.*taskCpu 1024: use 2048 to 8192 in steps of 1024/,
    ],
    ["a memory between the steps", { taskMemory: "2500" }, /taskMemory is 2500/],
    ["a task too small for MLflow", { taskMemory: "512" }, /whole number from 1024/],
    ["more tasks at least than at most", { minTasks: "7" }, /minTasks is 7, above.*maxTasks \(6\)/],
    ["a share above all", { spotPercent: "101" }, /spotPercent is "101".*from 0 to 100/],
    ["a number that is none", { maxTasks: "six" }, /maxTasks is "six": use a whole number/],
    ["a boolean that is none", { containerInsights: "yes" }, /use "true" or "false"/],
    ["a release that is none", { mlflowVersion: "latest" }, /mlflowVersion is "latest"/],
    [
      "a database below 3.08",
      { databaseEngineVersion: "8.0.mysql_aurora.3.04.3" },
      /which this program has not been checked with: use a release of 3\.10, 3\.12, 3\.13/,
    ],
    [
      "a database that AWS creates no more",
      { databaseEngineVersion: "8.0.mysql_aurora.3.08.2" },
      /whose standard support ended on 2026-08-31/,
    ],
    [
      "another engine",
      { databaseEngineVersion: "5.7.mysql_aurora.2.11.1" },
      /databaseEngineVersion is "5.7.mysql_aurora.2.11.1": use an Aurora MySQL release/,
    ],
    ["a capacity between the steps", { databaseMaxCapacity: "4.2" }, /steps of 0\.5/],
    ["a capacity above all", { databaseMaxCapacity: "300" }, /"1" to "256"/],
    [
      "a minimum above the maximum",
      { databaseMinCapacity: "20" },
      /databaseMinCapacity is 20, above mlops:databaseMaxCapacity \(16\)/,
    ],
    [
      "a pause of a database that stays up",
      { databaseAutoPauseSeconds: "300", databaseReaders: "0" },
      /databaseAutoPauseSeconds is 300, but a database with mlops:databaseMinCapacity 0.5 never/,
    ],
    [
      "a pause too short",
      { databaseAutoPauseSeconds: "60", databaseMinCapacity: "0", databaseReaders: "0" },
      /waits 300 to 86400 seconds/,
    ],
    [
      "no capacity and no pause",
      { databaseMinCapacity: "0" },
      /databaseMinCapacity is 0, but mlops:databaseAutoPauseSeconds is 0/,
    ],
    [
      "a stand-by for a database that pauses",
      { databaseMinCapacity: "0", databaseAutoPauseSeconds: "300" },
      /databaseReaders is 1, but a stand-by reader/,
    ],
    ["a reader without a zone", { databaseReaders: "2" }, /use at most 1, or raise zoneCount/],
    ["no backups", { backupRetentionDays: "0" }, /backupRetentionDays is "0".*1 to 35/],
    ["protection with few backups", { backupRetentionDays: "1" }, /too few for an environment/],
    ["protection and its opposite", { forceDestroy: "true" }, /both true, and contradict/],
    ["a retention that CloudWatch lacks", { logRetentionDays: "100" }, /use one of 1, 3, 5, 7, 14/],
    [
      "an issuer without TLS",
      { tokenIssuer: "http://login", tokenAudiences: '["mlflow"]' },
      /tokenIssuer is "http:\/\/login": use an https URL/,
    ],
    [
      "an issuer without an audience",
      { tokenIssuer: "https://login.example.com" },
      /names 0 audience\(s\): set both, or neither/,
    ],
    ["a throttle of nothing", { apiRateLimit: "0" }, /apiRateLimit is "0": use a whole number/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const found = await problems(changes);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0]!, message);
    });
  }

  it("refuses a stack whose name is too long for the resources that carry it", async () => {
    await assert.rejects(read("prod", {}, "production-eu"), /stack's name is "production-eu"/);
  });

  it("tells all problems at once, and that nothing was changed", async () => {
    await assert.rejects(
      read("prod", { minTasks: "7", egress: "open", backupRetention: "3" }),
      (error: Error) => {
        assert.match(
          error.message,
          /^3 problems in the settings of stack "prod"; nothing was chan/,
        );
        for (const key of ["minTasks", "egress", "backupRetention"]) {
          assert.match(error.message, new RegExp(`- mlops:${key} `));
        }
        return true;
      },
    );
  });

  it("is printed by Pulumi without a stack trace", async () => {
    await assert.rejects(read("prod", { egress: "open" }), (error) =>
      pulumi.RunError.isInstance(error),
    );
  });

  it("knows every key that Pulumi.yaml declares, and no other", async () => {
    const declared = readStackConfig(ROOT, "prod").config;
    const own = Object.keys(declared).filter((key) => key.startsWith("mlops:"));
    assert.ok(own.length > 30);
    for (const key of own) {
      const [problem] = await problems({ [key]: undefined });
      assert.match(problem ?? "", new RegExp(`^${key} is missing`));
    }
  });

  it("has a description and a default for every key, which the README tells", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const { config } = load(readFileSync(join(ROOT, "Pulumi.yaml"), "utf8")) as {
      config: Record<string, { type?: string; description?: string; default?: unknown }>;
    };
    for (const [key, declaration] of Object.entries(config)) {
      if (key.includes(":")) continue;
      assert.ok(declaration.type, `${key} has no type`);
      assert.ok(declaration.description, `${key} has no description`);
      assert.notEqual(declaration.default, undefined, `${key} has no default`);
      const shown =
        typeof declaration.default === "string" && declaration.default !== ""
          ? declaration.default
          : JSON.stringify(declaration.default);
      const row = `| \`${key}\` | ${declaration.type} | \`${shown}\` | ${declaration.description} |`;
      assert.ok(readme.includes(row), `the README's table lacks: ${row}`);
    }
  });
});
