import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { conditionKeys, type Statement, statementsOf } from "../lib/policy-documents";
import { isUnset, type Value, type Values } from "../lib/values";

/**
 * Services that tell a role on whose behalf they take it, after the chapters on cross-service
 * confused deputies in their guides. Others (EC2, Lambda) do not, and a condition would lock them out.
 */
const TELLING_SERVICES = [
  "apigateway",
  "backup",
  "bedrock",
  "codebuild",
  "delivery.logs",
  "ecs-tasks",
  "events",
  "firehose",
  "logs",
  "monitoring.rds",
  "pipes",
  "sagemaker",
  "scheduler",
  "states",
  "vpc-flow-logs",
];

const SOURCE_KEYS = ["aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths"];

export const confusedDeputy: ResourceValidationPolicy = {
  name: "confused-deputy",
  description: "A service must not be able to use a role or function on behalf of another account.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["iam"],
  remediationSteps:
    "Add a condition on aws:SourceAccount or aws:SourceArn to the trust policy, or sourceArn or " +
    "sourceAccount to the Lambda permission.",
  url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html",

  validateResource: resourcesOf(
    ["aws:iam/role:Role", "aws:lambda/permission:Permission"],
    (properties, report, args) => {
      if (args.type === "aws:iam/role:Role") {
        for (const statement of statementsOf(properties["assumeRolePolicy"])) {
          for (const problem of trustProblems(statement)) report(`"${args.name}" ${problem}`);
        }
      } else if (isOpenPermission(properties)) {
        report(`"${args.name}" lets a service call for any account. Set sourceArn.`);
      }
    },
  ),
};

function trustProblems(statement: Statement): string[] {
  if (!statement.allows) return [];
  const conditions = conditionKeys(statement);
  const problems: string[] = [];

  const everyone = Object.values(statement.principals).some((who) => who.includes("*"));
  if (everyone && conditions.length === 0) {
    problems.push("can be assumed by everyone. Name the principals.");
  }
  const telling = (statement.principals["Service"] ?? []).filter(isTelling);
  if (telling.length > 0 && !conditions.some((key) => SOURCE_KEYS.includes(key))) {
    problems.push(
      `trusts ${telling.join(", ")} on behalf of any account. Add a condition on aws:SourceAccount.`,
    );
  }
  return problems;
}

function isTelling(service: Value): service is string {
  return (
    typeof service === "string" &&
    TELLING_SERVICES.some((name) =>
      new RegExp(`^${name}\\.([\\w-]+\\.)?amazonaws\\.com`).test(service),
    )
  );
}

/** A permission for a service, or for everyone, that is tied to no source. */
function isOpenPermission(properties: Values): boolean {
  const { principal, sourceArn, sourceAccount, principalOrgId } = properties;
  const isBroad =
    typeof principal === "string" && (principal === "*" || principal.includes(".amazonaws.com"));
  return isBroad && [sourceArn, sourceAccount, principalOrgId].every(isUnset);
}
