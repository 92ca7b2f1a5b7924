import assert from "node:assert/strict";
import { readModels } from "../../functions/predict/models";

describe("functions/predict: MODELS", () => {
  const iris = { endpoint: "dev-model-iris", serving: "serverless" };

  it("gives the models in the order of their names", () => {
    const variable = {
      b: { ...iris, version: "12" },
      a: { ...iris, serving: "realtime" },
      B: iris,
    };
    const models = [...readModels(JSON.stringify(variable))];
    assert.deepEqual(models, [
      ["B", { name: "B", ...iris }],
      ["a", { name: "a", endpoint: "dev-model-iris", serving: "realtime" }],
      ["b", { name: "b", ...iris, version: "12" }],
    ]);
  });

  it("may be none", () => assert.equal(readModels("{}").size, 0));

  const refused: [string, string | undefined, RegExp][] = [
    ["not set", undefined, /^MODELS is not set: set it to JSON such as \{"iris": /],
    ["empty", "", /^MODELS is not set: /],
    ["not JSON", "iris=x", /^MODELS is not JSON \(.*\): it looks like \{"iris": /],
    ["a list", "[]", /^MODELS is not an object: it looks like /],
    ["null", "null", /^MODELS is not an object: /],
    ["with a model that is no object", '{"iris":"x"}', /^MODELS: iris is not an object: see /],
    ["with a model that is null", '{"iris":null}', /^MODELS: iris is not an object: see /],
    [
      "without an endpoint",
      '{"iris":{"serving":"realtime"}}',
      /^MODELS: iris\.endpoint is missing: name its SageMaker endpoint$/,
    ],
    [
      "with an empty endpoint",
      '{"iris":{"endpoint":"","serving":"realtime"}}',
      /^MODELS: iris\.endpoint is "": name its SageMaker endpoint$/,
    ],
    [
      "with another way to serve",
      JSON.stringify({ iris: { ...iris, serving: "batch" } }),
      /^MODELS: iris\.serving is "batch": use "serverless" or "realtime"$/,
    ],
    [
      "with a version that is no string",
      JSON.stringify({ iris: { ...iris, version: 3 } }),
      /^MODELS: iris\.version is 3: write it as a string$/,
    ],
  ];
  for (const [what, variable, message] of refused) {
    it(`is refused ${what}`, () => {
      assert.throws(
        () => readModels(variable),
        (error: Error) => message.test(error.message) && !error.message.includes("\n"),
      );
    });
  }
});
