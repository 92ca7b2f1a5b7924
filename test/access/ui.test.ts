import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createProxy, ProxyOptions } from "../../scripts/ui-proxy";
import { apiUrl, regionOf } from "../../scripts/ui";

type Handler = (
  request: http.IncomingMessage & { body: string },
  response: http.ServerResponse,
) => void;

interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

const text = async (stream: AsyncIterable<Buffer>) => {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
};
const json = (response: http.ServerResponse, status: number, value: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

describe("ui proxy", () => {
  const servers: http.Server[] = [];
  let handler: Handler;
  let seen: (http.IncomingMessage & { body: string })[];
  let warnings: string[];
  let port: number;
  let signedIn: number;
  let failure: Error | undefined;

  const start = async (server: http.Server) => {
    servers.push(server.listen(0, "127.0.0.1"));
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  };
  const proxyTo = (target: string, changes: Partial<ProxyOptions> = {}) =>
    start(
      createProxy({
        target: new URL(target),
        region: "eu-central-1",
        credentials: () => {
          signedIn++;
          return () =>
            failure
              ? Promise.reject(failure)
              : Promise.resolve({ accessKeyId: "AKIA", secretAccessKey: "s", sessionToken: "t" });
        },
        warn: (problem) => warnings.push(problem),
        stack: "dev",
        ...changes,
      }),
    );
  const ask = async (
    path: string,
    options: http.RequestOptions = {},
    body: string | Buffer = "",
  ): Promise<Reply> => {
    const request = http.request({ host: "127.0.0.1", port, path, agent: false, ...options });
    request.end(body);
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    return { status: response.statusCode!, headers: response.headers, body: await text(response) };
  };
  const message = ({ body }: Reply) => (JSON.parse(body) as { message: string }).message;

  beforeEach(async () => {
    [seen, warnings, signedIn, failure] = [[], [], 0, undefined];
    handler = (_, response) => response.end("good");
    const api = http.createServer((request, response) => {
      void text(request).then((body) => {
        seen.push(Object.assign(request, { body }));
        handler(seen.at(-1)!, response);
      });
    });
    port = await proxyTo(`http://127.0.0.1:${await start(api)}`);
  });
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it("signs a request and passes it on, without what is between it and the page", async () => {
    const origin = `http://127.0.0.1:${port}`;
    const reply = await ask(
      "/ajax-api/2.0/mlflow/runs/update?a=2&a=1&b=x+y",
      {
        method: "POST",
        headers: {
          origin,
          referer: `${origin}/`,
          cookie: "theirs=1",
          "content-type": "application/json",
          "sec-fetch-site": "same-origin",
          "x-caller-arn": "arn:somebody-else",
          "x-amz-date": "20200101T000000Z",
        },
      },
      '{"name":"größe"}',
    );
    assert.deepEqual([reply.status, reply.body], [200, "good"]);
    const [request] = seen;
    assert.equal(request!.method, "POST");
    assert.equal(request!.url, "/ajax-api/2.0/mlflow/runs/update?a=2&a=1&b=x%20y");
    assert.equal(request!.body, '{"name":"größe"}');
    assert.match(
      request!.headers.authorization!,
      /^AWS4-HMAC-SHA256 Credential=AKIA\/\d{8}\/eu-central-1\/execute-api\/aws4_request, SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=/,
    );
    assert.notEqual(request!.headers["x-amz-date"], "20200101T000000Z");
    for (const name of ["origin", "referer", "cookie", "x-caller-arn", "sec-fetch-site"]) {
      assert.equal(request!.headers[name], undefined, name);
    }
  });

  it("streams an answer as it comes", async () => {
    let finish!: () => void;
    handler = (_, response) => {
      response.write("first");
      finish = () => response.end("last");
    };
    const request = http.get({ host: "127.0.0.1", port, path: "/", agent: false });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const [first] = (await once(response, "data")) as [Buffer];
    assert.equal(first.toString(), "first");
    finish();
    assert.equal(await text(response), "last");
  });

  describe("refuses", () => {
    const cases: [string, http.OutgoingHttpHeaders, RegExp][] = [
      ["a name that resolves to this machine", { host: "evil.example:5080" }, /not this proxy/],
      ["another port's Host", { host: "127.0.0.1:1" }, /not this proxy/],
      ["a page of another site", { origin: "https://evil.example" }, /evil\.example may not use/],
      ["a page without an origin", { origin: "null" }, /pages of null may not use/],
      ["a page of another local server", { origin: "http://127.0.0.1:1" }, /may not use/],
      ["an image on another site", { "sec-fetch-site": "cross-site" }, /other sites may not/],
      ["another port of this machine", { "sec-fetch-site": "same-site" }, /other sites may not/],
      [
        "a frame on another site",
        { "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe" },
        /other sites may not/,
      ],
    ];
    for (const [who, headers, reason] of cases) {
      it(who, async () => {
        const reply = await ask("/", { headers });
        assert.equal(reply.status, 403);
        assert.match(message(reply), reason);
        assert.deepEqual(seen, []);
      });
    }

    it("a body that the API does not take", async () => {
      const reply = await ask("/x", { method: "PUT" }, Buffer.alloc(10_000_001));
      assert.equal(reply.status, 413);
      assert.match(message(reply), /10 MB at most: upload larger files with the SDK/);
      assert.deepEqual(seen, []);
    });

    it("a path that is not valid", async () => assert.equal((await ask("/%zz")).status, 400));

    it("the one query key that can not be signed", async () => {
      assert.equal((await ask("/?__proto__=1")).status, 400);
      assert.equal((await ask("/?constructor=1&toString=2")).status, 200);
    });
  });

  it("lets a link on another site open the first page, and nothing else", async () => {
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-dest": "document" };
    assert.equal((await ask("/", { headers: link })).status, 200);
    assert.equal((await ask("/get-artifact?path=a&run_uuid=b", { headers: link })).status, 403);
    assert.equal((await ask("/", { headers: link, method: "POST" })).status, 403);
  });

  describe("says what to do", () => {
    const gateway = (status: number, said: string) => {
      handler = (_, response) => json(response, status, { message: said });
    };

    it("where the right to write is missing", async () => {
      gateway(403, "Forbidden");
      const reply = await ask("/ajax-api/2.0/mlflow/runs/update", { method: "POST" });
      assert.equal(reply.status, 403);
      assert.match(
        message(reply),
        /you may not POST \/ajax-api\/2\.0\/mlflow\/runs\/update\..* the output writerPolicy .*--stack dev/,
      );
      assert.deepEqual(warnings, [message(reply)]);
      assert.equal(
        (JSON.parse(reply.body) as { error_code: string }).error_code,
        "PERMISSION_DENIED",
      );
    });

    it("where the right to read is missing", async () => {
      gateway(403, "Forbidden");
      const search = await ask("/ajax-api/2.0/mlflow/runs/search", { method: "POST" });
      assert.match(message(search), /output readerPolicy or writerPolicy/);
      assert.match(message(await ask("/version")), /output readerPolicy or writerPolicy/);
    });

    it("where credentials are expired, and takes new ones after that", async () => {
      gateway(403, "The security token included in the request is expired");
      const before = signedIn;
      const reply = await ask("/");
      assert.equal(reply.status, 401);
      assert.match(message(reply), /credentials are expired or not valid: sign in again/);
      assert.equal(signedIn, before + 1);
      handler = (_, response) => response.end("good");
      assert.equal((await ask("/")).status, 200);
    });

    it("where there are no credentials, until there are", async () => {
      failure = new Error("Token is expired.");
      const reply = await ask("/");
      assert.equal(reply.status, 401);
      assert.match(message(reply), /sign in \(aws sso login\).*Token is expired/);
      failure = undefined;
      assert.equal((await ask("/")).status, 200);
    });

    it("where the API is another one", async () => {
      gateway(404, "Not Found");
      const reply = await ask("/x");
      assert.equal(reply.status, 404);
      assert.match(message(reply), /not this platform's API, or its stage is not \$default/);
    });

    it("where the API can not be reached", async () => {
      port = await proxyTo("http://127.0.0.1:9");
      const reply = await ask("/x");
      assert.equal(reply.status, 502);
      assert.match(message(reply), /127\.0\.0\.1:9 can not be reached/);
    });
  });

  it("leaves MLflow's own refusals as they are", async () => {
    const own = { error_code: "RESOURCE_DOES_NOT_EXIST", message: "no such run" };
    for (const status of [403, 404]) {
      handler = (_, response) => json(response, status, own);
      const reply = await ask("/x");
      assert.deepEqual([reply.status, JSON.parse(reply.body)], [status, own]);
    }
    assert.deepEqual(warnings, []);
  });

  describe("an artifact", () => {
    const serve = (size: number) => {
      const store = http.createServer((request, response) =>
        response.end(`${request.url} ${request.headers.authorization ?? "unsigned"}`),
      );
      return start(store).then((storePort) => {
        handler = (request, response) => {
          const path = request.url!.split("?")[0];
          if (path === "/api/2.0/mlflow/artifacts/list") {
            json(response, 200, {
              root_uri: "mlflow-artifacts:/1/r/artifacts",
              files: [{ path: "some folder/big.bin", file_size: String(size) }],
            });
          } else if (path?.startsWith("/api/2.0/mlflow-artifacts/presigned/")) {
            const key = path.slice("/api/2.0/mlflow-artifacts/presigned".length);
            json(response, 200, { url: `http://127.0.0.1:${storePort}${key}?signed`, headers: {} });
          } else response.end("from MLflow");
        };
      });
    };
    const artifact = "/get-artifact?path=some+folder%2Fbig.bin&run_uuid=r";

    it("that is large comes from the store, as a download, without our signature", async () => {
      await serve(300_000_000);
      const reply = await ask(artifact);
      assert.equal(reply.body, "/1/r/artifacts/some%20folder/big.bin?signed unsigned");
      assert.equal(reply.headers["content-disposition"], "attachment; filename*=UTF-8''big.bin");
    });

    it("that is small comes from MLflow", async () => {
      await serve(9_000_000);
      assert.equal((await ask(artifact)).body, "from MLflow");
    });
  });
});

describe("npm run ui", () => {
  const root = join(__dirname, "..", "..");
  const run = async (args: string[], env: NodeJS.ProcessEnv = {}) => {
    const command = ["--require", "./offline/register.js", "scripts/ui.ts", ...args];
    try {
      const done = await promisify(execFile)(process.execPath, command, {
        cwd: root,
        env: { ...process.env, ...env },
      });
      return { code: 0, out: done.stdout, err: done.stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };

  it("explains itself", async () =>
    assert.match((await run(["--help"])).out, /npm run ui -- STACK/));

  it("takes the API's address without a path, over TLS", () => {
    assert.equal(
      apiUrl("https://a1.execute-api.us-east-1.amazonaws.com").hostname,
      "a1.execute-api.us-east-1.amazonaws.com",
    );
    assert.throws(() => apiUrl("https://a1.example.com/prod"), /has a path.*\$default/);
    assert.throws(() => apiUrl("http://a1.example.com"), /must start with https/);
    assert.throws(() => apiUrl("a1"), /is no URL/);
  });

  it("takes the region from it", () => {
    const of = (host: string) => regionOf(new URL(`https://${host}`));
    assert.equal(of("a1.execute-api.eu-west-3.amazonaws.com"), "eu-west-3");
    assert.equal(of("a1.execute-api.cn-north-1.amazonaws.com.cn"), "cn-north-1");
    assert.throws(() => of("mlflow.example.com"), /does not name its AWS region: set --region/);
    assert.throws(() => of("a.execute-api.eu-west-3.amazonaws.com.evil.example"), /--region/);
  });

  describe("with a stack", () => {
    let bin: string;
    const pulumi = (script: string) => {
      writeFileSync(join(bin, "pulumi"), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, "pulumi"), 0o755);
      return { PATH: `${bin}:${process.env.PATH}` };
    };
    beforeEach(() => (bin = mkdtempSync(join(tmpdir(), "pulumi-"))));
    afterEach(() => rmSync(bin, { recursive: true }));

    it("names what is wrong, in one line", async () => {
      const { code, err } = await run(["dev"], pulumi("echo 'error: no stack dev' >&2; exit 1"));
      assert.equal(code, 2);
      assert.match(
        err,
        /^ui: the outputs of the stack dev can not be read: error: no stack dev\n$/,
      );
    });

    it("says when the API of its output can not be reached", async () => {
      const env = pulumi(`echo '{"trackingUri":"http://127.0.0.1:9"}'`);
      const keys = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "s" };
      const { code, err } = await run(["dev"], { ...env, ...keys, MLOPS_SIGV4_REGION: "x" });
      assert.deepEqual([code, err.split(":")[0]], [2, "ui"]);
      assert.match(err, /http:\/\/127\.0\.0\.1:9 can not be reached/);
    });
  });
});
