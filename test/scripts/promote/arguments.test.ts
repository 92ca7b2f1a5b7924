import assert from "node:assert/strict";
import { entryName, readArguments, UsageError } from "../../../scripts/promote/arguments";

describe("the arguments of a promotion", () => {
  const read = (line: string) => readArguments(line.split(" "));

  it("are a model, its alias and a stack", () => {
    assert.deepEqual(read("diabetes@champion --stack dev"), {
      model: "diabetes",
      alias: "champion",
      stack: "dev",
      name: "diabetes",
      dryRun: false,
      trackingUri: undefined,
      region: undefined,
    });
  });

  it("may say more", () => {
    const more = read(
      "a@b --stack acme/mlops/dev --dry-run --name x-1 --tracking-uri http://localhost:5000 --region eu-west-1",
    );
    assert.deepEqual(
      { ...more, trackingUri: more?.trackingUri?.origin },
      {
        model: "a",
        alias: "b",
        stack: "acme/mlops/dev",
        name: "x-1",
        dryRun: true,
        trackingUri: "http://localhost:5000",
        region: "eu-west-1",
      },
    );
  });

  it("may ask for the usage, whatever else is there", () =>
    assert.equal(read("a --help --stack dev"), undefined));

  it("take the last @ for the alias", () => {
    const { model, alias } = readArguments(["größe @ ✓@ä_1", "--stack", "dev", "--name", "x"])!;
    assert.deepEqual([model, alias], ["größe @ ✓", "ä_1"]);
  });

  it("give a name that fits a stack file", () => {
    const cases = {
      diabetes: "diabetes",
      "Diabetes Model_2": "diabetes-model-2",
      "1st model": "st-model",
      "größe (neu)": "gr-e-neu",
      "a-very-long-name-of-thirty-one-c": "a-very-long-name-of-thirty-one",
      "a-very-long-name-of-thirty-on-es": "a-very-long-name-of-thirty-on",
    };
    for (const [model, name] of Object.entries(cases)) {
      assert.equal(entryName(model), name);
      assert.match(name, /^[a-z][a-z0-9-]{0,29}$/);
    }
  });

  describe("are refused", () => {
    const cases: [string, RegExp][] = [
      ["", /^name one MODEL@ALIAS, and a --stack\n/],
      ["diabetes@champion", /^name one MODEL@ALIAS, and a --stack\n/],
      ["a@b c@d --stack dev", /^name one MODEL@ALIAS/],
      ["diabetes --stack dev", /^"diabetes" is no MODEL@ALIAS: write it like diabetes@champion\n/],
      ["@champion --stack dev", /is no MODEL@ALIAS/],
      ["diabetes@ --stack dev", /is no MODEL@ALIAS/],
      ["models:/diabetes@champion --stack dev", /is no MODEL@ALIAS/],
      ["a\nb@c --stack dev", /is no MODEL@ALIAS/],
      ["糖尿病@champion --stack dev", /^"糖尿病" has no letter for a name: choose one with --name/],
      [
        "server@champion --stack dev",
        /^"server" makes "server", which is taken: choose one with --/,
      ],
      ["a-serverless@b --stack dev", /makes "a-serverless", which is taken/],
      ["a@b --stack dev --name A", /^--name A does not fit: use a letter and at most 29/],
      ["a@b --stack dev --what", /^Unknown option '--what'/],
      ["a@b --stack dev --tracking-uri http://mlflow.example", /must start with https/],
    ];
    for (const [line, expected] of cases) {
      it(`as in ${JSON.stringify(line)}`, () =>
        assert.throws(
          () => read(line),
          (error) => {
            assert.ok(error instanceof UsageError);
            assert.match(error.message, expected);
            assert.match(error.message, /npm run promote -- MODEL@ALIAS --stack STACK/);
            return true;
          },
        ));
    }
  });
});
