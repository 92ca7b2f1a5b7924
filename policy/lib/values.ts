/** Stands for a value that only a provider can tell, later. */
export const UNKNOWN = Symbol("unknown");

/** A property of a resource as plain data, safe to read, compare and iterate. */
export type Value = null | undefined | boolean | number | string | symbol | Value[] | Values;
export interface Values {
  readonly [name: string]: Value;
}

/**
 * Copies a resource's properties into plain data, with {@link UNKNOWN} where a value is not known.
 *
 * The SDK hands properties over as a proxy that throws on every unknown value, and it turns an error
 * that leaves a policy into an advisory: one careless read would switch a mandatory policy off. So
 * this function is the only place in the pack that touches the proxy.
 */
export function plain(properties: Record<string, unknown>): Values {
  return copy(properties) as Values;
}

function copy(value: unknown): Value {
  if (typeof value !== "object" || value === null) {
    return value as Value;
  }
  if (Array.isArray(value)) {
    return Array.from({ length: value.length }, (_, index) => copyAt(value, index));
  }
  return Object.fromEntries(Object.keys(value).map((key) => [key, copyAt(value, key)]));
}

function copyAt(container: object, key: string | number): Value {
  try {
    return copy((container as Record<string | number, unknown>)[key]);
  } catch (error) {
    // Not `instanceof UnknownValueError`: a pack may meet a second copy of the SDK.
    if ((error as { unknownTypeSentinel?: string }).unknownTypeSentinel !== undefined) {
      return UNKNOWN;
    }
    throw error;
  }
}

/** The value at a dotted path; unknown when any step of the path is. */
export function at(values: Values, path: string): Value {
  let value: Value = values;
  for (const key of path.split(".")) {
    if (value === UNKNOWN) return UNKNOWN;
    if (!isObject(value)) return undefined;
    value = value[key];
  }
  return value;
}

/** The elements of a list, of a single value in a list's place, or of nothing. */
export function list(value: Value): Value[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

export function isObject(value: Value): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** True for a property that was left out. */
export function isUnset(value: Value): value is null | undefined {
  return value === undefined || value === null;
}
