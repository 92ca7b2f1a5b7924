import * as pulumi from "@pulumi/pulumi";

/** A statement of an IAM policy document. */
export type PolicyStatement = Record<string, pulumi.Input<unknown>>;

/** The JSON of an IAM policy document. */
export function policyDocument(
  statements: readonly pulumi.Input<PolicyStatement>[],
): pulumi.Output<string> {
  return pulumi.jsonStringify({ Version: "2012-10-17", Statement: statements });
}
