import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ConfigReader } from "./config-reader";
import type { RealtimeServing, ServerlessServing } from "./model-endpoint";
import type { ServedModel } from "./model-serving";

/** Keys of every model, and their values where a stack file does not set them. */
const COMMON = {
  version: "",
  artifactLocation: "",
  image: "",
  folder: "",
  errorAlarmPercent: "5",
  latencyAlarmMs: "2000",
};

/** Keys of each way to serve; those of the other one are refused. */
const BY_SERVING = {
  serverless: { memory: "2048", maxConcurrency: "5" },
  realtime: {
    instanceType: "ml.m5.large",
    minInstances: "2",
    maxInstances: "4",
    requestsPerInstanceTarget: "600",
    networkIsolation: "true",
    capturePercent: "0",
    rollout: "canary",
    rolloutPercent: "50",
    rolloutWaitSeconds: "300",
  },
} as const;

/** Defaults of a model's keys, by how it is served. docs/models.md shows them. */
export const MODEL_DEFAULTS = {
  serverless: { ...COMMON, ...BY_SERVING.serverless },
  realtime: { ...COMMON, ...BY_SERVING.realtime },
} as const;

/**
 * STACK-model-NAME-config-0123456 must fit the 63 characters of a SageMaker name, and the names of
 * SageMaker and ECR have hyphens between other characters only. `server` names the image that MLflow
 * models share, and `-serverless` ends the name of each serverless endpoint.
 */
export const MODEL_NAME = /^(?=.{1,30}$)(?!server$)[a-z][a-z0-9]*(-[a-z0-9]+)*(?<!-serverless)$/;

/** What the pattern admits, for messages. */
export const MODEL_NAME_RULE =
  'a letter and at most 29 lower-case letters, digits and single hyphens, not "server" and not ending in "-serverless",';

/** A folder of the artifact store, as the registry names it. */
export const ARTIFACT_LOCATION = /^mlflow-artifacts:(\/(?!\.\.?(\/|$))[\w=.-]+)+$/;

const ECR_IMAGE =
  /^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$/;

/** Instance families of Graviton (arm64): c7g, m6gd, r8g. The platform builds model images for amd64. */
const GRAVITON = /^ml\.[a-z]+\d+g[a-z]*\./;

/**
 * Reads the models of a stack.
 *
 * @param root folder that `folder` of a model is looked up in
 */
export function readModels(reader: ConfigReader, region: string, root = "."): ServedModel[] {
  return reader
    .groups("models", MODEL_NAME, MODEL_NAME_RULE, ({ serving }) =>
      serving === "realtime" ? MODEL_DEFAULTS.realtime : MODEL_DEFAULTS.serverless,
    )
    .map(([name, model]) => {
      const serving = model.oneOf("serving", ["serverless", "realtime"]);
      const other = serving === "serverless" ? "realtime" : "serverless";
      model.refuseKeys(
        Object.keys(BY_SERVING[other]),
        (key) =>
          `${key} is for serving "${other}", and this model's is "${serving}": change one of them.`,
      );
      const version = model.text("version", /^(\d{1,9})?$/, "the number of a registered version");
      const source = readSource(model, region, root);
      const read: ServedModel = {
        name,
        ...(version !== "" && { version }),
        source,
        serving: serving === "serverless" ? readServerless(model) : readRealtime(model, source),
        alarms: {
          errorPercent: model.integer("errorAlarmPercent", 1, 100),
          latencyMs: model.integer("latencyAlarmMs", 1, 60_000),
        },
      };
      model.refuseUnknownKeys();
      return read;
    });
}

function readSource(model: ConfigReader, region: string, root: string): ServedModel["source"] {
  const artifactLocation = model.text(
    "artifactLocation",
    new RegExp(`^$|${ARTIFACT_LOCATION.source}`),
    'a location in the artifact store, such as "mlflow-artifacts:/1/models/m-0a1b/artifacts"',
  );
  const image = model.text(
    "image",
    new RegExp(`^$|${ECR_IMAGE.source}`),
    'an ECR image by its digest, "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…"',
  );
  const folder = model.text("folder", /^(\w[\w-]*(\/\w[\w-]*)*)?$/, "a folder of this repository");
  const sources = [artifactLocation, image, folder].filter((source) => source !== "");
  model.check(
    ["artifactLocation", "image", "folder"],
    sources.length === 1,
    () =>
      `${model.fullName("*")} names ${sources.length} sources of the model: set one of artifactLocation, image and folder.`,
  );
  const imageRegion = ECR_IMAGE.exec(image)?.[1] ?? region;
  model.check(
    ["image"],
    imageRegion === region,
    () =>
      `${model.fullName("image")} is in ${imageRegion}, but SageMaker pulls from its own region: use an image in ${region}.`,
  );
  model.check(
    ["folder"],
    folder === "" || existsSync(join(root, folder, "Dockerfile")),
    () => `${model.fullName("folder")} is "${folder}": use a folder with a Dockerfile.`,
  );
  if (image !== "") return { kind: "image", reference: image };
  if (folder !== "") return { kind: "folder", path: folder };
  return { kind: "mlflow", artifactPath: artifactLocation.replace("mlflow-artifacts:/", "") };
}

function readServerless(model: ConfigReader): ServerlessServing {
  return {
    kind: "serverless",
    memory: model.integerOf("memory", [1024, 2048, 3072, 4096, 5120, 6144]),
    maxConcurrency: model.integer("maxConcurrency", 1, 200),
  };
}

function readRealtime(model: ConfigReader, source: ServedModel["source"]): RealtimeServing {
  const instanceType = model.text(
    "instanceType",
    /^ml\.[a-z0-9-]+\.[a-z0-9]+$/,
    'a SageMaker instance type such as "ml.m5.large"',
  );
  model.check(
    ["instanceType"],
    !GRAVITON.test(instanceType) || source.kind === "image",
    () =>
      `${model.fullName("instanceType")} is "${instanceType}", an arm64 processor, but images built here are for amd64: use a type such as "ml.m5.large".`,
  );
  const minInstances = model.integer("minInstances", 1, 100);
  const maxInstances = model.integer("maxInstances", 1, 100);
  model.check(
    ["minInstances", "maxInstances"],
    minInstances <= maxInstances,
    () =>
      `${model.fullName("minInstances")} is ${minInstances}, above maxInstances (${maxInstances}): lower it or raise maxInstances.`,
  );
  model.check(
    ["instanceType", "minInstances", "maxInstances"],
    !instanceType.startsWith("ml.t") || minInstances === maxInstances,
    () =>
      `${model.fullName("instanceType")} is "${instanceType}", which SageMaker does not scale by load: set maxInstances to ${minInstances}, or use a type such as "ml.m5.large".`,
  );
  const rollout = model.oneOf("rollout", ["all-at-once", "canary", "linear"]);
  model.check(
    ["rollout", "minInstances"],
    rollout === "all-at-once" || minInstances >= 2,
    () =>
      `${model.fullName("rollout")} is "${rollout}", whose first step takes half of the instances at most, but minInstances is ${minInstances}: raise it to 2, or use "all-at-once".`,
  );
  return {
    kind: "realtime",
    instanceType,
    minInstances,
    maxInstances,
    requestsPerInstanceTarget: model.integer("requestsPerInstanceTarget", 1, 1_000_000),
    networkIsolation: model.boolean("networkIsolation"),
    capturePercent: model.integer("capturePercent", 0, 100),
    rollout,
    rolloutPercent: model.integer("rolloutPercent", 10, 50),
    rolloutWaitSeconds: model.integer("rolloutWaitSeconds", 0, 3600),
  };
}
