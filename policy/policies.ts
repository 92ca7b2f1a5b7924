import type { Policies } from "@pulumi/policy";

import { databaseExposureHints } from "./rules/database-exposure-hints";
import { hiddenDatabaseGroups } from "./rules/hidden-database-groups";
import { publicDatabaseIngress } from "./rules/public-database-ingress";

/** Every policy of the pack, in the order in which reports list them. */
export const policies: Policies = [
  publicDatabaseIngress,
  hiddenDatabaseGroups,
  databaseExposureHints,
];
