import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { spawn } from "node:child_process";
import { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { stackOutput, UserError } from "./connect-outputs";
import { Problem } from "./signed-api";
import { apiOf, createProxy, ProxyOptions } from "./ui-proxy";

const USAGE = `Opens MLflow's pages: a proxy on this machine signs what the browser asks for.

  npm run ui -- STACK [--port N] [--open]
  npm run ui -- --url URL [--region REGION] [--port N] [--open]

  STACK            a deployed stack: its output trackingUri is the API
  --url URL        the API itself
  --region REGION  its region, where the host name does not tell it (MLOPS_SIGV4_REGION)
  --port N         port on 127.0.0.1, 5080 without it; 0 takes a free one
  --open           open the browser too
  --help           show this

AWS credentials come from the usual places: AWS_PROFILE, SSO, the environment. Everybody who can run
programs on this machine can use the proxy while it runs; pages of other sites can not.`;

async function main(args: string[]): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return console.log(USAGE);
  const [stack, ...rest] = positionals;
  if ((stack === undefined) === (values.url === undefined) || rest.length > 0) {
    throw new UserError(`name one stack, or --url.\n\n${USAGE}`);
  }
  const target = apiUrl(values.url ?? String(await stackOutput(stack!, "trackingUri")));
  const options: ProxyOptions = {
    target,
    region: values.region ?? regionOf(target),
    credentials: () => defaultProvider(),
    warn: (problem) => console.error(`ui: ${problem}`),
    stack,
  };
  await checkApi(options);
  const server = createProxy(options);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? portInUse(values.port) : error),
    );
    server.listen(portNumber(values.port), "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  console.log(`${url}  (signs for ${target.origin}, Ctrl-C ends it)`);
  if (values.open) openBrowser(url);
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        url: { type: "string" },
        region: { type: "string" },
        port: { type: "string", default: "5080" },
        open: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new UserError(`${(error as Error).message}\n\n${USAGE}`);
  }
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new UserError(`--port ${text} is no port number`);
  return port;
}

function portInUse(port: string): UserError {
  return new UserError(`port ${port} is in use: end the other program or choose --port`);
}

/** @throws UserError where it is not the address of an API without a path */
export function apiUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UserError(`${text} is no URL: give the API's, as in the output trackingUri`);
  }
  const loopback = ["127.0.0.1", "localhost"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && loopback)) {
    throw new UserError(`${text} must start with https://`);
  }
  if (url.pathname !== "/" || url.search || url.hash) {
    throw new UserError(
      `${text} has a path, and the API has none (its stage is $default): use ${url.origin}`,
    );
  }
  return url;
}

/** @throws UserError where the host name is not one that API Gateway gives */
export function regionOf(url: URL): string {
  const named = /\.execute-api(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;
  const region = process.env.MLOPS_SIGV4_REGION ?? named.exec(url.hostname)?.[1];
  if (!region) {
    throw new UserError(`the host ${url.hostname} does not name its AWS region: set --region`);
  }
  return region;
}

/** Says at the start what the browser would otherwise show page by page. */
async function checkApi(options: ProxyOptions): Promise<void> {
  const answer = await apiOf(options).send("GET", "/version");
  answer.body.resume();
  const type = answer.headers["content-type"] ?? "";
  if (answer.status !== 200 || !type.startsWith("text/")) {
    throw new UserError(
      `${options.target.origin}/version answers ${answer.status}: MLflow is not well, or not there`,
    );
  }
}

function openBrowser(url: string): void {
  const command = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const browser = spawn(command, [url], { stdio: "ignore", detached: true });
  browser.on("error", () => console.error(`ui: ${command} is not installed: open ${url} yourself`));
  browser.unref();
}

if (require.main === module) {
  main(process.argv.slice(2)).catch((error: unknown) => {
    if (!(error instanceof UserError || error instanceof Problem)) throw error;
    console.error(`ui: ${error.message}`);
    process.exitCode = 2;
  });
}
