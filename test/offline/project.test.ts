import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ENCRYPTED, ProjectError, readPackConfig, readStackConfig } from "../../offline/project";

describe("readStackConfig", () => {
  let root: string;
  const write = (file: string, text: string) => writeFileSync(join(root, file), text);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "project-"));
    write(
      "Pulumi.yaml",
      `name: demo
runtime: nodejs
config:
  aws:region: { value: us-east-1 }
  count: { type: integer, default: 2 }
  names: { type: array, items: { type: string }, default: [] }
  note: { type: string, default: none }
`,
    );
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("gives values as the CLI does: defaults, then the stack's own, as text", () => {
    write("Pulumi.dev.yaml", "config:\n  demo:count: 3\n  demo:names: [a, b]\n");
    assert.deepEqual(readStackConfig(root, "dev"), {
      project: "demo",
      stack: "dev",
      config: {
        "aws:region": "us-east-1",
        "demo:count": "3",
        "demo:names": '["a","b"]',
        "demo:note": "none",
      },
      secretKeys: [],
    });
  });

  it("reads a stack file that sets nothing", () => {
    write("Pulumi.dev.yaml", "");
    assert.equal(readStackConfig(root, "dev").config["demo:count"], "2");
  });

  it("keeps encrypted values as secrets that it can not read", () => {
    write("Pulumi.dev.yaml", "config:\n  demo:note: { secure: v1:abc }\n");
    const { config, secretKeys } = readStackConfig(root, "dev");
    assert.deepEqual([config["demo:note"], secretKeys], [ENCRYPTED, ["demo:note"]]);
  });

  for (const [key, value, type] of [
    ["count", "three", "integer"],
    ["count", "1.5", "integer"],
    ["names", "a", "array"],
    ["note", "1", "string"],
  ]) {
    it(`refuses ${value} for ${type}`, () => {
      write("Pulumi.dev.yaml", `config:\n  demo:${key}: ${value}\n`);
      assert.throws(
        () => readStackConfig(root, "dev"),
        (error) => error instanceof ProjectError && error.message.includes(`type ${type}`),
      );
    });
  }

  it("names the file that is missing", () => {
    assert.throws(() => readStackConfig(root, "qa"), /there is no Pulumi\.qa\.yaml/);
  });

  it("tells what is wrong with a file that is no YAML", () => {
    write("Pulumi.dev.yaml", "config: [");
    assert.throws(() => readStackConfig(root, "dev"), /Pulumi\.dev\.yaml is no YAML/);
  });
});

describe("readPackConfig", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "project-"));
    mkdirSync(join(root, "policy", "config"), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("reads the file of the stack, and nothing where there is none", () => {
    writeFileSync(join(root, "policy", "config", "prod.json"), '{"all":"mandatory"}');
    assert.deepEqual(readPackConfig(root, "prod"), { all: "mandatory" });
    assert.deepEqual(readPackConfig(root, "dev"), {});
  });

  it("refuses a file that is no JSON", () => {
    writeFileSync(join(root, "policy", "config", "prod.json"), "{");
    assert.throws(() => readPackConfig(root, "prod"), /prod\.json is no JSON/);
  });
});
