import type { PolicyResource, StackValidationPolicy } from "@pulumi/policy";

import { setProperties } from "../lib/links";
import { parseJson } from "../lib/policy-documents";
import { isObject, list, plain, UNKNOWN, type Value } from "../lib/values";

interface Settings {
  readonly tags?: readonly string[];
}

/** A stack policy, because only a resource's outputs tell that its type takes tags at all. */
export const requiredTags: StackValidationPolicy = {
  name: "required-tags",
  description: "Resources should tell by their tags whose they are.",
  enforcementLevel: "advisory",
  severity: "low",
  tags: ["tags", "cost"],
  remediationSteps: "Set the tags once, as the provider's defaultTags.",
  url: "https://docs.aws.amazon.com/whitepapers/latest/tagging-best-practices/tagging-best-practices.html",
  configSchema: {
    properties: {
      tags: {
        type: "array",
        description: "Names of tags that every resource must have.",
        items: { type: "string", minLength: 1 },
        default: [],
      },
    },
  },

  validateStack: (args, report) => {
    const { tags: required = [] } = args.getConfig<Settings>();
    if (required.length === 0) args.notApplicable("The pack's configuration requires no tags.");
    for (const resource of args.resources) {
      if (!("tagsAll" in resource.props || "tags" in resource.props)) continue;
      const present = tagsOf(resource);
      const missing = present ? required.filter((tag) => !present.has(tag)) : [];
      if (missing.length > 0) {
        report(`"${resource.name}" lacks ${missing.join(", ")}. Set the tags.`, resource.urn);
      }
    }
  },
};

/** Names of the tags that a resource will have, its provider's included; nothing when not known. */
function tagsOf(resource: PolicyResource): Set<string> | undefined {
  const { tags, tagsAll } = setProperties(resource);
  const provider = resource.provider ? plain(resource.provider.props) : {};
  // A provider's inputs are JSON texts.
  const defaults = provider["defaultTags"];
  const parsed = typeof defaults === "string" ? parseJson(defaults) : defaults;
  const sources = [tags, tagsAll, isObject(parsed) ? parsed["tags"] : parsed];
  return sources.includes(UNKNOWN) ? undefined : new Set(sources.flatMap(names));
}

/** Tags are a map in the classic provider, a list of keys and values in aws-native. */
function names(tags: Value): string[] {
  if (isObject(tags)) return Object.keys(tags);
  return list(tags).flatMap((tag) =>
    isObject(tag) && typeof tag["key"] === "string" ? [tag["key"]] : [],
  );
}
