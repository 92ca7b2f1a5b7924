import type { PolicyResource } from "@pulumi/policy";

import { Links, setProperties } from "./links";
import { type Allowances, isAllowedPrefixList, type Objection, objectionToCidr } from "./sources";
import { isObject, list, type Value } from "./values";

const LIST_TYPES = ["aws:ec2/managedPrefixList:ManagedPrefixList", "aws-native:ec2:PrefixList"];
const LIST_IDS = ["id", "prefixListId"];
const ENTRY_TYPE = "aws:ec2/managedPrefixListEntry:ManagedPrefixListEntry";

/** The prefix lists of a stack, with the blocks that stand in them. */
export class PrefixLists {
  private readonly links: Links;
  private readonly blocks = new Map<PolicyResource, Value[]>();

  constructor(resources: readonly PolicyResource[]) {
    const lists = resources.filter((resource) => LIST_TYPES.includes(resource.type));
    this.links = new Links(lists, LIST_IDS);
    for (const resource of lists) {
      const entries = list(setProperties(resource)["entries"]);
      this.blocks.set(
        resource,
        entries.map((entry) => (isObject(entry) ? entry["cidr"] : entry)),
      );
    }
    for (const entry of resources.filter((resource) => resource.type === ENTRY_TYPE)) {
      for (const target of this.links.resolve(entry, "prefixListId").targets) {
        this.blocks.get(target)!.push(setProperties(entry)["cidr"]);
      }
    }
  }

  /** What speaks against letting in a prefix list that a property of a rule names. */
  objections(
    rule: PolicyResource,
    property: string,
    id: Value,
    allowances: Allowances,
  ): Objection[] {
    if (isAllowedPrefixList(id, allowances)) return [];
    const { targets, unseen } = this.links.match(rule, property, [id]);
    const objections = targets.flatMap((target) =>
      this.blocks.get(target)!.flatMap((cidr) => objectionToCidr(cidr, allowances) ?? []),
    );
    if (unseen > 0) {
      objections.push({ proven: false, text: "a prefix list whose blocks are not in sight" });
    }
    return objections;
  }
}
