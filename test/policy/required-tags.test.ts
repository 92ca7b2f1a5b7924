import { requiredTags } from "../../policy/rules/required-tags";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const config = { "required-tags": { tags: ["Owner", "Project"] } };
const group = resource("aws:cloudwatch/logGroup:LogGroup");
const provider = (defaultTags: unknown) => resource("pulumi:providers:aws")("aws", { defaultTags });
const BOTH = { Owner: "x", Project: "y" };

const rows: Row[] = [
  { name: "its own", stack: [group("it", { tags: BOTH })], config },
  { name: "one missing", stack: [group("it", { tags: { Owner: "x" } })], config, warn: ["it"] },
  { name: "none", stack: [group("it", { tags: {} })], config, warn: ["it"] },
  {
    name: "the provider's, as JSON",
    stack: [
      provider(JSON.stringify({ tags: { Owner: "x" } })),
      group("it", { tags: { Project: "y" } }, { provider: "aws" }),
    ],
    config,
  },
  {
    name: "the provider's, as an object",
    stack: [provider({ tags: BOTH }), group("it", { tags: {} }, { provider: "aws" })],
    config,
  },
  {
    name: "another provider's",
    stack: [provider({ tags: BOTH }), group("it", { tags: {} })],
    config,
    warn: ["it"],
  },
  { name: "merged by AWS", stack: [group("it", { tagsAll: BOTH })], config },
  {
    name: "as aws-native has them",
    stack: [
      resource("aws-native:logs:LogGroup")("it", {
        tags: [
          { key: "Owner", value: "x" },
          { key: "Project", value: "y" },
        ],
      }),
    ],
    config,
  },
  {
    name: "not known yet",
    stack: [group("it", { tags: later({}, "other") })],
    config,
    modes: ["preview"],
  },
  {
    name: "a type that takes none",
    stack: [resource("aws:iam/rolePolicy:RolePolicy")("it")],
    config,
  },
  { name: "nothing required", stack: [group("it", { tags: {} })] },
];

describe("required-tags", () => table([requiredTags], rows));
