import { BlockList, isIP } from "node:net";

/**
 * Blocks that the internet does not route: RFC 1918, shared address space (RFC 6598), loopback, link
 * local, unique local IPv6 (RFC 4193).
 */
const PRIVATE_BLOCKS = [
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "fc00::/7",
  "fe80::/10",
  "::1/128",
].map((block) => parse(block)!);

/** A block of addresses. */
export interface Block {
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly prefix: number;
}

/**
 * Reads a CIDR block, strictly: `0/0`, `10.0.0.0`, `010.0.0.0/8` and padded text are no blocks. Bits
 * below the prefix are allowed, because AWS accepts and clears them (`1.2.3.4/0` means everyone).
 */
export function parse(text: string): Block | undefined {
  const match = /^([0-9a-fA-F.:]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  if (!match) return undefined;
  const address = match[1]!;
  const prefix = Number(match[2]);
  switch (isIP(address)) {
    case 4:
      return prefix <= 32 ? { address, family: "ipv4", prefix } : undefined;
    case 6:
      return prefix <= 128 ? { address, family: "ipv6", prefix } : undefined;
    default:
      return undefined;
  }
}

/** True when every address of `inner` belongs to `outer`. */
export function contains(outer: Block, inner: Block): boolean {
  if (outer.family !== inner.family || inner.prefix < outer.prefix) return false;
  const addresses = new BlockList();
  addresses.addSubnet(outer.address, outer.prefix, outer.family);
  return addresses.check(inner.address, inner.family);
}

/** True when no address of the block can be reached from the internet. */
export function isPrivate(block: Block): boolean {
  return PRIVATE_BLOCKS.some((privateBlock) => contains(privateBlock, block));
}
