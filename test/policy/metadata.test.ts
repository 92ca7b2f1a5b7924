import assert from "node:assert/strict";

import { policies } from "../../policy/policies";

describe("what a policy tells of itself", () => {
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
    });
  }
});
