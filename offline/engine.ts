import * as pulumi from "@pulumi/pulumi";
import { answer } from "./invokes";
import { knownOutputs } from "./known-outputs";
import { StackConfig } from "./project";
import { Registration, UNKNOWN } from "./registration";

/**
 * What outputs look like that only a provider can compute: unknown, as in a preview, or made up, as
 * after an update. Made-up values let tests read what is built from them, such as a policy's JSON.
 */
export type ComputedOutputs = "unknown" | "made-up";

export interface Evaluation {
  /** Every resource, parents before children, else by URN: a stable order. */
  readonly resources: readonly Registration[];
  /** What the program returned or exported; secrets as `[secret]`. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

const STACK_TYPE = "pulumi:pulumi:Stack";

/** How the stack's outputs show a secret. */
export const SECRET = "[secret]";

/**
 * Runs a program in this process, without the Pulumi CLI, providers or an account, and gathers what it
 * registers. It is the program that `pulumi preview` runs: the SDK's own runtime mocks stand in for the
 * engine.
 *
 * The SDK keeps its state in the process, so evaluations must follow one another.
 *
 * @throws whatever the program throws, at once or from an output
 */
export async function evaluate(
  program: () => unknown,
  stack: StackConfig,
  computed: ComputedOutputs = "unknown",
): Promise<Evaluation> {
  const recorder = new Recorder(computed);
  await pulumi.runtime.setMocks(recorder, stack.project, stack.stack, computed === "unknown");
  pulumi.runtime.setAllConfig({ ...stack.config }, [...stack.secretKeys]);
  recorder.listen();

  // An error inside "apply" surfaces as a rejection that nobody awaits.
  const failures: unknown[] = [];
  const onFailure = (reason: unknown) => failures.push(reason);
  process.on("unhandledRejection", onFailure);
  await pulumi.runtime
    .runInPulumiStack(async () => {
      pulumi.runtime.registerStackTransformation(recorder.declare);
      const result = await program();
      return typeof result === "function" ? (result as () => unknown)() : result;
    })
    .catch(onFailure);
  await pulumi.runtime.disconnect();
  // Rejections are announced after the microtasks of the turn that caused them.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onFailure);
  if (failures.length > 0) throw failures[0];
  return recorder.evaluation();
}

type RegisterRequest = Parameters<Monitor["registerResource"]>[0];
type Monitor = {
  newUrn(parent: string, type: string, name: string): string;
  registerResource(
    request: {
      getType(): string;
      getName(): string;
      getParent(): string;
      getCustom(): boolean;
      getRemote(): boolean;
      getProvider(): string;
      getProtect(): boolean;
      getRetainondelete(): boolean;
      getIgnorechangesList(): string[];
      getReplaceonchangesList(): string[];
      getDependenciesList(): string[];
      getPropertydependenciesMap(): {
        forEach(callback: (value: { getUrnsList(): string[] }, key: string) => void): void;
      };
      getObject(): { toJavaScript(): Record<string, unknown> } | undefined;
    },
    callback: (error: unknown, response: { getUrn(): string }) => void,
  ): void;
  registerResourceOutputs(
    request: {
      getUrn(): string;
      getOutputs(): { toJavaScript(): Record<string, unknown> } | undefined;
    },
    callback: unknown,
  ): void;
};

class Recorder implements pulumi.runtime.Mocks {
  private readonly resources: Registration[] = [];
  private outputs: Record<string, unknown> = {};
  /** Names of everything that a resource of a type has, inputs and outputs. */
  private readonly declared = new Map<string, readonly string[]>();

  constructor(private readonly computed: ComputedOutputs) {}

  /** SDK classes pass the names of their outputs along with their inputs, without values. */
  readonly declare: pulumi.ResourceTransformation = (args) => {
    if (!this.declared.has(args.type)) this.declared.set(args.type, Object.keys(args.props));
    return undefined;
  };

  newResource(args: pulumi.runtime.MockResourceArgs): pulumi.runtime.MockResourceResult {
    const inputs = args.inputs as Record<string, unknown>;
    if (this.computed === "unknown") return { id: undefined, state: inputs };
    const made = knownOutputs(args.type, args.name, this.declared.get(args.type) ?? []);
    return { id: `${args.name}-id`, state: { ...made, ...inputs } };
  }

