import assert from "node:assert/strict";
import * as aws from "@pulumi/aws";
import * as awsx from "@pulumi/awsx";
import * as pulumi from "@pulumi/pulumi";
import { evaluate } from "../../offline/engine";
import { UNKNOWN } from "../../offline/registration";
import { build } from "../support/build";

const STACK = { project: "demo", stack: "test", config: {}, secretKeys: [] };

class Part extends pulumi.ComponentResource {
  constructor(name: string, make: (parent: pulumi.Resource) => void) {
    super("demo:index:Part", name);
    make(this);
    this.registerOutputs({});
  }
}

describe("evaluate", () => {
  it("records a resource's parent, inputs, links and options", async () => {
    const built = await build(() => {
      new Part("part", (parent) => {
        const key = new aws.kms.Key("key", {}, { parent });
        const log = new aws.cloudwatch.LogGroup(
          "log",
          { kmsKeyId: key.arn, retentionInDays: 7 },
          { parent, protect: true, ignoreChanges: ["tags"], retainOnDelete: true },
        );
        new aws.cloudwatch.LogStream("stream", { logGroupName: log.name }, { dependsOn: key });
      });
    });
    const [part, key, log] = [built.get("part"), built.get("key"), built.get("log")];
    assert.equal(log.parent, part.urn);
    assert.equal(
      log.urn,
      "urn:pulumi:test::mlops::demo:index:Part$aws:cloudwatch/logGroup:LogGroup::log",
    );
    assert.deepEqual(log.propertyDependencies, { kmsKeyId: [key.urn] });
    assert.deepEqual(
      [log.protect, log.ignoreChanges, log.retainOnDelete, log.custom],
      [true, ["tags"], true, true],
    );
    assert.deepEqual([part.custom, part.remote], [false, false]);
    assert.deepEqual([...built.get("stream").dependencies].sort(), [key.urn, log.urn].sort());
  });

  it("follows links through apply and into nested values", async () => {
    const built = await build(() => {
      const group = new aws.ec2.SecurityGroup("group", {});
      const id = group.id.apply((value) => value.toUpperCase());
      new aws.rds.Instance("db", { instanceClass: "db.t4g.micro", vpcSecurityGroupIds: [id] });
    }, "unknown");
    assert.deepEqual(built.get("db").propertyDependencies, {
      vpcSecurityGroupIds: [built.get("group").urn],
    });
    assert.deepEqual(built.inputs("db").vpcSecurityGroupIds, [UNKNOWN]);
  });

  it("knows inputs, and no output yet", async () => {
    const built = await build(() => new aws.kms.Key("key", { description: "mine" }), "unknown");
    const { inputs, outputs } = built.get("key");
    assert.deepEqual(inputs, { description: "mine" });
    assert.equal(outputs.description, "mine");
    assert.equal(outputs.arn, UNKNOWN);
  });

  it("makes outputs up where told, and then runs what is built from them", async () => {
    const built = await build(() => {
      const key = new aws.kms.Key("key", {});
      new aws.kms.Alias("alias", { targetKeyId: key.arn.apply((arn) => `${arn}!`) });
    });
    assert.equal(built.inputs("alias").targetKeyId, "arn:aws:kms:us-east-1:123456789012:key!");
  });

  it("names the inputs that hold a secret, and hides secrets among the stack's outputs", async () => {
    const { resources, outputs } = await evaluate(() => {
      new aws.ssm.Parameter("parameter", { type: "SecureString", value: pulumi.secret("s3cret") });
      return { open: "yes", closed: pulumi.secret("s3cret"), later: pulumi.output(1) };
    }, STACK);
    const parameter = resources.find(({ name }) => name === "parameter");
    assert.deepEqual(parameter?.secrets, ["value"]);
    assert.equal(parameter?.inputs.value, "s3cret");
    assert.deepEqual(outputs, { open: "yes", closed: "[secret]", later: 1 });
  });

  it("tells components that a provider builds, whose children it can not see", async () => {
    const built = await build(() => new awsx.ec2.Vpc("vpc", { numberOfAvailabilityZones: 2 }));
    assert.deepEqual([built.get("vpc").remote, built.get("vpc").custom], [true, false]);
  });

  it("names the provider of a resource", async () => {
    const built = await build(() => {
      const provider = new aws.Provider("mine", { region: "eu-west-1" });
      new aws.kms.Key("key", {}, { provider });
    });
    assert.equal(built.get("key").provider, built.get("mine").urn);
  });

  it("runs a program that is a function, and one that is not, in any number", async () => {
    for (const program of [
      () => () => ({ a: 1 }),
      () => ({ a: 1 }),
      () => Promise.resolve({ a: 1 }),
    ]) {
      assert.deepEqual((await evaluate(program, STACK)).outputs, { a: 1 });
    }
  });

  it("gives the program its config", async () => {
    const stack = { ...STACK, config: { "demo:size": "3" } };
    const { outputs } = await evaluate(() => {
      return { size: new pulumi.Config().requireNumber("size"), stack: pulumi.getStack() };
    }, stack);
    assert.deepEqual(outputs, { size: 3, stack: "test" });
  });

  it("refuses two resources with one URN", async () => {
    const twice = build(() => {
      new aws.kms.Key("key", {});
      new aws.kms.Key("key", {});
    });
    await assert.rejects(twice, /Duplicate resource URN urn:pulumi:test::mlops::aws:kms/);
  });

  it("fails with what the program throws, at once or inside an output", async () => {
    await assert.rejects(
      build(() => {
        throw new Error("at once");
      }),
      /at once/,
    );
    const inside = build(() => {
      pulumi.output(1).apply(() => {
        throw new Error("inside");
      });
    });
    await assert.rejects(inside, /inside/);
  });

  it("refuses a provider function that it has no stand-in for", async () => {
    await assert.rejects(
      build(async () => {
        await aws.ec2.getVpc({ default: true });
      }),
      /no stand-in for aws:ec2\/getVpc:getVpc/,
    );
  });
});
