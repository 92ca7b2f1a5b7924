import type {
  PolicyResource,
  ReportViolation,
  ResourceValidation,
  ResourceValidationArgs,
} from "@pulumi/policy";

import { plain, type Values } from "./values";

/** Judges one resource by the inputs it was given. */
export type ResourceCheck = (
  properties: Values,
  report: ReportViolation,
  args: ResourceValidationArgs,
) => void;

/** Runs a check on resources of the given types, and marks the policy as not applicable on others. */
export function resourcesOf(types: readonly string[], check: ResourceCheck): ResourceValidation {
  const judged = new Set(types);
  return (args, report) => {
    if (!judged.has(args.type)) args.notApplicable();
    check(plain(args.props), report, args);
  };
}

/** The resources of some types, in a stack. */
export function ofTypes(
  resources: readonly PolicyResource[],
  types: readonly string[],
): PolicyResource[] {
  const wanted = new Set(types);
  return resources.filter((resource) => wanted.has(resource.type));
}
