import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "../../../scripts/promote/registry";
import { Api } from "../../../scripts/signed-api";

const LOCATION = "mlflow-artifacts:/1/models/m-0a1b/artifacts";

describe("the registry of a promotion", () => {
  let server: http.Server;
  let answers: Record<string, unknown>;
  /** Answers all, where it is set. */
  let handler: http.RequestListener | undefined;
  let registry: Registry;

  /** The path below /api/2.0 and the query, as one key of `answers`. */
  const answer: http.RequestListener = (request, response) => {
    const value = answers[decodeURIComponent(request.url!.replace("/api/2.0/", ""))];
    const missing = { error_code: "RESOURCE_DOES_NOT_EXIST", message: "not found" };
    response.writeHead(value === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(typeof value === "string" ? value : JSON.stringify(value ?? missing));
  };
  const gateway = (status: number, message: string): http.RequestListener => {
    return (_, response) =>
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(JSON.stringify({ message }));
  };
  const champion = () => registry.modelVersion("diabetes", "champion");
  const refused = (pattern: RegExp) => assert.rejects(champion, { message: pattern });

  beforeEach(async () => {
    const location = { artifact_uri: LOCATION };
    const details = { version: "3", status: "READY", run_id: "0a1b" };
    answers = {
      "mlflow/registered-models/get?name=diabetes": {
        registered_model: {
          aliases: [
            { alias: "challenger", version: "4" },
            { alias: "champion", version: "3" },
          ],
        },
      },
      "mlflow/model-versions/get?name=diabetes&version=3": { model_version: details },
      "mlflow/model-versions/get-download-uri?name=diabetes&version=3": location,
    };
    handler = undefined;
    server = http.createServer((request, response) => (handler ?? answer)(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const target = new URL(`http://127.0.0.1:${port}`);
    registry = new Registry(new Api({ target, timeoutMs: 100, stack: "dev" }), "the server");
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it("knows the version of an alias, its run and where it is stored", async () => {
    const expected = { version: "3", runId: "0a1b", artifactLocation: LOCATION };
    assert.deepEqual(await champion(), expected);
  });

  it("takes a version without a run", async () => {
    answers["mlflow/model-versions/get?name=diabetes&version=3"] = {
      model_version: { status: "READY", run_id: "" },
    };
    assert.equal((await champion()).runId, undefined);
  });

  it("asks for names with all kinds of characters", async () => {
    const [name, version] = ["größe & mehr=1 +%", { status: "READY", run_id: "" }];
    const seen: string[] = [];
    handler = (request, response) => {
      const url = new URL(request.url!, "http://host");
      seen.push(url.searchParams.get("name")!);
      const registered = { aliases: [{ alias: "champion", version: "1" }] };
      const all = { registered_model: registered, model_version: version, artifact_uri: LOCATION };
      response.end(JSON.stringify(all));
    };
    await registry.modelVersion(name, "champion");
    assert.deepEqual(seen, [name, name, name]);
  });

  describe("resolves a version that is registered as runs:/RUN/NAME", () => {
    const run = "mlflow/runs/get?run_id=0a1b";
    const inRun = "mlflow-artifacts:/1/0a1b/artifacts";
    const listing = "mlflow-artifacts/artifacts?path=1/0a1b/artifacts/model";
    const loggedModel = (id: string, name: string, created: number) => {
      answers[`mlflow/logged-models/${id}`] = {
        model: {
          info: {
            name,
            artifact_uri: `mlflow-artifacts:/1/models/${id}/artifacts`,
            creation_timestamp_ms: created,
          },
        },
      };
    };
    beforeEach(() => {
      answers["mlflow/model-versions/get-download-uri?name=diabetes&version=3"] = {
        artifact_uri: "runs:/0a1b/model",
      };
      answers[run] = { run: { info: { artifact_uri: inRun } } };
      answers[listing] = {};
    });

    it("to the artifacts of the run, where it is there", async () => {
      answers[listing] = { files: [{ path: "MLmodel" }] };
      loggedModel("m-1", "model", 1);
      answers[run] = {
        run: { info: { artifact_uri: inRun }, outputs: { model_outputs: [{ model_id: "m-1" }] } },
      };
      assert.equal((await champion()).artifactLocation, `${inRun}/model`);
    });

    it("to the newest model of this name that the run logged, where it is not", async () => {
      loggedModel("m-1", "model", 1);
      loggedModel("m-3", "model", 3);
      loggedModel("m-2", "model", 2);
      loggedModel("m-4", "other", 4);
      const outputs = ["m-1", "m-deleted", "m-3", "m-2", "m-4"];
      answers[run] = {
        run: {
          info: { artifact_uri: inRun },
          outputs: { model_outputs: outputs.map((model_id) => ({ model_id })) },
        },
      };
      const { artifactLocation } = await champion();
      assert.equal(artifactLocation, "mlflow-artifacts:/1/models/m-3/artifacts");
    });

    it("to where it should be, where it is nowhere", async () =>
      assert.equal((await champion()).artifactLocation, `${inRun}/model`));
  });

  describe("refuses", () => {
    it("a model that it does not know, and names those that are spelt almost so", async () => {
      delete answers["mlflow/registered-models/get?name=diabetes"];
      const search = "mlflow/registered-models/search?max_results=1000";
      const names = (...all: string[]) => {
        answers[search] = { registered_models: all.map((name) => ({ name })) };
      };
      names("iris", "diabetes-2", "Diabets", "wine");
      await refused(/^the server has no model "diabetes": did you mean Diabets, diabetes-2\?$/);
      names("iris");
      await refused(/^the server has no model "diabetes": register it first$/);
      answers[search] = {};
      await refused(/register it first$/);
    });

    it("an alias that the model has not, and names those that it has", async () => {
      const model = "mlflow/registered-models/get?name=diabetes";
      answers[model] = {
        registered_model: { aliases: [{ alias: "old" }, { alias: "challenger" }] },
      };
      await refused(
        /^"diabetes" has no alias "champion", only challenger, old: choose one, or set it in MLflow/,
      );
      answers[model] = { registered_model: {} };
      await refused(/^"diabetes" has no alias "champion": set it in MLflow's pages or with set_/);
    });

    it("a version that is not ready", async () => {
      const model_version = { status: "FAILED_REGISTRATION", status_message: "disk full" };
      answers["mlflow/model-versions/get?name=diabetes&version=3"] = { model_version };
      await refused(
        /^version 3 of "diabetes" is FAILED_REGISTRATION \(disk full\), not READY: wait .* again$/,
      );
    });

    for (const uri of [
      "s3://elsewhere/model",
      "mlflow-artifacts:/1/0a1b/artifacts/my model",
      "mlflow-artifacts://other.example/1/model",
      "dummy-source",
    ]) {
      it(`a version at ${uri}`, async () => {
        answers["mlflow/model-versions/get-download-uri?name=diabetes&version=3"] = {
          artifact_uri: uri,
        };
        await refused(/^version 3 of "diabetes" is stored at .*, not in this server's artifact/);
      });
    }

    it("what vanishes while it is asked for", async () => {
      delete answers["mlflow/model-versions/get?name=diabetes&version=3"];
      await refused(/^the server knows nothing of it any more \(mlflow\/model-versions\/get\)/);
    });

    it("whom the API does not let in, and names the right", async () => {
      handler = gateway(403, "Forbidden");
      await refused(
        /^you may not GET \/api\/2\.0\/mlflow\/registered-models\/get\. .* the output readerPolicy or writerPolicy \(pulumi stack output --stack dev\)/,
      );
    });

    it("an API that is another one", async () => {
      handler = gateway(404, "Not Found");
      await refused(/has no GET .*: it is not this platform's API/);
    });

    it("a server that is not well, and says what it says", async () => {
      handler = gateway(503, "MLflow does not reach its database");
      await refused(
        /^the server answers 503 for mlflow\/registered-models\/get: MLflow does not reach its database$/,
      );
    });

    it("a server that is not MLflow", async () => {
      handler = (_, response) => response.end("<html>\n<body>Sign in");
      await refused(/^the server answers 200 for mlflow\/registered-models\/get: <html>$/);
    });

    it("a server that does not answer in time", async () => {
      handler = () => undefined;
      await refused(/^http:\/\/127\.0\.0\.1:\d+ can not be reached: no answer in 0\.1 s$/);
    }).timeout(10_000);

    it("a server that stops in the middle of an answer", async () => {
      handler = (_, response) => response.write("{");
      await refused(/^the answer broke off \(aborted\): try again$/);
    }).timeout(10_000);

    it("a server that is not there", async () => {
      server.closeAllConnections();
      server.close();
      await refused(/^http:\/\/127\.0\.0\.1:\d+ can not be reached: connect ECONNREFUSED/);
    });
  });

  it("lists a folder of the artifact store, and reads a file", async () => {
    answers["mlflow-artifacts/artifacts?path=1/a"] = { files: [{ path: "x" }, { path: "y" }] };
    answers["mlflow-artifacts/artifacts/1/a/größe 1%?"] = "content";
    assert.deepEqual(await registry.list("mlflow-artifacts:/1/a"), ["x", "y"]);
    assert.equal(await registry.read("mlflow-artifacts:/1/a/größe 1%?"), "content");
    await assert.rejects(registry.read("mlflow-artifacts:/1/a/none"), {
      message: /^the server answers 404 for mlflow-artifacts:\/1\/a\/none: /,
    });
  });
});
