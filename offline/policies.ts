import type {
  EnforcementLevel,
  Policies,
  ResourceValidation,
  ResourceValidationPolicy,
  Severity,
  StackValidationPolicy,
} from "@pulumi/policy";
import * as server from "@pulumi/policy/server";
import * as analyzer from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";

import type { Registration } from "./registration";

/** What `--policy-pack-config` takes: per policy name (or `all`) a level, or a level and settings. */
export type PackConfig = Readonly<
  Record<
    string,
    EnforcementLevel | { enforcementLevel?: EnforcementLevel; [setting: string]: unknown }
  >
>;

/** One violation. */
export interface Verdict {
  readonly policy: string;
  readonly level: "mandatory" | "advisory";
  /** The resource at fault; absent when the stack as a whole is. */
  readonly urn?: string;
  readonly message: string;
  readonly severity?: Severity;
}

/** What became of one policy of the pack. */
export interface Outcome {
  readonly policy: string;
  readonly description: string;
  readonly level: EnforcementLevel;
  readonly result: "passed" | "failed" | "not applicable" | "disabled";
}

/** Verdicts in the order of the pack, and one outcome for each of its policies. */
export interface PackRun {
  readonly verdicts: Verdict[];
  readonly outcomes: Outcome[];
}

/** Runs the policies and returns their violations. See {@link runPolicies}. */
export async function checkPolicies(
  policies: Policies,
  resources: readonly Registration[],
  config: PackConfig = {},
): Promise<Verdict[]> {
  return (await runPolicies(policies, resources, config)).verdicts;
}

/**
 * Runs the policies as the engine would: resource policies on the inputs of every custom resource,
 * stack policies on the planned outputs of all. Levels, unknown values and "not applicable" are
 * decided by the SDK's own server functions, so that a verdict here is a verdict there.
 */
export async function runPolicies(
  policies: Policies,
  resources: readonly Registration[],
  config: PackConfig = {},
): Promise<PackRun> {
  const active = policies.map((policy) => configure(policy, config));
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const tally = new Tally();

  const analyze = rpc("makeAnalyzeRpcFun", active);
  for (const resource of resources.filter((r) => r.custom)) {
    tally.add(await analyze(resourceRequest(resource, byUrn)), resource.urn);
  }
  const analyzeStack = rpc("makeAnalyzeStackRpcFun", active);
  tally.add(await analyzeStack(stackRequest(resources, byUrn)));

  return tally.result(active, resources.filter((r) => r.custom).length);
}

// --- Configuration ------------------------------------------------------------------------------

type AnyPolicy = ResourceValidationPolicy & Partial<StackValidationPolicy>;

/**
 * The policy with its level and settings applied. The SDK keeps a pack's configuration in a variable
 * that only its server can set, so the settings are handed over through `getConfig` instead.
 */
function configure(policy: Policies[number], config: PackConfig): AnyPolicy {
  const { enforcementLevel: own, ...given } = entry(config[policy.name]);
  const { enforcementLevel: shared } = entry(config["all"]);
  const settings = { ...schemaDefaults(policy), ...given };
  const withSettings = <Args extends object>(args: Args): Args => ({
    ...args,
    getConfig: () => settings,
  });

  const { validateResource, validateStack } = policy as AnyPolicy;
  const configured = [validateResource ?? []].flat().map((validate) =>
    // Keeps the type that the SDK attaches to a validation made for one type.
    Object.assign<ResourceValidation, ResourceValidation>(
      (args, report) => validate(withSettings(args), report),
      validate,
    ),
  );
  return {
    ...policy,
    enforcementLevel: own ?? shared ?? policy.enforcementLevel,
    ...(validateResource && {
      validateResource: configured.length === 1 ? configured[0] : configured,
    }),
    ...(validateStack && {
      validateStack: (args, report) => validateStack(withSettings(args), report),
    }),
  };
}

/** A policy's configuration, of which a level alone is the short form. */
function entry(config: PackConfig[string] = {}): Exclude<PackConfig[string], string> {
  return typeof config === "string" ? { enforcementLevel: config } : config;
}

/** The defaults of a policy's settings, which the command line merges before it starts a pack. */
function schemaDefaults(policy: Policies[number]): Record<string, unknown> {
  const properties = Object.entries(policy.configSchema?.properties ?? {});
  return Object.fromEntries(
    properties
      .filter(([, schema]) => schema.default !== undefined)
      .map(([name, schema]) => [name, schema.default]),
  );
}

// --- The SDK's protocol -------------------------------------------------------------------------

type Rpc<Request> = (request: Request) => Promise<analyzer.AnalyzeResponse>;
type RpcHandler = (
  call: { request: unknown },
  callback: (error: Error | null, response?: analyzer.AnalyzeResponse) => void,
) => void;
type RpcFactory = (
  packName: string,
  packVersion: string,
  packLevel: EnforcementLevel,
  policies: Policies,
) => RpcHandler;

/** One of the server's functions, called without a server. Its typings are stripped from the SDK. */
function rpc<Request>(name: "makeAnalyzeRpcFun" | "makeAnalyzeStackRpcFun", policies: Policies) {
  const factory = (server as unknown as Record<typeof name, RpcFactory>)[name];
  const handler = factory("offline", "0.0.0", "advisory", policies);
  const call: Rpc<Request> = (request) =>
    new Promise((resolve, reject) => {
      handler({ request }, (error, response) => (response ? resolve(response) : reject(error!)));
    });
  return call;
}

