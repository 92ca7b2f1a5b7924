import type { ResourceValidationPolicy } from "@pulumi/policy";

import { resourcesOf } from "../lib/policy";
import { list } from "../lib/values";

/** Types that attach managed policies, and the property with one ARN or a list of them. */
const ATTACHMENTS: Readonly<Record<string, string>> = {
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn",
  "aws:iam/userPolicyAttachment:UserPolicyAttachment": "policyArn",
  "aws:iam/groupPolicyAttachment:GroupPolicyAttachment": "policyArn",
  "aws:iam/policyAttachment:PolicyAttachment": "policyArn",
  "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive": "policyArns",
  "aws:iam/userPolicyAttachmentsExclusive:UserPolicyAttachmentsExclusive": "policyArns",
  "aws:iam/groupPolicyAttachmentsExclusive:GroupPolicyAttachmentsExclusive": "policyArns",
  "aws:iam/role:Role": "managedPolicyArns",
};

/** AWS's own policies that allow far more than any one workload needs. */
const TOO_WIDE = /:aws:policy\/(.*\/)?(\w*FullAccess|AdministratorAccess(-\w+)?|PowerUserAccess)$/;

export const managedPolicies: ResourceValidationPolicy = {
  name: "managed-policies",
  description: "A role must not get all rights to a service from a managed policy.",
  enforcementLevel: "mandatory",
  severity: "high",
  tags: ["iam"],
  remediationSteps: "Write a policy with the actions and ARNs that the workload uses.",
  url: "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege",

  validateResource: resourcesOf(Object.keys(ATTACHMENTS), (properties, report, args) => {
    for (const arn of list(properties[ATTACHMENTS[args.type]!])) {
      if (typeof arn !== "string" || !TOO_WIDE.test(arn)) continue;
      const name = arn.split("/").pop();
      report(`"${args.name}" attaches ${name}. Allow only what the workload uses.`);
    }
  }),
};
