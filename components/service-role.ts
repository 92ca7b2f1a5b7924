import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { policyDocument, PolicyStatement } from "./policy-document";

export interface ServiceRoleArgs {
  /** Service that takes the role, such as `ecs-tasks.amazonaws.com`. */
  readonly service: string;
  /**
   * Account on whose behalf it may: otherwise the service could be talked into it by another one.
   * @default no condition, for the services that do not tell (Lambda)
   */
  readonly accountId?: pulumi.Input<string>;
  /** All that the role may do. */
  readonly statements: readonly PolicyStatement[];
}

export interface ServiceRole {
  /** Known once the role has its rights. */
  readonly arn: pulumi.Output<string>;
}

/**
 * A role for an AWS service, with one inline policy.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function serviceRole(
  name: string,
  args: ServiceRoleArgs,
  opts: pulumi.CustomResourceOptions,
): ServiceRole {
  const role = new aws.iam.Role(
    `${name}-role`,
    {
      assumeRolePolicy: policyDocument([
        {
          Effect: "Allow",
          Principal: { Service: args.service },
          Action: "sts:AssumeRole",
          ...(args.accountId && {
            Condition: { StringEquals: { "aws:SourceAccount": args.accountId } },
          }),
        },
      ]),
    },
    opts,
  );
  const policy = new aws.iam.RolePolicy(
    `${name}-policy`,
    {
      role: role.name,
      policy: policyDocument(args.statements),
    },
    // A new policy beside the old one, which goes at the end of the update: until then, what is being
    // replaced still runs, and may have to start again.
    { ...opts, replaceOnChanges: ["policy"] },
  );
  return { arn: pulumi.all([role.arn, policy.id]).apply(([arn]) => arn) };
}
