import { isObject, list, type Value, type Values } from "./values";

/** Types that grant rights to an identity, and where their policy documents stand. */
export const PERMISSION_CARRIERS: Readonly<Record<string, (properties: Values) => Value[]>> = {
  "aws:iam/policy:Policy": policyProperty,
  "aws:iam/rolePolicy:RolePolicy": policyProperty,
  "aws:iam/userPolicy:UserPolicy": policyProperty,
  "aws:iam/groupPolicy:GroupPolicy": policyProperty,
  "aws:iam/role:Role": (properties) =>
    list(properties["inlinePolicies"]).map((inline) =>
      isObject(inline) ? inline["policy"] : undefined,
    ),
};

function policyProperty(properties: Values): Value[] {
  return [properties["policy"]];
}
