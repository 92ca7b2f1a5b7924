import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import type { AwsCredentialIdentityProvider } from "@smithy/types";
import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";

/**
 * Longer than the API waits for MLflow (30 s), so that its own words arrive. A database that had
 * paused takes half of that to wake up.
 */
export const API_TIMEOUT_MS = 35_000;

export interface Signing {
  readonly region: string;
  /** Asked anew after every refusal, since others may have been signed in meanwhile. */
  readonly credentials: () => AwsCredentialIdentityProvider;
}

export interface ApiOptions {
  /** The API: scheme, host and port. */
  readonly target: URL;
  /** Without it requests go unsigned, as a server on this machine takes them. */
  readonly signing?: Signing;
  /** Longest silence of the API, before and during an answer. */
  readonly timeoutMs: number;
  /** Stack whose policies are named when a right is missing. */
  readonly stack?: string;
}

/** A request that gets no further, with the HTTP status that says so. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Readable;
}

/** The API, with its requests signed and its refusals explained. */
export class Api {
  private signer: SignatureV4 | undefined;

  constructor(private readonly options: ApiOptions) {
    this.signer = this.newSigner();
  }

  /** @throws Problem where the API refuses the request, or does not answer */
  async send(
    method: string,
    url: string,
    headers: http.IncomingHttpHeaders = {},
    body: Buffer = Buffer.alloc(0),
  ): Promise<Answer> {
    const { target, timeoutMs } = this.options;
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
      { method, headers: { ...headers, ...signed, "content-length": body.length } },
      timeoutMs,
      body,
    );
    const refused = answer.status === 403 || answer.status === 404;
    return refused ? this.explained(answer, method, path) : answer;
  }

  private newSigner(): SignatureV4 | undefined {
    const { signing } = this.options;
    if (!signing) return undefined;
    return new SignatureV4({
      service: "execute-api",
      region: signing.region,
      credentials: signing.credentials(),
      sha256: Sha256,
    });
  }

  /** The headers to send. */
  private async sign(
    request: Parameters<SignatureV4["sign"]>[0] & { method: string },
  ): Promise<http.OutgoingHttpHeaders> {
    if (!this.signer) return request.headers;
    try {
      return (await this.signer.sign(request)).headers;
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
      return { ...answer, body: Readable.from([Buffer.from(text)]) };
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
    // Loaded where it is needed only: it brings the Pulumi SDK, which takes most of a second.
    const { READING_POSTS } = await import("../components/api-rights");
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
export function split(url: string): { path: string; query: Record<string, string[]> } {
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
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const agents = {
  "http:": new http.Agent({ keepAlive: true }),
  "https:": new https.Agent({ keepAlive: true }),
};

/**
 * Sends a request and gives the answer as soon as it starts.
 *
 * @throws Problem where nothing answers in time
 */
export function open(
  url: URL,
  options: http.RequestOptions,
  timeoutMs: number,
  body?: Buffer,
): Promise<Answer> {
  const secure = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(
      url,
      { ...options, agent: agents[secure ? "https:" : "http:"], timeout: timeoutMs },
      (answer) =>
        resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: answer }),
    );
    request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs / 1000} s`)));
    request.on("error", (error) =>
      reject(new Problem(502, `${url.origin} can not be reached: ${error.message}`)),
    );
    request.end(body);
  });
}

/** @throws Problem where the answer breaks off */
export async function textOf(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  try {
    for await (const part of body as AsyncIterable<Buffer>) parts.push(part);
  } catch (error) {
    throw new Problem(502, `the answer broke off (${(error as Error).message}): try again`);
  }
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
