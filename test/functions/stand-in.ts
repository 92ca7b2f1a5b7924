import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { mock } from "node:test";

/** A request as the runtime of SageMaker received it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

type Reply = (response: http.ServerResponse) => void;

/** A server on this machine that stands for the runtime of SageMaker, and keeps what it is asked. */
export class Runtime {
  readonly received: Received[] = [];
  /** How the next requests are answered. */
  reply: Reply = answer("{}");
  private readonly server = http.createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
      const { method, url, headers } = request;
      this.received.push({ method: method!, url: url!, headers, body: Buffer.concat(parts) });
      this.reply(response);
    })();
  });

  /** Starts it, and gives the environment with which the SDK finds it. */
  async start(): Promise<Record<string, string>> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const { port } = this.server.address() as AddressInfo;
    return {
      AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME: `http://127.0.0.1:${port}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
    };
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** The answer of a model. */
export function answer(body: string | Buffer, contentType = "application/json"): Reply {
  return (response) => response.writeHead(200, { "content-type": contentType }).end(body);
}

/** An error of SageMaker, as its API sends it. */
export function failure(name: string, status: number, fields: object = {}): Reply {
  return (response) =>
    response
      .writeHead(status, { "content-type": "application/json", "x-amzn-errortype": name })
      .end(JSON.stringify(fields));
}

/** The error with which SageMaker passes on what a model answers other than 200. */
export function modelError(status: number, body: string): Reply {
  return failure("ModelError", 424, {
    Message: `Received error (${status}) from primary with message "${body}".`,
    OriginalStatusCode: status,
    OriginalMessage: body,
    LogStreamArn: "arn:aws:logs:us-east-1:123456789012:log-group:/aws/sagemaker/Endpoints/x",
  });
}

/** Sets variables of this process; the result puts them back. */
export function setEnvironment(variables: Record<string, string>): () => void {
  const earlier = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  return () => {
    for (const [name, value] of earlier) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

/** What is returned, and what is written meanwhile to the standard output. */
export async function withOutput<T>(run: () => Promise<T>): Promise<[T, string]> {
  let output = "";
  const write = (part: unknown) => {
    output += String(part);
    return true;
  };
  const { mock: written } = mock.method(process.stdout, "write", write);
  try {
    return [await run(), output];
  } finally {
    written.restore();
  }
}
