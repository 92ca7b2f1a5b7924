import assert from "node:assert/strict";
import { unifiedDiff } from "../../../scripts/promote/diff";

describe("unifiedDiff", () => {
  const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join("");
  const diff = (before: string, after: string) => unifiedDiff("f", before, after).split("\n");
  const head = ["--- f", "+++ f"];

  it("is empty where nothing changes", () => assert.equal(unifiedDiff("f", "a\n", "a\n"), ""));

  it("has three lines around a change", () => {
    const lines = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    assert.deepEqual(diff(text(...lines), text(...lines.with(4, "five"))), [
      ...head,
      "@@ -2,7 +2,7 @@",
      ...[" 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"],
    ]);
  });

  it("adds at the end", () => {
    assert.deepEqual(diff(text("a"), text("a", "b")), [...head, "@@ -1,1 +1,2 @@", " a", "+b"]);
  });

  it("fills an empty file", () => {
    assert.deepEqual(diff("", text("a")), [...head, "@@ -0,0 +1,1 @@", "+a"]);
  });

  it("takes a line for what was added where it was there before too", () => {
    const [before, after] = [text("a", "x", "b"), text("a", "x", "x", "b")];
    assert.deepEqual(diff(before, after), [
      ...head,
      "@@ -1,3 +1,4 @@",
      ...[" a", " x", "+x", " b"],
    ]);
  });

  it("takes all from the first change to the last", () => {
    assert.deepEqual(diff(text("1", "2", "3"), text("one", "2", "three")), [
      ...head,
      "@@ -1,3 +1,3 @@",
      ...["-1", "-2", "-3", "+one", "+2", "+three"],
    ]);
  });
});
