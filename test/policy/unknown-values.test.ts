import assert from "node:assert/strict";

import { checkPolicies } from "../../offline/policies";
import { type Registration, UNKNOWN } from "../../offline/registration";
import { DATABASE_KINDS } from "../../policy/lib/databases";
import { policies } from "../../policy/policies";
import { hiddenDatabaseGroups } from "../../policy/rules/hidden-database-groups";
import { publicDatabaseIngress } from "../../policy/rules/public-database-ingress";
import { EVERY_POLICY_ON, judge, resource, stack } from "./stacks";
import { corpus } from "./table";

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
          await judge(policies, [...others, variant], { ...EVERY_POLICY_ON, ...row.config });
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
        // A network policy that names the endpoints of a stack is not known before they are made; the
        // resource policy judges it then.
        const { groups, networkPolicy } = DATABASE_KINDS[registration.type] ?? {};
        const exempt = [groups?.split(".")[0], networkPolicy];
        for (const property of Object.keys(registration.inputs)) {
          if (exempt.includes(property)) continue;
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
