import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import {
  type Policies,
  type PolicyResource,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from "@pulumi/policy";
import * as sdk from "@pulumi/policy";

import { type Registration, UNKNOWN } from "../../offline/registration";

/**
 * A resource as a row of a table writes it. Values may be markers: {@link ref}, {@link later},
 * {@link external}.
 */
export interface Spec {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
  readonly parent?: string;
  readonly protect?: boolean;
  readonly provider?: string;
  /** Outputs that a provider fills in when it makes the resource. */
  readonly filledIn?: Record<string, unknown>;
}

/** Makes resources of one type. */
export const resource =
  (type: string) =>
  (
    name: string,
    inputs: Record<string, unknown> = {},
    more: Pick<Spec, "parent" | "protect" | "provider" | "filledIn"> = {},
  ): Spec => ({ type, name, inputs, ...more });

/**
 * What a policy is shown of the same stack. `preview`: ids and every unset output are unknown, as the
 * engine does it. `live`: all is known. `idless`: all is known, but the provider repeats no ids among
 * its outputs.
 */
export type Mode = "preview" | "live" | "idless";
export const MODES: readonly Mode[] = ["preview", "live", "idless"];

class Marker {
  constructor(
    readonly known: unknown,
    readonly from: readonly string[],
    readonly knownAtPreview: boolean,
  ) {}
}

/** The id of another resource of the row. */
export const ref = (name: string) => new Marker(`${name}-id`, [name], false);

/** A value that is computed from resources, so that a preview does not know it. */
export const later = (value: unknown, ...from: string[]) => new Marker(value, from, false);

/** A known value from a resource that the stack does not manage: `.get()`, a stack reference. */
export const external = (value: unknown) => new Marker(value, ["somewhere-else"], true);

/** The stack that a list of resources makes, as the engine would register it. */
export function stack(specs: readonly Spec[], mode: Mode): Registration[] {
  const urns = new Map(specs.map((spec) => [spec.name, urnOf(spec)]));
  return specs.map((spec) => {
    const links: Record<string, string[]> = {};
    const inputs: Record<string, unknown> = {};
    for (const [property, value] of Object.entries(spec.inputs)) {
      const from = markersIn(value).flatMap((marker) => marker.from);
      if (from.length > 0) {
        links[property] = from.map((name) => urns.get(name) ?? `urn:not-in-this-stack::${name}`);
      }
      inputs[property] = resolve(value, mode);
    }
    return {
      urn: urnOf(spec),
      type: spec.type,
      name: spec.name,
      custom: !spec.type.startsWith("test:"),
      remote: false,
      parent: spec.parent === undefined ? undefined : urns.get(spec.parent),
      provider: spec.provider === undefined ? undefined : urns.get(spec.provider),
      inputs,
      outputs: { ...computed(spec, mode), ...inputs },
      secrets: [],
      dependencies: Object.values(links).flat(),
      propertyDependencies: links,
      protect: spec.protect ?? false,
      ignoreChanges: [],
      replaceOnChanges: [],
      retainOnDelete: false,
    };
  });
}

export function urnOf({ type, name }: { type: string; name: string }): string {
  return `urn:pulumi:test::policy::${type}::${name}`;
}

function markersIn(value: unknown): Marker[] {
  if (value instanceof Marker) return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(markersIn);
}

function resolve(value: unknown, mode: Mode): unknown {
  if (value instanceof Marker) {
    return mode === "preview" && !value.knownAtPreview ? UNKNOWN : value.known;
  }
  if (Array.isArray(value)) return value.map((element) => resolve(element, mode));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, resolve(v, mode)]));
}

function computed(spec: Spec, mode: Mode): Record<string, unknown> {
  switch (mode) {
    case "preview":
      return Object.fromEntries(["id", ...declaredOutputs(spec.type)].map((key) => [key, UNKNOWN]));
    case "live":
      return { id: `${spec.name}-id`, ...spec.filledIn };
    case "idless":
      return { ...spec.filledIn };
  }
}

const AWS = dirname(require.resolve("@pulumi/aws/package.json"));
const declared = new Map<string, string[]>();

