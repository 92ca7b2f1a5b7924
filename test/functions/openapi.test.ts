import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { READING_POSTS } from "../../components/api-rights";
import { ERRORS, ErrorKind, MAX_BODY_BYTES, ROUTES } from "../../functions/predict/contract";
import { openApi, OpenApiDocument } from "../../functions/predict/openapi";

const ROOT = join(__dirname, "../..");
const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value));
const KINDS: [string, ErrorKind][] = Object.entries(ERRORS);

const IRIS = { name: "iris", serving: "serverless", version: "3" } as const;
const DIABETES = { name: "diabetes", serving: "realtime" } as const;

/** Every object within a document, with where it is. */
function* objects(value: unknown, place = "#"): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== "object" || value === null) return;
  yield [place, value as Record<string, unknown>];
  for (const [key, inner] of Object.entries(value)) yield* objects(inner, `${place}/${key}`);
}

function* operations({ paths }: OpenApiDocument) {
  for (const [path, item] of Object.entries(paths)) {
    // Loosely typed for assertions.
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    for (const [method, operation] of Object.entries(item as Record<string, any>)) {
      yield { path, method, operation };
    }
  }
}

describe("OpenAPI description", () => {
  const document: OpenApiDocument = asJson(openApi({ models: [IRIS, DIABETES] }));
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  const predict = document.paths["/predict/{model}"]!.post as Record<string, any>;

  it("is what docs/openapi.json holds, with a model for example", () => {
    const message = "docs/openapi.json is not up to date: npm run openapi";
    assert.deepEqual(
      JSON.parse(read("docs/openapi.json")),
      asJson(openApi({ models: [IRIS] })),
      message,
    );
  });

  it("names the API's URL where it is known", () => {
    const url = "https://a1b2.execute-api.eu-west-1.amazonaws.com";
    assert.deepEqual(openApi({ url, models: [] }).servers, [{ url }]);
    const [server] = document.servers;
    assert.deepEqual(Object.keys(server!.variables as object), ["apiId", "region"]);
  });

  it("names the models, where there are any", () => {
    assert.deepEqual(predict.parameters[0].schema, { type: "string", enum: ["iris", "diabetes"] });
    const list = document.paths["/models"]!.get as typeof predict;
    assert.deepEqual(list.responses[200].content["application/json"].example.models, [
      { ...IRIS, path: "/predict/iris" },
      { ...DIABETES, path: "/predict/diabetes" },
    ]);
    const open = openApi({ models: [] }).paths["/predict/{model}"]!.post as typeof predict;
    assert.deepEqual(open.parameters[0].schema, { type: "string" });
  });

  it("has the function's routes", () => {
    const calls = [...operations(document)].map(
      ({ path, method }) => `${method.toUpperCase()} ${path}`,
    );
    for (const route of Object.values(ROUTES)) assert.ok(calls.includes(route), route);
  });

  it("tells every status of a prediction, with its codes, form and headers", () => {
    const told = KINDS.filter(([code]) => code !== "UNKNOWN_ROUTE");
    for (const [code, { status, meaning, retryAfterSeconds }] of told) {
      const response = predict.responses[status];
      assert.ok(response.description.includes(`${code}: ${meaning}`), code);
      assert.ok(response.headers["x-request-id"], code);
      assert.equal("retry-after" in response.headers, retryAfterSeconds !== undefined, code);
      const schema = JSON.stringify(response.content["application/json"].schema);
      assert.ok(schema.includes("#/components/schemas/Error"), code);
    }
    const statuses = new Set(["200", "403", ...told.map(([, { status }]) => String(status))]);
    assert.deepEqual(new Set(Object.keys(predict.responses)), statuses);
  });

  it("shows a body in every form that MLflow's models take", () => {
    const { content } = predict.requestBody;
    assert.deepEqual(Object.keys(content), ["application/json", "text/csv"]);
    assert.deepEqual(Object.keys(content["application/json"].examples), [
      "dataframe_split",
      "dataframe_records",
      "inputs",
    ]);
  });

  it("asks for a signature on every call", () => {
    assert.deepEqual(document.security, [{ sigv4: [] }]);
    const scheme = document.components.securitySchemes!.sigv4 as typeof predict;
    assert.equal(scheme["x-amazon-apigateway-authtype"], "awsSigv4");
    for (const { operation } of operations(document)) assert.equal(operation.security, undefined);
  });

  it("has MLflow's calls of the release in the image", () => {
    const requirements = read("containers/mlflow/requirements.txt");
    const [, release] = /^mlflow==(\S+)/m.exec(requirements)!;
    assert.equal(JSON.parse(read("functions/predict/mlflow-paths.json")).mlflow, release);
    const posts = Object.keys(document.paths).filter((path) => document.paths[path]!.post);
    // MLflow serves this one to its pages only.
    const pagesOnly = "2.0/mlflow/experiments/search-datasets";
    for (const path of READING_POSTS.filter((path) => path !== pagesOnly)) {
      assert.ok(posts.includes(`/api/${path}`), path);
    }
    for (const path of ["/", "/api/2.0/mlflow-artifacts/artifacts/{artifact_path}"]) {
      assert.ok(document.paths[path]!.get, path);
    }
  });

  describe("follows the rules of OpenAPI:", () => {
    it("every reference leads somewhere", () => {
      const known = new Set([...objects(document)].map(([place]) => place));
      const references = [...objects(document)].flatMap(([, { $ref }]) =>
        typeof $ref === "string" ? [$ref] : [],
      );
      assert.ok(references.length > 100);
      for (const reference of references) assert.ok(known.has(reference), reference);
    });

    it("the parameters of a path are those in its name", () => {
      for (const { path, method, operation } of operations(document)) {
        const inName = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        // eslint-disable-next-line @typescript-eslint/no-explicit-any
        const declared = (operation.parameters ?? []).map((parameter: any) => {
          assert.deepEqual([parameter.in, parameter.required], ["path", true]);
          return parameter.name;
        });
        assert.deepEqual(declared, inName, `${method} ${path}`);
      }
    });

    it("no two paths differ in the names of their parameters only", () => {
      const shapes = Object.keys(document.paths).map((path) => path.replace(/\{\w+\}/g, "{}"));
      assert.equal(new Set(shapes).size, shapes.length);
    });

    it("methods, statuses and tags are those there are, and ids are used once", () => {
      const tags = document.tags.map(({ name }) => name);
      const ids = new Set();
      for (const { path, method, operation } of operations(document)) {
        const place = `${method} ${path}`;
        assert.match(method, /^(get|put|post|delete|patch)$/, place);
        assert.ok(operation.summary, place);
        for (const tag of operation.tags) assert.ok(tags.includes(tag), place);
        for (const status of Object.keys(operation.responses)) {
          assert.match(status, /^([1-5]\d\d|[1-5]XX|default)$/, place);
        }
        if (operation.operationId === undefined) continue;
        assert.ok(!ids.has(operation.operationId), place);
        ids.add(operation.operationId);
      }
    });

    it("every answer is described", () => {
      const answers = [...objects(document)].filter(([place, { $ref }]) => {
        return /\/responses\/[^/]+$/.test(place) && !$ref;
      });
      assert.ok(answers.length > 10);
      for (const [place, { description }] of answers) assert.ok(description, place);
    });
  });
});

describe("docs/api.md", () => {
  const page = read("docs/api.md");

  it("tells status, code, meaning and Retry-After of every error", () => {
    const rows = [...page.matchAll(/^\| (\w+) \| `([A-Z_]+)` \| (.*?) \| (.*?) ?\|$/gm)];
    const expected = KINDS.map(([code, { status, meaning, retryAfterSeconds }]) => [
      String(status),
      code,
      meaning,
      retryAfterSeconds === undefined ? "" : `${retryAfterSeconds} s`,
    ]);
    assert.deepEqual(
      rows.map((row) => row.slice(1)),
      expected,
    );
  });

  it("tells the limit of a body", () => {
    const limit = `${MAX_BODY_BYTES.toLocaleString("en-US")} bytes`;
    assert.equal(page.split(limit).length - 1, 2, limit);
  });
});
