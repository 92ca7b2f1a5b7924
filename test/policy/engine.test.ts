import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(__dirname, "../..");
const PACK = join(ROOT, "policy");

/** Programs with a well-known mistake, and the resource that must be named for it. */
const MUST_FAIL: Record<string, string> = {
  "mysql-open-to-the-world": "SecurityGroup: database",
  "postgres-open-to-the-world": "SecurityGroupIngressRule: anyone-[01]",
  "proxy-port-open": "SecurityGroupRule: proxy",
  "unknown-addresses": "SecurityGroupIngressRule: anyone",
};

/** The pack as Pulumi runs it, on small programs: with whatever `pulumi` and providers are installed. */
describe("under the Pulumi engine", function () {
  this.timeout(300_000);
  let work: string;

  before(function () {
    const version = spawnSync("pulumi", ["version"], { encoding: "utf8" });
    if (version.status !== 0) {
      console.log("      skipped: there is no pulumi on the PATH");
      this.skip();
    }
    work = mkdtempSync(join(tmpdir(), "policy-"));
    // Beside a link to node_modules, so that programs and state are no part of the working tree.
    symlinkSync(join(ROOT, "node_modules"), join(work, "node_modules"));
    cpSync(join(__dirname, "fixtures"), work, { recursive: true });
  });
  after(() => {
    if (work) rmSync(work, { recursive: true });
  });

  for (const [name, culprit] of Object.entries(MUST_FAIL)) {
    it(`refuses ${name}, at preview and at up`, function () {
      const refusal = new RegExp(`\\[mandatory\\].*public-database-ingress.*${culprit}\\)`);
      const stack = new Stack(join(work, name));
      for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
        const { status, output } = stack.run(this, ...command);
        assert.match(output, refusal);
        assert.notEqual(status, 0, output);
      }
    });
  }

  it("lets private-database through without a word, at preview, at up and on its state", function () {
    const stack = new Stack(join(work, "private-database"));
    for (const command of [["preview"], ["up", "--yes", "--skip-preview"], ["policy", "analyze"]]) {
      const { status, output } = stack.run(this, ...command);
      assert.equal(status, 0, output);
      assert.doesNotMatch(output, /\[(mandatory|advisory)\]/, output);
    }
  });

  it("finds in the state of mysql-open-to-the-world what was deployed without it", function () {
    const stack = new Stack(join(work, "mysql-open-to-the-world"), "unguarded");
    stack.runWithoutPack(this, "up", "--yes", "--skip-preview");
    const { status, output } = stack.run(this, "policy", "analyze");
    assert.match(output, /\[mandatory\].*public-database-ingress.*SecurityGroup: database\)/);
    assert.notEqual(status, 0, output);
  });

  it("takes its settings from the file that the command line names", function () {
    const stack = new Stack(join(work, "private-database"), "configured");
    const config = join(PACK, "config/prod.json");
    const { status, output } = stack.run(this, "preview", "--policy-pack-config", config);
    assert.notEqual(status, 0, output);
    assert.match(output, /\[mandatory\].*production-safeguards/);
    assert.match(output, /\[advisory\].*required-tags/);
  });
});

/** A stack of a program, in a state folder of its own, with credentials that open nothing. */
class Stack {
  private readonly environment: NodeJS.ProcessEnv;

  constructor(
    private readonly program: string,
    private readonly name = "test",
  ) {
    this.environment = {
      ...process.env,
      AWS_PROFILE: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "none",
      AWS_SECRET_ACCESS_KEY: "none",
      PULUMI_BACKEND_URL: `file://${mkdtempSync(join(program, "state-"))}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const { status, output } = this.pulumi("stack", "init", name);
    assert.equal(status, 0, output);
  }

  /** Runs a command with the pack; skips the test when no provider answers. */
  run(test: Mocha.Context, ...command: string[]) {
    return this.runWithoutPack(test, ...command, "--policy-pack", PACK);
  }

  runWithoutPack(test: Mocha.Context, ...command: string[]) {
    const result = this.pulumi(...command, "--stack", this.name);
    if (result.status !== 0 && NO_PROVIDER.test(result.output)) {
      console.log("      skipped: the AWS provider is not installed, or wants an account");
      test.skip();
    }
    return result;
  }

  private pulumi(...args: string[]): { status: number; output: string } {
    const { status, stdout, stderr } = spawnSync("pulumi", [...args, "--non-interactive"], {
      cwd: this.program,
      env: this.environment,
      encoding: "utf8",
    });
    return { status: status ?? 255, output: stdout + stderr };
  }
}

const NO_PROVIDER =
  /no (resource|language) plugin|could not (load|find) plugin|credentials?|AuthFailure|InvalidClientTokenId/i;
