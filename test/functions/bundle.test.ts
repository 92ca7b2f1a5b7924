import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../functions/predict/bundle";
import { answer, Runtime, setEnvironment, withOutput } from "./stand-in";

const ROOT = join(__dirname, "../..");

describe("functions/predict: bundle", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "predict-bundle-"))));
  after(() => rmSync(folder, { recursive: true }));

  it("answers a request by itself", async () => {
    const runtime = new Runtime();
    const MODELS = '{"iris":{"endpoint":"dev-model-iris","serving":"serverless"}}';
    const restore = setEnvironment({ ...(await runtime.start()), MODELS });
    try {
      runtime.reply = answer('{"predictions":[1]}');
      const file = join(folder, "index.js");
      writeFileSync(file, bundle());
      const { handler } = (await import(file)) as typeof import("../../functions/predict/index");
      const event = {
        routeKey: "POST /predict/{model}",
        pathParameters: { model: "iris" },
        headers: { "content-type": "text/csv" },
        requestContext: { requestId: "1", authorizer: { iam: { userArn: "arn" } } },
        body: "x\n1\n",
        isBase64Encoded: false,
      };
      const [reply, output] = await withOutput(() =>
        handler(event as never, { getRemainingTimeInMillis: () => 29_000 }),
      );
      assert.equal(reply.statusCode, 200);
      assert.equal(Buffer.from(reply.body!, "base64").toString(), '{"predictions":[1]}');
      assert.equal(runtime.received[0]!.url, "/endpoints/dev-model-iris/invocations");
      assert.equal(runtime.received[0]!.body.toString(), "x\n1\n");
      assert.equal(JSON.parse(output).status, 200);
    } finally {
      restore();
      runtime.stop();
    }
  });

  it("does not start without its models, and says so in one line", () => {
    const file = join(folder, "unset.js");
    writeFileSync(file, bundle());
    const { status, stderr } = spawnSync(process.execPath, [file], { env: {}, encoding: "utf8" });
    assert.equal(status, 1);
    assert.equal(stderr.match(/^Error: .*/gm)?.length, 1);
    assert.match(stderr, /^Error: MODELS is not set: set it to JSON such as \{"iris": .*$/m);
  });

  it("holds little more than the SDK's client", () => assert.ok(bundle().length < 1_000_000));

  describe("in a copy of the project elsewhere", () => {
    let copy: string;
    before(() => {
      copy = join(folder, "else where");
      cpSync(join(ROOT, "functions/predict"), join(copy, "functions/predict"), { recursive: true });
      for (const name of ["@aws-sdk", "@smithy", "@aws", "bowser", ".package-lock.json"]) {
        cpSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name), {
          recursive: true,
        });
      }
      symlinkSync(join(ROOT, "node_modules/esbuild"), join(copy, "node_modules/esbuild"));
    });

    /** The bundle as a process that was started elsewhere makes it, and whether it took esbuild. */
    const make = (cwd: string) => {
      const script = `
        const { bundle } = require(${JSON.stringify(join(copy, "functions/predict/bundle.ts"))});
        const code = bundle();
        const built = Object.keys(require.cache).some((file) => /esbuild/.test(file));
        process.stdout.write(JSON.stringify({ code, built }));`;
      const args = ["--require", join(ROOT, "offline/register.js"), "--eval", script];
      const options = { cwd, encoding: "utf8", maxBuffer: 50_000_000 } as const;
      return JSON.parse(execFileSync(process.execPath, args, options)) as {
        code: string;
        built: boolean;
      };
    };

    it("is the same to the byte, from any folder", () => {
      assert.deepEqual(make(folder), { code: bundle(), built: true });
      rmSync(join(copy, "node_modules/.cache"), { recursive: true });
      assert.deepEqual(make(copy), { code: bundle(), built: true });
    });

    it("is kept, and made anew when a source or a package changes", () => {
      make(folder);
      const cache = join(copy, "node_modules/.cache/mlops-predict");
      const kept = readdirSync(cache);
      assert.equal(kept.length, 1);
      writeFileSync(join(cache, kept[0]!), "kept");
      assert.deepEqual(make(folder), { code: "kept", built: false });

      appendFileSync(join(copy, "functions/predict/contract.ts"), "\nexport const MORE = 1;\n");
      assert.equal(make(folder).built, true);
      assert.equal(make(folder).built, false);
      appendFileSync(join(copy, "node_modules/.package-lock.json"), "\n");
      assert.equal(make(folder).built, true);
    });
  });
});
