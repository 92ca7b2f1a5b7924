import type { PolicyResource } from "@pulumi/policy";

import { at, list, plain, UNKNOWN, type Value, type Values } from "./values";

/** What a property refers to. */
export interface Reference {
  /** Resources of this stack that it refers to, or, while ids are unknown, may refer to. */
  readonly targets: PolicyResource[];
  /** Literal ids among the references that belong to no resource of this stack. */
  readonly literals: string[];
  /** How many references lead to nothing that this stack manages. */
  readonly unseen: number;
}

/**
 * The properties that the program has set on a resource of a stack.
 *
 * In a preview, an output that was never set and that AWS will fill in is unknown too. Only an input
 * that was computed from other resources has an entry in `propertyDependencies`: an unknown without
 * one was not set.
 */
export function setProperties(resource: PolicyResource): Values {
  let properties = cache.get(resource);
  if (!properties) {
    const all = plain(resource.props);
    properties = Object.fromEntries(
      Object.entries(all).filter(
        ([name, value]) => value !== UNKNOWN || name in resource.propertyDependencies,
      ),
    );
    cache.set(resource, properties);
  }
  return properties;
}
const cache = new WeakMap<PolicyResource, Values>();

/**
 * Resolves references to the resources of one kind, by id where ids are known and by the program's
 * own dependencies where they are not.
 */
export class Links {
  private readonly byId = new Map<string, PolicyResource>();
  private readonly all: ReadonlySet<PolicyResource>;
  private readonly withoutId = new Set<PolicyResource>();
  /** Candidates below each component, because an output of a component depends on the component. */
  private readonly inside = new Map<PolicyResource, PolicyResource[]>();

  /** @param idProperties what others refer to a candidate by, such as `id` */
  constructor(candidates: readonly PolicyResource[], idProperties: readonly string[]) {
    this.all = new Set(candidates);
    for (const candidate of candidates) {
      const properties = setProperties(candidate);
      const ids = idProperties
        .map((name) => properties[name])
        .filter((id): id is string => typeof id === "string");
      for (const id of ids) this.byId.set(id, candidate);
      if (typeof properties["id"] !== "string") this.withoutId.add(candidate);

      for (let above = candidate.parent; above; above = above.parent) {
        const candidates = this.inside.get(above);
        if (candidates) candidates.push(candidate);
        else this.inside.set(above, [candidate]);
      }
    }
  }

  /** What the property at a dotted path refers to. */
  resolve(resource: PolicyResource, path: string): Reference {
    const property = path.split(".")[0]!;
    return this.match(resource, property, list(at(setProperties(resource), path)));
  }

  /** What ids refer to that stand anywhere in a top-level property. */
  match(resource: PolicyResource, property: string, ids: readonly Value[]): Reference {
    const targets = new Set<PolicyResource>();
    const literals: string[] = [];
    let unmatched = 0;
    for (const id of ids) {
      const target = typeof id === "string" ? this.byId.get(id) : undefined;
      if (target) {
        targets.add(target);
      } else {
        unmatched += 1;
        if (typeof id === "string") literals.push(id);
      }
    }
    if (unmatched === 0) return { targets: [...targets], literals, unseen: 0 };

    // A value that is not known yet may be the id of any dependency. A known id that matches nothing
    // may only be the id of one whose provider repeats no id among its outputs.
    const isPossible = (candidate: PolicyResource) =>
      !targets.has(candidate) &&
      (unmatched > literals.length ? this.all.has(candidate) : this.withoutId.has(candidate));
    const possible = this.among(
      resource.propertyDependencies[property] ?? [],
      isPossible,
      unmatched,
    );
    for (const candidate of possible) targets.add(candidate);
    return { targets: [...targets], literals, unseen: Math.max(0, unmatched - possible.size) };
  }

  /**
   * Candidates among dependencies. An output of a component depends on the component, often beside
   * the resource that it stands for: only when too few candidates are named does every one inside
   * the component count.
   */
  private among(
    dependencies: readonly PolicyResource[],
    isPossible: (candidate: PolicyResource) => boolean,
    wanted: number,
  ): Set<PolicyResource> {
    const named = dependencies.filter(isPossible);
    if (new Set(named).size >= wanted) return new Set(named);
    const inside = dependencies.flatMap((dependency) => this.inside.get(dependency) ?? []);
    return new Set([...named, ...inside.filter(isPossible)]);
  }
}
