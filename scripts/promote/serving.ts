import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { parse } from "yaml";
import { UserError } from "../connect-outputs";

/** Keys of the flavour python_function that name a file or folder to load, relative to MLmodel. */
const LOADED = ["model_path", "data", "code", "python_model"];

/** What an image that serves MLflow models holds. */
export interface ServerImage {
  /** Python modules that load models, each with the packages whose version matters to it. */
  readonly flavors: Readonly<Record<string, readonly string[]>>;
  /** Version of each package. */
  readonly packages: ReadonlyMap<string, string>;
}

/** Where a model's files are. */
export interface ArtifactStore {
  /** Names of the files and folders in a folder, none where it is not there. */
  list(location: string): Promise<string[]>;
  /** The content of a text file. */
  read(location: string): Promise<string>;
}

/**
 * The image that `folder` has the files of: `flavors.json`, and its packages in `requirements.txt`.
 */
export function readServerImage(folder: string): ServerImage {
  const text = (file: string) => readFileSync(join(folder, file), "utf8");
  return {
    flavors: JSON.parse(text("flavors.json")) as ServerImage["flavors"],
    packages: pinnedVersions(text("requirements.txt")),
  };
}

/**
 * Checks that the files of a model are in the artifact store and that the image can serve it.
 *
 * @param model what it is called in errors
 * @param location folder of its MLmodel
 * @returns a line for each thing that may be different on the image
 * @throws UserError where a file is missing, or the image can not serve it
 */
export async function checkServable(
  store: ArtifactStore,
  model: string,
  location: string,
  image: ServerImage,
): Promise<string[]> {
  const names = await store.list(location);
  const missing = (file: string) =>
    new UserError(
      `${model} has no ${file} at ${location}: its artifacts were deleted or never fully uploaded, ` +
        "log and register the model again",
    );
  if (!names.includes("MLmodel")) throw missing("MLmodel");
  const pyfunc = pythonFunction(await store.read(`${location}/MLmodel`), model);
  const loader = String(pyfunc.loader_module);
  const packages = Object.hasOwn(image.flavors, loader) ? image.flavors[loader] : undefined;
  if (!packages) {
    throw new UserError(
      `${model} is loaded by ${loader}, and the model server has only ` +
        `${Object.keys(image.flavors).join(", ")}: add it to containers/model-server ` +
        "(requirements.in, flavors.json), or serve the model from an image of your own",
    );
  }
  for (const file of LOADED.map((key) => pyfunc[key]).filter((one) => typeof one === "string")) {
    const folder = posix.dirname(file);
    const siblings = folder === "." ? names : await store.list(`${location}/${folder}`);
    if (!siblings.includes(posix.basename(file))) throw missing(file);
  }
  if (!names.includes("requirements.txt")) {
    return [`${model} has no requirements.txt: the versions of its packages are not compared`];
  }
  return otherVersions(await store.read(`${location}/requirements.txt`), packages, image);
}

/** What MLflow needs to know to load the model as a Python function. */
function pythonFunction(mlmodel: string, model: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parse(mlmodel);
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    throw new UserError(`the MLmodel of ${model} is no YAML (${reason}): log the model again`);
  }
  const { flavors } = (content ?? {}) as { flavors?: Record<string, Record<string, unknown>> };
  if (flavors?.python_function) return flavors.python_function;
  const others = Object.keys(flavors ?? {}).join(", ") || "no other either";
  throw new UserError(
    `${model} has no flavour python_function (but ${others}): log it with a library that MLflow ` +
      "can load as one, or serve the model from an image of your own",
  );
}

/** A line for each package of the flavour that the model was made with in another version. */
function otherVersions(
  requirements: string,
  packages: readonly string[],
  image: ServerImage,
): string[] {
  const made = pinnedVersions(requirements);
  return packages.flatMap((name) => {
    const [theirs, ours] = [made.get(name), image.packages.get(name)];
    if (theirs === undefined || theirs === ours) return [];
    return (
      `the model was made with ${name} ${theirs}, the model server has ${ours}: ` +
      "compare predictions before it goes live, or train it with that one"
    );
  });
}

/** Packages with their version, from the lines of a requirements file that fix it. */
export function pinnedVersions(requirements: string): Map<string, string> {
  const pins = requirements.matchAll(/^([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;,]+)/gm);
  // One spelling: https://packaging.python.org/en/latest/specifications/name-normalization/
  return new Map(
    [...pins].map(([, name, version]) => [name!.toLowerCase().replace(/[-_.]+/g, "-"), version!]),
  );
}
