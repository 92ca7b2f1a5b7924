import type { Policies } from "@pulumi/policy";

import { bucketTls } from "./rules/bucket-tls";
import { confusedDeputy } from "./rules/confused-deputy";
import { containerHardening } from "./rules/container-hardening";
import { customerManagedKeys } from "./rules/customer-managed-keys";
import { databaseExposureHints } from "./rules/database-exposure-hints";
import { databaseTls } from "./rules/database-tls";
import { hiddenDatabaseGroups } from "./rules/hidden-database-groups";
import { iamWildcards } from "./rules/iam-wildcards";
import { internalLoadBalancer } from "./rules/internal-load-balancer";
import { listenerTls } from "./rules/listener-tls";
import { logRetention } from "./rules/log-retention";
import { managedPolicies } from "./rules/managed-policies";
import { plaintextSecrets } from "./rules/plaintext-secrets";
import { productionSafeguards } from "./rules/production-safeguards";
import { publicAddresses } from "./rules/public-addresses";
import { publicDatabaseIngress } from "./rules/public-database-ingress";
import { requiredTags } from "./rules/required-tags";
import { routeAuthorizer } from "./rules/route-authorizer";
import { s3Encryption } from "./rules/s3-encryption";
import { s3PublicAccess } from "./rules/s3-public-access";
import { storageEncryption } from "./rules/storage-encryption";

/** Every policy of the pack, in the order in which reports list them. */
export const policies: Policies = [
  // Databases
  publicDatabaseIngress,
  hiddenDatabaseGroups,
  databaseExposureHints,
  databaseTls,
  // Ways in
  s3PublicAccess,
  publicAddresses,
  internalLoadBalancer,
  routeAuthorizer,
  listenerTls,
  bucketTls,
  // Secrets and rights
  plaintextSecrets,
  iamWildcards,
  managedPolicies,
  confusedDeputy,
  // Data at rest
  storageEncryption,
  customerManagedKeys,
  s3Encryption,
  productionSafeguards,
  // Operation
  containerHardening,
  logRetention,
  requiredTags,
];