  call(args: pulumi.runtime.MockCallArgs): pulumi.runtime.MockCallResult {
    return answer(args.token, args.inputs as Record<string, unknown>, this.computed);
  }

  /** Mocks see a resource's inputs; its parent, its dependencies and its options pass by here. */
  listen(): void {
    const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
    monitor.newUrn = newUrn;
    const register = monitor.registerResource.bind(monitor);
    monitor.registerResource = (request, callback) =>
      register(request, (error, response) => {
        if (!error) this.resources.push(this.registration(request, response.getUrn()));
        callback(error, response);
      });
    const registerOutputs = monitor.registerResourceOutputs.bind(monitor);
    monitor.registerResourceOutputs = (request, callback) => {
      if (request.getUrn().includes(`::${STACK_TYPE}::`)) {
        this.outputs = plain(request.getOutputs()?.toJavaScript() ?? {}, true) as Record<
          string,
          unknown
        >;
      }
      registerOutputs(request, callback);
    };
  }

  evaluation(): Evaluation {
    const depth = (urn: string) => urn.split("::")[2]!.split("$").length;
    const resources = [...this.resources].sort(
      (one, other) => depth(one.urn) - depth(other.urn) || (one.urn < other.urn ? -1 : 1),
    );
    const seen = new Set<string>();
    for (const { urn } of resources) {
      if (seen.has(urn)) throw new Error(`Duplicate resource URN ${urn}: give it another name.`);
      seen.add(urn);
    }
    return { resources, outputs: this.outputs };
  }

  private registration(request: RegisterRequest, urn: string): Registration {
    const raw = request.getObject()?.toJavaScript() ?? {};
    const inputs = plain(raw, false) as Record<string, unknown>;
    const type = request.getType();
    // A preview knows no output yet. Made up, an output that no input sets stays out: unlike a
    // provider, nothing here can tell a computed value from an option that is not in use.
    const outputs = { ...inputs };
    if (request.getCustom() && this.computed === "unknown") {
      for (const key of this.declared.get(type) ?? []) outputs[key] ??= UNKNOWN;
    }
    const propertyDependencies: Record<string, string[]> = {};
    request.getPropertydependenciesMap().forEach((value, key) => {
      if (value.getUrnsList().length > 0) propertyDependencies[key] = value.getUrnsList();
    });
    return {
      urn,
      type,
      name: request.getName(),
      custom: request.getCustom(),
      remote: request.getRemote(),
      parent: request.getParent() || undefined,
      // A reference is the provider's URN and id.
      provider: request.getProvider().split("::").slice(0, 4).join("::") || undefined,
      inputs,
      outputs,
      secrets: Object.keys(raw).filter((key) => holdsSecret(raw[key])),
      dependencies: request.getDependenciesList(),
      propertyDependencies,
      protect: request.getProtect(),
      ignoreChanges: request.getIgnorechangesList(),
      replaceOnChanges: request.getReplaceonchangesList(),
      retainOnDelete: request.getRetainondelete(),
    };
  }
}

/** As the engine forms it: all types from the outermost component in, without the stack's. */
function newUrn(parent: string, type: string, name: string): string {
  const outer = parent === "" ? STACK_TYPE : parent.split("::")[2]!;
  const qualified = outer === STACK_TYPE ? type : `${outer}$${type}`;
  return `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${qualified}::${name}`;
}

const { specialSigKey, specialSecretSig, specialResourceSig } = pulumi.runtime;

function signature(value: unknown): unknown {
  return value !== null && typeof value === "object"
    ? (value as Record<string, unknown>)[specialSigKey]
    : undefined;
}

function holdsSecret(value: unknown): boolean {
  if (signature(value) === specialSecretSig) return true;
  if (value === null || typeof value !== "object") return false;
  return Object.values(value).some(holdsSecret);
}

/** Values as the wire carries them, without the wrapping of secrets and resource references. */
function plain(value: unknown, hideSecrets: boolean): unknown {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, hideSecrets));
  const object = value as Record<string, unknown>;
  switch (signature(value)) {
    case specialSecretSig:
      return hideSecrets ? SECRET : plain(object.value, hideSecrets);
    case specialResourceSig:
      return object.id ?? object.urn;
    default:
      return Object.fromEntries(
        Object.entries(object).map(([key, item]) => [key, plain(item, hideSecrets)]),
      );
  }
}
