import { parseJson } from "./policy-documents";
import { isObject, list, type Value, type Values } from "./values";

/** The containers of an ECS task definition; none while their JSON is not known. */
export function containersOf(definitions: Value): Values[] {
  const containers = typeof definitions === "string" ? parseJson(definitions) : definitions;
  return list(containers).filter(isObject);
}
