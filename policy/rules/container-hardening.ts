import type { ResourceValidationPolicy } from "@pulumi/policy";

import { containersOf } from "../lib/containers";
import { resourcesOf } from "../lib/policy";
import { isUnset, type Values } from "../lib/values";

/** The superuser, by name or number, with or without a group. */
const ROOT = /^(root|0+)(:.*)?$/;

export const containerHardening: ResourceValidationPolicy = {
  name: "container-hardening",
  description: "A container should run without root and without a writable root file system.",
  enforcementLevel: "advisory",
  severity: "medium",
  tags: ["ecs"],
  remediationSteps:
    "Set user to a number above 0, readonlyRootFilesystem to true with volumes where the process writes, " +
    "and leave privileged out.",
  url: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/security-tasks-containers.html",

  // The definitions hold image digests, so that a preview rarely knows them; an update does.
  validateResource: resourcesOf(
    ["aws:ecs/taskDefinition:TaskDefinition"],
    (properties, report, args) => {
      for (const container of containersOf(properties["containerDefinitions"])) {
        const name = typeof container["name"] === "string" ? container["name"] : "?";
        for (const problem of problemsOf(container)) {
          report(`Container "${name}" of "${args.name}" ${problem}`);
        }
      }
    },
  ),
};

function problemsOf({ user, readonlyRootFilesystem, privileged }: Values): string[] {
  const problems: string[] = [];
  if (isUnset(user) || (typeof user === "string" && ROOT.test(user))) {
    problems.push("may run as root. Set user.");
  }
  if (isUnset(readonlyRootFilesystem) || readonlyRootFilesystem === false) {
    problems.push("can change its own files. Set readonlyRootFilesystem to true.");
  }
  if (privileged === true) {
    problems.push("has the rights of its host. Remove privileged.");
  }
  return problems;
}
