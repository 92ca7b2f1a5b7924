import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

describe("npm run promote", () => {
  const root = join(__dirname, "..", "..");
  const stackFile = "config:\n  mlops:taskCpu: 512 # half\n";
  const location = "mlflow-artifacts:/1/models/m-0a1b/artifacts";
  const promoted = `${stackFile}  mlops:models:
    diabetes:
      # diabetes@champion, version 3, run 0a1b
      version: "3"
      artifactLocation: ${location}
      serving: serverless
`;
  let folder: string;
  let server: http.Server;
  let url: string;
  let seen: http.IncomingMessage[];

  const answers: Record<string, unknown> = {
    "/mlflow/registered-models/get": {
      registered_model: { aliases: [{ alias: "champion", version: "3" }] },
    },
    "/mlflow/model-versions/get": { model_version: { status: "READY", run_id: "0a1b" } },
    "/mlflow/model-versions/get-download-uri": { artifact_uri: location },
    "/mlflow-artifacts/artifacts": {
      files: [{ path: "MLmodel" }, { path: "model.skops" }, { path: "requirements.txt" }],
    },
    "/mlflow-artifacts/artifacts/1/models/m-0a1b/artifacts/MLmodel":
      "flavors: { python_function: { loader_module: mlflow.sklearn, model_path: model.skops } }",
    "/mlflow-artifacts/artifacts/1/models/m-0a1b/artifacts/requirements.txt": "skops==0.1.0",
  };

  const run = async (...args: string[]) => {
    const register = join(root, "offline", "register.js");
    const command = ["--require", register, join(root, "scripts", "promote.ts"), ...args];
    const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
    try {
      const done = await promisify(execFile)(process.execPath, command, { cwd: folder, env });
      return { code: 0, out: done.stdout, err: done.stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
  const written = () => readFileSync(join(folder, "Pulumi.dev.yaml"), "utf8");

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "promote-"));
    write("Pulumi.yaml", "name: mlops\nruntime: nodejs\n");
    write("Pulumi.dev.yaml", stackFile);
    seen = [];
    server = http.createServer((request, response) => {
      seen.push(request);
      const value = answers[request.url!.split("?")[0]!.replace("/api/2.0", "")];
      response.end(typeof value === "string" ? value : JSON.stringify(value));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    write("pulumi", `#!/bin/sh\n[ "$5" = acme/dev ] && echo '{"trackingUri":"${url}"}'\n`);
    chmodSync(join(folder, "pulumi"), 0o755);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });

  it("shows the change, writes it, and says what comes next", async () => {
    const args = ["diabetes@champion", "--stack", "dev", "--tracking-uri", url];
    const dry = await run(...args, "--dry-run");
    assert.equal(written(), stackFile);
    assert.equal(dry.code, 0);
    assert.match(dry.out, /\nDry run: Pulumi\.dev\.yaml is as it was\.\n$/);

    const { code, out, err } = await run(...args);
    assert.equal(code, 0);
    assert.equal(written(), promoted);
    assert.match(out, /^--- Pulumi\.dev\.yaml\n.*\n@@ -1,2 \+1,8 @@\n/);
    assert.match(out, /^\+ {6}version: "3"$/m);
    assert.match(out, /^ {2}npm run preview -- dev$/m);
    assert.match(out, /pulumi up --stack dev$/m);
    assert.match(err, /^promote: warning: the model was made with skops 0\.1\.0, the model server/);
    assert.equal(err.trim().split("\n").length, 1);

    const again = await run(...args);
    assert.deepEqual(
      [again.code, again.out],
      [0, "Nothing to do: Pulumi.dev.yaml has diabetes@champion, version 3, run 0a1b.\n"],
    );
    assert.equal(written(), promoted);
  });

  it("asks the server of the stack, and does not sign for one on this machine", async () => {
    assert.equal((await run("diabetes@champion", "--stack", "acme/dev")).code, 0);
    assert.equal(written(), promoted);
    assert.ok(seen.length > 0);
    for (const { headers } of seen) assert.equal(headers.authorization, undefined);
  });

  it("writes under another name", async () => {
    const { out } = await run("diabetes@champion", "--stack", "acme/dev", "--name", "sugar");
    assert.match(out, /^\+ {4}sugar:$/m);
    assert.match(out, /"Serve version 3 of sugar in dev"/);
  });

  it("explains itself", async () => {
    const { code, out } = await run("--help");
    assert.equal(code, 0);
    assert.match(out, /npm run promote -- MODEL@ALIAS --stack STACK/);
  });

  describe("ends in one line, having written nothing,", () => {
    const refused = async (expected: RegExp, ...args: string[]) => {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [1, ""]);
      assert.match(err, expected);
      assert.equal(err.trim().split("\n").length, 1);
      assert.equal(written(), stackFile);
    };

    it("without the project", async () => {
      rmSync(join(folder, "Pulumi.yaml"));
      await refused(/^promote: there is no Pulumi\.yaml here: run it in/, "a@b", "--stack", "dev");
    });

    it("without the stack's file", () =>
      refused(/^promote: there is no Pulumi\.qa\.yaml here: correct/, "a@b", "--stack", "qa"));

    it("without the stack", () =>
      refused(/^promote: the outputs of the stack dev can not be read/, "a@b", "--stack", "dev"));

    it("without the server", () =>
      refused(
        /^promote: http:\/\/127\.0\.0\.1:9 can not be reached/,
        ...["a@b", "--stack", "dev", "--tracking-uri", "http://127.0.0.1:9"],
      ));

    it("where the address does not tell the region to sign for", () =>
      refused(
        /^promote: the host mlflow\.example does not name its AWS region: set --region/,
        ...["a@b", "--stack", "dev", "--tracking-uri", "https://mlflow.example"],
      ));
  });

  it("ends with 2 where it is not understood", async () => {
    const { code, err } = await run("diabetes", "--stack", "dev");
    assert.equal(code, 2);
    assert.match(err, /^promote: "diabetes" is no MODEL@ALIAS/);
  });
});
