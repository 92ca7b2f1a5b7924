import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Api, textOf } from "../../scripts/signed-api";

describe("Api", () => {
  const signing = {
    region: "eu-west-3",
    credentials: () => () => Promise.resolve({ accessKeyId: "AKIA", secretAccessKey: "s" }),
  };
  let server: http.Server;
  let target: URL;
  let authorization: (string | undefined)[];
  let handler: http.RequestListener;

  beforeEach(async () => {
    authorization = [];
    handler = (_, response) => response.end("good");
    server = http.createServer((request, response) => {
      authorization.push(request.headers.authorization);
      handler(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("signs where it is told how, and not otherwise", async () => {
    for (const api of [
      new Api({ target, timeoutMs: 1000, signing }),
      new Api({ target, timeoutMs: 1000 }),
    ]) {
      assert.equal(await textOf((await api.send("GET", "/")).body), "good");
    }
    assert.match(authorization[0]!, /^AWS4-HMAC-SHA256 .*\/eu-west-3\/execute-api\/aws4_request/);
    assert.equal(authorization[1], undefined);
  });

  it("gives MLflow's own refusal in bytes, as any other answer", async () => {
    const refusal = JSON.stringify({ error_code: "RESOURCE_DOES_NOT_EXIST", message: "no größe" });
    handler = (_, response) =>
      response.writeHead(404, { "content-type": "application/json" }).end(refusal);
    const answer = await new Api({ target, timeoutMs: 1000 }).send("GET", "/");
    assert.equal(await textOf(answer.body), refusal);
  });
});
