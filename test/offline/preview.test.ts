import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "..", "..");
const PARTS = [
  "Pulumi.yaml",
  "Pulumi.dev.yaml",
  "Pulumi.prod.yaml",
  "package.json",
  "index.ts",
  "components",
  "containers",
  "functions",
  "offline",
  "policy",
];

const MODEL_ENDPOINTS: Record<string, RegExp> = {
  dev: /\nModel endpoints\n +dev-model-iris-serverless +serverless, 2048 MB, 5 requests at once +updated at once\n/,
  prod: /\nModel endpoints\n +prod-model-iris +2 to 4 × ml\.m5\.large +updated canary, taken back by alarms\n/,
};

/** The preview command, run as users run it, in a copy of the project that a test may break. */
describe("npm run preview", () => {
  let copy: string;

  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "preview-"));
    for (const part of PARTS) cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  function preview(...args: string[]) {
    const { scripts } = JSON.parse(readFileSync(join(copy, "package.json"), "utf8")) as {
      scripts: { preview: string };
    };
    const [command, ...words] = scripts.preview.split(" ");
    assert.equal(command, "node");
    const run = spawnSync(process.execPath, [...words, ...args], { cwd: copy, encoding: "utf8" });
    return { status: run.status, out: run.stdout, err: run.stderr };
  }
  function replace(file: string, from: string | RegExp, to: string): void {
    const text = readFileSync(join(copy, file), "utf8");
    assert.notEqual(text.replace(from, to), text, `${file} does not hold ${String(from)}`);
    writeFileSync(join(copy, file), text.replace(from, to));
  }

  for (const stack of ["dev", "prod"]) {
    it(`shows ${stack}: resources, outputs, policies, and what it can not see`, () => {
      const json = join(copy, "preview.json");
      const { status, out, err } = preview(stack, "--json", json);
      assert.equal(status, 0, err);
      assert.match(out, new RegExp(`^Preview of mlops/${stack}, made offline`));
      assert.match(out, new RegExp(`├─ aws:rds:Cluster {2}${stack}-database-cluster`));
      assert.match(out, /\nRoutes\n(.*\n)*? +POST \/predict\/\{model\} +AWS_IAM +\w+-predict\n/);
      assert.match(out, MODEL_ENDPOINTS[stack]!);
      assert.match(out, /trackingUri +\(known after pulumi up\)/);
      assert.match(out, /passed +\S+ +mandatory/);
      assert.match(out, new RegExp(`the children of awsx:ec2:Vpc ${stack}-mlops-vpc`));
      assert.match(out, /No mandatory violation\.\n$/);

      const written = JSON.parse(readFileSync(json, "utf8")) as {
        stack: string;
        resources: unknown[];
        violations: unknown[];
      };
      assert.equal(written.stack, stack);
      assert.ok(written.resources.length > 60);
      assert.deepEqual(written.violations, []);
    });
  }

  it("says so when no model has an endpoint", () => {
    replace("Pulumi.dev.yaml", / {2}mlops:models:\n(.+\n?)*/, "");
    const { status, out, err } = preview("dev");
    assert.equal(status, 0, err);
    assert.match(out, /\nModel endpoints\n {2}none\n/);
    assert.doesNotMatch(out, /predict/);
  });

  const openings: [string, string, RegExp][] = [
    [
      "components/database.ts",
      `new aws.vpc.SecurityGroupIngressRule(\`\${name}-open\`, { securityGroupId: securityGroup.id,
        cidrIpv4: "0.0.0.0/0", ipProtocol: "tcp", fromPort: 3306, toPort: 3306 }, { parent: this });
      this.securityGroupId = securityGroup.id;`,
      /this\.securityGroupId = securityGroup\.id;/,
    ],
    [
      "components/tracking-server.ts",
      `new aws.ec2.SecurityGroupRule(\`\${name}-open\`, { securityGroupId: args.database.securityGroupId,
        type: "ingress", cidrBlocks: ["0.0.0.0/0"], protocol: "-1", fromPort: 0, toPort: 0 }, { parent: this });
      this.registerOutputs({ endpoint`,
      /this\.registerOutputs\(\{ endpoint/,
    ],
    [
      "index.ts",
      `new aws.vpc.SecurityGroupIngressRule("everybody-open", { securityGroupId: database.securityGroupId,
        cidrIpv6: "::/0", ipProtocol: "-1" }, { provider });
      return {`,
      /return \{/,
    ],
  ];
  for (const [file, change, place] of openings) {
    it(`refuses a database that ${file} opens to the world, and names the rule`, () => {
      replace(file, place, change);
      const { status, out } = preview("prod");
      assert.equal(status, 1, out);
      assert.match(out, /failed +\S+ +mandatory/);
      assert.match(out, /urn:pulumi:prod::mlops::\S*::\S+-open/);
      assert.match(out, /REFUSED: \d+ mandatory violation/);
    });
  }

  it("tells what is wrong with the settings, and nothing else", () => {
    replace("Pulumi.dev.yaml", "mlops:spotPercent: 100", "mlops:spotPercent: 200");
    appendFileSync(join(copy, "Pulumi.dev.yaml"), "  mlops:minTask: 3\n");
    const { status, out, err } = preview("dev");
    assert.equal(status, 2);
    assert.equal(out, "");
    assert.equal(
      err,
      `error: 2 problems in the settings of stack "dev"; nothing was changed.
  - mlops:spotPercent is "200": use a whole number from 0 to 100.
  - mlops:minTask is not a setting: use mlops:minTasks, or remove it.
`,
    );
  });

  it("tells of a program that fails, with its trace", () => {
    replace("index.ts", "const stack = pulumi.getStack();", 'throw new Error("on purpose");');
    const { status, err } = preview("dev");
    assert.equal(status, 3);
    assert.match(err, /Error: on purpose\n +at .*index\.ts/);
  });

  it("tells of an error inside an output", () => {
    replace(
      "index.ts",
      "return {",
      'pulumi.output(1).apply(() => { throw new Error("too late"); });\n  return {',
    );
    const { status, err } = preview("dev");
    assert.equal(status, 3);
    assert.match(err, /Error: too late/);
  });

  const usage: [string, string[], RegExp][] = [
    ["no stack", [], /^error: name one stack: dev or prod\./],
    ["two stacks", ["dev", "prod"], /^error: name one stack/],
    [
      "a stack without a file",
      ["qa"],
      /^error: stack "qa" has no settings: .*Pulumi\.qa\.yaml\.\n$/,
    ],
    ["an unknown option", ["dev", "--yaml"], /^error: Unknown option '--yaml'/],
  ];
  for (const [what, args, message] of usage) {
    it(`refuses ${what}`, () => {
      const { status, err } = preview(...args);
      assert.equal(status, 2);
      assert.match(err, message);
    });
  }

  it("explains itself", () => {
    const { status, out } = preview("--help");
    assert.equal(status, 0);
    assert.match(out, /npm run preview -- STACK \[--json FILE\]/);
  });
});
