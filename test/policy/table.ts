import assert from "node:assert/strict";

import type { Policies } from "@pulumi/policy";

import { checkPolicies, type PackConfig } from "../../offline/policies";
import { judge, type Mode, MODES, shuffled, type Spec, stack } from "./stacks";

/** One case: a stack, and the resources at fault in it. */
export interface Row {
  readonly name: string;
  readonly stack: readonly Spec[];
  /** Names of the resources that a mandatory policy refuses. */
  readonly fail?: readonly string[];
  /** Names of the resources that an advisory policy names. */
  readonly warn?: readonly string[];
  /** Settings per policy. */
  readonly config?: Record<string, Record<string, unknown>>;
  /** The modes in which the verdict holds; all by default. */
  readonly modes?: readonly Mode[];
}

/** Every row of every table that has been declared, for the tests of the pack as a whole. */
export const corpus: Row[] = [];

/** Runs each row in each mode, in the written order and in shuffled ones. */
export function table(policies: Policies, rows: readonly Row[]): void {
  corpus.push(...rows);
  for (const row of rows) {
    for (const mode of row.modes ?? MODES) {
      it(`${row.name} (${mode})`, async () => {
        const registrations = stack(row.stack, mode);
        for (const seed of [0, 1, 2]) {
          const ordered = seed === 0 ? registrations : shuffled(registrations, seed);
          const findings = await judge(policies, ordered, row.config);
          assert.deepEqual(atFault(findings, "mandatory"), unique(row.fail ?? []), "refused");
          assert.deepEqual(atFault(findings, "advisory"), unique(row.warn ?? []), "warned of");
        }
        // The same through the pack's protocol, which decides about levels; slower, so once a row.
        if (mode !== (row.modes ?? MODES)[0]) return;
        const config = (row.config ?? {}) as PackConfig;
        const verdicts = (await checkPolicies(policies, registrations, config)).map((verdict) => ({
          ...verdict,
          name: verdict.urn?.split("::").pop() ?? "",
        }));
        assert.deepEqual(atFault(verdicts, "mandatory"), unique(row.fail ?? []), "refused by RPC");
        assert.deepEqual(atFault(verdicts, "advisory"), unique(row.warn ?? []), "warned of by RPC");
      });
    }
  }
}

function atFault(findings: readonly { level: string; name: string }[], level: string): string[] {
  return unique(findings.filter((finding) => finding.level === level).map(({ name }) => name));
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
