import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentityProvider } from "@smithy/types";
import http from "node:http";
import https from "node:https";
import { basename, posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { READING_POSTS } from "../components/api-rights";

export interface ProxyOptions {
  /** The API: scheme, host and port. */
  readonly target: URL;
  readonly region: string;
  /** Asked anew after every refusal, since others may have been signed in meanwhile. */
  readonly credentials: () => AwsCredentialIdentityProvider;
  /** Told of every problem, once each time that it comes up. */
  readonly warn: (problem: string) => void;
  /** Stack whose policies are named when a right is missing. */
  readonly stack?: string;
}

/** Largest request and answer of an HTTP API. */
const MAX_PAYLOAD = 10_000_000;
/** Artifacts above this size come from S3 itself. The API counts headers as well. */
const MAX_ARTIFACT = 9_000_000;
const TIMEOUT_MS = 35_000;
/** Only for the connection, or only about the page in the browser, which the API need not know. */
const NOT_PASSED_ON =
  /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|expect|host|origin|referer|cookie|authorization|content-length|sec-.*|proxy-.*|x-amz-.*|x-caller-arn|x-request-id)$/;
const HOP_BY_HOP = /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*)$/;

/** A request that gets no further, with the answer for the browser. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A server that signs what a browser on this machine asks for and passes it on to the API. Nothing of
 * another site gets through: it checks Host (a foreign name that resolves to this machine), Origin,
 * and what the browser says of the page that asks.
 */
export function createProxy(options: ProxyOptions): http.Server {
  const api = new Api(options);
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
  const large = request.method === "GET" ? await api.largeArtifact(url) : undefined;
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

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Readable;
}

/** Where the store has an artifact that is too large for the API. */
interface LargeArtifact {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly name: string;
}

