import assert from "node:assert/strict";
import { MAX_MODEL_MESSAGE } from "../../functions/predict/contract";
import { modelMessage } from "../../functions/predict/model-message";

const PYTHON = `Traceback (most recent call last):
  File "/opt/ml/model/code/model.py", line 12, in predict
    return self.model.predict(rows)
           ^^^^^^^^^^^^^^^^^^^^^^^^
KeyError: 'x'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/opt/ml/model/code/serve.py", line 40, in invocations
    raise ValueError("column x is missing") from error
ValueError: column x is missing
`;

describe("functions/predict: message of a model", () => {
  const refusal =
    "Failed to predict data '   length\n0     5.1'. \nError: Failed to enforce schema of data " +
    "'   length\n0     5.1' with schema '['length': double (required), 'width': double (required)]'. " +
    "Error: Model is missing inputs ['width'].";
  const cases: [string, string, string | undefined][] = [
    [
      "MLflow's, without its stack trace",
      JSON.stringify({ error_code: "BAD_REQUEST", message: "no column x", stack_trace: PYTHON }),
      "no column x",
    ],
    [
      "MLflow's, whatever it quotes of the data",
      JSON.stringify({
        error_code: "INVALID_PARAMETER_VALUE",
        message: refusal,
        sqlstate: "KAM01",
        error_class: "SCHEMA_ENFORCEMENT_FAILED",
      }),
      refusal,
    ],
    ["plumber's", '{"error":"500 - Internal server error","message":"no column x"}', "no column x"],
    ["that of a Flask program", '{"error":"no column x"}', "no column x"],
    ["FastAPI's", '{"detail":"no column x"}', "no column x"],
    [
      "plain text",
      "The scoring server only supports UTF-8\n",
      "The scoring server only supports UTF-8",
    ],
    [
      "text of more lines, indented ones among them, where it is no stack trace",
      "the columns are\n  x\n  1: y",
      "the columns are\n  x\n  1: y",
    ],
    [
      "the errors of Python's stack traces",
      PYTHON,
      "KeyError: 'x'\n\n\n\nValueError: column x is missing",
    ],
    [
      "what stands before a stack trace in one line",
      `prediction failed: ${PYTHON.trim().replaceAll("\n", "\\n")}`,
      "prediction failed:",
    ],
    [
      "the error of R's stack trace",
      "Error in predict.lm(fit, rows) : object 'x' not found\nCalls: serve -> predict -> eval\nExecution halted",
      "Error in predict.lm(fit, rows) : object 'x' not found\nExecution halted",
    ],
    [
      "the error of R's numbered frames",
      'Error: no column x\nTraceback:\n1: stop("no column x") at /opt/model.R#3\n10: serve()',
      "Error: no column x",
    ],
    [
      "the error of rlang's tree",
      "Error in `predict()`:\n! no column x\nBacktrace:\n    ▆\n 1. ├─global serve()\n 2. └─base::stop()",
      "Error in `predict()`:\n! no column x",
    ],
    ["none of a page", "<html><title>502 Bad Gateway</title></html>", undefined],
    ["none of JSON that does not end", '{"message":"no column x","stack_trace":"Trace', undefined],
    ["none of JSON without one", JSON.stringify({ stack_trace: PYTHON }), undefined],
    ["none that is no string", '{"detail":[{"input":"4711"}]}', undefined],
    [
      "none of a stack trace without an error",
      '  \nTraceback (most recent call last):\n  File "x"',
      undefined,
    ],
    ["none of nothing", " \n", undefined],
  ];
  for (const [what, body, expected] of cases) {
    it(`is ${what}`, () => assert.equal(modelMessage(body), expected));
  }

  it("is cut in the middle where it is too long", () => {
    const whole = `start ${"x".repeat(MAX_MODEL_MESSAGE - 10)} end`;
    assert.equal(whole.length, MAX_MODEL_MESSAGE);
    assert.equal(modelMessage(whole), whole);
    const cut = modelMessage(`start ${"x".repeat(MAX_MODEL_MESSAGE)} end`)!;
    assert.equal(cut.length, MAX_MODEL_MESSAGE);
    assert.match(cut, /^start x+ \[…\] x+ end$/);
  });
});
