import type { StackValidationPolicy } from "@pulumi/policy";

import { DATABASE_KINDS } from "../lib/databases";
import { databaseGroups, groupLinks } from "../lib/security-groups";

/**
 * A database whose security groups this stack does not manage is unproven, not safe: whoever owns the
 * group can open it. It is a policy of its own so that a team which shares groups between stacks can
 * lower it to a warning by its level, without touching the rule on public ingress.
 */
export const hiddenDatabaseGroups: StackValidationPolicy = {
  name: "hidden-database-groups",
  description: "The security groups of a database must be in sight.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["network", "database"],
  remediationSteps:
    "Create the database's security group in the same stack, or set this policy to advisory in the pack's " +
    "configuration when another stack owns the group and runs this pack too.",
  url: "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html",

  validateStack: (args, report) => {
    for (const { database, reference } of databaseGroups(
      args.resources,
      groupLinks(args.resources),
    )) {
      if (reference.unseen === 0) continue;
      const kind = DATABASE_KINDS[database.type]!;
      report(
        `${kind.label} "${database.name}" carries a security group that this stack does not manage, so its ` +
          `ingress is unproven. Set ${kind.groups} to security groups of this stack.`,
        database.urn,
      );
    }
  },
};
