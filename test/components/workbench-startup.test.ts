import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startupScript } from "../../components/workbench-startup";

const ENVIRONMENT = {
  MLFLOW_TRACKING_URI: "http://mlflow.test.internal",
  AWKWARD: `it's "$HOME" \`id\` \\n ü %s\nsecond line`,
};

describe("the startup script of a JupyterLab space", () => {
  let home: string;
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), "space-"))));
  afterEach(() => rmSync(home, { recursive: true }));

  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, {
      // Nothing of this process's own environment, which may hold the variables.
      env: { HOME: home, PATH: process.env.PATH! },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
  const start = (environment: Record<string, string> = ENVIRONMENT) =>
    run("bash", "-c", startupScript(environment));
  const content = (file: string) => readFileSync(join(home, file), "utf8");

  const DUMP = 'python3 -c "import json, os; print(json.dumps(dict(os.environ)))"';
  const parse = (output: string) => JSON.parse(output) as Record<string, string>;
  const assertSees = (output: string) => {
    const seen = parse(output);
    for (const [name, value] of Object.entries(ENVIRONMENT)) assert.equal(seen[name], value);
  };

  it("gives the environment to a terminal: an interactive shell", () => {
    start();
    assertSees(run("bash", "-ic", DUMP));
  });

  it("gives it to a login shell", () => {
    start();
    assertSees(run("bash", "-lc", DUMP));
  });

  it("gives it to a Python kernel, by a file that IPython runs first", () => {
    start();
    const file = join(home, ".ipython/profile_default/startup/00-mlops.py");
    const program = "import json, os, runpy, sys; runpy.run_path(sys.argv[1])";
    assertSees(run("python3", "-c", `${program}; print(json.dumps(dict(os.environ)))`, file));
  });

  it("starts where IPython looks", function () {
    try {
      run("python3", "-c", "import IPython");
    } catch {
      this.skip();
    }
    start();
    const program = "import json, os; print('ENVIRONMENT', json.dumps(dict(os.environ)))";
    const output = run("python3", "-m", "IPython", "-c", program);
    assertSees(/ENVIRONMENT (.*)/.exec(output)![1]!);
  });

  it("runs at every start, and leaves one line in each of the user's files", () => {
    start();
    const once = [content(".bashrc"), content(".profile")];
    start();
    assert.deepEqual([content(".bashrc"), content(".profile")], once);
    assertSees(run("bash", "-ic", DUMP));
  });

  it("takes a new value at the next start, and drops a variable that is gone", () => {
    start();
    start({ MLFLOW_TRACKING_URI: "http://other.internal" });
    const seen = parse(run("bash", "-ic", DUMP));
    assert.equal(seen.MLFLOW_TRACKING_URI, "http://other.internal");
    assert.equal(seen.AWKWARD, undefined);
  });

  it("keeps what the user wrote, even without a line break at the end", () => {
    appendFileSync(join(home, ".bashrc"), "export OWN=mine");
    start();
    const seen = parse(run("bash", "-ic", DUMP));
    assert.equal(seen.OWN, "mine");
    assert.equal(seen.MLFLOW_TRACKING_URI, ENVIRONMENT.MLFLOW_TRACKING_URI);
  });
});
