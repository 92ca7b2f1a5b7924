import { containerHardening } from "../../policy/rules/container-hardening";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const GOOD = { name: "app", user: "1000:1000", readonlyRootFilesystem: true };
const task = (containerDefinitions: unknown) =>
  resource("aws:ecs/taskDefinition:TaskDefinition")("task", { containerDefinitions });
const container = (inputs: object) => task(JSON.stringify([GOOD, { ...GOOD, ...inputs }]));
const bad = (name: string, inputs: object): Row => ({
  name,
  stack: [container(inputs)],
  warn: ["task"],
});

const rows: Row[] = [
  { name: "hardened", stack: [container({})] },
  { name: "hardened, by name", stack: [container({ user: "nginx" })] },
  { name: "hardened, a user like root", stack: [container({ user: "rootless" })] },
  { name: "not known yet", stack: [task(later("[]", "image"))] },
  { name: "given as a list", stack: [task([{ ...GOOD, user: "root" }])], warn: ["task"] },
  { name: "no name", stack: [container({ name: undefined, user: "0" })], warn: ["task"] },
  bad("no user", { user: undefined }),
  bad("root", { user: "root" }),
  bad("root's number", { user: "0" }),
  bad("root with a group", { user: "0:1000" }),
  bad("writable", { readonlyRootFilesystem: false }),
  bad("writable by default", { readonlyRootFilesystem: undefined }),
  bad("privileged", { privileged: true }),
];

describe("container-hardening", () => table([containerHardening], rows));
