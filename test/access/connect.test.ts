import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, shellExports } from "../../scripts/connect";

describe("npm run connect", () => {
  const root = join(__dirname, "..", "..");
  const connection = {
    MLFLOW_TRACKING_URI: "https://a1.execute-api.eu-central-1.amazonaws.com",
    MLFLOW_TRACKING_AUTH: "mlops-sigv4",
  };
  let bin: string;
  const run = (script: string, ...args: string[]) => {
    writeFileSync(join(bin, "pulumi"), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, "pulumi"), 0o755);
    return spawnSync(
      process.execPath,
      ["--require", "./offline/register.js", "scripts/connect.ts", ...args],
      { cwd: root, encoding: "utf8", env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } },
    );
  };
  const outputs = (value: unknown) => `echo '${JSON.stringify(value)}'`;

  beforeEach(() => (bin = mkdtempSync(join(tmpdir(), "pulumi-"))));
  afterEach(() => rmSync(bin, { recursive: true }));

  it("prints exports", () => {
    const { stdout, status } = run(outputs({ connection }), "dev");
    assert.equal(status, 0);
    assert.equal(
      stdout,
      "export MLFLOW_TRACKING_URI='https://a1.execute-api.eu-central-1.amazonaws.com'\n" +
        "export MLFLOW_TRACKING_AUTH='mlops-sigv4'\n",
    );
  });

  it("asks for the stack that was named", () => {
    const { stdout } = run(`[ "$5" = prod ] && ${outputs({ connection })}`, "prod", "--json");
    assert.deepEqual(JSON.parse(stdout), connection);
  });

  it("names what is wrong, in one line", () => {
    const cases: [string, RegExp][] = [
      [outputs({}), /no output "connection": deploy it first \(pulumi up --stack dev\)/],
      [outputs({ connection: {} }), /has no variables/],
      [outputs({ connection: { "A; rm": "x" } }), /no variable: A; rm/],
      ["echo 'error: no stack' >&2; exit 1", /can not be read: error: no stack/],
      ["echo nonsense", /can not be read/],
    ];
    for (const [script, expected] of cases) {
      const { stderr, status, stdout } = run(script, "dev");
      assert.deepEqual([status, stdout], [2, ""]);
      assert.match(stderr, expected);
      assert.equal(stderr.trim().split("\n").length, 1);
    }
  });

  it("wants one stack", () => {
    assert.match(run("").stderr, /connect: name one stack/);
    assert.match(run("", "dev", "prod").stderr, /connect: name one stack/);
    assert.match(run("", "--what").stderr, /Unknown option '--what'/);
  });

  it("leaves nothing in a value for the shell to act on", () => {
    const value = `it's $(date) \`date\` "x" \\ \n y`;
    const script = `${shellExports(environment({ NAME: value }))}\nprintf %s "$NAME"`;
    assert.equal(execFileSync("sh", ["-c", script], { encoding: "utf8" }), value);
  });
});
