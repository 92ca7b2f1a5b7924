import { logRetention } from "../../policy/rules/log-retention";
import { later, resource } from "./stacks";
import { type Row, table } from "./table";

const group = resource("aws:cloudwatch/logGroup:LogGroup");
const rows: Row[] = [
  { name: "set", stack: [group("log", { retentionInDays: 30 })] },
  { name: "not known yet", stack: [group("log", { retentionInDays: later(30, "other") })] },
  { name: "left out", stack: [group("log")], warn: ["log"] },
  { name: "for ever", stack: [group("log", { retentionInDays: 0 })], warn: ["log"] },
  { name: "of the class that has its own", stack: [group("log", { logGroupClass: "DELIVERY" })] },
];

describe("log-retention", () => table([logRetention], rows));
