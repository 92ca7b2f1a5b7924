import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { withModel } from "../../../scripts/promote/stack-file";

const LOCATION = "mlflow-artifacts:/1/models/m-0a1b/artifacts";

describe("the stack file of a promotion", () => {
  const diabetes = {
    name: "diabetes",
    version: "3",
    artifactLocation: LOCATION,
    origin: "diabetes@champion, version 3, run 0a1b",
  };
  const promoted = (text: string, change = {}) =>
    withModel(text, "Pulumi.dev.yaml", "mlops", { ...diabetes, ...change });
  const entry = (indent: string) =>
    [
      "diabetes:",
      "  # diabetes@champion, version 3, run 0a1b",
      '  version: "3"',
      `  artifactLocation: ${LOCATION}`,
      "  serving: serverless",
    ]
      .map((line) => `${indent}${line}\n`)
      .join("");

  for (const stack of ["dev", "prod"]) {
    it(`of ${stack}, as it is committed, gets the entry and keeps every other byte`, () => {
      const before = readFileSync(join(__dirname, `../../../Pulumi.${stack}.yaml`), "utf8");
      const after = promoted(before);
      assert.equal(after.split(entry("    ")).length, 2);
      assert.equal(after.replace(entry("    "), ""), before);
      const { config } = parse(before) as { config: Record<string, object> };
      assert.deepEqual(parse(after), {
        config: {
          ...config,
          "mlops:models": {
            ...config["mlops:models"],
            diabetes: { version: "3", artifactLocation: LOCATION, serving: "serverless" },
          },
        },
      });

      const second = promoted(after, { version: "4", origin: "diabetes@champion, version 4" });
      assert.equal(
        second,
        after
          .replace("diabetes@champion, version 3, run 0a1b", "diabetes@champion, version 4")
          .replace('version: "3"', 'version: "4"'),
      );
    });
  }

  describe("gets a new entry", () => {
    const cases: [string, string, string][] = [
      ["into an empty file", "", `config:\n  mlops:models:\n${entry("    ")}`],
      ["below comments alone", "# dev\n", `# dev\nconfig:\n  mlops:models:\n${entry("    ")}`],
      [
        "into config without a value",
        "config: # all\n  # nothing yet\n",
        `config: # all\n  mlops:models:\n${entry("    ")}  # nothing yet\n`,
      ],
      [
        "behind the last setting, before the blank line and what follows",
        "config:\n  a: 1 # one\n\nencryptionsalt: v1:x=\n",
        `config:\n  a: 1 # one\n  mlops:models:\n${entry("    ")}\nencryptionsalt: v1:x=\n`,
      ],
      [
        "after a last line without an end",
        "config:\n  a: 1",
        `config:\n  a: 1\n  mlops:models:\n${entry("    ")}`,
      ],
      [
        "in place of empty braces",
        "config:\n  mlops:models: {} # none\n  b: 2\n",
        `config:\n  mlops:models: # none\n${entry("    ")}  b: 2\n`,
      ],
      [
        "in place of null",
        "config:\n  mlops:models: null\n",
        `config:\n  mlops:models:\n${entry("    ")}`,
      ],
      [
        "beside other models, as far in as they are",
        "config:\n    mlops:models:\n        iris:\n            image: x\n            # wide\n    b: 2\n",
        "config:\n    mlops:models:\n        iris:\n            image: x\n            # wide\n" +
          `${entry("        ")}    b: 2\n`,
      ],
      [
        "under the key without the project's name",
        "config:\n  models:\n    iris:\n      image: x\n",
        `config:\n  models:\n    iris:\n      image: x\n${entry("    ")}`,
      ],
      [
        "with the line ends of the file",
        "config:\r\n  a: 1\r\n",
        `config:\r\n  a: 1\r\n  mlops:models:\r\n${entry("    ").replaceAll("\n", "\r\n")}`,
      ],
    ];
    for (const [where, before, after] of cases) {
      it(where, () => assert.equal(promoted(before), after));
    }
  });

  describe("has its entry changed", () => {
    const file = (lines: string[]) =>
      ["config:", "  mlops:models:", ...lines.map((line) => `    ${line}`), ""].join("\n");
    const cases: [string, string[], string[]][] = [
      [
        "in version, location and comment, and nowhere else",
        [
          "diabetes: # ours",
          "  # Ask Ada first.",
          "  # diabetes@champion, version 2, run ffff",
          "",
          "  serving: realtime   # two instances",
          "  version:   '12'   # proven",
          "  artifactLocation: mlflow-artifacts:/1/models/m-ffff/artifacts",
          "  minInstances: 2",
          "iris: { image: x }",
        ],
        [
          "diabetes: # ours",
          "  # Ask Ada first.",
          "  # diabetes@champion, version 3, run 0a1b",
          "",
          "  serving: realtime   # two instances",
          '  version:   "3"   # proven',
          `  artifactLocation: ${LOCATION}`,
          "  minInstances: 2",
          "iris: { image: x }",
        ],
      ],
      [
        "without a comment or a version",
        ["diabetes:", "  artifactLocation: mlflow-artifacts:/1/x"],
        [
          "diabetes:",
          "  # diabetes@champion, version 3, run 0a1b",
          '  version: "3"',
          `  artifactLocation: ${LOCATION}`,
        ],
      ],
      [
        "not at all where it is there",
        [
          "diabetes:",
          "  # diabetes@champion, version 3, run 0a1b",
          "  # by hand",
          "  version: 3",
          `  artifactLocation: "${LOCATION}"`,
        ],
        [
          "diabetes:",
          "  # diabetes@champion, version 3, run 0a1b",
          "  # by hand",
          "  version: 3",
          `  artifactLocation: "${LOCATION}"`,
        ],
      ],
    ];
    for (const [how, before, after] of cases) {
      it(how, () => assert.equal(promoted(file(before)), file(after)));
    }

    it("by a model whose name has signs of a replacement", () => {
      const after = promoted(promoted(""), { origin: "a $& b@c, version 3" });
      assert.match(after, /^ {6}# a \$& b@c, version 3$/m);
    });
  });

  describe("is refused", () => {
    const cases: [string, string, RegExp][] = [
      ["that is no YAML", "config: [\n", /^Pulumi\.dev\.yaml is no YAML: /],
      ["with a key twice", "config: {}\nconfig: {}\n", /is no YAML: Map keys must be unique/],
      [
        "with models in braces",
        "config:\n  mlops:models: { iris: { image: x } }\n",
        /^mlops:models\.diabetes in Pulumi\.dev\.yaml has no place: write what is above it one key/,
      ],
      ["with text for models", "config:\n  mlops:models: iris\n", /has no place/],
      ["that is a list", "- config\n", /has no place/],
      [
        "whose entry has an image",
        "config:\n  mlops:models:\n    diabetes:\n      image: x\n",
        /^mlops:models\.diabetes in Pulumi\.dev\.yaml serves an image of its own \(image\): remove .* --name$/,
      ],
      [
        "whose entry has a folder",
        "config:\n  mlops:models:\n    diabetes:\n      folder: x\n",
        /serves an image of its own \(folder\)/,
      ],
      [
        "whose entry has a version without a value",
        "config:\n  mlops:models:\n    diabetes:\n      version:\n",
        /^version of mlops:models\.diabetes in Pulumi\.dev\.yaml is no text: remove that line/,
      ],
    ];
    for (const [what, text, expected] of cases) {
      it(what, () => assert.throws(() => promoted(text), { name: "Error", message: expected }));
    }
  });
});
