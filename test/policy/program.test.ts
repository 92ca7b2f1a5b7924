import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type PackConfig, runPolicies } from "../../offline/policies";
import { evaluateProgram } from "../../offline/program";
import { readStackConfig } from "../../offline/project";
import type { Registration } from "../../offline/registration";
import { policies } from "../../policy/policies";
import { shuffled } from "./stacks";

const ROOT = join(__dirname, "../..");
const STACKS = ["dev", "prod"];

/** The program of this repository, as its own preview evaluates it. */
describe("the pack on this repository's program", () => {
  for (const name of STACKS) {
    const file = join(ROOT, "policy/config", `${name}.json`);
    const config = JSON.parse(readFileSync(file, "utf8")) as PackConfig;

    for (const computed of ["unknown", "made-up"] as const) {
      it(`${name}, computed outputs ${computed}: nothing to say, in any order`, async () => {
        const resources = await registrations(name, computed);
        for (const seed of [1, 2]) {
          const { verdicts } = await runPolicies(policies, shuffled(resources, seed), config);
          assert.deepEqual(verdicts, []);
        }
      });
    }

    it(`${name}: refuses a database that someone opens`, async () => {
      const resources = await registrations(name, "unknown");
      const database = resources.find(({ type }) => type === "aws:rds/cluster:Cluster")!;
      const [group] = database.propertyDependencies["vpcSecurityGroupIds"]!;
      const rule = resources.find(({ type }) => type.endsWith(":SecurityGroupIngressRule"))!;
      const opened: Registration = {
        ...rule,
        urn: `${rule.urn}-opened`,
        name: `${rule.name}-opened`,
        inputs: {
          securityGroupId: rule.inputs["securityGroupId"],
          ipProtocol: "tcp",
          fromPort: 8080,
          toPort: 8080,
          cidrIpv4: "0.0.0.0/1",
        },
        outputs: { ...rule.outputs, cidrIpv4: "0.0.0.0/1" },
        propertyDependencies: { securityGroupId: [group!] },
      };
      const { verdicts } = await runPolicies(policies, [...resources, opened], config);
      assert.deepEqual(
        verdicts.map(({ policy, level, urn }) => ({ policy, level, urn })),
        [{ policy: "public-database-ingress", level: "mandatory", urn: opened.urn }],
      );
    });
  }
});

async function registrations(stack: string, computed: "unknown" | "made-up") {
  return (await evaluateProgram(ROOT, readStackConfig(ROOT, stack), computed)).resources;
}
