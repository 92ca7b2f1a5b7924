import assert from "node:assert/strict";

import { checkPolicies, runPolicies } from "../../offline/policies";
import { type Registration, UNKNOWN } from "../../offline/registration";
import { DATABASE_KINDS } from "../../policy/lib/databases";
import { policies } from "../../policy/policies";
import { hiddenDatabaseGroups } from "../../policy/rules/hidden-database-groups";
import { publicDatabaseIngress } from "../../policy/rules/public-database-ingress";
import { judge, resource, stack } from "./stacks";
import { corpus } from "./table";

/** Config under which every policy judges. */
const CONFIG = {
  "production-safeguards": { enabled: true },
  "required-tags": { tags: ["Owner"] },
};

describe("the pack", () => {
  it("gives each policy a name of its own", () => {
    const names = policies.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
  });

  for (const policy of policies) {
    describe(policy.name, () => {
      it("says what it is about, how bad a breach is, how to fix it and where to read on", () => {
        assert.match(policy.name, /^[a-z][a-z0-9-]+$/);
        assert.match(policy.description, /^[A-Z].*\.$/);
        assert.match(policy.remediationSteps ?? "", /^.{20,}\.$/);
        assert.match(policy.url ?? "", /^https:\/\/docs\.aws\.amazon\.com\//);
        assert.ok(policy.severity);
        assert.ok(policy.tags && policy.tags.length > 0);
        assert.ok(["mandatory", "advisory"].includes(policy.enforcementLevel ?? ""));
      });

      it("is refused or warned of by some row, and so can fail", async () => {
        for (const row of corpus) {
          const config = { ...CONFIG, ...row.config };
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

describe("values that are not known", () => {
  it("escape from no policy, whichever single property they replace", async function () {
    this.timeout(120_000);
    let replaced = 0;
    for (const row of corpus.filter((row) => row.stack.length < 50)) {
      const registrations = stack(row.stack, "preview");
      for (const registration of registrations) {
        for (const variant of withOneUnknown(registration)) {
          replaced += 1;
          const others = registrations.filter((other) => other !== registration);
          await judge(policies, [...others, variant], { ...CONFIG, ...row.config });
        }
      }
    }
    assert.ok(replaced > 1000, `${replaced} values were replaced`);
  });

  it("would be noticed if they did", async () => {
    const careless = {
      name: "careless",
      description: "Careless.",
      enforcementLevel: "mandatory" as const,
      validateResource: ({ props }: { props: Record<string, unknown> }) => void props["a"],
    };
    const rows = stack(
      [resource("aws:cloudwatch/logGroup:LogGroup")("log", { a: UNKNOWN })],
      "live",
    );
    await assert.rejects(judge([careless], rows), /can't be known during preview/);
    const [verdict] = await checkPolicies([careless], rows);
    assert.equal(verdict?.level, "advisory");
  });

  it("never make a refused database pass", async function () {
    this.timeout(120_000);
    const rules = [publicDatabaseIngress, hiddenDatabaseGroups];
    for (const row of corpus) {
      const registrations = stack(row.stack, "preview");
      if (row.stack.length > 50 || !registrations.some(({ type }) => type in DATABASE_KINDS))
        continue;
      if ((await judge(rules, registrations, row.config)).length === 0) continue;
      for (const registration of registrations) {
        // Of a list of groups that is not known as a whole, nobody can tell how many are out of sight.
        const groups = DATABASE_KINDS[registration.type]?.groups?.split(".")[0];
        for (const property of Object.keys(registration.inputs).filter((name) => name !== groups)) {
          const variant = withUnknown(registration, property);
          const others = registrations.filter((other) => other !== registration);
          const findings = await judge(rules, [...others, variant], row.config);
          assert.ok(findings.length > 0, `${row.name}: ${registration.name}.${property}`);
        }
      }
    }
  });
});

/** The registration with one input not known yet, computed from what it was computed from. */
function withUnknown(registration: Registration, property: string): Registration {
  const unknown = { [property]: UNKNOWN };
  return {
    ...registration,
    inputs: { ...registration.inputs, ...unknown },
    outputs: { ...registration.outputs, ...unknown },
    propertyDependencies: {
      ...registration.propertyDependencies,
      [property]: registration.propertyDependencies[property] ?? ["urn:not-in-this-stack::other"],
    },
  };
}

/** Every variant of a registration in which one value, at any depth, is not known yet. */
function withOneUnknown(registration: Registration): Registration[] {
  return variants(registration.inputs).map((inputs) => ({
    ...registration,
    inputs: inputs as Record<string, unknown>,
    outputs: { ...registration.outputs, ...(inputs as Record<string, unknown>) },
  }));
}

function variants(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    [UNKNOWN, ...variants(inner)].map((replacement) =>
      Array.isArray(value)
        ? value.map((element: unknown, i) => (String(i) === key ? replacement : element))
        : { ...value, [key]: replacement },
    ),
  );
}
