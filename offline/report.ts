import { modelEndpoints, routes } from "./answering";
import { SECRET } from "./engine";
import { Outcome, Verdict } from "./policies";
import { Registration, UNKNOWN } from "./registration";

/** What a preview found. */
export interface Preview {
  readonly project: string;
  readonly stack: string;
  readonly resources: readonly Registration[];
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly policies: readonly Outcome[];
  readonly violations: readonly Verdict[];
}

const UNKNOWN_TEXT = "(known after pulumi up)";

/** The preview as text for a terminal. */
export function report(preview: Preview): string {
  return [
    `Preview of ${preview.project}/${preview.stack}, made offline: AWS was not asked, nothing was changed.`,
    section("Resources", [...tree(preview.resources), "", counts(preview.resources)]),
    section("Routes", routes(preview.resources)),
    section("Model endpoints", orNone(modelEndpoints(preview.resources))),
    section("Outputs", outputs(preview.outputs)),
    section("Policies", policies(preview.policies, preview.violations)),
    section("Not seen from here", unseen(preview.resources)),
    verdict(preview.violations),
  ].join("\n\n");
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

function orNone(lines: readonly string[]): readonly string[] {
  return lines.length > 0 ? lines : ["none"];
}

/** Resources under their components, in the order of the registrations. */
export function tree(resources: readonly Registration[]): string[] {
  const children = new Map<string | undefined, Registration[]>();
  for (const resource of resources) {
    children.set(resource.parent, [...(children.get(resource.parent) ?? []), resource]);
  }
  const lines: string[] = [];
  const visit = (resource: Registration, lead: string, branch: string, indent: string) => {
    lines.push(`${lead}${branch}${label(resource)}`);
    const below = children.get(resource.urn) ?? [];
    below.forEach((child, i) => {
      const last = i === below.length - 1;
      visit(child, lead + indent, last ? "└─ " : "├─ ", last ? "   " : "│  ");
    });
  };
  for (const root of children.get(undefined) ?? []) visit(root, "", "", "");
  return lines;
}

function label(resource: Registration): string {
  const marks = [
    ...(resource.protect ? ["protected"] : []),
    ...(resource.remote ? ["children not seen"] : []),
  ];
  const note = marks.length > 0 ? `  [${marks.join(", ")}]` : "";
  return `${shortType(resource.type)}  ${resource.name}${note}`;
}

/** `aws:rds:Cluster` for `aws:rds/cluster:Cluster`, as the Pulumi CLI shows it. */
function shortType(type: string): string {
  return type.replace(/\/[^:]*/, "");
}

function counts(resources: readonly Registration[]): string {
  const custom = resources.filter((resource) => resource.custom).length;
  const components = resources.filter(
    (resource) => !resource.custom && resource.type !== "pulumi:pulumi:Stack",
  ).length;
  return `${custom} resources in ${components} components, ${resources.filter((r) => r.protect).length} of them protected`;
}

function outputs(values: Readonly<Record<string, unknown>>): string[] {
  const names = Object.keys(values).sort();
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((name) => `${name.padEnd(width)}  ${show(values[name])}`);
}

function show(value: unknown): string {
  if (value === UNKNOWN) return UNKNOWN_TEXT;
  if (value === SECRET || typeof value === "string") return String(value);
  return JSON.stringify(value, (_, item: unknown) => (item === UNKNOWN ? UNKNOWN_TEXT : item));
}

function policies(outcomes: readonly Outcome[], violations: readonly Verdict[]): string[] {
  const width = Math.max(0, ...outcomes.map((outcome) => outcome.policy.length));
  return outcomes.flatMap((outcome) => [
    `${outcome.result.padEnd(14)}  ${outcome.policy.padEnd(width)}  ${outcome.level}`,
    ...violations
      .filter((violation) => violation.policy === outcome.policy)
      .flatMap((violation) => [
        `  ${violation.level}: ${violation.message.trim().replaceAll("\n", "\n    ")}`,
        `    ${violation.urn ?? "the stack as a whole"}`,
      ]),
  ]);
}

function unseen(resources: readonly Registration[]): string[] {
  const remote = resources.filter((resource) => resource.remote);
  const unknown = resources
    .filter((resource) => resource.custom)
    .flatMap((resource) => Object.values(resource.inputs).filter(holdsUnknown)).length;
  return [
    ...remote.map(
      (resource) =>
        `the children of ${resource.type} ${resource.name}: its provider makes them (subnets, routes, gateways)`,
    ),
    `${unknown} inputs with values that only a provider knows, such as ids and ARNs of what is not made yet`,
    "what the account holds already: zones, quotas, names that are taken; zone names are made up",
  ];
}

/** Whether a value is unknown, or has an unknown part. */
function holdsUnknown(value: unknown): boolean {
  if (value === UNKNOWN) return true;
  if (value === null || typeof value !== "object") return false;
  return Object.values(value).some(holdsUnknown);
}

function verdict(violations: readonly Verdict[]): string {
  const mandatory = violations.filter((violation) => violation.level === "mandatory").length;
  const advisory = violations.length - mandatory;
  const advice = advisory > 0 ? `, ${advisory} advisory` : "";
  return mandatory > 0
    ? `REFUSED: ${mandatory} mandatory violation(s)${advice}.`
    : `No mandatory violation${advice}.`;
}
