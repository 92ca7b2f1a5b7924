import { confusedDeputy } from "../../policy/rules/confused-deputy";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const role = (statement: object) =>
  resource("aws:iam/role:Role")("role", {
    assumeRolePolicy: JSON.stringify({
      Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", ...statement }],
    }),
  });
const trusts = (service: unknown, condition?: object) =>
  role({ Principal: { Service: service }, Condition: condition });
const permission = (inputs: object) =>
  resource("aws:lambda/permission:Permission")("permission", { ...inputs });
const API = "apigateway.amazonaws.com";

const rows: Row[] = [
  ...[
    "ecs-tasks.amazonaws.com",
    "sagemaker.amazonaws.com",
    "monitoring.rds.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
    "logs.eu-west-1.amazonaws.com",
    "scheduler.amazonaws.com.cn",
  ].flatMap((service): Row[] => [
    { name: `${service} for anyone`, stack: [trusts(service)], fail: ["role"] },
    {
      name: `${service} for this account`,
      stack: [trusts(service, { StringEquals: { "aws:SourceAccount": "1" } })],
    },
  ]),
  {
    name: "by ARN, in another case",
    stack: [trusts("ecs-tasks.amazonaws.com", { ArnLike: { "AWS:sourcearn": "arn:x" } })],
  },
  {
    name: "a condition on something else",
    stack: [trusts("ecs-tasks.amazonaws.com", { StringEquals: { "sts:ExternalId": "x" } })],
    fail: ["role"],
  },
  {
    name: "among services that do not tell",
    stack: [trusts(["lambda.amazonaws.com", "sagemaker.amazonaws.com"])],
    fail: ["role"],
  },
  { name: "EC2, which does not tell", stack: [trusts("ec2.amazonaws.com")] },
  { name: "Lambda, which does not tell", stack: [trusts("lambda.amazonaws.com")] },
  { name: "everyone", stack: [role({ Principal: "*" })], fail: ["role"] },
  { name: "every AWS principal", stack: [role({ Principal: { AWS: "*" } })], fail: ["role"] },
  {
    name: "everyone in the organisation",
    stack: [role({ Principal: "*", Condition: { StringEquals: { "aws:PrincipalOrgID": "o-1" } } })],
  },
  { name: "a denial", stack: [role({ Effect: "Deny", Principal: "*" })] },
  { name: "another role", stack: [role({ Principal: { AWS: "arn:aws:iam::1:role/x" } })] },
  {
    name: "not known yet",
    stack: [resource("aws:iam/role:Role")("role", { assumeRolePolicy: later("{}", "other") })],
  },
  {
    name: "a permission for anyone's API",
    stack: [permission({ principal: API })],
    fail: ["permission"],
  },
  {
    name: "a permission for everyone",
    stack: [permission({ principal: "*" })],
    fail: ["permission"],
  },
  {
    name: "a permission for one API",
    stack: [permission({ principal: API, sourceArn: later("arn:x", "api") })],
  },
  {
    name: "a permission for this account",
    stack: [permission({ principal: API, sourceAccount: "1" })],
  },
  { name: "a permission for an account", stack: [permission({ principal: "123456789012" })] },
];

describe("confused-deputy", () => table([confusedDeputy], rows));