async function sendFromStore(artifact: LargeArtifact, response: http.ServerResponse) {
  const answer = await open(new URL(artifact.url), { headers: artifact.headers });
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

/** The API, with its requests signed and its refusals explained. */
export class Api {
  private signer: SignatureV4;

  constructor(private readonly options: ProxyOptions) {
    this.signer = this.newSigner();
  }

  /** @throws Problem where the API refuses the request, or does not answer */
  async send(
    method: string,
    url: string,
    headers: http.IncomingHttpHeaders = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<Answer> {
    const { target } = this.options;
    const { path, query } = split(url);
    const type = headers["content-type"];
    const signed = await this.sign({
      method,
      protocol: target.protocol,
      hostname: target.hostname,
      path,
      query,
      headers: { host: target.host, ...(type && { "content-type": type }) },
      body,
    });
    const pairs = Object.entries(query).flatMap(([name, values]) =>
      values.map((value) => `${encode(name)}=${encode(value)}`),
    );
    const answer = await open(
      new URL(path + (pairs.length > 0 ? `?${pairs.join("&")}` : ""), target),
      { method, headers: { ...headers, ...signed.headers, "content-length": body.length } },
      body,
    );
    const refused = answer.status === 403 || answer.status === 404;
    return refused ? this.explained(answer, method, path) : answer;
  }

  /**
   * An artifact of a run that the page asks for, where it is too large for an answer of the API:
   * MLflow then gives out a link into the store, as it does for its SDK.
   */
  async largeArtifact(url: string): Promise<LargeArtifact | undefined> {
    const { path, query } = split(url);
    const [file] = query.path ?? [];
    const [run] = query.run_uuid ?? query.run_id ?? [];
    if (path !== "/get-artifact" || !file || !run) return undefined;

    const api = "/api/2.0";
    const folder = posix.dirname(file);
    const listing = new URLSearchParams({ run_id: run, ...(folder !== "." && { path: folder }) });
    const { root_uri: root, files } = await this.json<{
      root_uri?: string;
      files?: { path: string; file_size?: string | number }[];
    }>(`${api}/mlflow/artifacts/list?${listing.toString()}`);
    const size = Number(files?.find((one) => one.path === file)?.file_size ?? 0);
    if (size <= MAX_ARTIFACT || !root?.startsWith("mlflow-artifacts:/")) return undefined;

    const stored = `${root.slice("mlflow-artifacts:/".length)}/${file}`.replace(/^\/+/, "");
    const link = `${api}/mlflow-artifacts/presigned/${stored.split("/").map(encode).join("/")}`;
    const { url: address, headers } = await this.json<{
      url?: string;
      headers?: Record<string, string>;
    }>(link);
    return address ? { url: address, headers: headers ?? {}, name: basename(file) } : undefined;
  }

  /** The answer to a GET; nothing where it is not a good one. */
  private async json<T>(url: string): Promise<Partial<T>> {
    const answer = await this.send("GET", url);
    const text = await textOf(answer.body);
    return answer.status === 200 ? (JSON.parse(text) as T) : {};
  }

  private newSigner(): SignatureV4 {
    const { credentials, region } = this.options;
    return new SignatureV4({
      service: "execute-api",
      region,
      credentials: credentials(),
      sha256: Sha256,
    });
  }

  private async sign(request: Parameters<SignatureV4["sign"]>[0] & { method: string }) {
    try {
      return await this.signer.sign(request);
    } catch (error) {
      this.signer = this.newSigner();
      const reason = (error as Error).message;
      throw new Problem(
        401,
        `no AWS credentials: sign in (aws sso login) and set AWS_PROFILE. ${reason}`,
      );
    }
  }

  /** The answer as it is where it comes from MLflow, else a Problem that says what to do. */
  private async explained(answer: Answer, method: string, path: string): Promise<Answer> {
    const { target, stack } = this.options;
    if (!answer.headers["content-type"]?.includes("json") || answer.headers["content-encoding"]) {
      return answer;
    }
    const text = await textOf(answer.body);
    const content = parseObject(text);
    if (content.error_code !== undefined || typeof content.message !== "string") {
      return { ...answer, body: Readable.from([text]) };
    }
    if (answer.status === 404) {
      throw new Problem(
        404,
        `${target.origin} has no ${method} ${path}: it is not this platform's API, ` +
          "or its stage is not $default; compare it with the output trackingUri",
      );
    }
    this.signer = this.newSigner();
    if (/expired|security token/i.test(content.message)) {
      throw new Problem(401, "the AWS credentials are expired or not valid: sign in again");
    }
    if (/signature/i.test(content.message)) {
      throw new Problem(403, `the signature is not accepted, check the clock: ${content.message}`);
    }
    const call = path.slice(1).replace(/^(ajax-)?api\//, "");
    const reads = method === "GET" || READING_POSTS.includes(call) || call === "graphql";
    const policy = reads ? "readerPolicy or writerPolicy" : "writerPolicy";
    throw new Problem(
      403,
      `you may not ${method} ${path}. Your user or role needs the policy of the output ${policy}` +
        `${stack ? ` (pulumi stack output --stack ${stack})` : ""}; ` +
        "aws sts get-caller-identity tells who you are",
    );
  }
}

/** The path as it is signed and sent, encoded in one way only, and the query, decoded. */
function split(url: string): { path: string; query: Record<string, string[]> } {
  const [rawPath = "/", ...rest] = url.split("?");
  const query = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of new URLSearchParams(rest.join("?"))) {
    // The library that signs keeps the query in an object, where this name is not like others.
    if (name === "__proto__") throw new Problem(400, "a query can not have the key __proto__");
    (query[name] ??= []).push(value);
  }
  try {
    const path = rawPath.split("/").map((part) => encode(decodeURIComponent(part)));
    return { path: path.join("/"), query };
  } catch {
    throw new Problem(400, `the path ${rawPath} is not valid`);
  }
}

/** Everything but letters, digits and `-_.~`, as the signature wants it. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const agents = {
  "http:": new http.Agent({ keepAlive: true }),
  "https:": new https.Agent({ keepAlive: true }),
};

/** Sends a request and gives the answer as soon as it starts. */
function open(url: URL, options: http.RequestOptions, body?: Buffer): Promise<Answer> {
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(
      url,
      { ...options, agent: agents[secure ? "https:" : "http:"], timeout: TIMEOUT_MS },
      (answer) =>
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answer }),
    );
    request.on("timeout", () => request.destroy(new Error(`no answer in ${TIMEOUT_MS / 1000} s`)));
    request.on("error", (error) =>
      reject(new Problem(502, `${url.origin} can not be reached: ${error.message}`)),
    );
    request.end(body);
  });
}

async function textOf(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of body as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
