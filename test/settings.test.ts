import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import * as pulumi from "@pulumi/pulumi";
import { MODEL_DEFAULTS } from "../components/model-settings";
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
    [
      "a private link without a load balancer to lead to",
      { privateLink: "true", ingress: "cloud-map" },
      /privateLink is true, but leads to the load balancer and mlops:ingress is "cloud-map"/,
    ],
    [
      "users who would not reach MLflow",
      { workbenchUsers: '["ana"]' },
      /workbenchUsers names ana, who would not reach MLflow.*set mlops:privateLink to true/,
    ],
    [
      "a user named twice",
      { workbenchUsers: '["ana","ana"]', privateLink: "true" },
      /workbenchUsers names a user twice \(ana, ana\)/,
    ],
    [
      "a user's name that Studio does not take",
      { workbenchUsers: '["ana@example.com"]', privateLink: "true" },
      /workbenchUsers is "\["ana@example.com"\]": use a list of names of at most 24/,
    ],
    [
      "an idle time below SageMaker's hour",
      { workbenchIdleMinutes: "30" },
      /workbenchIdleMinutes is "30": use a whole number from 60/,
    ],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, async () => {
      const found = await problems(changes);
      assert.equal(found.length, 1, found.join("\n"));
      assert.match(found[0]!, message);
    });
  }

  it("reads the models of both stacks", async () => {
    const alarms = { errorPercent: 5, latencyMs: 2000 };
    const source = { kind: "folder", path: "containers/r-model" };
    assert.deepEqual((await read("dev")).models, [
      {
        name: "iris",
        source,
        serving: { kind: "serverless", memory: 2048, maxConcurrency: 5 },
        alarms,
      },
    ]);
    assert.deepEqual((await read("prod")).models, [
      {
        name: "iris",
        source,
        serving: {
          kind: "realtime",
          instanceType: "ml.m5.large",
          minInstances: 2,
          maxInstances: 4,
          requestsPerInstanceTarget: 600,
          networkIsolation: true,
          capturePercent: 10,
          rollout: "canary",
          rolloutPercent: 50,
          rolloutWaitSeconds: 300,
        },
        alarms,
      },
    ]);
  });

  const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/scorer@sha256:${"0".repeat(64)}`;
  const LOCATION = "mlflow-artifacts:/1/models/m-0a1b/artifacts";

  it("reads a registered model by its place in the artifact store, and an image by its digest", async () => {
    const models = {
      diabetes: { artifactLocation: LOCATION, version: 3, serving: "serverless", memory: 4096 },
      scorer: { image: IMAGE, serving: "realtime", networkIsolation: false },
    };
    const [diabetes, scorer] = (await read("prod", { models: JSON.stringify(models) })).models;
    assert.deepEqual(diabetes!.source, {
      kind: "mlflow",
      artifactPath: "1/models/m-0a1b/artifacts",
    });
    assert.equal(diabetes!.version, "3");
    assert.deepEqual(diabetes!.serving, { kind: "serverless", memory: 4096, maxConcurrency: 5 });
    assert.deepEqual(scorer!.source, { kind: "image", reference: IMAGE });
    assert.equal(scorer!.serving.kind === "realtime" && scorer!.serving.networkIsolation, false);
  });

  /** One model's settings, and the one problem that they make. */
  const modelRefusals: [string, Record<string, unknown>, RegExp][] = [
    ["no serving", { serving: undefined }, /^mlops:models\.iris\.serving is missing: set it/],
    ["an unknown serving", { serving: "batch" }, /serving is "batch": use "serverless" or "realt/],
    [
      "an unknown key",
      { memoryMb: 1 },
      /^mlops:models\.iris\.memoryMb is not a setting: use mlops:models\.iris\.memory,/,
    ],
    [
      "a key of the other serving",
      { instanceType: "ml.m5.large" },
      /^mlops:models\.iris\.instanceType is for serving "realtime", and this model's is "serverless"/,
    ],
    ["no source", { folder: undefined }, /names 0 sources of the model: set one of artifactLoc/],
    ["two sources", { image: IMAGE }, /names 2 sources of the model: set one of artifactLocation/],
    [
      "a folder without a Dockerfile",
      { folder: "components" },
      /folder is "components": use a folder with a Dockerfile/,
    ],
    ["a folder outside", { folder: "../other" }, /folder is "\.\.\/other": use a folder of this/],
    [
      "artifacts elsewhere",
      { folder: undefined, artifactLocation: "s3://bucket/model" },
      /artifactLocation is "s3:\/\/bucket\/model": use a location in the artifact store/,
    ],
    [
      "a way out of the artifact store",
      { folder: undefined, artifactLocation: "mlflow-artifacts:/../x" },
      /artifactLocation is "mlflow-artifacts:\/\.\.\/x": use a location/,
    ],
    [
      "an image by a tag, which can be moved",
      { folder: undefined, image: IMAGE.replace(/@.*/, ":latest") },
      /image is ".*:latest": use an ECR image by its digest/,
    ],
    [
      "an image in another region",
      { folder: undefined, image: IMAGE.replace("us-east-1", "eu-west-1") },
      /image is in eu-west-1, but SageMaker pulls from its own region: use an image in us-east-1/,
    ],
    ["a version that is none", { version: "latest" }, /version is "latest": use the number/],
    ["a memory between the steps", { memory: 2500 }, /memory is "2500": use one of 1024, 2048/],
    ["a concurrency above all", { maxConcurrency: 201 }, /maxConcurrency is "201": use a whole/],
    ["an alarm that never goes off", { errorAlarmPercent: 101 }, /errorAlarmPercent is "101"/],
    ["an alarm that always goes off", { latencyAlarmMs: 0 }, /latencyAlarmMs is "0": use a whole/],
  ];
  const realtimeRefusals: [string, Record<string, unknown>, RegExp][] = [
    ["a key of the other serving", { memory: 2048 }, /memory is for serving "serverless"/],
    ["a type that is none", { instanceType: "m5.large" }, /instanceType is "m5.large": use a Sage/],
    [
      "a processor that images are not built for",
      { instanceType: "ml.c7g.large" },
      /instanceType is "ml.c7g.large", an arm64 processor, but images built here are for amd64/,
    ],
    [
      "more instances at least than at most",
      { minInstances: 5 },
      /minInstances is 5, above maxInstances \(4\)/,
    ],
    [
      "scaling of a burstable type",
      { instanceType: "ml.t2.medium" },
      /"ml.t2.medium", which SageMaker does not scale by load: set maxInstances to 2/,
    ],
    [
      "a canary of one instance",
      { minInstances: 1 },
      /rollout is "canary".*minInstances is 1: raise it to 2, or use "all-at-once"/,
    ],
    ["a first step above half", { rolloutPercent: 51 }, /rolloutPercent is "51".*10 to 50/],
    ["an endless watch", { rolloutWaitSeconds: 3601 }, /rolloutWaitSeconds is "3601".*0 to 3600/],
    ["a share above all", { capturePercent: 101 }, /capturePercent is "101".*0 to 100/],
    ["a target of nothing", { requestsPerInstanceTarget: 0 }, /requestsPerInstanceTarget is "0"/],
    ["an isolation that is none", { networkIsolation: "full" }, /networkIsolation is "full": use/],
  ];
  for (const [serving, table] of [
    ["serverless", modelRefusals],
    ["realtime", realtimeRefusals],
  ] as const) {
    for (const [what, changes, message] of table) {
      it(`refuses, of a ${serving} model, ${what}`, async () => {
        const iris = { folder: "containers/r-model", serving, ...changes };
        const found = await problems({ models: JSON.stringify({ iris }) });
        assert.equal(found.length, 1, found.join("\n"));
        assert.match(found[0]!, message);
      });
    }
  }

  it("refuses models that are none, and names that no URL or resource can carry", async () => {
    assert.match((await problems({ models: '["iris"]' }))[0]!, /models is "\["iris"\]": use names/);
    const iris = { folder: "containers/r-model", serving: "serverless" };
    const names = [
      "Iris",
      "1ris",
      "i".repeat(31),
      "iris.v2",
      "iris-",
      "i--s",
      "server",
      "x-serverless",
    ];
    for (const name of names) {
      const found = await problems({ models: JSON.stringify({ [name]: iris }) });
      assert.match(found.join(), /^mlops:models is ".*": use a letter and at most 29/);
    }
  });

  it("tells the problems of all models at once", async () => {
    const found = await problems({
      models: JSON.stringify({
        iris: { folder: "containers/r-model", serving: "batch" },
        scorer: { serving: "serverless", memory: 1 },
      }),
    });
    assert.equal(found.length, 3, found.join("\n"));
  });

  it("has every key of a model and its default in docs/models.md", () => {
    const page = readFileSync(join(ROOT, "docs", "models.md"), "utf8");
    const keys = new Set(Object.values(MODEL_DEFAULTS).flatMap((group) => Object.keys(group)));
    const rows = [...page.matchAll(/^\| `(\w+)` +\| (\w+) +\| ([^|]*)\|/gm)];
    const documented = new Map(
      rows.map(([, key, serving, value]) => [key!, [serving, value!.trim()]]),
    );
    assert.deepEqual([...documented.keys()].sort(), [...keys, "serving"].sort());
    for (const [serving, group] of Object.entries(MODEL_DEFAULTS)) {
      for (const [key, value] of Object.entries(group)) {
        const isCommon = Object.values(MODEL_DEFAULTS).every((other) => key in other);
        assert.deepEqual(documented.get(key), [
          isCommon ? "both" : serving,
          value === "" ? "" : `\`${value}\``,
        ]);
      }
    }
  });

  it("takes model names beside those that are taken", async () => {
    const iris = { folder: "containers/r-model", serving: "serverless" };
    for (const name of ["i".repeat(30), "serverless", "server-2", "my-server"]) {
      const { models } = await read("prod", { models: JSON.stringify({ [name]: iris }) });
      assert.equal(models[0]!.name, name);
    }
  });

  it("refuses a stack whose name the resources that carry it can not have", async () => {
    for (const name of ["production-eu", "dev-", "d--v", "Dev"]) {
      await assert.rejects(read("prod", {}, name), new RegExp(`stack's name is "${name}"`));
    }
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
