import { distance } from "fastest-levenshtein";
import { ARTIFACT_LOCATION } from "../../components/model-settings";
import { UserError } from "../connect-outputs";
import { Api, encode, textOf } from "../signed-api";

/** A version of a registered model, ready to be served. */
export interface ModelVersion {
  readonly version: string;
  /** Run that logged it, where there is one. */
  readonly runId?: string;
  /** `mlflow-artifacts:/…`, the folder with its MLmodel. */
  readonly artifactLocation: string;
}

/** Registered models that one answer lists at the most, MLflow's own limit. */
const MAX_RESULTS = 1000;

interface LoggedModel {
  readonly name: string;
  readonly artifact_uri: string;
  readonly creation_timestamp_ms: string | number;
}

/** MLflow's model registry and artifacts, asked through the API. */
export class Registry {
  constructor(
    private readonly api: Api,
    /** How the server is called in errors. */
    private readonly server: string,
  ) {}

  /** @throws UserError where there is no such model or alias, or what it names can not be served */
  async modelVersion(model: string, alias: string): Promise<ModelVersion> {
    const version = await this.aliased(model, alias);
    const named = `version ${version} of "${model}"`;
    const query = { name: model, version };
    const { model_version: details } = await this.must<{
      model_version: { status: string; status_message?: string; run_id?: string };
    }>("mlflow/model-versions/get", query);
    if (details.status !== "READY") {
      const reason = details.status_message ? ` (${details.status_message})` : "";
      throw new UserError(
        `${named} is ${details.status}${reason}, not READY: ` +
          "wait until it is registered, or register it again",
      );
    }
    const { artifact_uri: uri } = await this.must<{ artifact_uri: string }>(
      "mlflow/model-versions/get-download-uri",
      query,
    );
    const location = await this.resolve(uri);
    if (!ARTIFACT_LOCATION.test(location)) {
      throw new UserError(
        `${named} is stored at ${location}, not in this server's artifact store under a path of ` +
          "letters, digits and _=.-: log and register it again",
      );
    }
    return { version, runId: details.run_id || undefined, artifactLocation: location };
  }

  /** The version that an alias names. */
  private async aliased(model: string, alias: string): Promise<string> {
    const found = await this.get<{
      registered_model: { aliases?: { alias: string; version: string }[] };
    }>("mlflow/registered-models/get", { name: model });
    if (!found) throw new UserError(await this.unknown(model));

    const { aliases = [] } = found.registered_model;
    const version = aliases.find((one) => one.alias === alias)?.version;
    if (version !== undefined) return version;
    const others = aliases.map((one) => one.alias).sort();
    throw new UserError(
      `"${model}" has no alias "${alias}"` +
        (others.length > 0 ? `, only ${others.join(", ")}: choose one, or ` : ": ") +
        "set it in MLflow's pages or with set_registered_model_alias",
    );
  }

  /**
   * Where a `runs:/RUN/NAME` is stored; other locations are taken as they are. MLflow's SDK resolves
   * it before it registers a model, but REST and `create_model_version` register it as it is.
   */
  private async resolve(uri: string): Promise<string> {
    const [, runId, name] = /^runs:\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    if (!runId || !name) return uri;
    const { run } = await this.must<{
      run: { info: { artifact_uri: string }; outputs?: { model_outputs?: { model_id: string }[] } };
    }>("mlflow/runs/get", { run_id: runId });
    const inRun = `${run.info.artifact_uri}/${name}`;
    if (!ARTIFACT_LOCATION.test(inRun) || (await this.list(inRun)).length > 0) return inRun;

    // MLflow 3 logs models beside the run's artifacts, several of one name if it is told to.
    const models: LoggedModel[] = [];
    for (const { model_id: id } of run.outputs?.model_outputs ?? []) {
      const found = await this.get<{ model: { info: LoggedModel } }>(`mlflow/logged-models/${id}`);
      if (found?.model.info.name === name) models.push(found.model.info);
    }
    const age = (model: LoggedModel) => Number(model.creation_timestamp_ms);
    const [newest] = models.sort((one, other) => age(other) - age(one));
    return newest?.artifact_uri ?? inRun;
  }

  /** Names of the files and folders in a folder of the artifact store, none where it is not there. */
  async list(location: string): Promise<string[]> {
    const { files = [] } = await this.must<{ files?: { path: string }[] }>(
      "mlflow-artifacts/artifacts",
      { path: storePath(location) },
    );
    return files.map((file) => file.path);
  }

  /** The content of a file in the artifact store. */
  async read(location: string): Promise<string> {
    const path = storePath(location).split("/").map(encode).join("/");
    const { status, text } = await this.send(`/api/2.0/mlflow-artifacts/artifacts/${path}`);
    if (status !== 200) throw this.unexpected(status, location, text);
    return text;
  }

  /** That there is no such model, and which ones are spelt almost so. */
  private async unknown(model: string): Promise<string> {
    const { registered_models: all = [] } = await this.must<{
      registered_models?: { name: string }[];
    }>("mlflow/registered-models/search", { max_results: String(MAX_RESULTS) });
    const away = (name: string) => distance(name.toLowerCase(), model.toLowerCase());
    const near = all
      .map(({ name }) => name)
      .filter((name) => away(name) <= Math.max(2, model.length / 3))
      .sort((one, other) => away(one) - away(other))
      .slice(0, 3);
    return (
      `${this.server} has no model "${model}": ` +
      (near.length > 0 ? `did you mean ${near.join(", ")}?` : "register it first")
    );
  }

  private async must<T>(call: string, query: Record<string, string>): Promise<T> {
    const answer = await this.get<T>(call, query);
    if (answer) return answer;
    throw new UserError(`${this.server} knows nothing of it any more (${call}): try again`);
  }

  /** The answer to a call; nothing where MLflow has no such thing. */
  private async get<T>(call: string, query: Record<string, string> = {}): Promise<T | undefined> {
    const { status, text } = await this.send(
      `/api/2.0/${call}?${new URLSearchParams(query).toString()}`,
    );
    const content = parseJson(text) as (T & { error_code?: string; message?: string }) | undefined;
    if (content?.error_code === "RESOURCE_DOES_NOT_EXIST") return undefined;
    if (status !== 200 || !content) throw this.unexpected(status, call, content?.message ?? text);
    return content;
  }

  private async send(url: string): Promise<{ status: number; text: string }> {
    const { status, body } = await this.api.send("GET", url);
    return { status, text: await textOf(body) };
  }

  private unexpected(status: number, what: string, said: string): UserError {
    const [reason = ""] = said.trim().split("\n");
    return new UserError(`${this.server} answers ${status} for ${what}: ${reason.slice(0, 300)}`);
  }
}

function storePath(location: string): string {
  return location.replace("mlflow-artifacts:/", "");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
