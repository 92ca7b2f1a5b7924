import { managedPolicies } from "../../policy/rules/managed-policies";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const attachment = (name: string, policyArn: unknown) =>
  resource("aws:iam/rolePolicyAttachment:RolePolicyAttachment")(name, { role: "role", policyArn });
const aws = (name: string) => `arn:aws:iam::aws:policy/${name}`;

const rows: Row[] = [
  ...[
    aws("AmazonS3FullAccess"),
    aws("AmazonSageMakerFullAccess"),
    aws("AdministratorAccess"),
    aws("AdministratorAccess-Amplify"),
    aws("PowerUserAccess"),
    aws("service-role/SomethingFullAccess"),
    "arn:aws-cn:iam::aws:policy/AmazonS3FullAccess",
  ].map((arn) => ({ name: arn, stack: [attachment("attachment", arn)], fail: ["attachment"] })),
  ...[
    aws("AmazonS3ReadOnlyAccess"),
    aws("service-role/AmazonECSTaskExecutionRolePolicy"),
    "arn:aws:iam::123456789012:policy/MyFullAccess",
    later(aws("ReadOnlyAccess"), "policy"),
  ].map((arn, i) => ({ name: `fine ${i}`, stack: [attachment("attachment", arn)] })),
  {
    name: "on a role, a user, a group, in a list",
    stack: [
      resource("aws:iam/role:Role")("role", { managedPolicyArns: [aws("IAMFullAccess")] }),
      resource("aws:iam/userPolicyAttachment:UserPolicyAttachment")("user", {
        policyArn: aws("IAMFullAccess"),
      }),
      resource("aws:iam/groupPolicyAttachment:GroupPolicyAttachment")("group", {
        policyArn: aws("IAMFullAccess"),
      }),
      resource("aws:iam/policyAttachment:PolicyAttachment")("any", {
        policyArn: aws("IAMFullAccess"),
      }),
      resource("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive")("exact", {
        policyArns: [aws("ReadOnlyAccess"), aws("IAMFullAccess")],
      }),
    ],
    fail: ["role", "user", "group", "any", "exact"],
  },
];

describe("managed-policies", () => table([managedPolicies], rows));
