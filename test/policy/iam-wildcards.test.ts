import { iamWildcards } from "../../policy/rules/iam-wildcards";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const STATEMENT = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/*" };
const policy = (statement: object, type = "aws:iam/rolePolicy:RolePolicy") =>
  resource(type)("policy", {
    policy: JSON.stringify({ Statement: [{ ...STATEMENT, ...statement }] }),
  });
const good = (name: string, statement: object): Row => ({ name, stack: [policy(statement)] });
const bad = (name: string, statement: object): Row => ({
  name,
  stack: [policy(statement)],
  fail: ["policy"],
});

const rows: Row[] = [
  good("named", {}),
  good("one statement, not in a list", { Action: ["s3:GetObject", "s3:PutObject"] }),
  good("part of a name", { Action: "s3:Get*" }),
  good("denied", { Effect: "Deny", Action: "*", Resource: "*" }),
  good("an action without resources", { Action: "ecr:GetAuthorizationToken", Resource: "*" }),
  good("several of them", {
    Action: ["ec2:DescribeVpcs", "cloudwatch:PutMetricData"],
    Resource: ["*"],
  }),
  good("all of a kind of them", { Action: "ec2:Describe*", Resource: "*" }),
  good("ECS Exec", {
    Action: ["ssmmessages:CreateControlChannel", "ssmmessages:OpenDataChannel"],
    Resource: "*",
  }),
  bad("every action", { Action: "*" }),
  bad("every action of a service", { Action: "s3:*" }),
  bad("every action of a service among others", { Action: ["s3:GetObject", "kms:*"] }),
  bad("every action but one", { Action: undefined, NotAction: "iam:*" }),
  bad("every resource", { Resource: "*" }),
  bad("every resource among others", { Resource: ["arn:aws:s3:::bucket/*", "*"] }),
  bad("every bucket", { Resource: "arn:aws:s3:::*" }),
  bad("every resource of a service", { Resource: "arn:aws:sqs:us-east-1:123456789012:*" }),
  bad("an action with resources beside one without", {
    Action: ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"],
    Resource: "*",
  }),
  bad("a name that only begins like one without", { Action: "ec2:RunInstances", Resource: "*" }),
  bad("no effect, which allows nothing but is no denial", { Effect: undefined, Action: "*" }),
  ...["policy:Policy", "userPolicy:UserPolicy", "groupPolicy:GroupPolicy"].map((type) => ({
    name: type,
    stack: [policy({ Action: "*" }, `aws:iam/${type}`)],
    fail: ["policy"],
  })),
  {
    name: "inline in a role",
    stack: [
      resource("aws:iam/role:Role")("role", {
        inlinePolicies: [{ policy: JSON.stringify({ Statement: { ...STATEMENT, Action: "*" } }) }],
      }),
      resource("aws:iam/role:Role")("good", { inlinePolicies: [{ policy: "{}" }] }),
      resource("aws:iam/role:Role")("none"),
    ],
    fail: ["role"],
  },
  {
    name: "an object, a part of it not known yet",
    stack: [
      resource("aws:iam/rolePolicy:RolePolicy")("policy", {
        policy: { Statement: [{ ...STATEMENT, Resource: later("arn", "bucket"), Action: "s3:*" }] },
      }),
    ],
    fail: ["policy"],
  },
  {
    name: "not known yet, and wrong when known",
    stack: [
      resource("aws:iam/rolePolicy:RolePolicy")("policy", {
        policy: later(JSON.stringify({ Statement: { ...STATEMENT, Action: "*" } }), "bucket"),
      }),
    ],
    fail: ["policy"],
    modes: ["live", "idless"],
  },
  {
    name: "not known yet",
    stack: [resource("aws:iam/rolePolicy:RolePolicy")("policy", { policy: later("{}", "bucket") })],
  },
];

describe("iam-wildcards", () => table([iamWildcards], rows));