function resourceRequest(resource: Registration, byUrn: ReadonlyMap<string, Registration>) {
  const request = new analyzer.AnalyzeRequest();
  describe(request, resource, resource.inputs, byUrn);
  return request;
}

function stackRequest(
  resources: readonly Registration[],
  byUrn: ReadonlyMap<string, Registration>,
) {
  const request = new analyzer.AnalyzeStackRequest();
  request.setResourcesList(
    resources.map((resource) => {
      const message = new analyzer.AnalyzerResource();
      describe(message, resource, resource.outputs, byUrn);
      if (resource.parent) message.setParent(resource.parent);
      message.setDependenciesList([...resource.dependencies]);
      const links = message.getPropertydependenciesMap();
      for (const [property, urns] of Object.entries(resource.propertyDependencies)) {
        // The engine sends no entry for a property that was computed from nothing.
        if (urns.length === 0) continue;
        const entry = new analyzer.AnalyzerPropertyDependencies();
        entry.setUrnsList([...urns]);
        links.set(property, entry);
      }
      return message;
    }),
  );
  return request;
}

function describe(
  message: analyzer.AnalyzeRequest | analyzer.AnalyzerResource,
  resource: Registration,
  properties: Record<string, unknown>,
  byUrn: ReadonlyMap<string, Registration>,
): void {
  message.setType(resource.type);
  message.setUrn(resource.urn);
  message.setName(resource.name);
  message.setProperties(toStruct(properties));

  const options = new analyzer.AnalyzerResourceOptions();
  options.setProtect(resource.protect);
  options.setIgnorechangesList([...resource.ignoreChanges]);
  if (resource.parent) options.setParent(resource.parent);
  message.setOptions(options);

  const provider = resource.provider ? byUrn.get(resource.provider) : undefined;
  if (provider) {
    const described = new analyzer.AnalyzerProviderResource();
    described.setType(provider.type);
    described.setUrn(provider.urn);
    described.setName(provider.name);
    described.setProperties(toStruct(provider.inputs));
    message.setProvider(described);
  }
}

/** Through JSON, which drops what a protocol message cannot hold: `undefined`, functions. */
function toStruct(properties: Record<string, unknown>): Struct {
  return Struct.fromJavaScript(
    JSON.parse(JSON.stringify(properties)) as Parameters<typeof Struct.fromJavaScript>[0],
  );
}

// --- Results ------------------------------------------------------------------------------------

const SEVERITIES: Readonly<Record<number, Severity>> = {
  [analyzer.PolicySeverity.POLICY_SEVERITY_LOW]: "low",
  [analyzer.PolicySeverity.POLICY_SEVERITY_MEDIUM]: "medium",
  [analyzer.PolicySeverity.POLICY_SEVERITY_HIGH]: "high",
  [analyzer.PolicySeverity.POLICY_SEVERITY_CRITICAL]: "critical",
};

/** Collects the answers of all calls of one run. */
class Tally {
  private readonly verdicts: Verdict[] = [];
  /** How often each policy answered that it had nothing to judge. */
  private readonly notApplicable = new Map<string, number>();

  add(response: analyzer.AnalyzeResponse, resourceUrn?: string): void {
    for (const diagnostic of response.getDiagnosticsList()) {
      const mandatory = diagnostic.getEnforcementlevel() === analyzer.EnforcementLevel.MANDATORY;
      const urn = resourceUrn ?? (diagnostic.getUrn() || undefined);
      const severity = SEVERITIES[diagnostic.getSeverity()];
      this.verdicts.push({
        policy: diagnostic.getPolicyname(),
        level: mandatory ? "mandatory" : "advisory",
        message: withoutDescription(diagnostic),
        ...(urn && { urn }),
        ...(severity && { severity }),
      });
    }
    for (const entry of response.getNotApplicableList()) {
      const name = entry.getPolicyName();
      this.notApplicable.set(name, (this.notApplicable.get(name) ?? 0) + 1);
    }
  }

  result(policies: readonly AnyPolicy[], resourceCount: number): PackRun {
    const failed = new Set(this.verdicts.map((verdict) => verdict.policy));
    const outcomes = policies.map((policy): Outcome => {
      const level = policy.enforcementLevel ?? "advisory";
      const asked = (policy.validateResource ? resourceCount : 0) + (policy.validateStack ? 1 : 0);
      const judged = asked - (this.notApplicable.get(policy.name) ?? 0);
      const result =
        level === "disabled"
          ? "disabled"
          : failed.has(policy.name)
            ? "failed"
            : judged > 0
              ? "passed"
              : "not applicable";
      return { policy: policy.name, description: policy.description, level, result };
    });
    const order = new Map(policies.map((policy, index) => [policy.name, index]));
    const verdicts = this.verdicts.sort((a, b) => order.get(a.policy)! - order.get(b.policy)!);
    return { verdicts, outcomes };
  }
}

/** The SDK puts the policy's description in front of every message; a verdict names the policy. */
function withoutDescription(diagnostic: analyzer.AnalyzeDiagnostic): string {
  const prefix = `${diagnostic.getDescription()}\n`;
  const message = diagnostic.getMessage();
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}
