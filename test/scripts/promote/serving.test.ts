import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ArtifactStore,
  checkServable,
  pinnedVersions,
  readServerImage,
} from "../../../scripts/promote/serving";

const LOCATION = "mlflow-artifacts:/1/models/m-0a1b/artifacts";

describe("the check whether a model can be served", () => {
  const image = {
    flavors: { "mlflow.sklearn": ["scikit-learn", "skops", "numpy"], "mlflow.own": [] },
    packages: new Map([
      ["scikit-learn", "1.9.1"],
      ["skops", "0.16.0"],
      ["numpy", "2.5.5"],
    ]),
  };
  const mlmodel = (pyfunc: string) => `flavors:\n  python_function: ${pyfunc}\n  sklearn: {}\n`;
  const sklearn = {
    MLmodel: mlmodel("{ loader_module: mlflow.sklearn, model_path: model.skops, code: null }"),
    "model.skops": "",
    "requirements.txt": "scikit-learn==1.9.1\nskops==0.16.0\nnumpy==2.5.5\n",
  };
  const store = (files: Record<string, string>): ArtifactStore => ({
    list: (location) => {
      const folder = `${location.slice(LOCATION.length + 1)}/`.replace(/^\/$/, "");
      const below = Object.keys(files).filter((file) => file.startsWith(folder));
      return Promise.resolve(below.map((file) => file.slice(folder.length).split("/")[0]!));
    },
    read: (location) => Promise.resolve(files[location.slice(LOCATION.length + 1)]!),
  });
  const check = (files: Record<string, string>) =>
    checkServable(store(files), 'version 3 of "diabetes"', LOCATION, image);

  it("says nothing of one that was made with what the image has", async () =>
    assert.deepEqual(await check(sklearn), []));

  it("takes files in folders, and folders", async () => {
    const own = mlmodel("{ loader_module: mlflow.own, model_path: data/a/model, code: code }");
    const files = { MLmodel: own, "data/a/model": "", "code/x.py": "", "requirements.txt": "" };
    assert.deepEqual(await check(files), []);
  });

  it("warns of each package that is another one", async () => {
    const requirements = "mlflow==2.0\nscikit_learn==1.6.0\nnumpy>=2\nSkops[x] == 0.15.0 ; os\n";
    assert.deepEqual(await check({ ...sklearn, "requirements.txt": requirements }), [
      "the model was made with scikit-learn 1.6.0, the model server has 1.9.1: compare predictions before it goes live, or train it with that one",
      "the model was made with skops 0.15.0, the model server has 0.16.0: compare predictions before it goes live, or train it with that one",
    ]);
  });

  it("warns where it can not compare", async () => {
    const { MLmodel, "model.skops": model } = sklearn;
    assert.deepEqual(await check({ MLmodel, "model.skops": model }), [
      'version 3 of "diabetes" has no requirements.txt: the versions of its packages are not compared',
    ]);
  });

  describe("refuses one", () => {
    const pyfunc = (flavor: string) => ({ ...sklearn, MLmodel: mlmodel(flavor) });
    const cases: [string, Record<string, string>, RegExp][] = [
      [
        "whose artifacts are gone",
        {},
        /^version 3 of "diabetes" has no MLmodel at mlflow-artifacts:\/1\/models\/m-0a1b\/artifacts: its artifacts were deleted .* register the model again$/,
      ],
      [
        "whose model file is gone",
        { MLmodel: sklearn.MLmodel },
        /^version 3 of "diabetes" has no model\.skops at /,
      ],
      [
        "whose data in a folder is gone",
        pyfunc("{ loader_module: mlflow.own, data: data/x }"),
        /has no data\/x at /,
      ],
      [
        "whose code is gone",
        pyfunc("{ loader_module: mlflow.own, code: code }"),
        /has no code at /,
      ],
      [
        "whose pickled Python model is gone",
        pyfunc("{ loader_module: mlflow.own, python_model: python_model.pkl }"),
        /has no python_model\.pkl at /,
      ],
      [
        "of a flavour that the image lacks",
        pyfunc("{ loader_module: mlflow.xgboost }"),
        /^version 3 of "diabetes" is loaded by mlflow\.xgboost, and the model server has only mlflow\.sklearn, mlflow\.own: add it to containers\/model-server .* image of your own$/,
      ],
      [
        "whose loader has the name of something that every object has",
        pyfunc("{ loader_module: constructor }"),
        /is loaded by constructor, and/,
      ],
      [
        "that is no Python function",
        { ...sklearn, MLmodel: "flavors: { mleap: {}, spark: {} }" },
        /^version 3 of "diabetes" has no flavour python_function \(but mleap, spark\): .* image of your own$/,
      ],
      ["with an empty MLmodel", { ...sklearn, MLmodel: "" }, /\(but no other either\)/],
      ["whose MLmodel is no YAML", { ...sklearn, MLmodel: "a: [" }, /MLmodel of .* is no YAML/],
    ];
    for (const [what, files, expected] of cases) {
      it(what, () => assert.rejects(check(files), { name: "Error", message: expected }));
    }
  });

  it("knows the image of this repository", () => {
    const own = readServerImage(join(__dirname, "../../../containers/model-server"));
    assert.ok(own.flavors["mlflow.sklearn"]);
    for (const name of Object.values(own.flavors).flat()) {
      assert.match(own.packages.get(name) ?? "missing", /^\d+\./, name);
    }
  });

  it("reads versions as pip and uv write them", () => {
    const locked = [
      "# scikit-learn==0",
      "scikit-learn==1.9.1 \\",
      "    --hash=sha256:00",
      'cffi==2.1.1 ; platform_python_implementation != "PyPy" \\',
      "ruamel.yaml==0.18",
      "numpy<3,>=2",
    ].join("\n");
    assert.deepEqual(Object.fromEntries(pinnedVersions(locked)), {
      "scikit-learn": "1.9.1",
      cffi: "2.1.1",
      "ruamel-yaml": "0.18",
    });
  });
});
