import http from "node:http";
import { basename, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { Api, API_TIMEOUT_MS, encode, open, Problem, Signing, split, textOf } from "./signed-api";

export interface ProxyOptions extends Signing {
  /** The API: scheme, host and port. */
  readonly target: URL;
  /** Told of every problem, once each time that it comes up. */
  readonly warn: (problem: string) => void;
  /** Stack whose policies are named when a right is missing. */
  readonly stack?: string;
}

/** Largest request and answer of an HTTP API. */
const MAX_PAYLOAD = 10_000_000;
/** Artifacts above this size come from S3 itself. The API counts headers as well. */
const MAX_ARTIFACT = 9_000_000;
/** Only for the connection, or only about the page in the browser, which the API need not know. */
const NOT_PASSED_ON =
  /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|host|origin|referer|cookie|authorization|content-length|sec-.*|proxy-.*|x-amz-.*|x-caller-arn|x-request-id)$/;
const HOP_BY_HOP = /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*)$/;

/**
 * A server that signs what a browser on this machine asks for and passes it on to the API. Nothing of
 * another site gets through: it checks Host (a foreign name that resolves to this machine), Origin,
 * and what the browser says of the page that asks.
 */
export function createProxy(options: ProxyOptions): http.Server {
  const api = apiOf(options);
  return http.createServer((request, response) => {
    serve(api, request, response).catch((error: unknown) => {
      if (response.headersSent) return void response.destroy();
      const problem =
        error instanceof Problem ? error : new Problem(502, `the proxy failed: ${String(error)}`);
      options.warn(problem.message);
      const answer = { error_code: ERROR_CODES[problem.status], message: problem.message };
      response.writeHead(problem.status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    });
  });
}

/** The API that the proxy passes requests on to. */
export function apiOf({ target, region, credentials, stack }: ProxyOptions): Api {
  return new Api({ target, signing: { region, credentials }, timeoutMs: API_TIMEOUT_MS, stack });
}

/** MLflow's names, so that its pages show the message. */
const ERROR_CODES: Record<number, string> = {
  400: "BAD_REQUEST",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "ENDPOINT_NOT_FOUND",
  413: "INVALID_PARAMETER_VALUE",
  502: "TEMPORARILY_UNAVAILABLE",
};

async function serve(api: Api, request: http.IncomingMessage, response: http.ServerResponse) {
  checkCaller(request);
  const body = await readBody(request);
  const url = request.url ?? "/";
  const large = request.method === "GET" ? await largeArtifact(api, url) : undefined;
  if (large) return sendFromStore(large, response);

  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !NOT_PASSED_ON.test(name)),
  );
  const answer = await api.send(request.method ?? "GET", url, headers, body);
  response.writeHead(answer.status, passedBack(answer.headers));
  await pipeline(answer.body, response);
}

function passedBack(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.test(name)));
}

/** Refuses whoever is not a page of this proxy, or a person at the address bar. */
function checkCaller({ headers, method, url, socket }: http.IncomingMessage): void {
  const hosts = ["127.0.0.1", "localhost"].map((name) => `${name}:${socket.localPort}`);
  const host = headers.host ?? "";
  if (!hosts.includes(host)) {
    throw new Problem(403, `the Host ${host} is not this proxy: open http://${hosts[0]}`);
  }
  if (headers.origin !== undefined && headers.origin !== `http://${host}`) {
    throw new Problem(403, `pages of ${headers.origin} may not use this proxy`);
  }
  // "same-site" is another port of this machine. A link elsewhere may open the first page.
  const site = headers["sec-fetch-site"] ?? "none";
  const opensThePage = method === "GET" && url === "/" && headers["sec-fetch-dest"] === "document";
  if (site !== "same-origin" && site !== "none" && !opensThePage) {
    throw new Problem(403, "pages of other sites may not use this proxy");
  }
}

/** The whole body: the signature, which goes first, covers it. */
async function readBody(request: http.IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MAX_PAYLOAD) {
      throw new Problem(413, "the API takes 10 MB at most: upload larger files with the SDK");
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Where the store has an artifact that is too large for the API. */
interface LargeArtifact {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly name: string;
}

async function sendFromStore(artifact: LargeArtifact, response: http.ServerResponse) {
  const answer = await open(new URL(artifact.url), { headers: artifact.headers }, API_TIMEOUT_MS);
  if (answer.status !== 200) {
    answer.body.resume();
    throw new Problem(502, `the artifact store answers ${answer.status} for ${artifact.name}`);
  }
  response.writeHead(200, {
    "content-type": answer.headers["content-type"] ?? "application/octet-stream",
    ...(answer.headers["content-length"] && {
      "content-length": answer.headers["content-length"],
    }),
    // Never shown as a page of this address.
    "content-disposition": `attachment; filename*=UTF-8''${encode(artifact.name)}`,
    "x-content-type-options": "nosniff",
  });
  await pipeline(answer.body, response);
}

/**
 * An artifact of a run that the page asks for, where it is too large for an answer of the API:
 * MLflow then gives out a link into the store, as it does for its SDK.
 */
async function largeArtifact(api: Api, url: string): Promise<LargeArtifact | undefined> {
  const { path, query } = split(url);
  const [file] = query.path ?? [];
  const [run] = query.run_uuid ?? query.run_id ?? [];
  if (path !== "/get-artifact" || !file || !run) return undefined;

  const folder = posix.dirname(file);
  const listing = new URLSearchParams({ run_id: run, ...(folder !== "." && { path: folder }) });
  const { root_uri: root, files } = await getJson<{
    root_uri?: string;
    files?: { path: string; file_size?: string | number }[];
  }>(api, `/api/2.0/mlflow/artifacts/list?${listing.toString()}`);
  const size = Number(files?.find((one) => one.path === file)?.file_size ?? 0);
  if (size <= MAX_ARTIFACT || !root?.startsWith("mlflow-artifacts:/")) return undefined;

  const stored = `${root.slice("mlflow-artifacts:/".length)}/${file}`.replace(/^\/+/, "");
  const link = `/api/2.0/mlflow-artifacts/presigned/${stored.split("/").map(encode).join("/")}`;
  const { url: address, headers } = await getJson<{
    url?: string;
    headers?: Record<string, string>;
  }>(api, link);
  return address ? { url: address, headers: headers ?? {}, name: basename(file) } : undefined;
}

/** The answer to a GET; nothing where it is not a good one. */
async function getJson<T>(api: Api, url: string): Promise<Partial<T>> {
  const answer = await api.send("GET", url);
  const text = await textOf(answer.body);
  return answer.status === 200 ? (JSON.parse(text) as T) : {};
}
