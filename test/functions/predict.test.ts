import assert from "node:assert/strict";
import { MAX_BODY_BYTES } from "../../functions/predict/contract";
import { answer, failure, modelError, Runtime, setEnvironment, withOutput } from "./stand-in";

type Handler = (typeof import("../../functions/predict/index"))["handler"];
type Event = Parameters<Handler>[0];

const MODELS = {
  iris: { endpoint: "dev-model-iris-1a2b", serving: "serverless", version: "3" },
  diabetes: { endpoint: "dev-model-diabetes-3c4d", serving: "realtime" },
};
const CALLER = "arn:aws:sts::123456789012:assumed-role/team/anna";
const ROWS = '{"dataframe_split":{"columns":["x"],"data":[[1],[2]]}}';

function predictEvent(changes: object = {}): object {
  return {
    version: "2.0",
    routeKey: "POST /predict/{model}",
    rawPath: "/predict/iris",
    pathParameters: { model: "iris" },
    headers: { "content-type": "application/json" },
    requestContext: {
      requestId: "JKJaXmPLvHcESHA=",
      http: { method: "POST", path: "/predict/iris" },
      authorizer: { iam: { userArn: CALLER } },
    },
    body: ROWS,
    isBase64Encoded: false,
    ...changes,
  };
}

describe("functions/predict", () => {
  const runtime = new Runtime();
  let handler: Handler;
  let restoreEnvironment: () => void;

  before(async () => {
    restoreEnvironment = setEnvironment({
      ...(await runtime.start()),
      MODELS: JSON.stringify(MODELS),
    });
    ({ handler } = await import("../../functions/predict/index"));
  });
  after(() => {
    runtime.stop();
    restoreEnvironment();
  });
  beforeEach(() => {
    runtime.received.length = 0;
    runtime.reply = answer("{}");
  });

  /** What the caller gets, and the one line that is logged. */
  const call = async (changes: object = {}, remainingMs = 29_000) => {
    const time = { getRemainingTimeInMillis: () => remainingMs };
    const event = predictEvent(changes) as Event;
    const [{ statusCode, headers, body, isBase64Encoded }, output] = await withOutput(() =>
      handler(event, time),
    );
    assert.equal(isBase64Encoded, true);
    assert.equal(headers!["x-request-id"], "JKJaXmPLvHcESHA=");
    assert.match(output, /^\{.*\}\n$/);
    const bytes = Buffer.from(body!, "base64");
    return { status: statusCode, headers: headers!, bytes, log: JSON.parse(output) };
  };

  /** The error that the caller gets, in the one form of all, and its line in the log. */
  const problem = async (changes: object = {}, remainingMs?: number) => {
    const { status, headers, bytes, log } = await call(changes, remainingMs);
    const { error, ...rest } = JSON.parse(bytes.toString());
    assert.deepEqual(rest, { requestId: "JKJaXmPLvHcESHA=" });
    assert.equal(headers["content-type"], "application/json");
    assert.equal(log.status, status);
    assert.equal(log.error, error.code);
    return { status, code: error.code, error, retryAfter: headers["retry-after"], log };
  };

  describe("GET /models", () => {
    it("lists the models by name, with where to post to", async () => {
      const { status, headers, bytes } = await call({ routeKey: "GET /models", body: undefined });
      assert.equal(status, 200);
      assert.equal(headers["content-type"], "application/json");
      assert.deepEqual(JSON.parse(bytes.toString()), {
        models: [
          { name: "diabetes", serving: "realtime", path: "/predict/diabetes" },
          { name: "iris", serving: "serverless", version: "3", path: "/predict/iris" },
        ],
      });
      assert.equal(runtime.received.length, 0);
    });
  });

  describe("POST /predict/{model}", () => {
    it("passes body, content type and Accept to the model's endpoint, and its answer back", async () => {
      runtime.reply = answer('{"predictions":[1,2]}', "application/json; charset=utf-8");
      const { status, headers, bytes } = await call({
        headers: { "content-type": "Application/JSON; charset=utf-8", accept: "text/csv" },
      });
      assert.equal(status, 200);
      assert.deepEqual(headers, {
        "content-type": "application/json; charset=utf-8",
        "x-request-id": "JKJaXmPLvHcESHA=",
      });
      assert.equal(bytes.toString(), '{"predictions":[1,2]}');

      assert.equal(runtime.received.length, 1);
      const [request] = runtime.received;
      assert.equal(request!.method, "POST");
      assert.equal(request!.url, "/endpoints/dev-model-iris-1a2b/invocations");
      assert.equal(request!.headers["content-type"], "Application/JSON; charset=utf-8");
      assert.equal(request!.headers.accept, "text/csv");
      assert.equal(request!.body.toString(), ROWS);
    });

    it("asks for JSON where the caller does not say what it accepts", async () => {
      await call();
      assert.equal(runtime.received[0]!.headers.accept, "application/json");
    });

    it("keeps every byte of a CSV body in base64, and of an answer that is no text", async () => {
      const csv = Buffer.from("name\ngr\xf6\xdfe\n", "latin1");
      const picture = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff, 0xfe]);
      runtime.reply = answer(picture, "image/png");
      const { status, headers, bytes } = await call({
        headers: { "content-type": "text/csv; charset=latin1" },
        body: csv.toString("base64"),
        isBase64Encoded: true,
      });
      assert.deepEqual([status, headers["content-type"]], [200, "image/png"]);
      assert.deepEqual(bytes, picture);
      assert.deepEqual(runtime.received[0]!.body, csv);
      assert.equal(runtime.received[0]!.headers["content-type"], "text/csv; charset=latin1");
    });

    it("logs who asked which model, how large and how long, and nothing of the rows", async () => {
      runtime.reply = answer('{"predictions":[4711]}');
      const { log } = await call({ body: '{"inputs":[4712]}' });
      const { latencyMs, ...rest } = log;
      assert.ok(Number.isInteger(latencyMs) && latencyMs >= 0, `${latencyMs}`);
      assert.deepEqual(rest, {
        requestId: "JKJaXmPLvHcESHA=",
        caller: CALLER,
        route: "POST /predict/{model}",
        model: "iris",
        status: 200,
        bytesIn: 17,
        bytesOut: 22,
      });
    });
  });

  describe("refuses before the model is asked", () => {
    afterEach(() => assert.equal(runtime.received.length, 0));

    it("a model that does not exist, and names those that do", async () => {
      for (const model of ["wine", "constructor", "__proto__", ""]) {
        const { status, error } = await problem({ pathParameters: { model } });
        assert.equal(status, 404);
        assert.deepEqual(error, {
          code: "UNKNOWN_MODEL",
          message: `there is no model "${model}": use one of diabetes, iris`,
          models: ["diabetes", "iris"],
        });
      }
    });

    it("a route that is not its own", async () => {
      const { status, error } = await problem({ routeKey: "$default", rawPath: "/elsewhere" });
      assert.equal(status, 404);
      assert.deepEqual(error, {
        code: "UNKNOWN_ROUTE",
        message: "POST /elsewhere is no route: use GET /models or POST /predict/{model}",
      });
    });

    it("a content type that models do not take", async () => {
      const types = [undefined, "application/x-www-form-urlencoded", "text/csvx", "text/csv,x"];
      for (const type of types) {
        const { status, error } = await problem({ headers: { "content-type": type } });
        assert.equal(status, 415);
        assert.deepEqual(error, {
          code: "UNSUPPORTED_CONTENT_TYPE",
          message: `Content-Type is "${type ?? ""}": send application/json or text/csv`,
        });
      }
    });

    it("an empty body", async () => {
      for (const body of [undefined, "", " \r\n"]) {
        for (const type of ["application/json", "text/csv"]) {
          const { status, code } = await problem({ headers: { "content-type": type }, body });
          assert.deepEqual([status, code], [400, "EMPTY_BODY"]);
        }
      }
    });

    it("JSON that is none, and says what is wrong to the caller only", async () => {
      for (const body of ['{"inputs": [4711', '{"inputs": [4711, NaN]}', "x,y\n4711,2"]) {
        const { status, code, error, log } = await problem({ body });
        assert.deepEqual([status, code], [400, "MALFORMED_JSON"]);
        assert.match(error.message, /^the body can not be read as JSON: .+ For NaN/s);
        assert.ok(!JSON.stringify(log).includes("4711"));
      }
    });

    it("a body of one byte too many", async () => {
      const body = `"${"é".repeat(MAX_BODY_BYTES / 2 - 1)} "`;
      const { status, error, log } = await problem({ body });
      assert.equal(status, 413);
      assert.deepEqual(error, {
        code: "BODY_TOO_LARGE",
        message: "the body has 4194305 bytes, the limit is 4194304: split the batch",
      });
      assert.equal(log.bytesIn, MAX_BODY_BYTES + 1);
    });
  });

  it("takes a body of exactly 4 MiB", async () => {
    const rows = Buffer.alloc(MAX_BODY_BYTES, "1,2,3\n");
    const headers = { "content-type": "text/csv" };
    const body = rows.toString("base64");
    assert.equal((await call({ headers, body, isBase64Encoded: true })).status, 200);
    assert.deepEqual(runtime.received[0]!.body, rows);
  });

  it("passes an answer of 4 MiB on, and none that is larger", async () => {
    runtime.reply = answer(Buffer.alloc(MAX_BODY_BYTES, "1"));
    assert.equal((await call()).bytes.length, MAX_BODY_BYTES);
    runtime.reply = answer(Buffer.alloc(MAX_BODY_BYTES + 1, "1"));
    const { status, code, error } = await problem();
    assert.deepEqual([status, code], [502, "ANSWER_TOO_LARGE"]);
    assert.match(error.message, /answers 4194305 bytes, the limit is 4194304: split the batch/);
  });

  describe("when the endpoint does not serve", () => {
    const notFound = "Endpoint dev-model-iris-1a2b of account 123456789012 not found.";
    const cases: [string, number, object, number, string, string][] = [
      // Code and status of SageMaker, its fields; then status, code and Retry-After for the caller.
      ["ThrottlingException", 400, { message: null }, 429, "THROTTLED", "1"],
      ["ModelNotReadyException", 429, {}, 503, "MODEL_NOT_READY", "10"],
      ["ServiceUnavailable", 503, {}, 503, "MODEL_UNAVAILABLE", "30"],
      ["InternalDependencyException", 530, {}, 503, "MODEL_UNAVAILABLE", "30"],
      ["InternalFailure", 500, {}, 503, "MODEL_UNAVAILABLE", "30"],
      ["ValidationError", 400, { Message: notFound }, 503, "MODEL_UNAVAILABLE", "30"],
    ];
    for (const [name, theirs, fields, status, code, retryAfter] of cases) {
      it(`answers ${status} ${code} to ${name}, at once`, async () => {
        runtime.reply = failure(name, theirs, fields);
        const reply = await problem();
        assert.deepEqual([reply.status, reply.code, reply.retryAfter], [status, code, retryAfter]);
        assert.match(reply.error.message, /\biris\b.*: repeat /);
        assert.ok(!JSON.stringify(reply.error).includes("dev-model-iris"));
        assert.equal(reply.log.endpointError, name);
        assert.equal(runtime.received.length, 1);
      });
    }

    it("asks once more on a connection that broke", async () => {
      runtime.reply = (response) => {
        if (runtime.received.length === 1) response.socket!.destroy();
        else response.end('{"predictions":[1]}');
      };
      assert.equal((await call()).status, 200);
      assert.equal(runtime.received.length, 2);
    });

    it("answers 503 when the second connection breaks too", async () => {
      runtime.reply = (response) => response.socket!.destroy();
      const { status, code, retryAfter, log } = await problem();
      assert.deepEqual([status, code, retryAfter], [503, "MODEL_UNAVAILABLE", "30"]);
      assert.equal(log.endpointError, "ECONNRESET");
      assert.equal(runtime.received.length, 2);
    });
  });

  describe("when the time is used up", () => {
    const stalls = {
      "the model does not answer": () => {},
      "the answer does not end": (response: { write(part: string): unknown }) => {
        response.write("[");
      },
    };
    for (const [what, reply] of Object.entries(stalls)) {
      it(`answers 504 a second before the function would end: ${what}`, async () => {
        runtime.reply = reply;
        const { status, code, retryAfter, error } = await problem({}, 1_100);
        assert.deepEqual([status, code, retryAfter], [504, "TIMEOUT", undefined]);
        assert.match(error.message, /^the model iris did not answer in time: repeat/);
        assert.equal(runtime.received.length, 1);
      });
    }

    it("answers 504 where less than that second is left to begin with", async () => {
      runtime.reply = (response) => setTimeout(() => answer("{}")(response), 300);
      assert.equal((await problem({}, 900)).status, 504);
    });
  });

  describe("when the model does not predict", () => {
    const trace =
      'Traceback (most recent call last):\n  File "/opt/model.py", line 3, in predict\n';
    const mlflow = JSON.stringify({
      error_code: "BAD_REQUEST",
      message: "Failed to predict: column x is missing (4711)",
      stack_trace: trace,
    });

    it("passes a refusal on with its status and message, without the stack trace", async () => {
      for (const theirs of [400, 404, 415, 422, 499]) {
        runtime.reply = modelError(theirs, mlflow);
        const { status, error, retryAfter, log } = await problem();
        assert.deepEqual([status, retryAfter], [theirs, undefined]);
        assert.deepEqual(error, {
          code: "MODEL_REFUSED",
          message:
            "the model iris refuses the request: Failed to predict: column x is missing (4711)",
        });
        assert.equal(log.endpointError, "ModelError");
        assert.ok(!JSON.stringify(log).includes("4711"));
      }
    });

    it("answers 502 for a failure, with its message", async () => {
      for (const theirs of [500, 503, 0]) {
        runtime.reply = modelError(theirs, `${trace}ValueError: no\n`);
        const { status, error } = await problem();
        assert.equal(status, 502);
        assert.deepEqual(error, {
          code: "MODEL_FAILED",
          message: "the model iris failed: ValueError: no",
        });
      }
    });

    it("says so where the model gives no message", async () => {
      runtime.reply = modelError(500, "");
      assert.equal((await problem()).error.message, "the model iris failed: it gives no message");
    });
  });

  it("tells a caller nothing of what is not its business, and the log all", async () => {
    const denied = { Message: "User: arn:aws:sts::123456789012:assumed-role/x is not authorized" };
    runtime.reply = failure("AccessDeniedException", 403, denied);
    const { status, error, retryAfter, log } = await problem();
    assert.deepEqual([status, retryAfter], [500, undefined]);
    assert.deepEqual(error, {
      code: "INTERNAL",
      message: "the function failed: tell the platform's owners the requestId",
    });
    assert.equal(log.endpointError, "AccessDeniedException");
    assert.match(log.stack, /is not authorized/);
    assert.equal(runtime.received.length, 1);
  });

  it("takes no other refusal of SageMaker for an endpoint that is away", async () => {
    runtime.reply = failure("ValidationError", 400, { Message: "Value at 'accept' is too long" });
    assert.equal((await problem()).code, "INTERNAL");
  });
});
