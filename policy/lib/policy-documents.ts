import { isObject, list, UNKNOWN, type Value, type Values } from "./values";

/** A statement of an IAM policy document, with every single value turned into a list. */
export interface Statement {
  readonly sid: string;
  readonly allows: boolean;
  readonly actions: readonly Value[];
  readonly notActions: readonly Value[];
  readonly resources: readonly Value[];
  /** Principals by kind (`AWS`, `Service`); `*` alone counts as AWS. */
  readonly principals: Readonly<Record<string, readonly Value[]>>;
  readonly condition: Values;
}

/**
 * The statements of a policy document, given as JSON or as an object; none while it is not known.
 * Most documents hold ARNs and so are known only during an update: a resource policy judges them
 * then, before the resource is made.
 */
export function statementsOf(document: Value): Statement[] {
  const parsed = typeof document === "string" ? parseJson(document) : document;
  if (!isObject(parsed)) return [];
  return list(parsed["Statement"]).flatMap((statement) =>
    isObject(statement) ? [read(statement)] : [],
  );
}

/** What a JSON text holds; nothing when it is none, which AWS will refuse by itself. */
export function parseJson(text: string): Value {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

function read(statement: Values): Statement {
  const principal = statement["Principal"];
  const condition = statement["Condition"];
  return {
    sid: typeof statement["Sid"] === "string" ? statement["Sid"] : "",
    allows: statement["Effect"] !== "Deny",
    actions: list(statement["Action"]),
    notActions: list(statement["NotAction"]),
    resources: list(statement["Resource"]),
    principals: isObject(principal)
      ? Object.fromEntries(Object.entries(principal).map(([kind, who]) => [kind, list(who)]))
      : { AWS: list(principal) },
    condition: isObject(condition) ? condition : {},
  };
}

/** The condition keys of a statement, in lower case, because IAM does not tell case apart. */
export function conditionKeys({ condition }: Statement): string[] {
  return Object.values(condition).flatMap((test) =>
    isObject(test) ? Object.keys(test).map((key) => key.toLowerCase()) : [],
  );
}

/** True when a value is in the list, or may be: it holds something that is not known yet. */
export function mayInclude(values: readonly Value[], wanted: string): boolean {
  return values.some((value) => value === wanted || value === UNKNOWN);
}
