import assert from "node:assert/strict";

import { checkPolicies, runPolicies } from "../../offline/policies";
import { policies } from "../../policy/policies";
import { EVERY_POLICY_ON, judge, resource, stack } from "./stacks";
import { corpus } from "./table";

describe("the pack", () => {
  for (const policy of policies) {
    describe(policy.name, () => {
      it("is refused or warned of by some row, and so can fail", async () => {
        for (const row of corpus) {
          const config = { ...EVERY_POLICY_ON, ...row.config };
          if ((await judge([policy], stack(row.stack, "live"), config)).length > 0) return;
        }
        assert.fail("no row makes it fail");
      });
    });
  }

  it("can be lowered, raised and switched off by configuration", async () => {
    const rows = stack([resource("aws:cloudwatch/logGroup:LogGroup")("log")], "live");
    const levels = async (config: Parameters<typeof checkPolicies>[2]) =>
      (await checkPolicies(policies, rows, config))
        .filter(({ policy }) => policy === "log-retention")
        .map(({ level }) => level);
    assert.deepEqual(await levels({}), ["advisory"]);
    assert.deepEqual(await levels({ "log-retention": "mandatory" }), ["mandatory"]);
    assert.deepEqual(await levels({ all: "mandatory" }), ["mandatory"]);
    assert.deepEqual(await levels({ all: "mandatory", "log-retention": {} }), ["mandatory"]);
    assert.deepEqual(await levels({ all: "mandatory", "log-retention": "advisory" }), ["advisory"]);
    assert.deepEqual(await levels({ "log-retention": { enforcementLevel: "disabled" } }), []);
  });

  it("tells of each policy whether it passed, failed, or had nothing to judge", async () => {
    const rows = stack([resource("aws:cloudwatch/logGroup:LogGroup")("log")], "live");
    const { outcomes } = await runPolicies(policies, rows, { "s3-encryption": "disabled" });
    const results = Object.fromEntries(outcomes.map(({ policy, result }) => [policy, result]));
    assert.equal(results["log-retention"], "failed");
    assert.equal(results["public-database-ingress"], "passed");
    assert.equal(results["iam-wildcards"], "not applicable");
    assert.equal(results["required-tags"], "not applicable");
    assert.equal(results["s3-encryption"], "disabled");
  });

  it("hands the schema's defaults to a policy whose settings are given in part", async () => {
    const database = resource("aws:rds/cluster:Cluster")("db", {
      deletionProtection: true,
      backupRetentionPeriod: 13,
    });
    const messages = (
      await checkPolicies(policies, stack([database], "live"), {
        "production-safeguards": { enabled: true },
      })
    ).filter(({ policy }) => policy === "production-safeguards");
    assert.match(messages.map(({ message }) => message).join("\n"), /backupRetentionPeriod/);
  });

  it("fails the run when a policy has a bug", async () => {
    const broken = {
      name: "broken",
      description: "Broken.",
      validateResource: () => {
        throw new TypeError("a bug");
      },
    };
    const rows = stack([resource("aws:cloudwatch/logGroup:LogGroup")("log")], "live");
    await assert.rejects(checkPolicies([broken], rows), /a bug/);
  });
});
