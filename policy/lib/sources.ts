import { type Block, contains, isPrivate, parse } from "./cidr";
import { UNKNOWN, type Value } from "./values";

/** Why addresses are not provably private. */
export interface Objection {
  /** False when the addresses are not known yet, or not in sight. */
  readonly proven: boolean;
  /** Reads as the end of "is open to …". */
  readonly text: string;
}

/** Exceptions that a team grants in the pack's configuration, each with its reason. */
export interface Allowances {
  readonly allowedCidrs?: readonly { readonly cidr?: string; readonly reason?: string }[];
  readonly allowedPrefixLists?: readonly { readonly id?: string; readonly reason?: string }[];
}

/** JSON schema of {@link Allowances}, for a policy's `configSchema`. */
export const ALLOWANCES_SCHEMA = {
  properties: {
    allowedCidrs: {
      type: "array" as const,
      description: "Public blocks that may connect to a database, each with a written reason.",
      items: {
        type: "object" as const,
        properties: {
          cidr: { type: "string" as const, minLength: 1 },
          reason: { type: "string" as const, minLength: 10 },
        },
        required: ["cidr", "reason"],
        additionalProperties: false,
      },
      default: [],
    },
    allowedPrefixLists: {
      type: "array" as const,
      description: "Prefix lists that may connect to a database, each with a written reason.",
      items: {
        type: "object" as const,
        properties: {
          id: { type: "string" as const, minLength: 1 },
          reason: { type: "string" as const, minLength: 10 },
        },
        required: ["id", "reason"],
        additionalProperties: false,
      },
      default: [],
    },
  },
};

/** The widest blocks that can be allowed, by prefix length: a network of one's own, never a continent. */
const WIDEST_ALLOWANCE = { ipv4: 16, ipv6: 32 };

/** What speaks against letting a block in; nothing when it is private or allowed. */
export function objectionToCidr(cidr: Value, allowances: Allowances): Objection | undefined {
  if (cidr === UNKNOWN) return { proven: false, text: "addresses that are not known yet" };
  const block = typeof cidr === "string" ? parse(cidr) : undefined;
  const text = JSON.stringify(cidr);
  if (!block) return { proven: true, text: `${text}, which is no CIDR block` };
  if (isPrivate(block) || isAllowed(block, allowances)) return undefined;
  return { proven: true, text: `${text}, which is not a private network` };
}

/** True when the configuration names the prefix list and says why. */
export function isAllowedPrefixList(id: Value, { allowedPrefixLists = [] }: Allowances): boolean {
  return allowedPrefixLists.some((allowance) => allowance.id === id && hasReason(allowance));
}

function isAllowed(block: Block, { allowedCidrs = [] }: Allowances): boolean {
  return allowedCidrs.some((allowance) => {
    const allowed = parse(allowance.cidr ?? "");
    return (
      allowed !== undefined &&
      allowed.prefix >= WIDEST_ALLOWANCE[allowed.family] &&
      hasReason(allowance) &&
      contains(allowed, block)
    );
  });
}

function hasReason({ reason = "" }: { readonly reason?: string }): boolean {
  return reason.trim() !== "";
}