/** The outputs that the SDK's typings declare for a resource type of @pulumi/aws. */
function declaredOutputs(type: string): string[] {
  const known = declared.get(type);
  if (known) return known;
  const file = join(AWS, `${type.split(":")[1]}.d.ts`);
  const typings = type.startsWith("aws:") && existsSync(file) ? readFileSync(file, "utf8") : "";
  const outputs = [...typings.matchAll(/^ {4}readonly (\w+): pulumi\.Output</gm)].map((m) => m[1]!);
  declared.set(type, outputs);
  return outputs;
}

/** Settings under which every policy of the pack has something to judge. */
export const EVERY_POLICY_ON = {
  "production-safeguards": { enabled: true },
  "required-tags": { tags: ["Owner"] },
};

// --- Direct calls -------------------------------------------------------------------------------

/** A violation, and the level its policy declares. */
export interface Finding {
  readonly policy: string;
  readonly level: string;
  readonly name: string;
  readonly urn: string;
  readonly message: string;
}

/** Exported by the SDK, though its typings lost it. */
const { unknownCheckingProxy } = sdk as unknown as {
  unknownCheckingProxy: <T extends object>(properties: T) => T;
};

type AnyPolicy = ResourceValidationPolicy & Partial<StackValidationPolicy>;
/** One for all, because making an error is slow. */
const NOT_APPLICABLE = new Error("not applicable");

/**
 * Calls policies directly, with the SDK's own proxy around the properties. Unlike the engine it lets
 * an `UnknownValueError` through: in a policy that is a bug.
 */
export async function judge(
  policies: Policies,
  registrations: readonly Registration[],
  config: Record<string, object> = {},
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const inputs = policyResources(registrations, "inputs");
  const outputs = policyResources(registrations, "outputs");
  for (const policy of policies as AnyPolicy[]) {
    const common = {
      stackTags: new Map<string, string>(),
      getConfig: <T extends object>() => (config[policy.name] ?? {}) as T,
      notApplicable: (): never => {
        throw NOT_APPLICABLE;
      },
    };
    const report = (message: string, urn?: string) => {
      const name = urn?.split("::").pop() ?? "";
      const level = policy.enforcementLevel!;
      findings.push({ policy: policy.name, level, name, urn: urn ?? "", message });
    };
    const attempt = async (run: () => Promise<void> | void) => {
      try {
        await run();
      } catch (error) {
        if (error !== NOT_APPLICABLE) throw error;
      }
    };

    for (const validate of [policy.validateResource ?? []].flat()) {
      for (const resource of inputs) {
        await attempt(() =>
          validate({ ...resource, ...common } as never, (message) => report(message, resource.urn)),
        );
      }
    }
    if (policy.validateStack) {
      await attempt(() => policy.validateStack!({ ...common, resources: outputs }, report));
    }
  }
  return findings;
}

function policyResources(
  registrations: readonly Registration[],
  view: "inputs" | "outputs",
): PolicyResource[] {
  const byUrn = new Map<string, PolicyResource>();
  const providers = new Map(registrations.map((r) => [r.urn, r]));
  for (const { urn, type, name, protect, ...rest } of registrations) {
    const provider = rest.provider === undefined ? undefined : providers.get(rest.provider);
    byUrn.set(urn, {
      urn,
      type,
      name,
      props: unknownCheckingProxy(rest[view]),
      opts: {
        protect,
        ignoreChanges: [],
        aliases: [],
        additionalSecretOutputs: [],
        customTimeouts: { createSeconds: 0, updateSeconds: 0, deleteSeconds: 0 },
      },
      ...(provider && { provider: { ...provider, props: unknownCheckingProxy(provider.inputs) } }),
      dependencies: [],
      propertyDependencies: {},
      isType: (type_) => (type_ as { __pulumiType?: string }).__pulumiType === type,
      asType: () => undefined,
    });
  }
  const inSight = (urns: readonly string[]) => urns.flatMap((urn) => byUrn.get(urn) ?? []);
  for (const { urn, parent, dependencies, propertyDependencies } of registrations) {
    const resource = byUrn.get(urn)!;
    resource.parent = parent === undefined ? undefined : byUrn.get(parent);
    resource.dependencies = inSight(dependencies);
    resource.propertyDependencies = Object.fromEntries(
      Object.entries(propertyDependencies).map(([key, urns]) => [key, inSight(urns)]),
    );
  }
  return [...byUrn.values()];
}

// --- Order --------------------------------------------------------------------------------------

/** A shuffled copy, the same for the same seed (mulberry32). */
export function shuffled<T>(items: readonly T[], seed: number): T[] {
  let state = seed;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
