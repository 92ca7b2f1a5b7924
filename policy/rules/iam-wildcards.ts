import type { ResourceValidationPolicy } from "@pulumi/policy";

import { PERMISSION_CARRIERS } from "../lib/permission-carriers";
import { resourcesOf } from "../lib/policy";
import { type Statement, statementsOf } from "../lib/policy-documents";
import type { Value } from "../lib/values";

/**
 * Actions that IAM offers no narrower resource for, from the service authorization reference:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
const UNSCOPED_ACTIONS = [
  /^application-autoscaling:Describe\w+$/,
  /^autoscaling:Describe\w+$/,
  /^cloudwatch:(PutMetricData|ListMetrics|GetMetricData|GetMetricStatistics|DescribeAlarmsForMetric)$/,
  /^ec2:Describe\w+$/,
  /^ecr:GetAuthorizationToken$/,
  /^ecs:(ListClusters|ListTaskDefinitions|DescribeTaskDefinition|RegisterTaskDefinition|DeregisterTaskDefinition)$/,
  /^elasticloadbalancing:Describe\w+$/,
  /^logs:(DescribeLogGroups|CreateLogDelivery|GetLogDelivery|UpdateLogDelivery|DeleteLogDelivery|ListLogDeliveries|PutResourcePolicy|DescribeResourcePolicies)$/,
  /^s3:ListAllMyBuckets$/,
  /^sagemaker:List\w+$/,
  /^secretsmanager:(GetRandomPassword|ListSecrets)$/,
  /^servicediscovery:(ListNamespaces|ListServices|DiscoverInstances)$/,
  /^ssm:DescribeParameters$/,
  /^ssmmessages:(Create|Open)(Control|Data)Channel$/,
  /^sts:GetCallerIdentity$/,
  /^tag:GetResources$/,
  /^xray:(PutTraceSegments|PutTelemetryRecords|GetSampling\w+)$/,
];

/** A resource that stands for all of a service's: `*`, `arn:aws:s3:::*`. */
const EVERY_RESOURCE = /^(\*|arn:[^:]*:[^:]*:[^:]*:[^:]*:\*+)$/;

export const iamWildcards: ResourceValidationPolicy = {
  name: "iam-wildcards",
  description: "A policy must name the actions and resources that it allows.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["iam"],
  remediationSteps:
    'Replace "*" and "service:*" by the actions that are used, and "*" by the ARNs they are used on. ' +
    "Actions that take no resource go into a statement of their own.",
  url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",

  validateResource: resourcesOf(Object.keys(PERMISSION_CARRIERS), (properties, report, args) => {
    const documents = PERMISSION_CARRIERS[args.type]!(properties);
    for (const statement of documents.flatMap(statementsOf).filter(({ allows }) => allows)) {
      const where = `"${args.name}"${statement.sid && `, statement "${statement.sid}",`}`;
      for (const problem of problemsOf(statement)) report(`${where} ${problem}`);
    }
  }),
};

function problemsOf({ actions, notActions, resources }: Statement): string[] {
  const problems: string[] = [];
  if (notActions.length > 0) {
    problems.push("allows every action but some. Name the actions that are used.");
  }
  const wild = actions.filter(isEveryAction);
  if (wild.length > 0) {
    problems.push(`allows ${wild.join(", ")}. Name the actions that are used.`);
  }
  if (resources.some(isEveryResource)) {
    const scopable = actions.filter(isScopable);
    if (scopable.length > 0) {
      problems.push(`allows ${scopable.join(", ")} on every resource. Name their ARNs.`);
    }
  }
  return problems;
}

function isEveryAction(action: Value): action is string {
  return typeof action === "string" && /^(\*|[\w-]+:\*+)$/.test(action);
}

/** A trailing wildcard stands for any one action: `ec2:Describe*` is as good as each of them. */
function isScopable(action: Value): action is string {
  if (typeof action !== "string") return false;
  return !UNSCOPED_ACTIONS.some((pattern) => pattern.test(action.replace(/\*$/, "X")));
}

function isEveryResource(resource: Value): boolean {
  return typeof resource === "string" && EVERY_RESOURCE.test(resource);
}
